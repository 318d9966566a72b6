"""The benchmark of the MXNet frontend: ``python -m bench``, or ``make bench``. See ``bench/README.md``."""
