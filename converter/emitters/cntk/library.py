"""Functions that generated code takes what it needs of: never imported, text for Python 2.7 and 3."""

# mypy: ignore-errors
# ruff: noqa

import cntk as C
import numpy as np


# images, shapes and indices


def dilated(kernel, dilations):
    """A kernel, out x in x sizes, with zeros between its elements, which CNTK's CPU needs."""
    for axis, step in enumerate(dilations, 2):
        size = kernel.shape[axis]
        if step > 1 and size > 1:
            shape = kernel.shape
            spread = C.reshape(kernel, shape[:axis] + (size, 1) + shape[axis + 1 :])
            spread = C.pad(spread, [(0, 0)] * (axis + 1) + [(0, step - 1)] + [(0, 0)] * (len(shape) - axis - 1))
            kernel = C.reshape(spread, shape[:axis] + (size * step,) + shape[axis + 1 :])
            kernel = C.slice(kernel, axis, 0, (size - 1) * step + 1)
    return kernel


def grouped_convolution(kernel, images, groups, **settings):
    """The convolution of each group of channels with its own kernels."""
    filters, channels = kernel.shape[0] // groups, kernel.shape[1]
    parts = []
    for group in range(groups):
        own = C.slice(kernel, 0, group * filters, (group + 1) * filters)
        part = C.slice(images, 0, group * channels, (group + 1) * channels)
        parts.append(C.convolution(own, part, **settings))
    return C.splice(*parts, axis=0)


def grouped_convolution_transpose(kernel, images, groups, **settings):
    """The transposed convolution of each group of channels with its own kernels."""
    channels = kernel.shape[0] // groups
    parts = []
    for group in range(groups):
        start, end = group * channels, (group + 1) * channels
        own, part = C.slice(kernel, 0, start, end), C.slice(images, 0, start, end)
        parts.append(C.convolution_transpose(own, part, auto_padding=[False], **settings))
    return C.splice(*parts, axis=0)


def pool_dilated(images, function, windows):
    """What ``function`` makes of each window's elements, axis after axis: (count, size, stride, dilation) of each."""
    for axis, (count, size, stride, dilation) in enumerate(windows, 1):
        parts = []
        for step in range(size):
            start, every = step * dilation, stride if count > 1 else 1
            parts.append(C.slice(images, axis, start, start + (count - 1) * every + 1, every))
        images = function(*parts) if size > 1 else parts[0]
    return images


# arithmetic


def divide(x, y):
    """x / y, infinite or not a number for y = 0, where C.element_divide is 0."""
    scale = C.element_select(C.less(C.abs(y), 1e-30), 2.0**64, 1)
    ratio = (x * scale) / (y * scale)
    return C.element_select(C.equal(y, 0), x * float("inf"), ratio)


def sqrt(x):
    """The square root, not a number for x < 0, where C.sqrt is 0."""
    return C.element_select(C.greater_equal(x, 0), C.sqrt(x), float("nan"))


def log(x):
    """The natural logarithm, also of what is below 1e-37, where C.log is -85.1."""
    tiny = C.less(x, 1e-30)
    found = C.log(C.element_select(tiny, x * 2.0**64, x)) - tiny * (64 * np.log(2))
    special = C.element_select(C.less(x, 0), float("nan"), -float("inf"))
    return C.element_select(C.less_equal(x, 0), special, found)


def power(x, y):
    """x to the power of y, infinite for x = 0 and y < 0, where C.pow is 0."""
    infinite = C.element_and(C.equal(x, 0), C.less(y, 0))
    return C.element_select(infinite, float("inf"), C.pow(x, y))


def remainder(x, y, steps):
    """x - y * n with x's sign, for the whole number n < 2 ** steps nearest to x / y towards 0."""
    rest, divisor = C.abs(x), C.abs(y)
    for step in reversed(range(steps)):
        part = divisor * 2.0**step
        rest = C.element_select(C.greater_equal(rest, part), rest - part, rest)
    rest = C.element_select(C.less(x, 0), -rest, rest)
    return C.element_select(C.equal(y, 0), float("nan"), rest)


def modulo(x, y, steps):
    """The remainder with y's sign."""
    rest = remainder(x, y, steps)
    return C.element_select(C.less(rest * y, 0), rest + y, rest)


def quotient(x, y, steps):
    """x / y of whole numbers, cut."""
    return round_half_even((x - remainder(x, y, steps)) / y)


def truncate(x):
    """The whole number next to x towards 0."""
    return C.element_select(C.less(x, 0), C.ceil(x), C.floor(x))


