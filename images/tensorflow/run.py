"""Run the checkpoint in TensorFlow, on every case, in its exact mode, and in TensorFlow Lite's interpreter.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/`` (``model.py``, ``saved_model/``, ``model.tflite``),
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``). Writes ``out/outputs.npz`` (keyed
``<case>/<value name>``, by the IR's names and in its layout): what the SavedModel's signature computes, and with
``trace`` values between, as the code computes them, whose answers have to be the SavedModel's. Where there is a
``model.tflite``, ``out/tflite.npz`` is what that computes. ``out/runtime.json`` says what ran.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import cases
import network  # before tensorflow, which it configures
import numpy
import tensorflow

Arrays = dict[str, numpy.ndarray]
CODE_TOLERANCE = 1e-6
"""Largest difference of the code, run line by line, of the largest value: it is not compiled as one graph."""


def main() -> None:
    """Run the step in the working folder."""
    network.set_exact()
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    code = network.load_code("in/checkpoint/model.py").load("in/checkpoint/saved_model")
    saved = tensorflow.saved_model.load("in/checkpoint/saved_model")
    lite = network.interpreter(model_path="in/checkpoint/model.tflite") if plan["tflite"] else None
    results: Arrays = {}
    others: Arrays = {}
    for number, (case, arrays) in enumerate(cases.read().items()):
        inputs = laid_out(arrays, plan)
        found = saved.signatures["serving_default"](**tensors(inputs))
        outputs = named(found, plan)
        results |= keyed(case, outputs)
        if lite is not None:
            others |= keyed(case, named(lite.get_signature_runner("serving_default")(**inputs), plan))
        if trace or number == 0:
            answer, values = traced(code, inputs, plan)
            check_code(answer, outputs)
            results |= keyed(case, values) if trace else {}
    if lite is not None:
        numpy.savez("out/tflite.npz", **others)
    cases.write(results, "tensorflow", tensorflow=tensorflow.__version__)


def keyed(case: str, arrays: Arrays) -> Arrays:
    """``arrays`` as the step writes them."""
    return {f"{case}/{name}": array for name, array in arrays.items()}


def laid_out(arrays: Arrays, plan: Mapping[str, Any]) -> Arrays:
    """The inputs of a case by the names of the signature, in the network's own layout."""
    found = {name: stored(arrays[given], given, plan) for given, name in plan["inputs"].items()}
    return {name: numpy.array(array, order="C") for name, array in found.items()}


def stored(array: numpy.ndarray, name: str, plan: Mapping[str, Any]) -> numpy.ndarray:
    """The IR's value ``name`` in the network's layout."""
    return array.transpose(plan["perms"][name]) if name in plan["perms"] else array


def original(array: numpy.ndarray, name: str, plan: Mapping[str, Any]) -> numpy.ndarray:
    """The network's value in the layout of the IR, which calls it ``name``."""
    array = numpy.array(array)
    return array.transpose(numpy.argsort(plan["perms"][name])) if name in plan["perms"] else array


def tensors(inputs: Arrays) -> Mapping[str, Any]:
    """``inputs`` for TensorFlow."""
    return {name: tensorflow.constant(array) for name, array in inputs.items()}


def named(found: Mapping[str, Any], plan: Mapping[str, Any]) -> Arrays:
    """What a signature returned, by the IR's names and in its layout."""
    return {name: original(found[place], name, plan) for name, place in plan["outputs"].items()}


def traced(model: tensorflow.Module, inputs: Arrays, plan: Mapping[str, Any]) -> tuple[Arrays, Arrays]:
    """What the code returns, and the values that it holds when it does, by the IR's names."""
    function = type(model).__dict__["__call__"].python_function
    held: dict[str, Any] = {}
    sys.setprofile(keeper(function.__code__, held))
    try:
        result = function(model, **tensors(inputs))
    finally:
        sys.setprofile(None)
    values = {name: original(held[variable].numpy(), name, plan) for name, variable in plan["trace"].items()}
    return named(result, plan), values


def keeper(code: types.CodeType, held: dict[str, Any]) -> Callable[[types.FrameType, str, Any], None]:
    """A profiler that keeps the variables of ``code`` as it returns."""

    def note(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            held.update(frame.f_locals)

    return note


def check_code(found: Arrays, wanted: Arrays) -> None:
    """Fail unless the code's answers ``found`` are those of the SavedModel."""
    for name, array in wanted.items():
        other = found[name]
        same = array.shape == other.shape and array.dtype == other.dtype
        if same and array.dtype.kind == "f" and array.size:
            limit = CODE_TOLERANCE * numpy.abs(array[numpy.isfinite(array)]).max(initial=0)
            same = numpy.allclose(other, array, rtol=0, atol=limit, equal_nan=True)
        elif same:
            same = numpy.array_equal(other, array)
        if not same:
            raise ValueError(f"the code computes another {name!r} than the SavedModel that was made of it")


if __name__ == "__main__":
    main()
