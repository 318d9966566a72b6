"""Run the checkpoint in Keras, on every case, in its exact mode: one thread.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/`` (``model.py``, ``<name>.keras``, ``<name>.weights.h5``),
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``). Writes ``out/outputs.npz`` (keyed
``<case>/<value name>``, by the IR's names and in its layout) and ``out/runtime.json``. With ``trace`` values between
are written too. What the ``.keras`` file holds and the network of ``model.py`` with the ``.weights.h5`` file have to
give the same answers, bit by bit.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import cases
import keras_code
import numpy
from keras_code import keras

warnings.filterwarnings("ignore", "The structure of `inputs`")  # one tensor, of a list of one

Arrays = dict[str, numpy.ndarray]


def main() -> None:
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    code = keras_code.load_code("in/checkpoint/model.py")
    model = keras.saving.load_model(f"in/checkpoint/{plan['file']}.keras")
    network, variables = keras_code.network(code)
    network.load_weights(f"in/checkpoint/{plan['file']}.weights.h5")
    wanted = {name: variables[variable] for name, variable in plan["trace"].items()} if trace else {}
    between = {name: value for name, value in wanted.items() if isinstance(value, keras.KerasTensor)}
    constants = {name: array_of(value) for name, value in wanted.items() if name not in between}
    tracer = keras.Model(network.inputs, list(between.values())) if between else None
    results: Arrays = {}
    for case, arrays in cases.read().items():
        inputs = [laid_out(arrays[name], plan, name) for name in plan["inputs"]]
        outputs = answers(model, inputs)
        check_same(answers(network, inputs), outputs)
        values = dict(zip(between, answers(tracer, inputs) if tracer else [], strict=True))
        values |= constants | {name: outputs[number] for name, number in plan["outputs"].items()}
        results.update({f"{case}/{name}": restored(value, plan, name) for name, value in values.items()})
    cases.write(results, "keras", **keras_code.VERSIONS)


def answers(model: keras.Model, inputs: Sequence[numpy.ndarray]) -> list[numpy.ndarray]:
    """What ``model`` makes of ``inputs``, in its order."""
    found = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
    return [array_of(value) for value in (found if isinstance(found, list | tuple) else [found])]


def array_of(value: Any) -> numpy.ndarray:
    """A tensor as an array of its own."""
    return numpy.array(keras.ops.convert_to_numpy(value))


def laid_out(value: numpy.ndarray, plan: Mapping[str, Any], name: str) -> numpy.ndarray:
    """``value`` of the IR in the model's layout."""
    perm = plan["perms"].get(name)
    return value if perm is None else numpy.transpose(value, perm)


def restored(value: numpy.ndarray, plan: Mapping[str, Any], name: str) -> numpy.ndarray:
    """``value`` in the IR's layout."""
    perm = plan["perms"].get(name)
    return value if perm is None else numpy.transpose(value, numpy.argsort(perm))


def check_same(found: Sequence[numpy.ndarray], wanted: Sequence[numpy.ndarray]) -> None:
    """Fail unless both networks' answers are the same bits."""
    for one, other in zip(found, wanted, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype or one.tobytes() != other.tobytes():
            raise ValueError("the .keras file and model.py with the .weights.h5 file answer differently")


if __name__ == "__main__":
    main()