def round_half_even(x):
    """The nearest whole number, of two the even one: C.round takes the larger one."""
    whole = C.element_select(C.less(x, 0), -(2.0**23), 2.0**23)  # such floats have no fraction
    return C.element_select(C.less(C.abs(x), 2.0**23), (x + whole) - whole, x)


def acosh(x):
    """The inverse of cosh."""
    return C.asinh(sqrt(x - 1) * C.sqrt(x + 1))


def erf(x):
    """The error function, as the hyperbolic tangent of a polynomial fitted to float32."""
    x = C.clip(x, -4, 4)
    square = C.square(x)
    total = 1.4183e-07
    for factor in (-5.668030e-06, 8.763422e-05, -6.197753e-04, -1.918430e-04, 1.02769062e-01, 1.12837927):
        total = total * square + factor
    return C.tanh(x * total)


def gelu(x):
    """x times the normal distribution's probability of what is below it."""
    return 0.5 * x * (1 + erf(x * 0.7071067811865476))


def gelu_tanh(x):
    """The approximation of gelu by the hyperbolic tangent."""
    return 0.5 * x * (1 + C.tanh(0.7978845608028654 * (x + 0.044715 * x * C.square(x))))


def hardmax(x, axis):
    """1 where the first of the largest elements along the axis is, else 0."""
    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    places = C.Constant(np.arange(x.shape[axis], dtype=np.float32).reshape(shape))
    return C.equal(C.argmax(x, axis), places)


def permuted(value, order):
    """C.transpose of any number of axes, one after the other: CNTK takes five at once, the batch among them."""
    if len(order) < 5:
        return C.transpose(value, order)
    shape, rest = value.shape, list(range(len(order)))
    for place, axis in enumerate(order):
        found = rest.index(axis, place)
        sizes = [shape[each] for each in rest]
        groups = [sizes[:place], sizes[place:found], [sizes[found]], sizes[found + 1 :]]
        value = C.reshape(value, tuple(int(np.prod(group)) for group in groups))
        value = C.transpose(value, (0, 2, 1, 3))
        rest.insert(place, rest.pop(found))
        value = C.reshape(value, tuple(shape[each] for each in rest))
    return value


def sign(x):
    """-1, 0 or 1, or not a number."""
    return C.element_select(C.equal(x, x), C.greater(x, 0) - C.less(x, 0), x)


def cumulative_sum(x, axis, exclusive, reverse):
    """The sums of the elements up to each along the axis, or from it on."""
    triangle = np.triu(np.ones((x.shape[axis],) * 2, np.float32), 1 if exclusive else 0)
    order = list(range(len(x.shape)))
    order[axis], order[-1] = order[-1], order[axis]
    sums = C.times(C.transpose(x, order), C.Constant(triangle.T if reverse else triangle))
    return C.transpose(sums, order)


def top_k(x, k, axis, largest):
    """The k largest or smallest elements along the axis and their places, of equal ones the first first."""
    size, shape = x.shape[axis], x.shape

    def vector(values, place):
        values = np.asarray(values, np.float32)
        return C.Constant(values.reshape(values.shape + (1,) * (len(shape) - place - values.ndim + 1)))

    own = C.reshape(x, shape[: axis + 1] + (1,) + shape[axis + 1 :])
    other = C.reshape(x, shape[:axis] + (1,) + shape[axis:])
    better = C.greater(other, own) if largest else C.less(other, own)
    former = C.element_and(C.equal(other, own), vector(np.tri(size, size, -1), axis))
    rank = C.reduce_sum(C.element_or(better, former), axis + 1)
    chosen = C.equal(rank, vector(np.arange(k), axis + 1))
    values = C.reduce_sum(C.element_select(chosen, own, 0), axis, keepdims=False)
    places = C.reduce_sum(chosen * vector(np.arange(size).reshape(size, 1), axis), axis, keepdims=False)
    return values, places


def normalized(x, axes, epsilon):
    """x less its mean along the axes, divided by its standard deviation there."""
    centered = x - C.reduce_mean(x, axes)
    return centered / C.sqrt(C.reduce_mean(C.square(centered), axes) + epsilon)


