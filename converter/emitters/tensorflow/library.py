# tensorflow is not installed where types are checked
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, B905
"""Functions that generated code takes what it needs of: what TensorFlow has no single function for.

They are never imported here. The emitter copies the source of those that a network uses, and of those that these use
in turn, into its code, so all that they may use is what the imports below name.
"""

import itertools
import math

import tensorflow as tf


def dilate(filters, steps):
    """Filters with zeros between their elements: ``steps`` from one to the next along the first axes."""
    for axis, step in enumerate(steps):
        shape = filters.shape.as_list()
        between = tf.zeros([*shape[: axis + 1], step - 1, *shape[axis + 1 :]], filters.dtype)
        wide = tf.concat([tf.expand_dims(filters, axis + 1), between], axis + 1)
        wide = tf.reshape(wide, [*shape[:axis], shape[axis] * step, *shape[axis + 1 :]])
        filters = tf.split(wide, [(shape[axis] - 1) * step + 1, step - 1], axis)[0]
    return filters


def spread(x, steps, pads, first):
    """Images with zeros between their elements, and ``pads`` around them.

    Args:
        x: Images.
        steps: From one element to the next, for each spatial axis.
        pads: The zeros before and after, likewise.
        first: The first spatial axis.
    """
    shape = [-1, *x.shape.as_list()[1:]]
    for axis, step in enumerate(steps, first):
        if step > 1:
            x = tf.reshape(x, [-1, shape[axis], math.prod(shape[axis + 1 :])])
            x = tf.pad(tf.expand_dims(x, 2), [[0, 0], [0, 0], [0, step - 1], [0, 0]])
            shape[axis] *= step
            x = tf.reshape(x, shape)
    last = [size - step + 1 for size, step in zip(shape[first:], steps)]
    whole = [slice(None)] * first + [slice(size) for size in last]
    before, after = [[0, 0]] * first, [[0, 0]] * (len(shape) - first - len(steps))
    return tf.pad(x[tuple(whole)], [*before, *pads, *after])


def window_means(x, bounds, axis):
    """The means of the elements from ``first`` to ``last`` along an axis, for each such pair of ``bounds``."""
    parts = [x[(slice(None),) * axis + (slice(first, last),)] for first, last in bounds]
    return tf.concat([tf.reduce_mean(part, axis, keepdims=True) for part in parts], axis)


def gamma(x):
    """The gamma function, computed in float64; no number at the negative integers."""
    wide = tf.cast(x, tf.float64)
    below = tf.math.floor(wide)
    size = tf.math.exp(tf.math.lgamma(wide))
    signed = tf.where((wide < 0) & (below % 2 == 1), -size, size)
    pole = (wide < 0) & (wide == below)
    return tf.cast(tf.where(pole, tf.constant(math.nan, tf.float64), signed), x.dtype)


def top_k(x, k, axis, largest):
    """The ``k`` largest or smallest elements along an axis, and their places; of equal ones the first come first."""
    last = list(range(x.shape.rank))
    last.append(last.pop(axis))
    back = [last.index(place) for place in range(len(last))]
    moved = tf.transpose(x, last)
    values, found = tf.math.top_k(moved if largest else upside_down(moved), k)
    values = values if largest else upside_down(values)
    return tf.transpose(values, back), tf.transpose(found, back)


def upside_down(x):
    """Numbers of which the largest is the smallest of ``x``, and the same of them is ``x``."""
    if x.dtype.is_unsigned:
        return x.dtype.max - x
    return -x if x.dtype.is_floating else -(x + 1)


def wrapped(index, size):
    """Indices that count from the start, of some that count from the end where they are negative."""
    return tf.where(index < 0, index + size, index)


def places(index, axis):
    """The coordinates of elements that ``index`` counts along ``axis``, each at its own place along the others."""
    sizes = tf.shape(index, out_type=index.dtype)
    grid = tf.meshgrid(*[tf.range(sizes[place]) for place in range(index.shape.rank)], indexing="ij")
    grid[axis] = index
    return tf.stack(grid, axis=-1)


