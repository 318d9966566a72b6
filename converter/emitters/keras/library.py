"""Layers and functions on images that generated code takes what it needs of. Read as text, never imported."""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN003, ANN201, ANN202, ANN204, ARG002, B905, D102

import math

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="transship")
class Parameter(layers.Layer):
    """Numbers that the network computes with; where it is called only places it in the network."""

    def __init__(self, shape, trainable=True, dtype="float32", **settings):
        super().__init__(trainable=trainable, dtype=dtype, **settings)
        self.shape = tuple(shape)
        self.value = self.add_weight(
            shape=self.shape, dtype=dtype, initializer="zeros", trainable=trainable, name="value"
        )
        self.built = True

    def call(self, inputs):
        return ops.convert_to_tensor(self.value)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.shape, dtype=self.value.dtype)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}


def insert_zeros(x, axes, steps):
    """``x`` with ``steps - 1`` zeros between its elements along ``axes``."""
    for axis, step in zip(axes, steps):
        shape = (-1, *x.shape[1:])
        size = shape[axis]
        x = ops.expand_dims(x, axis + 1)
        x = ops.pad(x, [(0, step - 1 if place == axis + 1 else 0) for place in range(len(shape) + 1)])
        x = ops.reshape(x, (*shape[:axis], size * step, *shape[axis + 1 :]))
        x = x[(*(slice(None),) * axis, slice(0, (size - 1) * step + 1))]
    return x


def pool_slices(x, axes, size, strides, dilations, combine):
    """The ``maximum`` or ``add`` of windows with holes: of slices, axis by axis."""
    for axis, count, step, dilation in zip(axes, size, strides, dilations):
        last = x.shape[axis] - (count - 1) * dilation
        before = (slice(None),) * axis
        slices = [x[(*before, slice(start * dilation, start * dilation + last, step))] for start in range(count)]
        x = slices[0]
        for part in slices[1:]:
            x = getattr(ops, combine)(x, part)
    return x


def average_slices(x, axes, size, strides, dilations, padding):
    """The mean of windows with holes; of what is not in the ``padding``, if that is given."""
    if not padding:
        return pool_slices(x, axes, size, strides, dilations, "add") / math.prod(size)
    padded, ones = ops.pad(x, padding), ops.pad(ops.ones_like(x), padding)
    count = pool_slices(ones, axes, size, strides, dilations, "add")
    return pool_slices(padded, axes, size, strides, dilations, "add") / count


def average_pool(x, size, strides, padding, data_format):
    """The mean of what of a window is not in the padding."""
    settings = {"pool_size": size, "strides": strides, "data_format": data_format}
    inside = ops.average_pool(ops.pad(ops.ones_like(x), padding), **settings)
    return ops.average_pool(ops.pad(x, padding), **settings) / inside


def adaptive_average_pool(x, axes, size):
    """The mean of each of as many windows as ``size`` says along ``axes``, which overlap where there are more."""
    for axis, count in zip(axes, size):
        length, before = x.shape[axis], (slice(None),) * axis
        ends = [(place * length // count, -(-(place + 1) * length // count)) for place in range(count)]
        parts = [ops.mean(x[(*before, slice(*end))], axis=axis, keepdims=True) for end in ends]
        x = ops.concatenate(parts, axis=axis)
    return x


def lp_pool(x, p, size, strides, padding, data_format):
    """The p-norm of each window."""
    powers = ops.pad(ops.power(ops.absolute(x), float(p)), padding)
    mean = ops.average_pool(powers, pool_size=size, strides=strides, data_format=data_format)
    return ops.power(mean * float(math.prod(size)), 1.0 / p)


def lp_pool_slices(x, p, axes, size, strides, dilations, padding):
    """The p-norm of each window with holes."""
    powers = ops.pad(ops.power(ops.absolute(x), float(p)), padding)
    return ops.power(pool_slices(powers, axes, size, strides, dilations, "add"), 1.0 / p)


def norm(x, p, axes):
    """The p-norm along ``axes``, which are kept with one element."""
    if p == 1:
        return ops.sum(ops.absolute(x), axis=axes, keepdims=True)
    if p == 2:
        return ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True))
    return ops.power(ops.sum(ops.power(ops.absolute(x), float(p)), axis=axes, keepdims=True), 1.0 / p)


