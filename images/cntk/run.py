"""Run the checkpoint in CNTK, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/`` (``model.py``, ``model.dnn``),
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``). Writes ``out/outputs.npz`` (keyed
``<case>/<value name>``, by the IR's names): what ``model.dnn`` computes, and with ``trace`` values between, as the
code with the checkpoint's parameters computes them, whose answers have to be the same. ``out/runtime.json`` says what
ran. Runs on Python 2.7 and 3.

The plan says for each value what it is called and its shape, where ``batch`` is the axis that is CNTK's dynamic one.
"""

# ruff: noqa: ANN001, ANN201, B905, UP031

import json

import cases
import network
import numpy
from network import cntk  # one thread, on the CPU

BATCH = "batch"


def main():
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as stream:
        plan = json.load(stream)
    saved = cntk.Function.load("in/checkpoint/model.dnn")
    code, values = network.held(network.code("in/checkpoint/model.py").create_model)
    code.restore("in/checkpoint/model.dnn")
    results = {}
    for number, (case, inputs) in enumerate(sorted(cases.read().items())):
        outputs = named(computed(saved, saved.outputs, inputs, plan), saved.outputs, plan["outputs"])
        if number == 0:
            check_code(named(computed(code, code.outputs, inputs, plan), code.outputs, plan["outputs"]), outputs)
        if trace:
            outputs.update(traced(values, inputs, plan))
        for name, value in outputs.items():
            results["%s/%s" % (case, name)] = typed(value, plan.get("dtypes", {}).get(name, "float32"))
    cases.write(results, "cntk", cntk=cntk.__version__)


def computed(model, wanted, inputs, plan):
    """What `wanted`, variables of `model`, hold for the `inputs` of a case, each with the batch first."""
    rows = {name: batch_first(inputs[given], shape) for given, (name, shape) in plan["inputs"].items()}
    found = model.eval({each: rows[each.name] for each in model.arguments}, wanted, as_numpy=True)
    return [numpy.asarray(found[each]) for each in wanted] if isinstance(found, dict) else [numpy.asarray(found)]


def named(found, variables, places):
    """The values `found` of `variables` by the IR's names and in its shape."""
    by_name = {each.name: value for each, value in zip(variables, found)}
    return {given: batch_back(by_name[name], shape) for given, (name, shape) in places.items()}


def traced(values, inputs, plan):
    """The values between, by the IR's names, of the variables `values` of the code."""
    held = {given: getattr(values[name], "output", values[name]) for given, (name, _) in plan["trace"].items()}
    if not held:
        return {}
    variables = list({each.uid: each for each in held.values()}.values())
    found = computed(cntk.combine(variables), variables, inputs, plan)
    by_uid = {each.uid: value for each, value in zip(variables, found)}
    return {given: batch_back(by_uid[held[given].uid], shape) for given, (_, shape) in plan["trace"].items()}


def batch_first(value, shape):
    """An input as CNTK takes it."""
    return numpy.ascontiguousarray(numpy.moveaxis(value, shape.index(BATCH), 0) if BATCH in shape else value, "f")


def batch_back(value, shape):
    """A value of CNTK's in the layout of the IR."""
    return numpy.moveaxis(value, 0, shape.index(BATCH)) if BATCH in shape else value


def typed(value, dtype):
    """`value` as the type that the IR has for it; all numbers have to be whole for one that is."""
    found = value.astype(dtype)
    if dtype != "float32" and not (found == value).all():
        raise ValueError("numbers that are no %s" % dtype)
    return found


def check_code(found, wanted):
    """Fail unless the code computes what the checkpoint does."""
    for name, value in wanted.items():
        if not numpy.array_equal(numpy.nan_to_num(found[name]), numpy.nan_to_num(value)):
            raise ValueError("the code computes another %r than the checkpoint that was made of it" % name)


if __name__ == "__main__":
    main()
