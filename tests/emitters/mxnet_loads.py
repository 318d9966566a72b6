"""Load a checkpoint in each of the ways that MXNet's users do, in MXNet's image; a step for ``batch.py``.

Reads ``in/checkpoint/*``, ``in/code/weights.plan.json`` and ``in/inputs.npz``; writes ``out/outputs.npz``, keyed
``<way>/<case>/<name of the output in the IR>``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import exact  # noqa: F401 - before numpy and mxnet

# isort: split
import cases
import mxnet
import numpy

Arrays = Mapping[str, numpy.ndarray]


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    ways: dict[str, Callable[[str, Arrays], list[mxnet.nd.NDArray]]] = {
        "executor": by_executor,
        "module": by_module,
        "block": by_block,
    }
    found = {}
    for case, inputs in cases.read().items():
        for way, answer in ways.items():
            outputs = answer("in/checkpoint/" + plan["name"], inputs)
            for name, output in zip(plan["outputs"], outputs):  # noqa: B905 - Python 3.9 has no strict
                found[f"{way}/{case}/{name}"] = output.asnumpy()
    numpy.savez("out/outputs.npz", **found)


def by_executor(prefix: str, inputs: Arrays) -> list[mxnet.nd.NDArray]:
    """``mx.sym.load`` and ``mx.nd.load``."""
    symbol = mxnet.sym.load(prefix + "-symbol.json")
    stored = mxnet.nd.load(prefix + "-0000.params")
    executor = symbol.simple_bind(
        mxnet.cpu(), grad_req="null", **{name: array.shape for name, array in inputs.items()}
    )
    executor.copy_params_from(
        {key[4:]: value for key, value in stored.items() if key.startswith("arg:")},
        {key[4:]: value for key, value in stored.items() if key.startswith("aux:")},
    )
    return executor.forward(is_train=False, **{name: mxnet.nd.array(array) for name, array in inputs.items()})


def by_module(prefix: str, inputs: Arrays) -> list[mxnet.nd.NDArray]:
    """``mx.model.load_checkpoint`` into a ``Module``."""
    symbol, arguments, states = mxnet.model.load_checkpoint(prefix, 0)
    module = mxnet.mod.Module(symbol, data_names=list(inputs), label_names=None)
    module.bind([(name, array.shape) for name, array in inputs.items()], for_training=False)
    module.set_params(arguments, states)
    module.forward(mxnet.io.DataBatch([mxnet.nd.array(array) for array in inputs.values()]), is_train=False)
    return module.get_outputs()


def by_block(prefix: str, inputs: Arrays) -> list[mxnet.nd.NDArray]:
    """``gluon.SymbolBlock.imports``."""
    block = mxnet.gluon.SymbolBlock.imports(prefix + "-symbol.json", list(inputs), prefix + "-0000.params")
    outputs = block(*[mxnet.nd.array(array) for array in inputs.values()])
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]