def instance_norm(x, scale, offset, epsilon, axes, channel):
    """Each channel of each image with mean 0 and variance 1, times ``scale``, plus ``offset``."""
    mean = ops.mean(x, axis=axes, keepdims=True)
    centered = x - mean
    variance = ops.mean(ops.square(centered), axis=axes, keepdims=True)
    shape = tuple(-1 if axis == channel else 1 for axis in range(len(x.shape)))
    normal = centered * ops.rsqrt(variance + epsilon)
    return ops.reshape(offset, shape) + normal * ops.reshape(scale, shape)


def local_response_norm(x, size, alpha, beta, bias, axis):
    """``x`` divided by a power of the squares of ``size`` channels around."""
    first = (size - 1) // 2
    sides = [(first, size - 1 - first) if place == axis else (0, 0) for place in range(len(x.shape))]
    squares = ops.pad(ops.square(x), sides)
    before, count = (slice(None),) * axis, x.shape[axis]
    total = squares[(*before, slice(0, count))]
    for start in range(1, size):
        total = total + squares[(*before, slice(start, start + count))]
    return x / ops.power(bias + alpha / size * total, beta)


def resize(x, axes, size, coordinates):
    """Linear samples between the pixels along ``axes``."""
    for axis, count in zip(axes, size):
        length = x.shape[axis]
        scale = length / count
        if coordinates == "align_corners":
            places = [place * (length - 1) / max(count - 1, 1) for place in range(count)]
        elif coordinates == "pytorch_half_pixel" and count == 1:
            places = [0.0]
        else:
            places = [(place + 0.5) * scale - 0.5 for place in range(count)]
        places = [min(max(place, 0.0), length - 1.0) for place in places]
        low = [int(place) for place in places]
        high = [min(place + 1, length - 1) for place in low]
        share = [place - first for place, first in zip(places, low)]
        shape = [count if number == axis else 1 for number in range(len(x.shape))]
        share = ops.reshape(ops.convert_to_tensor(share, x.dtype), shape)
        first, second = ops.take(x, low, axis=axis), ops.take(x, high, axis=axis)
        x = first * (1.0 - share) + second * share
    return x


def grid_sample(x, grid, mode, outside, aligned):
    """Samples at the places of ``grid``, N x ... x axes, last axis first, from -1 to 1; ``x`` is N x C x ..."""
    sizes, shape = x.shape[2:], grid.shape[1:-1]
    rank, count = len(sizes), math.prod(shape)
    pixels = ops.reshape(x, (-1, x.shape[1], math.prod(sizes)))
    points = ops.reshape(grid, (-1, count, rank))
    places = [grid_places(points[:, :, rank - 1 - axis], size, outside, aligned) for axis, size in enumerate(sizes)]
    if mode == "nearest":
        found = grid_pixels(pixels, [ops.round(place) for place in places], sizes)
        return ops.reshape(found, (-1, x.shape[1], *shape))
    return ops.reshape(linear_samples(pixels, places, sizes), (-1, x.shape[1], *shape))


def linear_samples(pixels, places, sizes):
    """Samples between the pixels N x C x ... of images of ``sizes`` at ``places``, N x P each; zeros outside."""
    rank, total = len(sizes), None
    low = [ops.floor(place) for place in places]
    for corner in range(2**rank):
        bits = [corner >> axis & 1 for axis in range(rank)]
        share = None
        for bit, place, first in zip(bits, places, low):
            part = place - first if bit else first + 1.0 - place
            share = part if share is None else share * part
        taken = grid_pixels(pixels, [first + bit for bit, first in zip(bits, low)], sizes)
        part = taken * ops.expand_dims(share, 1)
        total = part if total is None else total + part
    return total