def scatter_multiply(x, index, updates):
    """``x`` with the elements or slices at the tuples ``index`` multiplied by ``updates``."""
    depth = index.shape[-1]
    sizes = tf.shape(x, out_type=index.dtype)
    strides = tf.math.cumprod(sizes[:depth], exclusive=True, reverse=True)
    rows = tf.reshape(tf.reduce_sum(index * strides, axis=-1), [-1])
    table = tf.reshape(updates, tf.concat([tf.shape(rows, out_type=index.dtype), sizes[depth:]], 0))
    factors = tf.math.unsorted_segment_prod(table, rows, tf.reduce_prod(sizes[:depth]))
    return x * tf.reshape(factors, sizes)


def pad_edge(x, paddings):
    """``x`` with its first and last elements repeated before and after each axis."""
    for axis, (before, after) in enumerate(paddings):
        if before or after:
            size = tf.shape(x)[axis]
            x = tf.gather(x, tf.clip_by_value(tf.range(-before, size + after), 0, size - 1), axis=axis)
    return x


def pad_reflect(x, paddings):
    """``x`` mirrored at its first and last elements, as often as it takes."""
    for axis, (before, after) in enumerate(paddings):
        if before or after:
            last = tf.shape(x)[axis] - 1
            there = tf.range(-before, last + 1 + after) % (2 * last)
            x = tf.gather(x, tf.minimum(there, 2 * last - there), axis=axis)
    return x


def pad_wrap(x, paddings):
    """``x`` with its end before each axis, and its start after it."""
    for axis, (before, after) in enumerate(paddings):
        if before or after:
            size = tf.shape(x)[axis]
            x = tf.gather(x, tf.range(-before, size + after) % size, axis=axis)
    return x


def pool_volumes(x, pool, kernel, strides, padding):
    """Pool N x D x H x W x C as images twice, which TensorFlow Lite has: over rows and columns, then over depth.

    Args:
        x: Volumes.
        pool: ``tf.nn.max_pool2d`` or ``tf.nn.avg_pool2d``.
        kernel: The size of a window along the three axes.
        strides: The steps from one to the next.
        padding: "VALID" or "SAME".
    """
    depth, height, width, channels = x.shape.as_list()[1:]
    flat = pool(tf.reshape(x, [-1, height, width, channels]), kernel[1:], strides[1:], padding)
    rows, columns = flat.shape.as_list()[1:3]
    tall = tf.reshape(flat, [-1, depth, rows * columns, channels])
    found = pool(tall, [kernel[0], 1], [strides[0], 1], padding)
    return tf.reshape(found, [-1, found.shape[1], rows, columns, channels])


def softplus(x):
    """log(1 + exp(x)), of large numbers too."""
    return tf.nn.relu(x) + tf.math.log1p(tf.exp(-tf.abs(x)))


