"""What takes several of Core ML's operations: they are written one after the other, each with a value of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx_ir

from converter.emitters import Refused, is_constant
from converter.emitters.coreml.operand import Operand, kind, kind_of, line
from converter.emitters.known import batch_of
from converter.emitters.operand import array, fresh, is_nonnegative, number
from converter.emitters.statement import Statement
from converter.ir import BATCH, dims

Size: TypeAlias = onnx_ir.Value | float
"""A value, or a number that stands for itself."""

_BYTES = {onnx_ir.DataType.INT8, onnx_ir.DataType.UINT8}
_INT32 = np.iinfo(np.int32)


class Chain:
    """The lines of one node, in their order.

    Attributes:
        node: The node.
        lines: What has been written so far.
    """

    def __init__(self, node: onnx_ir.Node) -> None:
        self.node = node
        self.lines: list[Statement] = []
        self._roles: dict[str, int] = {}

    def step(self, role: str, operation: str, **operands: Operand) -> onnx_ir.Value:
        """Write a line whose result is not the IR's, but called by ``role``."""
        (result,) = self.steps((role,), operation, **operands)
        return result

    def steps(self, roles: Sequence[str], operation: str, **operands: Operand) -> list[onnx_ir.Value]:
        """As :meth:`step`, of an operation with several results."""
        results = [fresh(self.node, self._unique(role)) for role in roles]
        self.lines.append(line(self.node, operation, outputs=results, **operands))
        return results

    def last(self, operation: str, **operands: Operand) -> list[Statement]:
        """Write the line that computes the node's own result, and return all lines."""
        return self.ends(self.node.outputs, operation, **operands)

    def ends(self, outputs: Sequence[onnx_ir.Value], operation: str, **operands: Operand) -> list[Statement]:
        """As :meth:`last`, of some of the node's results."""
        self.lines.append(line(self.node, operation, outputs=outputs, **operands))
        return self.lines

    def fitted(self, operation: str, **operands: Operand) -> list[Statement]:
        """As :meth:`last`, of arithmetic: of integers of 8 bits, which have 32 here, the lowest 8 are kept."""
        kept = self.node.outputs[0].dtype
        if kept not in _BYTES:
            return self.last(operation, **operands)
        found = self.step("wide", operation, **operands)
        above = found if kept == onnx_ir.DataType.UINT8 else self.step("above", "add", x=found, y=128)
        rounds = self.step("rounds", "floor_div", x=above, y=256)
        return self.last("sub", x=found, y=self.step("lost", "mul", x=rounds, y=256))

    def _unique(self, role: str) -> str:
        count = self._roles[role] = self._roles.get(role, 0) + 1
        return role if count == 1 else f"{role}{count}"


@dataclass(frozen=True)
class Part:
    """What is taken along an axis.

    Attributes:
        start: The first element.
        end: The one that is no longer taken; None for all that is left.
        step: From each to the next, forwards.
    """

    start: int = 0
    end: int | None = None
    step: int = 1


def parts_along(rank: int, axis: int, part: Part) -> list[Part]:
    """``part`` along ``axis``, and all of the others."""
    return [part if place == axis else Part() for place in range(rank)]


def bounds(parts: Sequence[Part]) -> dict[str, Operand]:
    """The operands that tell ``slice_by_index`` to take ``parts``, one for each axis."""
    whole, strides = [part.end is None for part in parts], [part.step for part in parts]
    from_first = [part.start == 0 and part.end is None for part in parts]
    return {
        "begin": [part.start for part in parts],
        "end": [part.end or 0 for part in parts],
        "stride": strides if set(strides) != {1} else None,
        # an axis that is not masked on both sides has a size that coremltools does not know
        "begin_mask": from_first if any(from_first) else None,
        "end_mask": whole if any(whole) else None,
    }