def local_response_normalization(x, size, bias, alpha, beta, axis):
    """x divided by a power of the squares of its neighbours along the axis."""
    square, count = C.square(x), x.shape[axis]
    total = square
    for step in range(1, min(size // 2 + 1, count)):
        before, behind = [(0, 0)] * len(x.shape), [(0, 0)] * len(x.shape)
        before[axis], behind[axis] = (step, 0), (0, step)
        total += C.pad(C.slice(square, axis, 0, count - step), before)
        total += C.pad(C.slice(square, axis, step, count), behind)
    return divide(x, power(bias + alpha / size * total, beta))


def matmul(x, y):
    """The product of matrices in the last two axes, broadcast along those before; a vector is a row or a column."""
    columns, rows = y.shape[-1:] if len(y.shape) > 1 else (), x.shape[-2:-1]
    x = x if rows else C.reshape(x, (1,) + x.shape)
    y = y if columns else C.reshape(y, y.shape + (1,))
    stacks = [(1,) * (len(other.shape) - len(own.shape)) + own.shape[:-2] for own, other in ((x, y), (y, x))]
    stack = tuple(max(sizes) for sizes in zip(*stacks))

    def matrix(matrices, place):
        for axis, size in enumerate(matrices.shape[:-2], 2 - len(matrices.shape)):
            at = place[axis] if size > 1 else 0
            matrices = C.slice(matrices, axis - 2, at, at + 1)
        return C.reshape(matrices, matrices.shape[-2:])

    products = [C.times(matrix(x, place), matrix(y, place)) for place in np.ndindex(*stack)]
    return C.reshape(beside(products, 0), stack + rows + columns)


def beside(parts, axis):
    """The parts, one after the other along the axis."""
    return C.splice(*parts, axis=axis) if len(parts) > 1 else parts[0]


def recurrent(x, step, states, directions):
    """What a recurrent layer makes of a sequence x, time first, in each of the directions, and its last states."""
    sequences, lasts = [], []
    for number, direction in enumerate(directions):
        is_reversed, weights = direction[0], direction[1:]
        shape = (1,) + x.shape[1:-1] + weights[1].shape[:1]
        own = []
        for state in states:
            zero = C.Constant(0, shape=shape)
            own.append(zero if state is None else C.slice(state, 0, number, number + 1))
        found = []
        times = list(range(x.shape[0]))
        for time in reversed(times) if is_reversed else times:
            now = C.slice(x, 0, time, time + 1)
            own = step(now, own, *weights)
            found.append(own[0])
        sequence = beside(found[::-1] if is_reversed else found, 0)
        sequences.append(C.reshape(sequence, (x.shape[0], 1) + shape[1:]))
        lasts.append(own)
    return (beside(sequences, 1),) + tuple(beside(parts, 0) for parts in zip(*lasts))


def gates(x, count):
    """Equal parts of the last axis."""
    size = x.shape[-1] // count
    return [C.slice(x, -1, number * size, (number + 1) * size) for number in range(count)]


def lstm(x, states, kernel, matrix, bias):
    """One step of a long short-term memory: input, output and forget gate, cell."""
    hidden, cell = states
    new, out, keep, value = gates(C.times(x, kernel) + C.times(hidden, matrix) + bias, 4)
    cell = C.sigmoid(keep) * cell + C.sigmoid(new) * C.tanh(value)
    return C.sigmoid(out) * C.tanh(cell), cell


def gru(x, states, kernel, matrix, bias, recurrent_bias):
    """One step of a gated recurrent unit: update and reset gate, hidden."""
    (hidden,) = states
    update, reset, value = gates(C.times(x, kernel) + bias, 3)
    own_update, own_reset, own_value = gates(C.times(hidden, matrix) + recurrent_bias, 3)
    update = C.sigmoid(update + own_update)
    value = C.tanh(value + C.sigmoid(reset + own_reset) * own_value)
    return ((1 - update) * value + update * hidden,)


def rnn_tanh(x, states, kernel, matrix, bias):
    """One step of a recurrent layer with tanh."""
    return (C.tanh(C.times(x, kernel) + C.times(states[0], matrix) + bias),)


def rnn_relu(x, states, kernel, matrix, bias):
    """One step of a recurrent layer with relu."""
    return (C.relu(C.times(x, kernel) + C.times(states[0], matrix) + bias),)


def picked(data, indices):
    """The elements, n x i x m, of data, n x size x m, at indices, n x i."""
    rows, size, width = data.shape
    count = indices.shape[1]
    chosen = C.reshape(C.one_hot(indices, size), (rows, count, size, 1))
    found = C.element_select(chosen, C.reshape(data, (rows, 1, size, width)), 0)
    return C.reshape(C.reduce_sum(found, axis=2), (rows, count, width))


def gather_elements(data, indices, axis):
    """The elements of data at indices into one of its axes, of which the others are alike."""
    rank = len(indices.shape)
    order = tuple(each for each in range(rank) if each != axis) + (axis,)
    back = tuple(order.index(each) for each in range(rank))
    data, indices = permuted(data, order), permuted(indices, order)
    rows = int(np.prod(indices.shape[:-1]))
    found = picked(C.reshape(data, (rows, data.shape[-1], 1)), C.reshape(indices, (rows, indices.shape[-1])))
    return permuted(C.reshape(found, indices.shape), back)


def places(indices, sizes):
    """The places, counted through axes of these sizes, of tuples of indices, which the last axis holds."""
    last, total = len(indices.shape) - 1, 0
    for number, size in enumerate(sizes):
        index = C.slice(indices, last, number, number + 1)
        total = total * size + C.element_select(C.less(index, 0), index + size, index)
    return C.reshape(total, indices.shape[:-1])


def wrapped(indices, size):
    """Indices of which none is negative."""
    return C.element_select(C.less(indices, 0), indices + size, indices)


def updated(data, indices, updates, reduction):
    """Data, n x size x m, with updates, n x i x m, at indices, n x i, one after the other."""
    combine = {
        "add": lambda old, new: old + new,
        "mul": lambda old, new: old * new,
        "max": C.element_max,
        "min": C.element_min,
        "none": lambda old, new: new + C.zeros_like(old),
    }[reduction]
    rows, size, _ = data.shape
    for number in range(indices.shape[1]):
        chosen = C.reshape(C.one_hot(C.slice(indices, 1, number, number + 1), size), (rows, size, 1))
        data = C.element_select(chosen, combine(data, C.slice(updates, 1, number, number + 1)), data)
    return data


def scatter_elements(data, indices, updates, axis, reduction):
    """Data with updates at indices into one of its axes, of which the others are alike."""
    rank = len(indices.shape)
    order = tuple(each for each in range(rank) if each != axis) + (axis,)
    back = tuple(order.index(each) for each in range(rank))
    data, indices, updates = permuted(data, order), permuted(indices, order), permuted(updates, order)
    rows, count = int(np.prod(indices.shape[:-1])), indices.shape[-1]
    found = updated(
        C.reshape(data, (rows, data.shape[-1], 1)),
        C.reshape(indices, (rows, count)),
        C.reshape(updates, (rows, count, 1)),
        reduction,
    )
    return permuted(C.reshape(found, data.shape), back)


def reverse_sequence(data, lengths, order):
    """Data with the first elements of each row along the time axis in reverse: order has the rows, if any, first."""
    shape = [data.shape[each] for each in order]
    back = tuple(order.index(each) for each in range(len(order)))
    rows = int(np.prod(lengths.shape))
    size = shape[len(lengths.shape)]
    data = C.reshape(permuted(data, order), (rows, size, -1))
    lengths = C.reshape(lengths, (rows, 1))
    steps = C.constant(np.arange(size, dtype=np.float32).reshape(1, size))
    found = picked(data, C.element_select(C.less(steps, lengths), lengths - 1 - steps, steps))
    return permuted(C.reshape(found, tuple(shape)), back)


def repeated(value, axis, count):
    """Each element along an axis so many times."""
    shape = value.shape
    spread = C.reshape(value, shape[: axis + 1] + (1,) + shape[axis + 1 :])
    spread = C.splice(*[spread] * count, axis=axis + 1)
    return C.reshape(spread, shape[:axis] + (shape[axis] * count,) + shape[axis + 1 :])


def along(value, axis, matrix):
    """The product of an axis with a matrix, old elements x new ones."""
    rank = len(value.shape)
    order = tuple(each for each in range(rank) if each != axis) + (axis,)
    return permuted(C.times(permuted(value, order), matrix), tuple(order.index(each) for each in range(rank)))


def grid_sample(images, grid, mode, padding, aligned):
    """Images, channels x sizes, at the places of a grid, any sizes x coordinates, the last axis first, -1 to 1.

    What is outside is "zeros", "border" or "reflection"; -1 and 1 are the outermost pixels' centres if aligned.
    """
    sizes, channels = images.shape[1:], images.shape[0]
    rank, count = len(sizes), int(np.prod(grid.shape[:-1]))
    grid_places = C.reshape(grid, (count, rank))
    weights = []
    for axis, size in enumerate(sizes):
        place = C.reshape(C.slice(grid_places, 1, rank - 1 - axis, rank - axis), (count,))
        place = (place + 1) * (size - 1) / 2 if aligned else ((place + 1) * size - 1) / 2
        weights.append(grid_weights(place, size, mode, padding, aligned))
    found = permuted(images, tuple(range(1, rank + 1)) + (0,))
    found = C.times(weights[0], C.reshape(found, (sizes[0], -1)))
    for axis in range(1, rank):
        found = C.reshape(found, (count, sizes[axis], -1))
        found = C.reduce_sum(found * C.reshape(weights[axis], (count, sizes[axis], 1)), axis=1)
    found = C.transpose(C.reshape(found, (count, channels)), (1, 0))
    return C.reshape(found, (channels,) + grid.shape[:-1])


def grid_weights(place, size, mode, padding, aligned):
    """How much of each of an axis' pixels there is at places along it; what is not a pixel is 0."""
    if padding == "border" and mode != "cubic":
        place = C.clip(place, 0, size - 1)
    if padding == "reflection" and mode != "cubic":
        place = reflected(place, size, aligned)
    if mode == "nearest":
        taps = [(round_half_even(place), 1)]
    else:
        low = C.floor(place)
        share = place - low
        taps = [(low, 1 - share), (low + 1, share)]
        if mode == "cubic":
            near = [cubic_far(share + 1), cubic_near(share), cubic_near(1 - share), cubic_far(2 - share)]
            taps = [(low + number - 1, weight) for number, weight in enumerate(near)]
    total = 0
    for index, weight in taps:
        if padding == "border":
            index = C.clip(index, 0, size - 1)
        if padding == "reflection" and mode == "cubic":
            index = round_half_even(reflected(index, size, aligned))
        weight = weight if mode == "nearest" else C.reshape(weight, weight.shape + (1,))
        total = total + C.one_hot(index, size) * weight
    return total


def reflected(place, size, aligned):
    """Places outside of an axis, brought into it by reflection at its outermost pixels, or at their edges."""
    low, span = (0, size - 1) if aligned else (-0.5, size)
    if span == 0:
        return C.zeros_like(place)
    away = C.abs(place - low)
    turns = C.floor(away / span)
    rest = away - turns * span
    odd = turns - 2 * C.floor(turns / 2)
    return C.clip(C.element_select(odd, span - rest, rest) + low, 0, size - 1)


def cubic_near(share):
    """The weight of pixels nearer than one."""
    return ((-0.75 + 2) * share - (-0.75 + 3)) * share * share + 1


def cubic_far(share):
    """The weight of pixels from one to two away."""
    return ((-0.75 * share + 3.75) * share - 6) * share + 3


def deform_convolution(images, kernel, offsets, strides, pads, dilations, groups, offset_groups, mask=None):
    """Convolution of bilinear samples: offsets, rows before columns, for each of the kernel's elements."""
    filters, inner, height, width = kernel.shape
    sizes, places, taps = images.shape[1:], offsets.shape[1:], height * width
    count, share = int(np.prod(places)), images.shape[0] // offset_groups
    found = []
    for group in range(offset_groups):
        part = permuted(C.slice(images, 0, group * share, (group + 1) * share), (1, 2, 0))
        part = C.reshape(part, (sizes[0], sizes[1] * share))
        samples = []
        for tap in range(taps):
            number, weights = group * taps + tap, []
            for axis, index in enumerate((tap // width, tap % width)):
                start = np.arange(places[axis]) * strides[axis] - pads[axis] + index * dilations[axis]
                start = start.reshape((1, -1, 1) if axis == 0 else (1, 1, -1)).astype(np.float32)
                place = C.slice(offsets, 0, 2 * number + axis, 2 * number + axis + 1) + C.constant(start)
                weights.append(grid_weights(C.reshape(place, (count,)), sizes[axis], "linear", "zeros", False))
            sample = C.reshape(C.times(weights[0], part), (count, sizes[1], share))
            sample = C.reduce_sum(sample * C.reshape(weights[1], (count, sizes[1], 1)), axis=1)
            if mask is not None:
                sample = sample * C.reshape(C.slice(mask, 0, number, number + 1), (count, 1, 1))
            samples.append(C.reshape(sample, (count, 1, share)))
        found.append(samples[0] if taps == 1 else C.splice(*samples, axis=1))
    columns = found[0] if offset_groups == 1 else C.splice(*found, axis=2)
    results, share = [], filters // groups
    for group in range(groups):
        own = C.reshape(C.slice(kernel, 0, group * share, (group + 1) * share), (share, inner, taps))
        own = C.reshape(C.transpose(own, (2, 1, 0)), (taps * inner, share))
        part = C.reshape(C.slice(columns, 2, group * inner, (group + 1) * inner), (count, taps * inner))
        results.append(C.times(part, own))
    result = results[0] if groups == 1 else C.splice(*results, axis=1)
    return C.reshape(C.transpose(result, (1, 0)), (filters,) + places)