def grid_places(points, size, outside, aligned):
    """Places from -1 to 1 in pixels; those ``outside`` moved inside, but for zeros."""
    places = (points + 1.0) / 2.0 * (size - 1) if aligned else ((points + 1.0) * size - 1.0) / 2.0
    if outside == "border":
        return ops.clip(places, 0.0, size - 1.0)
    if outside == "reflection":
        least, most = (0.0, size - 1.0) if aligned else (-0.5, size - 0.5)
        span = most - least
        if span == 0:
            return ops.zeros_like(places)
        away = ops.absolute(places - least)
        turns = ops.floor(away / span)
        rest = away - turns * span
        even = ops.equal(turns - 2.0 * ops.floor(turns / 2.0), 0.0)
        return ops.clip(ops.where(even, rest + least, most - rest), 0.0, size - 1.0)
    return places


def grid_pixels(pixels, places, sizes):
    """The pixels at whole ``places``; zeros outside."""
    inside, index = None, None
    for place, size in zip(places, sizes):
        there = ops.logical_and(ops.greater_equal(place, 0.0), ops.less_equal(place, size - 1.0))
        inside = there if inside is None else ops.logical_and(inside, there)
        own = ops.cast(ops.clip(place, 0.0, size - 1.0), "int32")
        index = own if index is None else index * size + own
    found = ops.take_along_axis(pixels, ops.repeat(ops.expand_dims(index, 1), pixels.shape[1], axis=1), axis=2)
    return ops.where(ops.expand_dims(inside, 1), found, 0.0)


def affine_grid(theta, size, aligned):
    """The places that ``theta`` moves the pixels of an image of ``size`` to, N x ... x axes."""
    axes = []
    for count in size:
        edge = 1.0 if aligned else 1.0 - 1.0 / count
        step = 2.0 * edge / (count - 1) if count > 1 else 0.0
        start = -edge if count > 1 or not aligned else -1.0
        axes.append([start + step * place for place in range(count)])
    points = [[]]
    for places in axes:
        points = [[*point, place] for point in points for place in places]
    points = ops.convert_to_tensor([[*point[::-1], 1.0] for point in points], theta.dtype)
    moved = ops.matmul(points, ops.transpose(theta, (0, 2, 1)))
    return ops.reshape(moved, (-1, *size, len(size)))


def col2im(x, size, kernel, strides, dilations, pads):
    """The sum of the columns N x (C x rows x columns) x L where they were taken from."""
    rows, columns = kernel
    height, width = (size[axis] + pads[axis] + pads[axis + 2] for axis in range(2))
    counts = [
        (total - (taps - 1) * dilation - 1) // step + 1
        for total, taps, dilation, step in zip((height, width), kernel, dilations, strides)
    ]
    channels = x.shape[1] // (rows * columns)
    taps = ops.reshape(x, (-1, channels, rows, columns, *counts))
    total = None
    for row in range(rows):
        for column in range(columns):
            part = insert_zeros(taps[:, :, row, column], (2, 3), strides)
            top, left = row * dilations[0], column * dilations[1]
            bottom, right = height - top - part.shape[2], width - left - part.shape[3]
            part = ops.pad(part, ((0, 0), (0, 0), (top, bottom), (left, right)))
            total = part if total is None else total + part
    return total[:, :, pads[0] : pads[0] + size[0], pads[1] : pads[1] + size[1]]


