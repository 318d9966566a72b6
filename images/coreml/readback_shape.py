"""Operations that move elements and do not look at them, and the sizes of tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from readback_graph import FIRST, LAST, Bools, Graph, Ints, RefusedError, Tensor, pairs, reads


@reads("shape")
def shape(graph: Graph, x: Tensor) -> str:
    """The sizes of ``x``."""
    return graph.int32(graph.op("Shape", x))


@reads("reshape")
def reshape(graph: Graph, x: Tensor, shape: Tensor) -> str:
    """The same elements in another ``shape``: -1 is what is left, 0 the size of ``x``, both counted from the last.

    A 0 that has no counterpart in ``x`` is 1. Before iOS 17 a 0 is allowed only if ranks are equal, which then says
    the same.
    """
    count = shape.size(0)
    if shape.value is not None:
        sizes = _aligned(x.shape, count)
        wanted = [sizes[axis] if size == 0 else int(size) for axis, size in enumerate(shape.value.tolist())]
        if None not in wanted:
            return graph.op("Reshape", x, [size for size in wanted if size is not None])
    known = graph.op("Shape", x)
    if count > x.rank:
        known = graph.op("Concat", [1] * (count - x.rank), known, axis=0)
    elif count < x.rank:
        known = graph.op("Slice", known, [x.rank - count], [x.rank])
    given = graph.long(shape)
    return graph.op("Reshape", x, graph.op("Where", graph.op("Equal", given, 0), known, given))


def _aligned(sizes: Sequence[int | None], count: int) -> list[int | None]:
    return ([1] * count + list(sizes))[-count:] if count else []


@reads("transpose")
def transpose(graph: Graph, x: Tensor, perm: Ints) -> str:
    """The axes in another order."""
    return graph.op("Transpose", x, perm=[x.axis(axis) for axis in perm])


@reads("expand_dims")
def expand_dims(graph: Graph, x: Tensor, axes: Ints) -> str:
    """With axes of size one; ``axes`` are those of the result."""
    return graph.op("Unsqueeze", x, list(axes))


@reads("squeeze")
def squeeze(graph: Graph, x: Tensor, axes: Ints | None = None) -> str:
    """Without those of ``axes`` that have size one; without all such axes if none are named."""
    asked = range(x.rank) if axes is None else [x.axis(axis) for axis in axes]
    found = sorted(axis for axis in asked if x.size(axis) == 1)
    return graph.op("Squeeze", x, found) if found else graph.op("Identity", x)


@reads("flatten2d")
def flatten2d(graph: Graph, x: Tensor, axis: int = 1) -> str:
    """A matrix: the axes before ``axis``, and the others."""
    return graph.op("Flatten", x, axis=axis)


@reads("concat")
def concat(graph: Graph, values: list[Tensor], axis: int, interleave: bool = False) -> str:
    """One after the other along ``axis``, or by turns an element of each."""
    if not values[0].rank:
        return graph.op("Concat", *[graph.op("Reshape", value, [1]) for value in values], axis=0)
    along = values[0].axis(axis)
    if not interleave:
        return graph.op("Concat", *values, axis=along)
    stacked = _stacked(graph, values, along + 1)
    sizes = graph.op("Shape", values[0])
    factors = [len(values) if other == along else 1 for other in range(values[0].rank)]
    return graph.op("Reshape", stacked, graph.op("Mul", sizes, factors))


@reads("stack")
def stack(graph: Graph, values: list[Tensor], axis: int) -> str:
    """Along a new axis."""
    rank = values[0].rank + 1
    if not -rank <= axis < rank:
        raise RefusedError(f"axis {axis}")
    return _stacked(graph, values, axis % rank)


def _stacked(graph: Graph, values: list[Tensor], axis: int) -> str:
    return graph.op("Concat", *[graph.op("Unsqueeze", value, [axis]) for value in values], axis=axis)


@reads("split")
def split(
    graph: Graph, x: Tensor, axis: int, num_splits: int | None = None, split_sizes: Ints | None = None
) -> list[str]:
    """Parts along ``axis``, of these sizes or equal ones."""
    if split_sizes is None:
        if not num_splits or x.size(axis) % num_splits:
            raise RefusedError(f"{num_splits} parts of an axis of size {x.size(axis)}")
        split_sizes = (x.size(axis) // num_splits,) * num_splits
    return graph.ops("Split", len(split_sizes), x, list(split_sizes), axis=x.axis(axis))


@reads("slice_by_index")
def slice_by_index(
    graph: Graph,
    x: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> str:
    """``x[begin:end:stride]`` for each axis, as numpy means it.

    A masked begin or end is the first or the last element, whichever the stride's sign says. Where ``squeeze_mask``
    holds, the element at ``begin`` is taken and the axis goes.
    """
    steps, none = stride or (1,) * x.rank, (False,) * x.rank
    squeezed = squeeze_mask or none
    axes = [axis for axis in range(x.rank) if not squeezed[axis]]
    result = x.name
    if axes:
        extremes = [(0, LAST) if step > 0 else (LAST, FIRST) for step in steps]
        starts = _chosen(graph, begin, begin_mask or none, [first for first, _ in extremes])
        ends = _chosen(graph, end, end_mask or none, [last for _, last in extremes])
        starts, ends = (graph.op("Gather", values, axes) for values in (starts, ends))
        result = graph.op("Slice", result, starts, ends, axes, [steps[axis] for axis in axes])
    for axis in reversed(range(x.rank)):
        if squeezed[axis]:
            result = graph.op("Gather", result, graph.op("Gather", graph.long(begin), axis), axis=axis)
    return result


def _chosen(graph: Graph, given: Tensor, masks: Bools, otherwise: list[int]) -> str:
    return graph.op("Where", numpy.array(masks), otherwise, graph.long(given))


@reads("slice_by_size")
def slice_by_size(graph: Graph, x: Tensor, begin: Tensor, size: Tensor) -> str:
    """``size`` elements from ``begin``, which may be counted from the last; -1 are all that are left."""
    first, count = graph.long(begin), graph.long(size)
    first = graph.op("Where", graph.op("Less", first, 0), graph.op("Add", first, graph.op("Shape", x)), first)
    end = graph.op("Where", graph.op("Equal", count, -1), LAST, graph.op("Add", first, count))
    return graph.op("Slice", x, first, end)


@reads("crop")
def crop(graph: Graph, x: Tensor, crop_height: Ints, crop_width: Ints) -> str:
    """Without so many elements before and after the last two axes."""
    (top, bottom), (left, right) = crop_height, crop_width
    return graph.op("Slice", x, [top, left], [x.size(-2) - bottom, x.size(-1) - right], [x.rank - 2, x.rank - 1])


@reads("pad")
def pad(graph: Graph, x: Tensor, pad: Tensor, mode: str = "constant", constant_val: float = 0) -> str:
    """With elements before and after the last axes, two numbers for each of them."""
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
    if mode not in modes:
        raise RefusedError(f"the mode {mode!r}")
    count = pad.size(0) // 2
    amounts = graph.op("Reshape", graph.op("Transpose", graph.op("Reshape", graph.long(pad), [count, 2])), [-1])
    axes = list(range(x.rank - count, x.rank))
    return graph.op("Pad", x, amounts, graph.scalar(constant_val, x), axes, mode=modes[mode])


@reads("tile")
def tile(graph: Graph, x: Tensor, reps: Tensor) -> str:
    """So many times along each axis."""
    return graph.op("Tile", x, graph.long(reps))


@reads("reverse")
def reverse(graph: Graph, x: Tensor, axes: Ints | None = None) -> str:
    """From the last to the first along ``axes``, or along all."""
    along = [x.axis(axis) for axis in (range(x.rank) if axes is None else axes)]
    return graph.op("Slice", x, [LAST] * len(along), [FIRST] * len(along), along, [-1] * len(along))


@reads("reverse_sequence")
def reverse_sequence(graph: Graph, x: Tensor, lengths: Tensor, seq_axis: int = 0, batch_axis: int = 0) -> str:
    """The first ``lengths`` elements along ``seq_axis`` reversed, a length for each of ``batch_axis``."""
    time, batch = x.axis(seq_axis), x.axis(batch_axis)
    if time == batch:
        raise RefusedError("one axis for the sequence and for the batch")
    perm = [time, batch, *(axis for axis in range(x.rank) if axis not in {time, batch})]
    front = graph.op("Transpose", x, perm=perm)
    turned = graph.op("ReverseSequence", front, graph.long(lengths), time_axis=0, batch_axis=1)
    return graph.op("Transpose", turned, perm=[perm.index(axis) for axis in range(x.rank)])


@reads("depth_to_space")
def depth_to_space(graph: Graph, x: Tensor, block_size: int) -> str:
    """As TensorFlow's: the channels hold the blocks' rows, their columns, then the result's channels."""
    return graph.op("DepthToSpace", x, blocksize=block_size, mode="DCR")


