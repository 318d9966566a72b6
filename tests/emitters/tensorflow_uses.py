"""Do with a checkpoint what TensorFlow's users do, in its image; a step for ``batch.py``.

Reads ``in/checkpoint/*``, ``in/params.json`` (``{"train"}``) and ``in/inputs.npz``; writes ``out/outputs.npz``, keyed
``<way>/<case>/<output's name>`` and in the network's own layout, as the inputs are, and ``out/facts.json``: what
the files call things, and what training changes.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cases
import network
import numpy
import tensorflow

Arrays = Mapping[str, numpy.ndarray]
SAVED, LITE = "in/checkpoint/saved_model", "in/checkpoint/model.tflite"


def main() -> None:
    """Run the step in the working folder."""
    code = network.load_code("in/checkpoint/model.py")
    saved = tensorflow.saved_model.load(SAVED)
    interpreter = tensorflow.lite.Interpreter(LITE)
    ways: dict[str, Callable[..., Arrays]] = {
        "code": code.load(SAVED),
        "saved_model": saved.signatures["serving_default"],
        "call": saved,
        "tflite": interpreter.get_signature_runner("serving_default"),
    }
    found = {}
    for case, arrays in cases.read().items():
        for way, model in ways.items():
            given = (
                arrays if way == "tflite" else {name: tensorflow.constant(array) for name, array in arrays.items()}
            )
            found |= {f"{way}/{case}/{name}": numpy.array(value) for name, value in model(**given).items()}
    numpy.savez("out/outputs.npz", **found)
    signature = saved.signatures["serving_default"]
    facts = {
        "imports": imports("in/checkpoint/model.py"),
        "inputs": {name: [str(spec.dtype.name), spec.shape.as_list()] for name, spec in takes(signature).items()},
        "outputs": sorted(signature.structured_outputs),
        "lite": {name: sorted(lists) for name, lists in interpreter.get_signature_list()["serving_default"].items()},
        "trainable": sorted(variable.name for variable in code.load(SAVED).trainable_variables),
        "other": other(code),
        "saved again": saved_again(code.load(SAVED), code, given),
    }
    if cases.params()["train"]:
        facts |= trained(code.load(SAVED), given)
    Path("out/facts.json").write_text(json.dumps(facts))


def imports(path: str) -> list[str]:
    """The modules that the code imports."""
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return sorted(found)


def takes(signature: Any) -> Mapping[str, Any]:
    """What a signature's inputs are, by name."""
    specs: Mapping[str, Any] = signature.structured_input_signature[1]
    return specs


def other(code: Any) -> str:
    """What the code says of another network's variables."""
    stranger = tensorflow.Module()
    stranger.weight = tensorflow.Variable(tensorflow.zeros([3]))
    tensorflow.saved_model.save(stranger, "out/stranger")
    try:
        code.load("out/stranger")
    except (AssertionError, ValueError) as error:
        return type(error).__name__
    return "loaded"


def saved_again(model: Any, code: Any, inputs: Arrays) -> bool:
    """Whether what was trained on is saved and loaded as the files are."""
    for variable in model.trainable_variables:
        variable.assign_add(tensorflow.ones_like(variable) * 0.25)
    tensorflow.saved_model.save(model, "out/again")
    first, second = model(**inputs), code.load("out/again")(**inputs)
    return all(numpy.array_equal(first[name], second[name]) for name in first)


def trained(model: Any, inputs: Arrays) -> dict[str, Any]:
    """What one step of training does."""
    before = {variable.name: variable.numpy() for variable in model.variables}
    with tensorflow.GradientTape() as tape:
        loss = sum(tensorflow.reduce_sum((value - 1) ** 2) for value in model(**inputs).values())
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        if gradient is not None:
            variable.assign_sub(0.1 * gradient)
    unchanged = {variable.name for variable in model.variables if (before[variable.name] == variable.numpy()).all()}
    learnt = {variable.name for variable in model.trainable_variables}
    return {"without gradient": sorted(learnt & unchanged), "fixed": sorted(unchanged - learnt)}


if __name__ == "__main__":
    main()