def scalar(value: onnx_ir.Value) -> float:
    """The one element of a constant, as a literal.

    Raises:
        Refused: It is an integer of more than 32 bits.
    """
    element: float = number(value)
    if isinstance(element, int) and not _INT32.min <= element <= _INT32.max:
        raise Refused(f"Core ML's integers have 32 bits, and {element} needs more")
    return element


def beside(value: onnx_ir.Value, *others: onnx_ir.Value) -> Operand:
    """``value`` as an operand that is broadcast: a number where it is a constant of one element.

    Args:
        value: Which one.
        *others: What it stands beside; the result has as many dimensions as they have.
    """
    rank = max((len(dims(other)) for other in others), default=0)
    if is_constant(value) and array(value).size == 1 and len(dims(value)) <= rank:
        return scalar(value)
    return value


def zero(value: onnx_ir.Value) -> float:
    """0 in the element type of ``value``."""
    return 0.0 if kind(value) == "fp32" else 0


def one(dtype: onnx_ir.DataType | None) -> float:
    """1 in an element type, True of booleans."""
    return {"fp32": 1.0, "int32": 1, "bool": True}[kind_of(dtype)]


def size_of(chain: Chain, value: onnx_ir.Value, axis: int) -> Size:
    """The size of ``value`` along ``axis``: a number, or of an open batch a value without dimensions."""
    size = dims(value)[axis]
    if isinstance(size, int):
        return size
    shape = chain.step("shape", "shape", x=value)
    return picked(chain, "size", shape, axis % len(dims(value)))


def picked(chain: Chain, role: str, vector: onnx_ir.Value, place: int) -> onnx_ir.Value:
    """The element of ``vector`` at ``place``, without dimensions."""
    return chain.step(role, "slice_by_index", x=vector, begin=[place], end=[place + 1], squeeze_mask=[True])


def batch_size(chain: Chain, value: onnx_ir.Value) -> onnx_ir.Value:
    """The batch that ``value`` was computed of, as a vector of one.

    Raises:
        Refused: It was computed of none.
    """
    found = batch_of(value)
    if found is None:
        raise Refused("nothing says what the batch is")
    source, axis = found
    shape = chain.step("shape", "shape", x=source)
    return chain.step("batch", "slice_by_index", x=shape, begin=[axis], end=[axis + 1])


def vector(chain: Chain, role: str, sizes: Sequence[int | str], source: onnx_ir.Value) -> Operand:
    """``sizes`` as an operand: a literal, or where the batch is among them a value made with that of ``source``."""
    if BATCH not in sizes:
        return [int(size) for size in sizes]
    batch = batch_size(chain, source)
    parts = [batch if size == BATCH else [int(size)] for size in sizes]
    return batch if len(parts) == 1 else chain.step(role, "concat", values=parts, axis=0)


def whole(chain: Chain, value: onnx_ir.Value) -> onnx_ir.Value:
    """Floats without what is behind the point: they are rounded towards zero."""
    source = value.producer()
    if source is not None and source.op_type in {"Floor", "Ceil", "Round", "Sign"}:
        return value
    size = chain.step("size", "floor", x=chain.step("magnitude", "abs", x=value))
    return chain.step("whole", "mul", x=chain.step("sign", "sign", x=value), y=size)


def wrapped(chain: Chain, indices: onnx_ir.Value, size: Size) -> Operand:
    """``indices`` of ``size`` elements, the negative ones counted from the end."""
    if is_constant(indices) and isinstance(size, int):
        found = array(indices)
        return np.asarray(np.where(found < 0, found + size, found))
    if is_nonnegative(indices):
        return indices
    negative = chain.step("negative", "less", x=indices, y=0)
    ahead = chain.step("ahead", "add", x=indices, y=size)
    return chain.step("index", "select", cond=negative, a=ahead, b=indices)


def numbers_of(chain: Chain, value: onnx_ir.Value) -> onnx_ir.Value:
    """Booleans as 0 and 1, for operations that Core ML has no booleans in; anything else as it is."""
    return chain.step("number", "cast", x=value, dtype="int32") if kind(value) == "bool" else value
