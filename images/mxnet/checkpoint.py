"""Build the checkpoint: run the generated code, set every parameter, save both as MXNet does.

Reads ``in/code/model.py``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes
``out/<name>-symbol.json`` and ``out/<name>-0000.params``, the same bytes for the same inputs, for
``mx.model.load_checkpoint`` and ``gluon.SymbolBlock.imports``.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping
from typing import Any

import exact  # noqa: F401 - before numpy and mxnet

# isort: split
import mxnet
import numpy
import weights

BATCH = 2
"""Stands for the batch where shapes are checked."""


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    symbol = build("in/code/model.py")
    check_names(symbol, plan)
    check_shapes(symbol, plan)
    tensors = weights.Weights("in/ir/weights.safetensors")
    states = set(symbol.list_auxiliary_states())
    stored = {}
    for row in plan["parameters"]:
        kind = "aux" if row["name"] in states else "arg"
        stored[f"{kind}:{row['name']}"] = array_of(row, tensors)
    symbol.save(f"out/{plan['name']}-symbol.json")
    mxnet.nd.save(f"out/{plan['name']}-0000.params", stored)


def build(path: str) -> mxnet.sym.Symbol:
    """What the function ``symbol`` of the module at ``path`` returns."""
    spec = importlib.util.spec_from_file_location("model", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with mxnet.name.NameManager(), mxnet.AttrScope():
        return module.symbol()


def check_names(symbol: mxnet.sym.Symbol, plan: Mapping[str, Any]) -> None:
    """Fail unless the symbol has the inputs, parameters and outputs of the plan, and no others."""
    arguments = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    planned = [row["name"] for row in plan["parameters"]]
    inputs = [name for name in plan["inputs"].values() if name in arguments]  # an input may be of no consequence
    check_same("inputs and parameters", arguments, [*inputs, *planned])
    check_same("outputs", symbol.list_outputs(), plan["outputs"].values())


def check_same(what: str, present: Iterable[str], planned: Iterable[str]) -> None:
    """Fail unless both have the same names, each once."""
    found, wanted = sorted(present), sorted(planned)
    if found != wanted:
        difference = sorted(set(found) ^ set(wanted))
        raise ValueError(f"the symbol's {what} are not those of the plan: {', '.join(difference)}")


def check_shapes(symbol: mxnet.sym.Symbol, plan: Mapping[str, Any]) -> None:
    """Fail unless the shapes that MXNet infers for the parameters are the plan's."""
    arguments = symbol.list_arguments()
    given = {
        plan["inputs"][name]: tuple(BATCH if dim == "batch" else dim for dim in shape)
        for name, shape in plan["shapes"].items()
        if plan["inputs"][name] in arguments
    }
    planned = {row["name"]: tuple(row["shape"]) for row in plan["parameters"]}
    known = {name: shape for name, shape in planned.items() if name in arguments}
    shapes, _, states = symbol.infer_shape(**given, **known)
    found = dict(zip([*arguments, *symbol.list_auxiliary_states()], [*shapes, *states]))  # noqa: B905 - Python 3.9
    wrong = [name for name, shape in planned.items() if tuple(found[name]) != shape]
    if wrong:
        listed = ", ".join(f"{name} is {found[name]}, planned {planned[name]}" for name in wrong[:5])
        raise ValueError(f"parameters have other shapes than planned: {listed}")


def array_of(row: Mapping[str, Any], tensors: weights.Weights) -> mxnet.nd.NDArray:
    """The value of the plan's ``row``, whose shape has to be the row's, exactly."""
    dtype = row.get("dtype", "float32")
    value = weights.evaluate(row["value"], tensors, dtype)
    if list(value.shape) != row["shape"]:
        raise ValueError(f"{row['name']} has the shape {row['shape']} in the plan, and its value {list(value.shape)}")
    return mxnet.nd.array(numpy.ascontiguousarray(value), dtype=dtype)


if __name__ == "__main__":
    main()
