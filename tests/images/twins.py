"""Gives networks of ``architectures/`` and their twins in Gluon's zoos the same weights, and compares the answers.

Reads ``in/params.json``, ``{case: {"architecture", "options", "zoo": "gluon" or "gluoncv", "name", "pixels"}}``, and
the modules of ``architectures/`` below ``in/architectures/``. ``pixels`` is how the names of the parameters begin, on
both sides, of a BatchNorm of the pixels, which is left out: it is ours alone, or theirs is without gamma and beta.
Writes ``out/twins.json``: of each case the shapes of the parameters in their order, ``{"ours", "theirs"}``, and
``off``, the largest difference of the scores relative to the largest score; None where the shapes differ.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import mxnet
import numpy
from gluoncv import model_zoo
from mxnet.gluon.model_zoo import vision

SIZE = 224

Shapes = dict[str, tuple[int, ...]]


def main() -> None:
    """Run all cases."""
    sys.path.insert(0, "in/architectures")
    with open("in/params.json") as stream:
        cases = json.load(stream)
    found = {name: compare(case) for name, case in cases.items()}
    with open("out/twins.json", "w") as stream:
        json.dump(found, stream)


def compare(case: dict[str, Any]) -> dict[str, Any]:
    """One case."""
    whole = importlib.import_module(case["architecture"]).network(**case["options"])
    ours = whole.get_internals()[whole.get_internals().list_outputs().index(whole.name + "_output") - 2]
    with mxnet.name.NameManager():
        net = {"gluon": vision, "gluoncv": model_zoo}[case["zoo"]].get_model(case["name"])
        theirs = net(mxnet.sym.var("data"))
    sides = [parameters(ours, "", case["pixels"][0]), parameters(theirs, net.prefix, case["pixels"][1])]
    shapes = [list(side.values()) for side in sides]
    values = None
    if shapes[0] == shapes[1]:
        values = [numpy.random.RandomState(n).standard_normal(shape) for n, shape in enumerate(shapes[0])]
    off = None if values is None else difference(answer(ours, sides[0], values), answer(theirs, sides[1], values))
    return {"ours": shapes[0], "theirs": shapes[1], "off": off}


def parameters(symbol: mxnet.sym.Symbol, prefix: str, pixels: str) -> Shapes:
    """The shapes of the parameters by name, arguments before states, in the symbol's order, without ``pixels``."""
    arguments, _, states = symbol.infer_shape(data=(1, 3, SIZE, SIZE))
    named = dict(zip(symbol.list_arguments(), arguments))  # noqa: B905 - Python 3.9
    named.update(zip(symbol.list_auxiliary_states(), states))  # noqa: B905
    left = ("data", *(name for name in named if pixels and name.startswith(prefix + pixels)))
    return {name: shape for name, shape in named.items() if name not in left}


def answer(symbol: mxnet.sym.Symbol, shapes: Shapes, values: list[numpy.ndarray]) -> numpy.ndarray:
    """The scores for one image, with kernels scaled as He has it and BatchNorms near 1."""
    bound = symbol.simple_bind(mxnet.cpu(), data=(1, 3, SIZE, SIZE), grad_req="null")
    for name, array in {**bound.arg_dict, **bound.aux_dict}.items():
        array[:] = 1.0 if name.endswith(("gamma", "var")) else 0.0
    for name, value in zip(shapes, values):  # noqa: B905
        near = float(name.endswith(("gamma", "var")))
        scaled = value / numpy.sqrt(value[0].size) if value.ndim > 1 else abs(near + 0.1 * value)
        {**bound.arg_dict, **bound.aux_dict}[name][:] = scaled
    bound.arg_dict["data"][:] = numpy.random.RandomState(0).standard_normal((1, 3, SIZE, SIZE))
    return bound.forward(is_train=False)[0].asnumpy().ravel()


def difference(ours: numpy.ndarray, theirs: numpy.ndarray) -> float:
    """The largest difference, relative to the largest score."""
    return float(abs(ours - theirs).max() / abs(theirs).max())


if __name__ == "__main__":
    main()
