"""Shapes: what only moves or names elements.

Sources: src/operator/tensor/matrix_op-inl.h, slice_channel-inl.h, nn/concat-inl.h, nn/dropout-inl.h.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from onnx_ir import Value

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.operators.common import positive_axis, size
from converter.parsers.mxnet.registry import parses
from converter.parsers.mxnet.scope import Scope, Shape, spell


@parses("_copy", "identity", "BlockGrad", "stop_gradient")
def identity(g: Scope, data: Value) -> Value:
    """``data``."""
    return g.emit("Identity", data)


@parses("Dropout", ignores=("axes", "cudnn_off"))
def dropout(g: Scope, data: Value, *, p: float = 0.5, mode: Literal["training"] = "training") -> Value:  # noqa: ARG001
    """``data``; in training, each element is dropped with probability ``p``."""
    if not 0 <= p < 1:
        raise g.refuse(f"p={p}")
    return g.emit("Dropout", data, g.scalar("ratio", p))


@parses("Flatten", "flatten")
def flatten(g: Scope, data: Value) -> Value:
    """All axes but the first as one."""
    return g.emit("Flatten", data, axis=1)


@parses("Concat", "concat", ignores=("num_args",))
def concat(g: Scope, *data: Value, dim: int = 1) -> Value:
    """The inputs one after the other along ``dim``."""
    return g.emit("Concat", *data, axis=positive_axis(g, data[0], dim))


@parses("SliceChannel", "split")
def slice_channel(
    g: Scope, data: Value, *, num_outputs: int, axis: int = 1, squeeze_axis: bool = False
) -> Value | list[Value]:
    """``num_outputs`` equal parts along ``axis``, without that axis if ``squeeze_axis``."""
    place = positive_axis(g, data, axis)
    length = size(g, data, place)
    if num_outputs < 1 or length % num_outputs or (squeeze_axis and num_outputs != length):
        raise g.misfit(f"an axis of {length} cannot be split into {num_outputs}")
    names = [f"output{i}" for i in range(num_outputs)]
    if not squeeze_axis:
        return g.emit_many("Split", data, outputs=names, axis=place, num_outputs=num_outputs)
    parts = g.emit_many("Split", data, outputs=names, role="split", axis=place, num_outputs=num_outputs)
    axes = g.ints("axes", [place])
    return [g.emit("Squeeze", part, axes, output=name) for part, name in zip(parts, names, strict=True)]


@parses("Reshape", "reshape")
def reshape(
    g: Scope,
    data: Value,
    *,
    shape: Ints = (),
    reverse: bool = False,
    target_shape: Ints = (),
    keep_highest: Literal[False] = False,  # noqa: ARG001
) -> Value:
    """``data`` in another shape: 0 keeps a size, -1 takes what is left, -2 keeps the rest, -3 merges, -4 splits."""
    if not shape or any(target_shape):
        raise g.refuse(f"target_shape={target_shape} of MXNet before 0.9")
    given = ir.dims(data)
    step = -1 if reverse else 1
    made = _target(g, given[::step], shape[::step])[::step]
    return g.emit("Reshape", data, g.ints("shape", _codes(given, made)), shape=made)


def _target(g: Scope, given: Shape, codes: Ints) -> Shape:
    """Apply MXNet's codes to the shape ``given`` (matrix_op-inl.h, InferReshapeShape); the one -1 is found last."""
    left = list(given)
    queue = list(codes)
    made: list[Dim] = []
    try:
        while queue:
            code = queue.pop(0)
            if code == 0:
                made.append(left.pop(0))
            elif code == -2:
                made += left
                left = []
            elif code == -3:
                made.append(_product(g, (left.pop(0), left.pop(0))))
            elif code == -4:
                made += _split(g, left.pop(0), queue.pop(0), queue.pop(0))
            else:
                made.append(code)
                del left[:1]
    except IndexError:
        raise g.misfit(f"its input {spell(given)} has too few dimensions for shape={codes}") from None
    return _filled(g, given, made)


def _split(g: Scope, dim: Dim, first: int, second: int) -> list[Dim]:
    """Code -4: ``dim`` as two, one of which may be -1."""
    if dim == ir.BATCH and (first, second) in ((1, -1), (-1, 1)):
        return [dim if part == -1 else part for part in (first, second)]
    if isinstance(dim, str):
        raise g.refuse("its shape splits the open batch dimension; give the batch a number")
    known = second if first == -1 else first
    if known < 1 or dim % known or (first != -1 and second != -1 and first * second != dim):
        raise g.misfit(f"a dimension of {dim} cannot be split into {first} x {second}")
    return [known, dim // known] if first != -1 else [dim // known, known]


def _filled(g: Scope, given: Shape, made: list[Dim]) -> Shape:
    """Replace -1 by what is left of the elements, and check that their number is the same."""
    total = _volume(given)
    holes = made.count(-1)
    if holes > 1 or any(isinstance(dim, int) and (dim < -1 or dim == 0) for dim in made):
        raise g.refuse(f"shape {tuple(made)}")
    known, batches = _volume([dim for dim in made if dim != -1])
    if holes and total[1] - batches in (0, 1) and total[0] % known == 0:
        rest = total[0] // known
        if total[1] == batches or rest == 1:
            made[made.index(-1)] = rest if total[1] == batches else ir.BATCH
    if -1 in made and total[1] > batches:
        raise g.refuse("its shape merges or splits the open batch dimension; give the batch a number")
    if -1 in made or _volume(made) != total:
        raise g.misfit(f"its input {spell(given)} does not have the elements of {spell(tuple(made))}")
    return tuple(made)


def _volume(shape: Sequence[Dim]) -> tuple[int, int]:
    """The product of the numbers of ``shape``, and how many times the batch multiplies it."""
    numbers = [dim for dim in shape if isinstance(dim, int)]
    return math.prod(numbers), len(shape) - len(numbers)


def _product(g: Scope, pair: tuple[Dim, Dim]) -> Dim:
    first, second = pair
    if isinstance(first, int) and isinstance(second, int):
        return first * second
    if 1 in pair:
        return ir.BATCH
    raise g.refuse("its shape merges the open batch dimension; give the batch a number")


def _codes(given: Shape, made: Shape) -> list[int]:
    """``made`` as ONNX writes it: the batch is copied where it stays in place, and inferred where it moves."""
    return [_code(index, dim, given) for index, dim in enumerate(made)]


def _code(index: int, dim: Dim, given: Shape) -> int:
    if isinstance(dim, int):
        return dim
    return 0 if index < len(given) and given[index] == dim else -1
