"""What every step that runs a network does alike: read the cases, write the answers, refuse.

Needs numpy only; runs on Python 2.7 and on any Python 3.
"""

# ruff: noqa: ANN001, ANN003, ANN201

import json
import platform
import sys

import numpy as np

REFUSED = 65


def params():
    """The step's parameters."""
    with open("in/params.json") as stream:
        return json.load(stream)


def read():
    """The inputs, ``{case: {name: array}}``, from ``in/inputs.npz``, which is keyed ``<case>/<name>``."""
    cases = {}
    with np.load("in/inputs.npz", allow_pickle=False) as archive:
        for key in archive.files:
            case, name = key.split("/", 1)
            cases.setdefault(case, {})[name] = archive[key]
    return cases


def write(outputs, framework, runtime=None, **versions):
    """Write `outputs`, keyed ``<case>/<value name>``, to ``out/outputs.npz``, and what computed them beside it.

    To the given `versions` by name those of numpy and Python are added. A `runtime` is named where it is not that of
    the `framework` itself.
    """
    np.savez("out/outputs.npz", **outputs)
    versions.update(numpy=np.__version__, python=platform.python_version())
    facts = {"framework": framework, "versions": versions}
    if runtime is not None:
        facts["runtime"] = runtime
    with open("out/runtime.json", "w") as stream:
        json.dump(facts, stream, indent=2, sort_keys=True)
        stream.write("\n")


def refuse(message):
    """End the step with a `message` that the user can act on."""
    sys.stderr.write(message + "\n")
    raise SystemExit(REFUSED)
