"""Build the checkpoint: the generated code makes the network, its parameters are set, CNTK saves it.

Reads ``in/code/model.py``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes ``out/model.py``
and ``out/model.dnn``. Runs on Python 2.7 and 3.
"""

# ruff: noqa: ANN001, ANN201, UP031

import json
import shutil

import network  # before cntk, which it configures
import numpy
import weights


def main():
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as stream:
        rows = json.load(stream)["parameters"]
    model = network.code("in/code/model.py").create_model()
    present = network.parameters(model)
    tensors = weights.Weights("in/ir/weights.safetensors")
    planned = {row["name"] for row in rows}
    unplanned = sorted(name for name, each in present.items() if each.is_parameter and name not in planned)
    if unplanned:
        raise ValueError("the plan does not set %s" % ", ".join(unplanned))
    for row in rows:
        set_value(present, row, weights.evaluate(row["value"], tensors))
    shutil.copyfile("in/code/model.py", "out/model.py")
    model.save("out/model.dnn")


def set_value(present, row, value):
    """Set what the plan's `row` names among the parameters `present` to `value`, whose shape has to be its own."""
    if row["name"] not in present:
        raise ValueError("the network has no parameter %s" % row["name"])
    parameter = present[row["name"]]
    if not list(parameter.shape) == row["shape"] == list(value.shape):
        message = "%s has the shape %s in the network, %s in the plan, and its value has %s"
        raise ValueError(message % (row["name"], list(parameter.shape), row["shape"], list(value.shape)))
    parameter.value = numpy.asarray(value, numpy.float32, order="C")


if __name__ == "__main__":
    main()