def deform_conv(x, weight, offset, bias, mask, kernel, strides, padding, dilations, groups, offset_groups):
    """Convolve N x C x H x W, with each tap moved by an offset of its own, and weighted by ``mask``."""
    channels, sizes, shape = x.shape[1], x.shape[2:], offset.shape[2:]
    taps, places = kernel[0] * kernel[1], shape[0] * shape[1]
    moves = ops.reshape(offset, (-1, taps, 2, places))
    points = []
    for axis in range(2):
        own = [
            [
                float(place[axis] * strides[axis] - padding[axis] + tap[axis] * dilations[axis])
                for place in ((row, column) for row in range(shape[0]) for column in range(shape[1]))
            ]
            for tap in ((row, column) for row in range(kernel[0]) for column in range(kernel[1]))
        ]
        points.append(ops.reshape(ops.convert_to_tensor([own], x.dtype) + moves[:, :, axis], (-1, taps * places)))
    pixels = ops.reshape(x, (-1, channels // offset_groups, sizes[0] * sizes[1]))
    found = linear_samples(pixels, points, sizes)
    if mask is not None:
        found = found * ops.reshape(mask, (-1, 1, taps * places))
    found = ops.reshape(found, (-1, groups, channels // groups * taps, places))
    filters = weight.shape[0]
    found = ops.matmul(ops.reshape(weight, (groups, filters // groups, -1)), found)
    found = ops.reshape(found, (-1, filters, *shape))
    return found if bias is None else ops.reshape(bias, (-1, 1, 1)) + found


@keras.saving.register_keras_serializable(package="transship")
class Suppress(layers.Layer):
    """Keeps the first box that is waiting, drops those that overlap it too much, and goes on with what is left.

    Is given which boxes are waiting (1, else 0; ... x 1 x K, the best first), which are kept anyway, how many rounds
    there are if that is not known before, least corners (... x 2 x K), greatest corners, areas and, if only boxes
    of one class drop each other, classes (... x 1 x K). Says which are kept.
    """

    def __init__(self, threshold, inclusive, margin, rounds=None, **settings):
        super().__init__(**settings)
        self.threshold, self.inclusive, self.margin, self.rounds = threshold, inclusive, margin, rounds

    def call(self, inputs):
        waiting, kept, *tables = inputs
        rounds = tables.pop(0) if self.rounds is None else self.rounds
        least, most, area, *kinds = tables
        places = ops.arange(waiting.shape[-1], dtype="int64")

        def choose(number, waiting, kept):
            first = ops.expand_dims(ops.cast(ops.argmax(waiting, axis=-1), "int64"), -1)
            chosen = ops.equal(places, first)

            def of_chosen(table):
                return ops.sum(ops.where(chosen, table, 0.0), axis=-1, keepdims=True)

            low, high = ops.maximum(least, of_chosen(least)), ops.minimum(most, of_chosen(most))
            sides = ops.maximum(high - low + self.margin, 0.0)
            common = sides[..., :1, :] * sides[..., 1:, :]
            ratio = common / (of_chosen(area) + area - common)
            dropped = ratio >= self.threshold if self.inclusive else ratio > self.threshold
            for kind in kinds:
                dropped = ops.logical_and(dropped, ops.equal(kind, of_chosen(kind)))
            left = ops.where(ops.logical_or(chosen, dropped), 0.0, waiting)
            return number + 1, left, ops.logical_or(kept, chosen)

        start = ops.zeros((), dtype="int64")
        return ops.while_loop(lambda number, *_: number < rounds, choose, (start, waiting, kept))[2]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[1].shape, dtype=inputs[1].dtype)

    def get_config(self):
        own = {"threshold": self.threshold, "inclusive": self.inclusive, "margin": self.margin, "rounds": self.rounds}
        return {**super().get_config(), **own}


def roi_align(x, rois, images, size, scale, samples, aligned):
    """Average bilinear samples of each cell of each region: R x C x rows x columns."""
    corners = rois * scale - (0.5 if aligned else 0.0)
    rows = roi_weights(corners[:, 1], corners[:, 3], size[0], x.shape[2], samples, aligned)
    columns = roi_weights(corners[:, 0], corners[:, 2], size[1], x.shape[3], samples, aligned)
    turned = ops.expand_dims(ops.transpose(columns, (0, 2, 1)), 1)
    by_column = ops.matmul(ops.take(x, ops.cast(images, "int32"), axis=0), turned)
    return ops.matmul(ops.expand_dims(rows, 1), by_column)


def roi_weights(start, end, cells, length, samples, aligned):
    """How much of each of ``length`` pixels is in the average of each cell, R x cells x length.

    Samples that are more than a pixel outside of the image count as 0. There is at most a handful of others for each
    pixel, so no more are looked at, however long the region is.
    """
    extent = end - start if aligned else ops.maximum(end - start, 1.0)
    cell = ops.reshape(extent / cells, (-1, 1, 1))
    count = ops.full_like(cell, samples) if samples else ops.ceil(cell)
    number = ops.convert_to_tensor([[[float(place)] for place in range(cells)]], "float32")
    origin = ops.reshape(start, (-1, 1, 1)) + number * cell
    step = cell / ops.maximum(count, 1.0)
    most = samples or 2 * length + 8
    sample = ops.convert_to_tensor([[[float(place) for place in range(most)]]], "float32")
    if not samples:
        first = ops.maximum(ops.floor((-1.0 - origin) / step - 0.5), 0.0)
        sample = ops.where(ops.isfinite(first), first, 0.0) + sample
    place = origin + (sample + 0.5) * cell / ops.maximum(count, 1.0)
    inside = ops.logical_and(ops.less(sample, count), ops.logical_and(place >= -1.0, place <= length))
    place = ops.maximum(place, 0.0)
    low = ops.minimum(ops.floor(place), length - 1.0)
    fraction = ops.expand_dims(ops.where(low >= length - 1.0, 0.0, place - low), -1)
    low = ops.expand_dims(low, -1)
    pixels = ops.convert_to_tensor([[[[float(pixel) for pixel in range(length)]]]], "float32")
    weights = ops.where(ops.equal(pixels, low), 1.0 - fraction, 0.0)
    weights = ops.where(ops.equal(pixels, low + 1.0), fraction, weights)
    weights = ops.where(ops.expand_dims(inside, -1), weights, 0.0)
    return ops.sum(weights, axis=2) / ops.maximum(count, 1.0)


def max_roi_pool(x, rois, size, scale):
    """Take the largest element of each cell of each region, R x C x rows x columns; 0 of a cell without elements."""
    corners = rounded(rois[:, 1:] * scale)
    rows = roi_cells(corners[:, 1], corners[:, 3], size[0], x.shape[2])
    columns = roi_cells(corners[:, 0], corners[:, 2], size[1], x.shape[3])
    chosen = ops.take(x, ops.cast(rois[:, 0], "int32"), axis=0)
    lowest = float("-inf")
    strips = [ops.max(ops.where(rows[:, cell, None, :, None], chosen, lowest), axis=2) for cell in range(size[0])]
    by_row = ops.stack(strips, axis=2)
    cells = [ops.max(ops.where(columns[:, cell, None, None, :], by_row, lowest), axis=3) for cell in range(size[1])]
    found = ops.stack(cells, axis=3)
    filled = ops.logical_and(ops.expand_dims(ops.any(rows, axis=2), 2), ops.expand_dims(ops.any(columns, axis=2), 1))
    return ops.where(ops.expand_dims(filled, 1), found, 0.0)


def rounded(x):
    """Round halves away from zero."""
    whole = ops.trunc(x)
    return whole + ops.where(ops.absolute(x - whole) >= 0.5, ops.sign(x), 0.0)


def roi_cells(start, end, cells, length):
    """Which of ``length`` pixels each cell has, R x cells x length."""
    cell = ops.expand_dims(ops.maximum(end - start + 1.0, 1.0) / cells, 1)
    start = ops.expand_dims(start, 1)
    number = ops.convert_to_tensor([[float(place) for place in range(cells)]], "float32")
    first = ops.expand_dims(ops.clip(ops.floor(number * cell) + start, 0.0, float(length)), 2)
    last = ops.expand_dims(ops.clip(ops.ceil((number + 1.0) * cell) + start, 0.0, float(length)), 2)
    pixels = ops.convert_to_tensor([[[float(pixel) for pixel in range(length)]]], "float32")
    return ops.logical_and(ops.greater_equal(pixels, first), ops.less(pixels, last))
