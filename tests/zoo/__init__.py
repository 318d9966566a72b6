"""The networks of Gluon's and GluonCV's model zoos, with seeded weights: the IR against MXNet.

    python -m tests.zoo [name ...]      # make zoo

measures the nets named, or all of them, and brings ``results.json`` and ``docs/gluon-zoo.md`` up to date.
"""
