# Keras is not installed where types are checked
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201 - a tensor is whatever the backend has
"""Functions that generated code takes what it needs of: what Keras has no single operation on tensors for.

They are never imported here. The emitter copies the source of those that a network uses, and of those that these use
in turn, into its code, so all that they may use is what the imports below name, and each other. They run once, on
symbolic tensors whose batch is ``None``; what they call is recorded in the network, which is saved without them.
"""

from __future__ import annotations

from keras import ops


def tied(value, x):
    """Return ``value``, which is always the same, as something that the network computes of its input ``x``."""
    return ops.where(ops.any(ops.equal(x, x)), value, value)


def row(x, axis, dtype):
    """Ones, as many as there are elements along ``axis``, however many that are."""
    return ops.ones_like(x[tuple(slice(None) if place == axis else 0 for place in range(len(x.shape)))], dtype=dtype)


def length(x, axis):
    """Count the elements along ``axis``."""
    size = x.shape[axis]
    return ops.sum(row(x, axis, "int64")) if size is None else ops.convert_to_tensor(size, "int64")


def counted(x, axis, dtype):
    """Number the elements along ``axis``, from 0 on."""
    return ops.cumsum(row(x, axis, dtype), axis=0) - 1


def shape_of(x, axis, shape):
    """``shape`` as a tensor, with the length of ``x`` along ``axis`` for ``None``."""
    known = ops.convert_to_tensor([0 if size is None else size for size in shape], "int64")
    return ops.where(ops.convert_to_tensor([size is None for size in shape]), length(x, axis), known)


def spread(x, axis, other, other_axis):
    """Repeat ``x``, which has one element along ``axis``, as often as ``other`` has any along its axis."""
    return ops.take(x, row(other, other_axis, "int32") - 1, axis=axis)


def sign(x):
    """-1, 0, 1, or what is no number."""
    return ops.where(ops.isnan(x), x, ops.sign(x))


def divided(x, y):
    """Divide integers and cut what is behind the point."""
    quotient = ops.floor_divide(x, y)
    inexact = ops.not_equal(quotient * y, x)
    below = ops.logical_and(inexact, ops.logical_xor(ops.less(x, 0), ops.less(y, 0)))
    return quotient + ops.cast(below, x.dtype)


def remainder(x, y):
    """Take the remainder of integers, whose sign is that of ``x``."""
    return x - divided(x, y) * y


def integer_mean(x, axis, keepdims):
    """Average integers and cut what is behind the point."""
    count = ops.sum(ops.ones_like(x), axis=axis, keepdims=keepdims)
    return divided(ops.sum(x, axis=axis, keepdims=keepdims), count)


def exclusive_sum(x, axis, reverse):
    """Add up the elements before each one, or after it."""
    x = ops.flip(x, axis=axis) if reverse else x
    first = ops.take(x, [0], axis=axis)
    before = ops.cumsum(ops.concatenate([ops.zeros_like(first), x], axis=axis), axis=axis)
    before = before[(slice(None),) * axis + (slice(0, -1),)]
    return ops.flip(before, axis=axis) if reverse else before


def first_place(x, axis, keepdims, largest):
    """Find the place of the largest or smallest element; of equal ones the first, negative zero being zero."""
    x = ops.where(ops.equal(x, 0), ops.zeros_like(x), x)
    found = (ops.argmax if largest else ops.argmin)(x, axis=axis, keepdims=keepdims)
    return ops.cast(found, "int64")


def last_place(x, axis, keepdims, largest):
    """Find the place of the largest or smallest element; of equal ones the last."""
    return x.shape[axis] - 1 - first_place(ops.flip(x, axis=axis), axis, keepdims, largest)


def top_k(x, k, axis, largest):
    """Take the ``k`` largest or smallest elements and their places; of equal ones the first."""
    order = ops.cast(ops.argsort(ops.flip(x, axis=axis) if largest else x, axis=axis), "int64")
    order = length(x, axis) - 1 - ops.flip(order, axis=axis) if largest else order
    places = order if k is None else ops.take(order, ops.arange(k), axis=axis)
    return ops.take_along_axis(x, places, axis=axis), places


