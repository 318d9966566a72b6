"""Run another step of this toolchain and write how far its trace is from the reference's, instead of the trace.

A trace is every value that a network computes, hundreds of megabytes of a large one: it is compared where it is made,
value by value. Reads ``in/params.json`` (``{"step", "case", "order", ...}``, the step's own parameters beside them),
``in/reference/trace.npz`` (keyed ``<case>/<value name>``) and whatever the step reads. Writes ``out/layers.json``:
``{"case", "values": [...]}`` with those items of ``order`` (``{"value", "node", "operator"}``) whose value both sides
have, in that order, each with its ``max_rel``.

That is ``max|a - b| / max|a|`` in float64, as in ``converter/compare.py``, but of one case: 0 where both are zeros,
``"Infinity"`` where only ``a`` is, null where the two cannot be compared (other shapes, integers for floats, no
elements, NaN or infinity on either side).

Runs on Python 2.7 and 3. Imports nothing of its own before the step has: some have to set up NumPy first.
"""

# ruff: noqa: ANN001, ANN201, UP031

import importlib
import json
import os

KINDS = {"f": "floats", "i": "integers", "u": "integers", "b": "booleans"}


def main():
    """Run the step in the working folder."""
    with open("in/params.json") as stream:
        params = json.load(stream)
    step = importlib.import_module(params["step"])
    step.cases.write = lambda outputs, *_, **__: write(outputs, params)
    step.main()


def write(outputs, params):
    """Write the errors of `outputs`, keyed ``<case>/<value name>``, and remove what else the step wrote."""
    import numpy

    with numpy.load("in/reference/trace.npz", allow_pickle=False) as reference:
        found = []
        for place in params["order"]:
            key = "%s/%s" % (params["case"], place["value"])
            if key in reference.files and key in outputs:
                found.append(dict(place, max_rel=error(reference[key], numpy.asarray(outputs[key]), numpy)))
    for name in os.listdir("out"):
        os.remove("out/" + name)
    with open("out/layers.json", "w") as stream:
        json.dump({"case": params["case"], "values": found}, stream, indent=1, separators=(",", ": "), sort_keys=True)
        stream.write("\n")


def error(a, b, numpy):
    """The relative error of `b`; None where the two cannot be compared."""
    if a.shape != b.shape or a.size == 0 or a.dtype.kind not in KINDS:
        return None
    if KINDS[a.dtype.kind] != KINDS.get(b.dtype.kind) or not (numpy.isfinite(a).all() and numpy.isfinite(b).all()):
        return None
    wide = a.astype("float64")
    distance = float(numpy.abs(wide - b.astype("float64")).max())
    scale = float(numpy.abs(wide).max())
    if distance == 0:
        return 0.0
    return float("%.3g" % (distance / scale)) if scale else "Infinity"


if __name__ == "__main__":
    main()
