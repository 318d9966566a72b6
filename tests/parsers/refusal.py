"""What the parser says of a network that it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import converter
from converter.errors import BadInput, Unsupported
from tests.parsers.files import Array, Net, write


def refusal(folder: Path, net: Net, shapes: Mapping[str, Sequence[int | str]]) -> str:
    """Read ``net`` on inputs of ``shapes``, which must fail; return what is said."""
    graph, weights = write(folder, net.symbol(), net.params)
    with pytest.raises((BadInput, Unsupported)) as caught:
        converter.parse("mxnet", graph=graph, weights=weights, inputs=shapes)
    return str(caught.value)


def refusal_of(
    folder: Path, op: str, arrays: Sequence[Array], attributes: Mapping[str, str], *, batch: bool = False
) -> str:
    """The same of a network of one operator, whose inputs are like ``arrays``."""
    net = Net()
    edges = [net.input(f"in{index}", array) for index, array in enumerate(arrays)]
    net.node(op, "node", edges, **attributes)
    shapes = {name: ("batch", *array.shape[1:]) if batch else array.shape for name, array in net.inputs.items()}
    return refusal(folder, net, shapes)