def padded(x, padding, mode):
    """Pad each axis with what is there: its edge, its mirror image, or it all over again."""
    for axis, (before, after) in enumerate(padding):
        if before or after:
            last = x.shape[axis] - 1
            place = ops.arange(-before, last + 1 + after)
            if mode == "edge":
                place = ops.clip(place, 0, last)
            elif mode == "wrap":
                place = ops.mod(place, last + 1)
            else:
                place = last - ops.abs(ops.mod(place, max(2 * last, 1)) - last)
            x = ops.take(x, place, axis=axis)
    return x


def product(sizes):
    """Multiply ``sizes``, or -1, which ``ops.reshape`` finds out, where one is open."""
    result = 1
    for size in sizes:
        result = -1 if size is None or result < 0 else result * size
    return result


def wrapped(index, size):
    """Count negative indices from the end."""
    return ops.where(ops.less(index, 0), ops.add(index, size), index)


def gather_nd(x, index, batch_dims, shape):
    """Take the elements or slices at the tuples in the last axis of ``index``, for each of the first axes apart.

    Args:
        x: The table.
        index: The tuples.
        batch_dims: How many axes both have in common.
        shape: What the result is reshaped to.
    """
    depth = index.shape[-1]
    place = 0
    for number, axis in enumerate(range(batch_dims, batch_dims + depth)):
        place = place * length(x, axis) + wrapped(ops.cast(index[..., number], "int64"), length(x, axis))
    sizes, rest = x.shape[batch_dims : batch_dims + depth], x.shape[batch_dims + depth :]
    count = product(sizes)
    if batch_dims == 0:
        table = ops.reshape(x, (count, product(rest)))
        return ops.reshape(ops.take(table, place, axis=0), shape)
    rows = product(x.shape[:batch_dims])
    table = ops.reshape(x, (rows, count, product(rest)))
    place = ops.reshape(place, (rows, product(index.shape[batch_dims:-1]), 1))
    return ops.reshape(ops.take_along_axis(table, place, axis=1), shape)


def scatter_nd(x, index, updates, reduction):
    """Replace the elements or slices at the tuples in the last axis of ``index``, or combine both."""
    depth = index.shape[-1]
    sizes = ops.stack([length(x, axis) for axis in range(depth)])
    rest = [-1 if size is None else size for size in x.shape[depth:]]
    count = product(index.shape[:-1])
    places = ops.reshape(wrapped(ops.cast(index, "int64"), sizes), (count, depth))
    return ops.scatter_update(x, places, ops.reshape(updates, (count, *rest)), reduction=reduction)


def scatter_elements(x, index, updates, axis, reduction):
    """Replace the elements at places along ``axis``, or combine them with ``updates``."""
    rank = len(index.shape)
    index = wrapped(ops.cast(index, "int64"), length(x, axis))
    places = []
    for number in range(rank):
        shape = [-1 if place == number else 1 for place in range(rank)]
        own = ops.reshape(counted(index, number, "int64"), shape)
        places.append(index if number == axis else own + ops.zeros_like(index))
    places = ops.reshape(ops.stack(places, axis=-1), (-1, rank))
    return ops.scatter_update(x, places, ops.reshape(updates, (-1,)), reduction=reduction)


def one_hot(index, depth, values, axis):
    """Write the second of ``values`` at the places that ``index`` names along a new axis, and the first at others."""
    shape = [1] * (len(index.shape) + 1)
    shape[axis] = depth
    places = ops.reshape(ops.arange(depth, dtype="int64"), shape)
    chosen = ops.equal(ops.expand_dims(wrapped(ops.cast(index, "int64"), depth), axis), places)
    return ops.take(values, ops.cast(chosen, "int32"), axis=0)


def reverse_sequence(x, lengths, time, batch):
    """Reverse the first ``lengths`` elements along ``time``, of each element of ``batch`` its own number."""
    rank = len(x.shape)
    places = ops.reshape(counted(x, time, "int64"), [-1 if axis == time else 1 for axis in range(rank)])
    lengths = ops.reshape(ops.cast(lengths, "int64"), [-1 if axis == batch else 1 for axis in range(rank)])
    source = ops.where(ops.less(places, lengths), lengths - 1 - places, places)
    return ops.take_along_axis(x, source + ops.zeros_like(x, dtype="int64"), axis=time)


def eye_like(x, k, dtype):
    """Ones on one diagonal of zeros, in the shape of ``x``."""
    rows, columns = counted(x, 0, "int64"), counted(x, 1, "int64")
    return ops.cast(ops.equal(ops.expand_dims(rows, 1) + k, columns), dtype)
