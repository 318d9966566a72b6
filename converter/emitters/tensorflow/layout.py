"""Where an operator over images has its channels, and how TensorFlow is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import onnx_ir

from converter.emitters import Refused
from converter.ir import Dim, dims

DOMAIN = "transship.channels_last"
"""Of the operators over images whose first input and output have their channels last."""

Item = TypeVar("Item")
_NAMES = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


@dataclass(frozen=True)
class Layout:
    """The layout of a tensor of images.

    Attributes:
        rank: How many spatial axes there are.
        last: Whether the channels come after them.
    """

    rank: int
    last: bool

    @property
    def format(self) -> str:
        """The argument that tells TensorFlow, which takes channels to be last if it is told nothing."""
        return "" if self.last else f', data_format="{_NAMES[self.rank][1]}"'

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes."""
        return tuple(range(1, self.rank + 1)) if self.last else tuple(range(2, self.rank + 2))

    @property
    def channels(self) -> int:
        """The axis of the channels."""
        return self.rank + 1 if self.last else 1

    def full(self, spatial: Sequence[Item], other: Item) -> list[Item]:
        """``spatial``, and ``other`` for the axes of rows and channels."""
        return [other, *spatial, other] if self.last else [other, other, *spatial]

    def spatial(self, value: onnx_ir.Value) -> tuple[Dim, ...]:
        """The sizes of ``value`` along the spatial axes."""
        return tuple(dims(value)[axis] for axis in self.axes)

    def sizes(self, value: onnx_ir.Value) -> tuple[int, ...]:
        """The sizes of ``value`` along the spatial axes, all known.

        Raises:
            Refused: One of them is open.
        """
        found = self.spatial(value)
        if any(not isinstance(size, int) for size in found):
            raise Refused(f"{value.name} has open dimensions: {list(found)}")
        return tuple(int(size) for size in found)


def around(rank: int, text: str, data: str = "{0}") -> str:
    """``text``, which computes images with their channels last, of ``data`` with its channels first, to such ones."""
    there, back = [0, *range(2, rank + 2), 1], [0, rank + 1, *range(1, rank + 1)]
    return f"tf.transpose({text.replace(data, f'tf.transpose({data}, {there})', 1)}, {back})"


def layout_of(node: onnx_ir.Node, *, ranks: Sequence[int] = (1, 2, 3)) -> Layout:
    """The layout of a node's first input and output.

    Raises:
        Refused: TensorFlow does not have the operator for so many spatial axes.
    """
    data = node.inputs[0]
    rank = 0 if data is None else len(dims(data)) - 2
    if rank not in ranks:
        raise Refused(f"{rank} spatial axes, not {', '.join(map(str, ranks))}")
    return Layout(rank, node.domain == DOMAIN)


def both(*operators: str) -> tuple[str, ...]:
    """The names of ``operators`` in either layout."""
    return (*operators, *(f"{DOMAIN}::{name.rpartition('::')[2]}" for name in operators))
