"""Builds a classic network from its architecture, with seeded weights: a model of the same structure, of no training.

Reads ``in/params.json``:

- ``options``: keyword arguments of ``network`` in ``in/step/architecture.py``, a module of ``architectures/``;
- ``weights``: ``"seeded"``, the only ones there are;
- ``gain``: of seeded kernels, see ``seeded.py``; null for the usual one;
- ``inputs``: ``{name: {"shape", "range"}}``; the first dimension may be ``"batch"``, the range is that of real use.

Writes ``out/model-symbol.json`` and ``out/model-0000.params``: the same bytes for the same inputs.
"""

from __future__ import annotations

import json
import math
from typing import Any

import cases
import mxnet
import numpy
import seeded

import architecture  # isort: skip - one of architectures/, which the step is given under this name

FIRST = ("Convolution", "FullyConnected", "BatchNorm")
"""The operators that bring an input to the scale that the rest of a network works in."""


def main() -> None:
    """Run the step in the working folder."""
    params = cases.params()
    with mxnet.name.NameManager():
        symbol = architecture.network(**params["options"])
    shapes = {
        name: tuple(1 if dim == "batch" else dim for dim in one["shape"]) for name, one in params["inputs"].items()
    }
    stored = parameters(symbol, shapes, params["gain"] or seeded.GAIN)
    for name, one in params["inputs"].items():
        rescale(stored, symbol, name, one["range"])
    symbol.save("out/model-symbol.json")
    mxnet.nd.save("out/model-0000.params", {name: mxnet.nd.array(stored[name]) for name in sorted(stored)})


def parameters(symbol: mxnet.sym.Symbol, shapes: dict[str, tuple[int, ...]], gain: float) -> dict[str, numpy.ndarray]:
    """All parameters, as a checkpoint names them (``arg:conv0_weight``), drawn from their names and shapes."""
    arguments, _, states = symbol.infer_shape(**shapes)
    named = {f"arg:{name}": shape for name, shape in zip(symbol.list_arguments(), arguments)}  # noqa: B905
    named.update((f"aux:{name}", shape) for name, shape in zip(symbol.list_auxiliary_states(), states))  # noqa: B905
    given = {f"arg:{name}" for name in shapes} | {key for key in named if key.endswith("_label")}
    found = {key: seeded.draw(key[4:], shape, gain) for key, shape in named.items() if key not in given}
    if unknown := [key for key, values in found.items() if values is None]:
        raise ValueError(f"no kind of parameter: {', '.join(unknown)}")
    return found


def rescale(stored: dict[str, Any], symbol: mxnet.sym.Symbol, name: str, span: tuple[float, float]) -> None:
    """Let what reads the input ``name`` expect values that are spread evenly over ``span``.

    Seeded weights keep activations at the scale of their input, and a network that is given pixels of 0..255 is a
    saturated softmax then: every image gets the same answer.
    """
    low, high = span
    mean, variance = (low + high) / 2, (high - low) ** 2 / 12
    for node in readers(symbol, name):
        if node["op"] == "BatchNorm":
            stored[f"aux:{node['name']}_moving_mean"] += numpy.float32(mean)
            stored[f"aux:{node['name']}_moving_var"] *= numpy.float32(variance)
        elif node["op"] in FIRST:
            stored[f"arg:{node['name']}_weight"] /= numpy.float32(math.sqrt(mean**2 + variance))
        else:
            raise ValueError(f"{node['op']} reads {name}, and has no scale")


def readers(symbol: mxnet.sym.Symbol, name: str) -> list[dict[str, Any]]:
    """The nodes of the symbol's JSON that the input ``name`` goes into."""
    nodes = json.loads(symbol.tojson())["nodes"]
    return [node for node in nodes if any(nodes[source[0]]["name"] == name for source in node["inputs"])]


if __name__ == "__main__":
    main()
