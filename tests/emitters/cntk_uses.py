"""Do with a checkpoint what CNTK's users do, in its image; a step for ``batch.py``. Runs on Python 2.7 and 3.

Reads ``in/checkpoint/*`` and ``in/inputs.npz``; writes ``out/outputs.npz``, keyed ``<way>/<case>/<output's name>``,
and ``out/facts.json``: what the files call things, and what training changes.
"""

# ruff: noqa: ANN001, ANN201, UP031

import ast
import json
import subprocess

import cases
import network
import numpy

cntk = network.cntk
MODEL, CODE = "in/checkpoint/model.dnn", "in/checkpoint/model.py"
COMPILE = "import sys; compile(open(sys.argv[1]).read(), 'model.py', 'exec')"


def main():
    """Run the step in the working folder."""
    code, everything = network.code(CODE), cases.read()
    given = everything["few"]
    facts = trained(code.load(MODEL), given)  # first: on one thread, MKL dies of it after an evaluation
    ways = {"code": code.load(MODEL), "file": cntk.Function.load(MODEL)}
    found = {}
    for case, inputs in everything.items():
        for way, model in ways.items():
            for name, value in computed(model, inputs).items():
                found["%s/%s/%s" % (way, case, name)] = value
    numpy.savez("out/outputs.npz", **found)
    facts.update(
        {
            "imports": imports(CODE),
            "compiles": subprocess.call(["python3", "-I", "-c", COMPILE, CODE]) == 0,
            "inputs": {each.name: list(each.shape) for each in ways["file"].arguments},
            "outputs": sorted(each.name for each in ways["file"].outputs),
            "parameters": {name: list(each.shape) for name, each in network.parameters(ways["code"]).items()},
        }
    )
    facts.update(saved_again(code.load(MODEL), code, given))
    with open("out/facts.json", "w") as stream:
        json.dump(facts, stream)


def computed(model, inputs):
    """The outputs of ``model`` by name."""
    values = model.eval({each: inputs[each.name] for each in model.arguments}, model.outputs, as_numpy=True)
    values = values if isinstance(values, dict) else {model.outputs[0]: values}
    return {each.name: numpy.asarray(value) for each, value in values.items()}


def imports(path):
    """The modules that the code imports."""
    found = set()
    with open(path) as stream:
        tree = ast.parse(stream.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return sorted(found)


def trained(model, inputs):
    """Which parameters a step of a learner changes, and which it does not."""
    before = {name: each.value.copy() for name, each in network.parameters(model).items()}
    loss = sum(cntk.reduce_sum(cntk.square(each - 1)) for each in model.outputs)
    learner = cntk.sgd(loss.parameters, cntk.learning_rate_schedule(1.0, cntk.UnitType.sample))
    trainer = cntk.Trainer(model, (loss, loss), [learner])
    trainer.train_minibatch({each: inputs[each.name] for each in loss.arguments})
    after = network.parameters(model)
    learnt = sorted(name for name, each in after.items() if each.is_parameter)
    changed = sorted(name for name in before if not numpy.array_equal(before[name], after[name].value))
    return {"changed": changed, "learnt": learnt}


def saved_again(model, code, inputs):
    """Whether what was trained on is saved and loaded as the files are."""
    for each in model.parameters:
        each.value = each.value + numpy.float32(0.25)
    model.save("out/again.dnn")
    first, second = computed(model, inputs), computed(code.load("out/again.dnn"), inputs)
    return {"saved again": all(numpy.array_equal(value, second[name]) for name, value in first.items())}


if __name__ == "__main__":
    main()
