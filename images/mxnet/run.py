"""Run the checkpoint in MXNet, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/<name>-symbol.json`` and ``<name>-0000.params``,
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``). Writes ``out/outputs.npz`` (keyed
``<case>/<value name>``, by the IR's names) and ``out/runtime.json``. With ``trace`` every value of the IR that the
network computes is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import exact  # noqa: F401 - before numpy and mxnet

# isort: split
import cases
import mxnet
import numpy

Arrays = Mapping[str, mxnet.nd.NDArray]


def main() -> None:
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    symbol, parameters, states = mxnet.model.load_checkpoint(f"in/checkpoint/{plan['name']}", 0)
    wanted = {**(plan["trace"] if trace else {}), **plan["outputs"]}
    symbol = select(symbol, wanted) if trace else symbol
    places = {name: symbol.list_outputs().index(output) for name, output in wanted.items()}
    results = {}
    for case, inputs in cases.read().items():
        given = {plan["inputs"][name]: array_of(value, plan["dtypes"][name]) for name, value in inputs.items()}
        values = forward(symbol, given, parameters, states)
        results.update({f"{case}/{name}": values[place] for name, place in places.items()})
    cases.write(results, "mxnet", mxnet=mxnet.__version__)


def select(symbol: mxnet.sym.Symbol, wanted: Mapping[str, str]) -> mxnet.sym.Symbol:
    """A symbol whose outputs are all that are ``wanted``, by the IR's names, of those that ``symbol`` computes."""
    internals = symbol.get_internals()
    computed = internals.list_outputs()
    return mxnet.sym.Group([internals[computed.index(output)] for output in dict.fromkeys(wanted.values())])


def array_of(value: numpy.ndarray, dtype: str) -> mxnet.nd.NDArray:
    """An input, which has to be of the type that the network takes."""
    if value.dtype != dtype:
        raise ValueError(f"an input is of the type {value.dtype}, the network takes {dtype}")
    return mxnet.nd.array(value, dtype=dtype)


def forward(symbol: mxnet.sym.Symbol, inputs: Arrays, parameters: Arrays, states: Arrays) -> list[numpy.ndarray]:
    """The outputs of ``symbol``."""
    known = {**parameters, **inputs}
    arguments = {name: known[name] for name in symbol.list_arguments()}
    executor = symbol.bind(
        mxnet.cpu(),
        arguments,
        aux_states={name: states[name] for name in symbol.list_auxiliary_states()},
        grad_req="null",
    )
    return [output.asnumpy() for output in executor.forward(is_train=False)]


if __name__ == "__main__":
    main()