def local_response_norm(x, size, bias, alpha, beta, axis):
    """Divide by a power of the sum of the squares of ``size`` neighbours along an axis."""
    count = x.shape[axis]
    pads = [[0, 0] for _ in x.shape]
    pads[axis] = [(size - 1) // 2, size // 2]
    squares = tf.pad(tf.square(x), pads)
    before = (slice(None),) * axis
    total = tf.add_n([squares[(*before, slice(first, first + count))] for first in range(size)])
    return x / tf.pow(bias + alpha * total, beta)


def resize_axis(x, axis, size, aligned):
    """Interpolate linearly along an axis, of aligned corners or else of half pixels."""
    length = x.shape[axis]
    number = tf.range(size, dtype=tf.float32)
    if aligned:
        place = number * ((length - 1) / max(size - 1, 1))
    else:
        place = tf.clip_by_value((number + 0.5) * (length / size) - 0.5, 0.0, length - 1.0)
    low = tf.floor(place)
    share = tf.reshape(place - low, [-1] + [1] * (len(x.shape) - 1 - axis))
    low = tf.cast(low, tf.int32)
    high = tf.minimum(low + 1, length - 1)
    return tf.gather(x, low, axis=axis) * (1.0 - share) + tf.gather(x, high, axis=axis) * share


def grid_sample(x, grid, mode, padding, aligned):
    """Sample images at the places of a grid.

    Args:
        x: Images with their channels last, N x sizes x C.
        grid: Places, N x any sizes x coordinates, the last axis first, from -1 to 1.
        mode: "linear", "nearest" or "cubic".
        padding: What is outside: "zeros", "border" or "reflection".
        aligned: Whether -1 and 1 are the centres of the outermost pixels, rather than their edges.
    """
    sizes = x.shape.as_list()[1:-1]
    pixels = tf.reshape(x, [-1, math.prod(sizes), x.shape[-1]])
    shape = [-1, *grid.shape.as_list()[1:-1], x.shape[-1]]
    grid = tf.reshape(grid, [-1, math.prod(grid.shape.as_list()[1:-1]), len(sizes)])
    taps = []
    for axis, size in enumerate(sizes):
        place = grid[:, :, len(sizes) - 1 - axis]
        place = (place + 1) / 2 * (size - 1) if aligned else ((place + 1) * size - 1) / 2
        taps.append(grid_taps(grid_inside(place, size, padding, aligned, mode), size, mode, padding, aligned))
    total = 0.0
    for corner in itertools.product(*taps):
        index, share = 0, 1.0
        for size, (place, weight) in zip(sizes, corner):
            index, share = index * size + place, share * weight
        total += tf.gather(pixels, index, axis=1, batch_dims=1) * tf.expand_dims(share, -1)
    return tf.reshape(total, shape)


def grid_inside(place, size, padding, aligned, mode):
    """Places outside of an axis brought into it, but for what counts as 0 or is brought there tap by tap."""
    if padding == "zeros" or mode == "cubic":
        return place
    return tf.clip_by_value(place, 0.0, size - 1.0) if padding == "border" else reflected(place, size, aligned)


def grid_taps(place, size, mode, padding, aligned):
    """The neighbours of places along an axis: pairs of their indices and weights."""
    low = tf.round(place) if mode == "nearest" else tf.floor(place)
    share = place - low
    if mode == "nearest":
        found = [(low, tf.ones_like(place))]
    elif mode == "linear":
        found = [(low, 1.0 - share), (low + 1.0, share)]
    else:
        weights = [cubic_far(share + 1.0), cubic_near(share), cubic_near(1.0 - share), cubic_far(2.0 - share)]
        found = [(low + number, weight) for number, weight in enumerate(weights, -1)]
    taps = []
    for at, weight in found:
        inside = (at >= 0.0) & (at <= size - 1.0)
        turned = mode == "cubic" and padding == "reflection"
        pixel = tf.round(reflected(at, size, aligned)) if turned else tf.clip_by_value(at, 0.0, size - 1.0)
        share = tf.where(inside, weight, 0.0) if padding == "zeros" else weight
        taps.append((tf.cast(pixel, tf.int32), share))
    return taps


def reflected(place, size, aligned):
    """Places brought into an axis by reflection at its ends."""
    first, length = (0.0, size - 1.0) if aligned else (-0.5, float(size))
    if length == 0.0:
        return tf.zeros_like(place)
    beyond = tf.abs(place - first)
    turns = tf.floor(beyond / length)
    rest = beyond - turns * length
    even = turns - 2.0 * tf.floor(turns / 2.0) < 0.5
    return tf.clip_by_value(tf.where(even, rest, length - rest) + first, 0.0, size - 1.0)


def cubic_near(x):
    """The cubic weight of a neighbour at a distance up to 1."""
    return (1.25 * x - 2.25) * x * x + 1.0


def cubic_far(x):
    """The cubic weight of a neighbour at a distance from 1 to 2."""
    return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0


def affine_grid(theta, sizes, aligned):
    """The places that affine maps bring those of all pixels to, N x sizes x coordinates."""
    axes = []
    for size in sizes:
        number = tf.range(size, dtype=tf.float32)
        axes.append(number * 2 / max(size - 1, 1) - 1 if aligned else (number * 2 + 1) / size - 1)
    places = tf.stack([*tf.meshgrid(*axes, indexing="ij")[::-1], tf.ones(sizes)], -1)
    flat = tf.reshape(places, [1, -1, len(sizes) + 1])
    found = tf.matmul(flat, theta, transpose_b=True)
    return tf.reshape(found, [-1, *sizes, len(sizes)])


def depth_to_space(x, size, blocks_last):
    """Blocks of pixels of what lies in the channels, the last axis; in each, the block's axes come first or last."""
    height, width, channels = x.shape.as_list()[1:]
    depth = channels // size**2
    split = [depth, size, size] if blocks_last else [size, size, depth]
    perm = [0, 1, 4, 2, 5, 3] if blocks_last else [0, 1, 3, 2, 4, 5]
    wide = tf.transpose(tf.reshape(x, [-1, height, width, *split]), perm)
    return tf.reshape(wide, [-1, height * size, width * size, depth])


def col2im(x, sizes, kernel, strides, dilations, pads):
    """Add up the blocks of images that columns hold, N x C x sizes."""
    rank = len(sizes)
    padded = [size + pads[axis] + pads[rank + axis] for axis, size in enumerate(sizes)]
    counts = [(padded[axis] - dilations[axis] * (kernel[axis] - 1) - 1) // strides[axis] + 1 for axis in range(rank)]
    blocks = tf.reshape(x, [-1, x.shape[1] // math.prod(kernel), math.prod(kernel), *counts])
    total = 0.0
    for number, tap in enumerate(itertools.product(*map(range, kernel))):
        first = [place * step for place, step in zip(tap, dilations)]
        span = [(count - 1) * step + 1 for count, step in zip(counts, strides)]
        around = [[start, size - start - length] for start, size, length in zip(first, padded, span)]
        total += spread(blocks[:, :, number], strides, around, 2)
    inner = tuple(slice(pads[axis], pads[axis] + size) for axis, size in enumerate(sizes))
    return total[(slice(None), slice(None), *inner)]


def lstm(x, kernel, recurrent_kernel, bias, recurrent_bias, hidden, cell, reverse):
    """Go through a sequence with an LSTM cell, whose gates are those for input, output, forgetting and the cell.

    Args:
        x: The sequence, T x N x I.
        kernel: I x 4H.
        recurrent_kernel: H x 4H.
        bias: 4H.
        recurrent_bias: 4H.
        hidden: What it begins with, N x H.
        cell: Likewise.
        reverse: Whether it goes from the last element to the first.

    Returns:
        All hidden states, T x N x H, the last one, and the last cell state.
    """
    steps = tf.unstack(tf.matmul(x, kernel) + (bias + recurrent_bias))
    found = []
    for step in steps[::-1] if reverse else steps:
        enter, leave, keep, new = tf.split(step + tf.matmul(hidden, recurrent_kernel), 4, -1)
        cell = tf.sigmoid(keep) * cell + tf.sigmoid(enter) * tf.tanh(new)
        hidden = tf.sigmoid(leave) * tf.tanh(cell)
        found.append(hidden)
    return tf.stack(found[::-1] if reverse else found), hidden, cell


def gru(x, kernel, recurrent_kernel, bias, recurrent_bias, hidden, reverse, late):
    """Go through a sequence with a GRU cell, whose gates are those for updating, resetting and the new state.

    Args:
        x: The sequence, T x N x I.
        kernel: I x 3H.
        recurrent_kernel: H x 3H.
        bias: 3H, or 0.0.
        recurrent_bias: 3H, or 0.0.
        hidden: What it begins with, N x H.
        reverse: Whether it goes from the last element to the first.
        late: Whether it resets after the linear map.

    Returns:
        All hidden states, T x N x H, and the last one.
    """
    size = recurrent_kernel.shape[0]
    steps = tf.unstack(tf.matmul(x, kernel) + bias)
    more = tf.zeros([3 * size]) + recurrent_bias
    found = []
    for step in steps[::-1] if reverse else steps:
        if late:
            moved = tf.matmul(hidden, recurrent_kernel) + more
            gates = tf.sigmoid(step[:, : 2 * size] + moved[:, : 2 * size])
            update, reset = tf.split(gates, 2, -1)
            new = tf.tanh(step[:, 2 * size :] + reset * moved[:, 2 * size :])
        else:
            moved = tf.matmul(hidden, recurrent_kernel[:, : 2 * size]) + more[: 2 * size]
            update, reset = tf.split(tf.sigmoid(step[:, : 2 * size] + moved), 2, -1)
            moved = tf.matmul(reset * hidden, recurrent_kernel[:, 2 * size :]) + more[2 * size :]
            new = tf.tanh(step[:, 2 * size :] + moved)
        hidden = (1.0 - update) * new + update * hidden
        found.append(hidden)
    return tf.stack(found[::-1] if reverse else found), hidden


def rnn(x, kernel, recurrent_kernel, bias, recurrent_bias, hidden, reverse, activation):
    """Go through a sequence with a recurrent cell.

    Args:
        x: The sequence, T x N x I.
        kernel: I x H.
        recurrent_kernel: H x H.
        bias: H.
        recurrent_bias: H.
        hidden: What it begins with, N x H.
        reverse: Whether it goes from the last element to the first.
        activation: A function of tensors.

    Returns:
        All hidden states, T x N x H, and the last one.
    """
    steps = tf.unstack(tf.matmul(x, kernel) + (bias + recurrent_bias))
    found = []
    for step in steps[::-1] if reverse else steps:
        hidden = activation(step + tf.matmul(hidden, recurrent_kernel))
        found.append(hidden)
    return tf.stack(found[::-1] if reverse else found), hidden


def roi_align(x, rois, images, size, scale, samples, aligned):
    """Average bilinear samples of each cell of each region.

    Args:
        x: Images, N x H x W x C.
        rois: Regions, R x 4: left, top, right, bottom.
        images: The image of each region, R.
        size: Rows and columns of cells.
        scale: From the regions' coordinates to pixels.
        samples: How many a cell has each way; 0 for as many as it has pixels.
        aligned: Whether a pixel's centre is half a pixel from its corner.

    Returns:
        R x rows x columns x C.
    """
    corners = rois * scale - (0.5 if aligned else 0.0)
    rows = roi_weights(corners[:, 1], corners[:, 3], size[0], x.shape[1], samples, aligned)
    columns = roi_weights(corners[:, 0], corners[:, 2], size[1], x.shape[2], samples, aligned)
    chosen = tf.gather(x, images)
    height, width, channels = x.shape.as_list()[1:]
    by_row = tf.matmul(rows, tf.reshape(chosen, [-1, height, width * channels]))
    by_row = tf.reshape(by_row, [-1, size[0], width, channels])
    return tf.matmul(tf.tile(tf.expand_dims(columns, 1), [1, size[0], 1, 1]), by_row)


def roi_weights(start, end, cells, length, samples, aligned):
    """How much of each of ``length`` pixels is in the average of each cell, R x cells x length.

    Samples that are more than a pixel outside of the image count as 0. There is at most a handful of others for each
    pixel, so no more are looked at, however long the region is.
    """
    extent = end - start if aligned else tf.maximum(end - start, 1.0)
    cell = tf.reshape(divided(extent, cells), [-1, 1, 1])
    count = tf.zeros_like(cell) + float(samples) if samples else tf.math.ceil(cell)
    number = tf.reshape(tf.range(cells, dtype=tf.float32), [1, -1, 1])
    origin = tf.reshape(start, [-1, 1, 1]) + number * cell
    step = cell / tf.maximum(count, 1.0)
    first = tf.zeros_like(origin)
    if not samples:
        first = tf.maximum(tf.floor((-1.0 - origin) / step - 0.5), 0.0)
        first = tf.where(first < float("inf"), first, 0.0)
    most = samples or 2 * length + 8
    sample = first + tf.range(most, dtype=tf.float32)
    place = origin + (sample + 0.5) * cell / tf.maximum(count, 1.0)
    inside = (sample < count) & (place >= -1.0) & (place <= float(length))
    place = tf.maximum(place, 0.0)
    low = tf.minimum(tf.floor(place), length - 1.0)
    share = tf.where(low >= length - 1.0, 0.0, place - low)
    pixels = tf.range(length, dtype=tf.float32)
    low, share = tf.expand_dims(low, -1), tf.expand_dims(share, -1)
    weights = tf.where(tf.equal(pixels, low), 1.0 - share, 0.0)
    weights += tf.where(tf.equal(pixels, low + 1.0), share, 0.0)
    total = tf.reduce_sum(tf.where(tf.expand_dims(inside, -1), weights, 0.0), 2)
    return total / tf.maximum(count, 1.0)


def max_roi_pool(x, rois, size, scale):
    """Take the largest element of each cell of each region; 0 of a cell without elements.

    Args:
        x: Images, N x H x W x C.
        rois: Regions, R x 5: image, left, top, right, bottom.
        size: Rows and columns of cells.
        scale: From the regions' coordinates to pixels.

    Returns:
        R x rows x columns x C.
    """
    corners = rounded(rois[:, 1:] * scale)
    rows = roi_cells(corners[:, 1], corners[:, 3], size[0], x.shape[1])
    columns = roi_cells(corners[:, 0], corners[:, 2], size[1], x.shape[2])
    chosen = tf.gather(x, tf.cast(rois[:, 0], tf.int32))
    strips = []
    for row in range(size[0]):
        strip = tf.where(rows[:, row, :, tf.newaxis, tf.newaxis], chosen, float("-inf"))
        strips.append(tf.reduce_max(strip, 1))
    by_row = tf.stack(strips, 1)
    cells = []
    for column in range(size[1]):
        cell = tf.where(columns[:, column, tf.newaxis, :, tf.newaxis], by_row, float("-inf"))
        cells.append(tf.reduce_max(cell, 2))
    found = tf.stack(cells, 2)
    return tf.where(found > float("-inf"), found, 0.0)


def divided(x, number):
    """``x / number`` of a number above 0, which TensorFlow would make a product with 1 / number, rounded twice."""
    return x / tf.where(x < float("inf"), float(number), 1.0)


def rounded(x):
    """Round halves away from zero."""
    whole = tf.where(x < 0.0, tf.math.ceil(x), tf.floor(x))
    return whole + tf.where(tf.abs(x - whole) >= 0.5, tf.sign(x), 0.0)


def roi_cells(start, end, cells, length):
    """Which of ``length`` pixels each cell has, R x cells x length."""
    cell = tf.expand_dims(divided(tf.maximum(end - start + 1.0, 1.0), cells), 1)
    number = tf.range(cells, dtype=tf.float32)
    first = tf.clip_by_value(tf.floor(number * cell) + tf.expand_dims(start, 1), 0.0, float(length))
    last = tf.clip_by_value(tf.math.ceil((number + 1.0) * cell) + tf.expand_dims(start, 1), 0.0, float(length))
    pixels = tf.range(length, dtype=tf.float32)
    return (pixels >= tf.expand_dims(first, 2)) & (pixels < tf.expand_dims(last, 2))


def deform_conv2d(x, weight, offset, bias, mask, kernel, strides, padding, dilations, offset_groups):
    """Convolve, with each tap moved by an offset of its own, and weighted by ``mask``.

    Args:
        x: N x C x H x W.
        weight: groups x O / groups x (C / groups * rows * columns).
        offset: N x (offset_groups * rows * columns * 2) x H' x W'; of two numbers the vertical one first.
        bias: O.
        mask: N x (offset_groups * rows * columns) x H' x W'.
        kernel: Rows and columns.
        strides: From one place to the next.
        padding: Before the image.
        dilations: From one tap to the next.
        offset_groups: Of channels that are moved apart.

    Returns:
        N x O x H' x W'.
    """
    taps = kernel[0] * kernel[1]
    channels, height, width = x.shape.as_list()[1:]
    rows, columns = offset.shape.as_list()[2:]
    moves = tf.reshape(offset, [-1, offset_groups * taps, 2, rows * columns])
    base_y, base_x = [], []
    for tap in range(taps):
        first_y = tf.range(rows, dtype=tf.float32) * strides[0] - padding[0] + tap // kernel[1] * dilations[0]
        first_x = tf.range(columns, dtype=tf.float32) * strides[1] - padding[1] + tap % kernel[1] * dilations[1]
        base_y.append(tf.repeat(first_y, columns))
        base_x.append(tf.tile(first_x, [rows]))
    y = moves[:, :, 0] + tf.tile(tf.stack(base_y), [offset_groups, 1])
    place = moves[:, :, 1] + tf.tile(tf.stack(base_x), [offset_groups, 1])
    depth = channels // offset_groups
    pixels = tf.reshape(x, [-1, offset_groups, depth, height * width])
    pixels = tf.reshape(tf.transpose(pixels, [0, 1, 3, 2]), [-1, height * width, depth])
    flat = [-1, taps * rows * columns]
    found = bilinear(pixels, tf.reshape(y, flat), tf.reshape(place, flat), height, width)
    if mask is not None:
        found *= tf.reshape(mask, [-1, taps * rows * columns, 1])
    found = tf.reshape(found, [-1, offset_groups, taps, rows * columns, depth])
    found = tf.transpose(found, [0, 1, 4, 2, 3])
    groups, filters, length = weight.shape.as_list()
    found = tf.matmul(weight, tf.reshape(found, [-1, groups, length, rows * columns]))
    found = tf.reshape(found, [-1, groups * filters, rows, columns])
    return found if bias is None else found + tf.reshape(bias, [-1, 1, 1])


def bilinear(pixels, y, x, height, width):
    """Sample images between their pixels, 0 outside.

    Args:
        pixels: N x (height * width) x C.
        y: Vertical places, N x K.
        x: Horizontal places, likewise.
        height: Of the images.
        width: Likewise.

    Returns:
        N x K x C.
    """
    top, left = tf.floor(y), tf.floor(x)
    inside = (y > -1.0) & (y < height) & (x > -1.0) & (x < width)
    total = 0.0
    for row, column, share in (
        (top, left, (top + 1.0 - y) * (left + 1.0 - x)),
        (top, left + 1.0, (top + 1.0 - y) * (x - left)),
        (top + 1.0, left, (y - top) * (left + 1.0 - x)),
        (top + 1.0, left + 1.0, (y - top) * (x - left)),
    ):
        there = inside & (row >= 0.0) & (row < height) & (column >= 0.0) & (column < width)
        place = tf.cast(tf.where(there, row * width + column, 0.0), tf.int32)
        found = tf.gather(pixels, place, axis=1, batch_dims=1)
        total += found * tf.expand_dims(tf.where(there, share, 0.0), -1)
    return total


def suppress(waiting, kept, rounds, least, most, area, kind, threshold, inclusive, margin):
    """Keep the first box that is waiting, drop those that overlap it too much, and go on with what is left.

    Args:
        waiting: 1 for each box there is, else 0, ... x 1 x K; the best is the first.
        kept: Boxes that are kept anyway, likewise.
        rounds: How many to keep at most.
        least: Least corners, ... x 2 x K.
        most: Greatest corners, ... x 2 x K.
        area: Areas, ... x 1 x K.
        kind: Classes, ... x 1 x K, if only boxes of one class drop each other.
        threshold: The intersection over union beyond which a box is dropped.
        inclusive: Whether it is at that number already.
        margin: What is added to an intersection's sides.

    Returns:
        Which are kept, ... x 1 x K.
    """
    places = tf.range(waiting.shape[-1], dtype=tf.int64)

    def choose(number, waiting, kept):
        chosen = tf.equal(places, tf.expand_dims(tf.argmax(waiting, -1), -1))

        def of_chosen(table):
            return tf.reduce_sum(tf.where(chosen, table, 0.0), -1, keepdims=True)

        low, high = tf.maximum(least, of_chosen(least)), tf.minimum(most, of_chosen(most))
        sides = tf.maximum(high - low + margin, 0.0)
        common = sides[..., :1, :] * sides[..., 1:, :]
        ratio = common / (of_chosen(area) + area - common)
        dropped = ratio >= threshold if inclusive else ratio > threshold
        if kind is not None:
            dropped = dropped & tf.equal(kind, of_chosen(kind))
        return number + 1, tf.where(chosen | dropped, 0.0, waiting), kept | chosen

    start = tf.zeros_like(rounds)
    return tf.while_loop(lambda number, *_: number < rounds, choose, [start, waiting, kept])[2]