@reads("pixel_shuffle")
def pixel_shuffle(graph: Graph, x: Tensor, upscale_factor: int) -> str:
    """As PyTorch's: the channels hold the result's channels, then the blocks' rows and their columns."""
    return graph.op("DepthToSpace", x, blocksize=upscale_factor, mode="CRD")


@reads("space_to_depth")
def space_to_depth(graph: Graph, x: Tensor, block_size: int) -> str:
    """The inverse of ``depth_to_space``."""
    return _unblocked(graph, x, block_size, perm=[0, 3, 5, 1, 2, 4])


@reads("pixel_unshuffle")
def pixel_unshuffle(graph: Graph, x: Tensor, downscale_factor: int) -> str:
    """The inverse of ``pixel_shuffle``."""
    return _unblocked(graph, x, downscale_factor, perm=[0, 1, 3, 5, 2, 4])


def _unblocked(graph: Graph, x: Tensor, block: int, perm: list[int]) -> str:
    channels, height, width = (x.size(axis) for axis in (1, 2, 3))
    blocks = graph.op("Reshape", x, [-1, channels, height // block, block, width // block, block])
    moved = graph.op("Transpose", blocks, perm=perm)
    return graph.op("Reshape", moved, [-1, channels * block * block, height // block, width // block])


@reads("space_to_batch")
def space_to_batch(graph: Graph, x: Tensor, block_shape: Ints, paddings: Ints) -> str:
    """Blocks of the padded input as examples: those of one place of the block one after the other."""
    (top, bottom), (left, right) = pairs(paddings)
    padded = graph.op("Pad", x, [0, 0, top, left, 0, 0, bottom, right])
    channels = x.size(1)
    height, width = (x.size(2) + top + bottom) // block_shape[0], (x.size(3) + left + right) // block_shape[1]
    blocks = graph.op("Reshape", padded, [-1, channels, height, block_shape[0], width, block_shape[1]])
    moved = graph.op("Transpose", blocks, perm=[3, 5, 0, 1, 2, 4])
    return graph.op("Reshape", moved, [-1, channels, height, width])


@reads("batch_to_space")
def batch_to_space(graph: Graph, x: Tensor, block_shape: Ints, crops: Ints) -> str:
    """The inverse of ``space_to_batch``."""
    (top, bottom), (left, right) = pairs(crops)
    channels, height, width = (x.size(axis) for axis in (1, 2, 3))
    blocks = graph.op("Reshape", x, [*block_shape, -1, channels, height, width])
    moved = graph.op("Transpose", blocks, perm=[2, 3, 4, 0, 5, 1])
    rows, columns = height * block_shape[0], width * block_shape[1]
    whole = graph.op("Reshape", moved, [-1, channels, rows, columns])
    return graph.op("Slice", whole, [top, left], [rows - bottom, columns - right], [2, 3])


@reads("sliding_windows")
def sliding_windows(graph: Graph, x: Tensor, axis: int, size: int, stride: int = 1) -> str:
    """All windows of ``size`` elements along ``axis``, on a new axis behind it."""
    starts = numpy.arange(0, x.size(axis) - size + 1, stride)
    return graph.op("Gather", x, starts[:, None] + numpy.arange(size), axis=x.axis(axis))
