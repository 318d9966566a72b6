"""Operations of MIL with what their documentation says that they compute, by itself, in numpy.

As a program, inside the image of Core ML's tools, it saves each as a package and has it read back:

    python3 in/step/coreml_operations.py

writes ``out/results.npz``, keyed ``<case>/<number of the output>``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import erf, prod
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """An operation, or a few.

    Attributes:
        id: Its name.
        build: What makes it, of MIL's builder and the inputs.
        inputs: What it is given.
        expected: What it returns, of the inputs.
        half: Whether the program is converted to float16.
        open: Whether the first size of each input is open.
    """

    id: str
    build: Callable[..., Any]
    inputs: tuple[Array, ...]
    expected: Callable[..., Array | Sequence[Array]]
    half: bool = False
    open: bool = False


def noise(*shape: int, seed: int = 0) -> Array:
    """Numbers around zero."""
    return np.random.RandomState(seed + prod(shape)).randn(*shape).astype(np.float32)


def whole(*shape: int, low: int = -9, high: int = 10) -> Array:
    """Whole numbers."""
    return np.random.RandomState(prod(shape)).randint(low, high, shape).astype(np.int32)


def windows(x: Array, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], fill: float) -> Array:
    """All windows of ``x``: their places, then their elements, on the last axes."""
    around = [(0, 0), (0, 0), *zip(pads[::2], pads[1::2], strict=True)]
    padded = np.pad(x.astype(np.float64), around, constant_values=fill)
    found = np.lib.stride_tricks.sliding_window_view(padded, kernel, tuple(range(2, x.ndim)))
    return found[(slice(None), slice(None), *(slice(None, None, stride) for stride in strides))]


def dilated(weight: Array, dilations: Sequence[int]) -> Array:
    """``weight`` with zeros between its elements."""
    sizes = [(size - 1) * step + 1 for size, step in zip(weight.shape[2:], dilations, strict=True)]
    found = np.zeros((*weight.shape[:2], *sizes))
    found[(slice(None), slice(None), *(slice(None, None, step) for step in dilations))] = weight
    return found


def conv(
    x: Array, weight: Array, strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int], groups: int = 1
) -> Array:
    """A convolution without bias."""
    kernel, parts = dilated(weight, dilations), []
    count, rank = weight.shape[0] // groups, x.ndim - 2
    for group, part in enumerate(np.split(x, groups, axis=1)):
        seen = windows(part, kernel.shape[2:], strides, pads, 0)
        own = kernel[group * count : group * count + count]
        axes = [1, *range(2 + rank, 2 + 2 * rank)], [1, *range(2, 2 + rank)]
        parts.append(np.moveaxis(np.tensordot(seen, own, axes), -1, 1))
    return np.concatenate(parts, axis=1)


def conv_transpose(
    x: Array, weight: Array, strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int], groups: int = 1
) -> Array:
    """A transposed convolution without bias: each element adds its multiple of the kernel to the result."""
    kernel = dilated(weight, dilations)
    sizes = [
        (size - 1) * stride + width
        for size, stride, width in zip(x.shape[2:], strides, kernel.shape[2:], strict=True)
    ]
    count, own = weight.shape[1], x.shape[1] // groups
    result = np.zeros((x.shape[0], count * groups, *sizes))
    for place in product(*map(range, x.shape[2:])):
        spots = tuple(
            slice(at * stride, at * stride + width)
            for at, stride, width in zip(place, strides, kernel.shape[2:], strict=True)
        )
        for group in range(groups):
            part = slice(group * own, group * own + own)
            added = np.tensordot(x[(slice(None), part, *place)], kernel[part], 1)
            result[(slice(None), slice(group * count, group * count + count), *spots)] += added
    cut = zip(pads[::2], pads[1::2], result.shape[2:], strict=True)
    return result[(slice(None), slice(None), *(slice(before, size - after) for before, after, size in cut))]


def sigmoid(x: Array) -> Array:
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def channel(values: Array, rank: int) -> Array:
    """A number a channel."""
    return values.reshape(-1, *[1] * (rank - 2))


def interpolated(x: Array, places: Array, axis: int) -> Array:
    """``x`` linearly between its elements."""
    return np.apply_along_axis(lambda line: np.interp(places, np.arange(len(line)), line), axis, x)


def bilinear(x: Array, rows: Array, columns: Array) -> Array:
    """The last two axes at these places."""
    return interpolated(interpolated(x, rows, x.ndim - 2), columns, x.ndim - 1)


def sample(x: Array, places: Array, outside: Callable[[int, int], int | None], value: float, linear: bool) -> Array:
    """``x`` at pixel ``places``, columns first; ``outside`` says which pixel stands for one beyond the image."""
    count, _, height, width = x.shape
    result = np.zeros((count, x.shape[1], *places.shape[1:3]))

    def pixel(batch: int, row: int, column: int) -> Array:
        at = outside(row, height), outside(column, width)
        return np.full(x.shape[1], value) if None in at else x[batch, :, at[0], at[1]]

    for batch, i, j in np.ndindex(*places.shape[:3]):
        column, row = places[batch, i, j].astype(np.float64)
        if not linear:
            result[batch, :, i, j] = pixel(batch, int(np.rint(row)), int(np.rint(column)))
            continue
        top, left = int(np.floor(row)), int(np.floor(column))
        for down, right in product((0, 1), (0, 1)):
            share = abs(1 - down - (row - top)) * abs(1 - right - (column - left))
            result[batch, :, i, j] += share * pixel(batch, top + down, left + right)
    return result


def beyond(at: int, size: int) -> int | None:
    """There is none."""
    return at if 0 <= at < size else None


def border(at: int, size: int) -> int:
    """The last one."""
    return min(max(at, 0), size - 1)


def reflection(at: int, size: int) -> int:
    """As in a mirror on the last pixel."""
    at = abs(at) % (2 * size - 2)
    return min(at, 2 * size - 2 - at)


def symmetric(at: int, size: int) -> int:
    """As in a mirror behind the last pixel."""
    at %= 2 * size
    return min(at, 2 * size - 1 - at)


def lstm(x: Array, h: Array, c: Array, weights: Sequence[Array], peephole: Array | None = None) -> list[Array]:
    """All steps' states, the last and its cell; gates in the order input, forget, output, cell."""
    own, recurrent, bias = weights
    steps = []
    for one in x:
        i, f, o, z = np.split(one @ own.T + h @ recurrent.T + bias, 4, axis=-1)
        before, after = np.split(peephole, [2 * h.shape[-1]]) if peephole is not None else (None, None)
        if before is not None and after is not None:
            into, kept = np.split(before, 2)
            i, f = i + into * c, f + kept * c
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(z)
        h = sigmoid(o if after is None else o + after * c) * np.tanh(c)
        steps.append(h)
    return [np.stack(steps), h, c]


def gru(x: Array, h: Array, weights: Sequence[Array]) -> list[Array]:
    """All steps' states, and the last; gates in the order reset, new, update."""
    own, recurrent, bias = weights
    steps = []
    for one in x:
        (r, o, z), (hr, ho, hz) = (np.split(part, 3, axis=-1) for part in (one @ own.T + bias, h @ recurrent.T))
        new = np.tanh(o + sigmoid(r + hr) * ho)
        update = sigmoid(z + hz)
        h = (1 - update) * new + update * h
        steps.append(h)
    return [np.stack(steps), h]


def rnn(x: Array, h: Array, weights: Sequence[Array]) -> list[Array]:
    """All steps' states, and the last."""
    own, recurrent, bias = weights
    steps = []
    for one in x:
        h = np.maximum(one @ own.T + h @ recurrent.T + bias, 0)
        steps.append(h)
    return [np.stack(steps), h]


X = noise(2, 4, 5, 6)
WIDE = np.array([[-3.5, -2.5, -1, -0.5, 0, 0.5, 1.5, 2, 3.5, 7]], np.float32)
UNIT = np.linspace(-0.9, 0.9, 12, dtype=np.float32).reshape(3, 4)
POSITIVE = np.abs(noise(3, 4)) + np.float32(0.5)
N, M = whole(3, 4), np.where(whole(1, 4, low=1) % 2, 3, -4).astype(np.int32)


def _unary() -> list[Case]:
    table: dict[str, tuple[Array, Callable[[Array], Array]]] = {
        "abs": (WIDE, np.abs),
        "acos": (UNIT, np.arccos),
        "asin": (UNIT, np.arcsin),
        "atan": (WIDE, np.arctan),
        "atanh": (UNIT, np.arctanh),
        "ceil": (WIDE, np.ceil),
        "cos": (WIDE, np.cos),
        "cosh": (WIDE, np.cosh),
        "erf": (WIDE, np.vectorize(erf)),
        "exp": (WIDE, np.exp),
        "exp2": (WIDE, np.exp2),
        "floor": (WIDE, np.floor),
        "inverse": (POSITIVE, lambda x: 1 / (x + 1e-4)),
        "log": (POSITIVE, np.log),
        "relu": (WIDE, lambda x: np.maximum(x, 0)),
        "relu6": (WIDE, lambda x: np.clip(x, 0, 6)),
        "round": (WIDE, np.round),
        "rsqrt": (POSITIVE, lambda x: 1 / np.sqrt(x)),
        "sigmoid": (WIDE, sigmoid),
        "sign": (WIDE, np.sign),
        "silu": (WIDE, lambda x: x * sigmoid(x)),
        "sin": (WIDE, np.sin),
        "sinh": (WIDE, np.sinh),
        "softplus": (WIDE, lambda x: np.log1p(np.exp(x))),
        "softsign": (WIDE, lambda x: x / (1 + np.abs(x))),
        "sqrt": (POSITIVE, np.sqrt),
        "square": (WIDE, np.square),
        "tan": (UNIT, np.tan),
        "tanh": (WIDE, np.tanh),
        "identity": (WIDE, lambda x: x),
        "shape": (X, lambda x: np.array(x.shape)),
        "non_zero": (WIDE, lambda x: np.transpose(np.nonzero(x))),
    }
    return [
        Case(name, lambda mb, x, name=name: getattr(mb, name)(x=x), (given,), expected)
        for name, (given, expected) in table.items()
    ]


def _parametric() -> list[Case]:
    alpha, beta = np.array([0.1, 0.5, 2, 3], np.float32), np.array([0.3, 1, 2, 0.5], np.float32)
    numbers: dict[str, tuple[dict[str, Any], Callable[[Array], Array]]] = {
        "clamped_relu": ({"alpha": 0.5, "beta": 1.0}, lambda x: np.minimum(np.where(x >= 0, x, 0.5 * x), 1)),
        "clip": ({"alpha": -1.0, "beta": 2.0}, lambda x: np.clip(x, -1, 2)),
        "elu": ({"alpha": 0.7}, lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
        "leaky_relu": ({"alpha": 0.2}, lambda x: np.where(x >= 0, x, 0.2 * x)),
        "linear_activation": ({"alpha": 2.0, "beta": 0.5}, lambda x: 2 * x + 0.5),
        "scaled_tanh": ({"alpha": 1.7, "beta": 0.6}, lambda x: 1.7 * np.tanh(0.6 * x)),
        "sigmoid_hard": ({"alpha": 0.3, "beta": 0.4}, lambda x: np.clip(0.3 * x + 0.4, 0, 1)),
        "threshold": ({"alpha": 0.5}, lambda x: np.maximum(x, 0.5)),
        "thresholded_relu": ({"alpha": 0.5}, lambda x: np.where(x >= 0.5, x, 0)),
    }
    found = [
        Case(name, lambda mb, x, name=name, given=given: getattr(mb, name)(x=x, **given), (WIDE,), expected)
        for name, (given, expected) in numbers.items()
    ]
    found += [
        Case(f"log-{value}", lambda mb, x, value=value: mb.log(x=x, epsilon=value), (POSITIVE,), expected)
        for value, expected in [(0.25, lambda x: np.log(x + 0.25)), (2.0, lambda x: np.log(x + 2))]
    ]
    gelus: dict[str, Callable[[Array], Array]] = {
        "EXACT": lambda x: 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2))),
        "TANH_APPROXIMATION": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        "SIGMOID_APPROXIMATION": lambda x: x * sigmoid(1.702 * x),
    }
    found += [
        Case(f"gelu-{mode}", lambda mb, x, mode=mode: mb.gelu(x=x, mode=mode), (WIDE,), expected)
        for mode, expected in gelus.items()
    ]
    return [
        *found,
        Case(
            "prelu",
            lambda mb, x: mb.prelu(x=x, alpha=alpha),
            (X,),
            lambda x: np.where(x > 0, x, channel(alpha, 4) * x),
        ),
        Case(
            "softplus_parametric",
            lambda mb, x: mb.softplus_parametric(x=x, alpha=alpha, beta=beta),
            (X,),
            lambda x: channel(alpha, 4) * np.log1p(np.exp(x * channel(beta, 4))),
        ),
        Case(
            "softmax",
            lambda mb, x: mb.softmax(x=x, axis=1),
            (X,),
            lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True),
        ),
        *(
            Case(f"cast-{kind}", lambda mb, x, kind=kind: mb.cast(x=x, dtype=kind), (WIDE,), expected)
            for kind, expected in [
                ("int32", np.trunc),
                ("fp16", lambda x: x.astype(np.float16)),
                ("int8", np.trunc),
                ("bool", lambda x: x != 0),
            ]
        ),
    ]


def _binary() -> list[Case]:
    floats: dict[str, Callable[[Array, Array], Array]] = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "real_div": np.divide,
        "maximum": np.maximum,
        "minimum": np.minimum,
        "floor_div": np.floor_divide,
        "mod": np.mod,
        "equal": np.equal,
        "not_equal": np.not_equal,
        "greater": np.greater,
        "greater_equal": np.greater_equal,
        "less": np.less,
        "less_equal": np.less_equal,
    }
    halves = (np.round(noise(3, 4) * 4) / 2).astype(np.float32)
    divisors = np.array([[1.5, -1.5, 0.5, -2]], np.float32)
    found = []
    for name, expected in floats.items():
        build = lambda mb, x, y, name=name: getattr(mb, name)(x=x, y=y)  # noqa: E731 - one of each
        found.append(Case(name, build, (halves, divisors), expected))
        if name != "real_div":
            found.append(Case(f"{name}-whole", build, (N, M), expected))

    def logical(mb: Any, x: Any, y: Any) -> list[Any]:
        a, b = mb.greater(x=x, y=np.float32(0)), mb.greater(x=y, y=np.float32(0))
        results = [mb.logical_and(x=a, y=b), mb.logical_or(x=a, y=b), mb.logical_xor(x=a, y=b), mb.logical_not(x=a)]
        return [*results, mb.select(cond=a, a=x, b=y)]

    return [
        *found,
        Case("pow", lambda mb, x, y: mb.pow(x=x, y=y), (POSITIVE, divisors), np.power),
        Case(
            "logical",
            logical,
            (halves, divisors),
            lambda x, y: [
                (x > 0) & (y > 0),
                (x > 0) | (y > 0),
                (x > 0) ^ (y > 0),
                x <= 0,
                np.where(x > 0, x, y),
            ],
        ),
        Case(
            "linear",
            lambda mb, x: mb.linear(x=x, weight=noise(7, 4), bias=noise(7)),
            (noise(3, 4),),
            lambda x: x @ noise(7, 4).T + noise(7),
        ),
        Case(
            "linear-stored",
            lambda mb, x: mb.linear(x=x, weight=noise(64, 32)),
            (noise(3, 32),),
            lambda x: x @ noise(64, 32).T,
        ),
        Case(
            "matmul",
            lambda mb, x, y: mb.matmul(x=x, y=y, transpose_x=True, transpose_y=True),
            (noise(2, 4, 3), noise(5, 4)),
            lambda x, y: np.swapaxes(x, 1, 2) @ y.T,
        ),
        Case(
            "einsum",
            lambda mb, x, y: mb.einsum(values=[x, y], equation="nchw,nwhu->nchu"),
            (noise(2, 3, 4, 5), noise(2, 5, 4, 6)),
            lambda x, y: np.einsum("nchw,nwhu->nchu", x, y),
        ),
    ]


def _convolutions() -> list[Case]:
    square, grouped, deep = noise(3, 4, 3, 2), noise(6, 2, 3, 3), noise(2, 3, 2, 2, 2)
    back, volume = noise(4, 3, 3, 2), noise(1, 3, 3, 4, 4)
    same = noise(3, 4, 3, 4)
    return [
        Case(
            "conv",
            lambda mb, x: mb.conv(
                x=x, weight=square, bias=noise(3), strides=[2, 1], pad_type="custom", pad=[1, 0, 2, 1]
            ),
            (X,),
            lambda x: conv(x, square, (2, 1), (1, 0, 2, 1), (1, 1)) + channel(noise(3), 4),
        ),
        Case(
            "conv-groups",
            lambda mb, x: mb.conv(
                x=x, weight=grouped, groups=2, dilations=[1, 2], pad_type="custom", pad=[1, 1, 2, 2]
            ),
            (X,),
            lambda x: conv(x, grouped, (1, 1), (1, 1, 2, 2), (1, 2), groups=2),
        ),
        Case(
            "conv-line",
            lambda mb, x: mb.conv(x=x, weight=noise(2, 3, 3), pad_type="valid"),
            (noise(1, 3, 7),),
            lambda x: conv(x, noise(2, 3, 3), (1,), (0, 0), (1,)),
        ),
        Case(
            "conv-volume",
            lambda mb, x: mb.conv(x=x, weight=deep, pad_type="valid", strides=[1, 2, 2]),
            (volume,),
            lambda x: conv(x, deep, (1, 2, 2), (0,) * 6, (1, 1, 1)),
        ),
        *(
            Case(
                f"conv-{pad_type}",
                lambda mb, x, pad_type=pad_type: mb.conv(x=x, weight=same, pad_type=pad_type),
                (X,),
                lambda x, pads=pads: conv(x, same, (1, 1), pads, (1, 1)),
            )
            for pad_type, pads in [("same", (1, 1, 1, 2)), ("same_lower", (1, 1, 2, 1))]
        ),
        Case(
            "conv-open",
            lambda mb, x: mb.conv(x=x, weight=square, pad_type="valid"),
            (X,),
            lambda x: conv(x, square, (1, 1), (0,) * 4, (1, 1)),
            open=True,
        ),
        Case(
            "conv_transpose",
            lambda mb, x: mb.conv_transpose(
                x=x, weight=back, bias=noise(3), strides=[2, 3], pad_type="custom", pad=[1, 0, 1, 1]
            ),
            (X,),
            lambda x: conv_transpose(x, back, (2, 3), (1, 0, 1, 1), (1, 1)) + channel(noise(3), 4),
        ),
        Case(
            "conv_transpose-groups",
            lambda mb, x: mb.conv_transpose(x=x, weight=back, groups=2, dilations=[2, 1], pad_type="valid"),
            (X,),
            lambda x: conv_transpose(x, back, (1, 1), (0,) * 4, (2, 1), groups=2),
        ),
    ]


def _pooling() -> list[Case]:
    def over(operation: Callable[..., Array], fill: float, *, pads: Sequence[int], **_: Any) -> Callable[..., Array]:
        return lambda x: operation(windows(x, (3, 2), (2, 2), pads, fill), axis=(-1, -2))

    def root(x: Array, axis: tuple[int, ...]) -> Array:
        return np.sqrt((x**2).sum(axis))

    def pool(name: str, **options: Any) -> Callable[..., Any]:
        return lambda mb, x: getattr(mb, name)(x=x, kernel_sizes=[3, 2], strides=[2, 2], **options)

    custom = {"pad_type": "custom", "pad": [1, 0, 1, 1]}
    rounded = {"pad_type": "custom", "pad": [1, 1, 1, 1], "ceil_mode": True}
    # Six rows, padded to eight: the last of four windows begins at the seventh, with one row beyond the padding.
    six = noise(1, 2, 6, 6)
    ones = np.ones((1, 2, 6, 6))

    def clipped(x: Array, exclude: bool) -> Array:
        counted = np.pad(ones, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=0 if exclude else 1)
        total = windows(x, (3, 2), (2, 2), (1, 2, 1, 1), 0).sum((-1, -2))
        return total / windows(counted, (3, 2), (2, 2), (0, 1, 0, 0), 0).sum((-1, -2))

    return [
        Case("max_pool", pool("max_pool", **custom), (X,), over(np.max, -np.inf, pads=[1, 0, 1, 1])),
        Case("avg_pool", pool("avg_pool", **custom), (X,), over(np.mean, 0, pads=[1, 0, 1, 1])),
        Case("l2_pool", pool("l2_pool", **custom), (X,), over(root, 0, pads=[1, 0, 1, 1])),
        Case("max_pool-valid", pool("max_pool", pad_type="valid"), (X,), over(np.max, 0, pads=[0] * 4)),
        Case("max_pool-ceil", pool("max_pool", **rounded), (six,), over(np.max, -np.inf, pads=[1, 2, 1, 1])),
        Case(
            "avg_pool-excluded",
            pool("avg_pool", exclude_padding_from_average=True, **custom),
            (X,),
            lambda x: (
                windows(x, (3, 2), (2, 2), (1, 0, 1, 1), 0).sum((-1, -2))
                / windows(np.ones(x.shape), (3, 2), (2, 2), (1, 0, 1, 1), 0).sum((-1, -2))
            ),
        ),
        Case("avg_pool-ceil", pool("avg_pool", **rounded), (six,), lambda x: clipped(x, exclude=False)),
        Case(
            "avg_pool-ceil-excluded",
            pool("avg_pool", exclude_padding_from_average=True, **rounded),
            (six,),
            lambda x: clipped(x, exclude=True),
        ),
        Case(
            "avg_pool-volume",
            lambda mb, x: mb.avg_pool(x=x, kernel_sizes=[2, 2, 2], strides=[1, 1, 1], pad_type="valid"),
            (noise(1, 2, 3, 3, 3),),
            lambda x: windows(x, (2, 2, 2), (1, 1, 1), (0,) * 6, 0).mean((-1, -2, -3)),
        ),
    ]


def _normalization() -> list[Case]:
    mean, gamma, beta, variance = noise(4), noise(4, seed=1), noise(4, seed=2), np.abs(noise(4, seed=3))
    scale = noise(5, 6)

    def instance(x: Array) -> Array:
        centred = x - x.mean((2, 3), keepdims=True)
        return centred / np.sqrt((centred**2).mean((2, 3), keepdims=True) + 1e-3)

    def response(x: Array) -> Array:
        padded = np.pad(x**2, [(0, 0), (1, 1), (0, 0), (0, 0)])
        total = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
        return x / (2 + 0.5 / 3 * total) ** 0.6

    return [
        Case(
            "batch_norm",
            lambda mb, x: mb.batch_norm(x=x, mean=mean, variance=variance, gamma=gamma, beta=beta, epsilon=1e-3),
            (X,),
            lambda x: (
                channel(gamma, 4) * (x - channel(mean, 4)) / np.sqrt(channel(variance, 4) + 1e-3) + channel(beta, 4)
            ),
        ),
        Case(
            "instance_norm",
            lambda mb, x: mb.instance_norm(x=x, gamma=gamma, beta=beta, epsilon=1e-3),
            (X,),
            lambda x: channel(gamma, 4) * instance(x) + channel(beta, 4),
        ),
        Case(
            "layer_norm",
            lambda mb, x: mb.layer_norm(x=x, axes=[2, 3], gamma=scale, beta=scale, epsilon=1e-3),
            (X,),
            lambda x: instance(x) * scale + scale,
        ),
        Case(
            "l2_norm",
            lambda mb, x: mb.l2_norm(x=x, epsilon=0.5),
            (X,),
            lambda x: x / np.sqrt((x**2).sum((1, 2, 3), keepdims=True) + 0.5),
        ),
        Case(
            "local_response_norm",
            lambda mb, x: mb.local_response_norm(x=x, size=3, alpha=0.5, beta=0.6, k=2.0),
            (X,),
            response,
        ),
    ]


def _reduction() -> list[Case]:
    table: dict[str, Callable[..., Array]] = {
        "reduce_l1_norm": lambda x, axis, keepdims: np.abs(x).sum(axis, keepdims=keepdims),
        "reduce_l2_norm": lambda x, axis, keepdims: np.sqrt((x**2).sum(axis, keepdims=keepdims)),
        "reduce_log_sum": lambda x, axis, keepdims: np.log(x.sum(axis, keepdims=keepdims)),
        "reduce_log_sum_exp": lambda x, axis, keepdims: np.log(np.exp(x).sum(axis, keepdims=keepdims)),
        "reduce_max": np.max,
        "reduce_mean": np.mean,
        "reduce_min": np.min,
        "reduce_prod": np.prod,
        "reduce_sum": np.sum,
        "reduce_sum_square": lambda x, axis, keepdims: (x**2).sum(axis, keepdims=keepdims),
    }
    positive = np.abs(X) + np.float32(0.1)
    found = []
    for name, expected in table.items():
        for axes, keep in (([1, -1], True), ([0], False), (None, False)):
            given = {} if axes is None else {"axes": axes}
            found.append(
                Case(
                    f"{name}-{'all' if axes is None else len(axes)}",
                    lambda mb, x, name=name, given=given, keep=keep: getattr(mb, name)(x=x, keep_dims=keep, **given),
                    (positive,),
                    lambda x, expected=expected, axes=axes, keep=keep: expected(
                        x, axis=None if axes is None else tuple(axes), keepdims=keep
                    ),
                )
            )
    args = [("reduce_argmax", np.argmax), ("reduce_argmin", np.argmin)]
    found += [
        Case(name, lambda mb, x, name=name: getattr(mb, name)(x=x, axis=2), (X,), lambda x, f=f: f(x, axis=2))
        for name, f in args
    ]
    return found


def _shapes() -> list[Case]:
    split = np.split

    def sliced(**options: Any) -> Callable[..., Any]:
        return lambda mb, x: mb.slice_by_index(x=x, **options)

    blocks = noise(2, 12, 2, 3)
    return [
        Case("reshape", lambda mb, x: mb.reshape(x=x, shape=[4, -1, 0]), (X,), lambda x: x.reshape(4, -1, 6)),
        Case(
            "reshape-zeros",
            lambda mb, x: mb.reshape(x=x, shape=[1, 0, -1, 0]),
            (noise(2, 50),),
            lambda x: x.reshape(1, 1, 2, 50),
        ),
        Case(
            "reshape-open",
            lambda mb, x: mb.reshape(x=x, shape=[-1, 120]),
            (X,),
            lambda x: x.reshape(-1, 120),
            open=True,
        ),
        Case(
            "transpose",
            lambda mb, x: mb.transpose(x=x, perm=[0, -2, -1, 1]),
            (X,),
            lambda x: x.transpose(0, 2, 3, 1),
        ),
        Case("expand_dims", lambda mb, x: mb.expand_dims(x=x, axes=[0, -1]), (UNIT,), lambda x: x[None, ..., None]),
        Case("squeeze", lambda mb, x: mb.squeeze(x=x, axes=[0, 2]), (noise(1, 3, 1, 1),), lambda x: x[0, :, 0]),
        Case("squeeze-all", lambda mb, x: mb.squeeze(x=x), (noise(1, 3, 1, 2),), lambda x: x[0, :, 0]),
        Case("flatten2d", lambda mb, x: mb.flatten2d(x=x, axis=-2), (X,), lambda x: x.reshape(8, 30)),
        Case(
            "concat",
            lambda mb, x: mb.concat(values=[x, x, x], axis=-3),
            (X,),
            lambda x: np.concatenate([x, x, x], 1),
        ),
        Case(
            "concat-interleave",
            lambda mb, x, y: mb.concat(values=[x, y], axis=1, interleave=True),
            (noise(2, 3, 4), noise(2, 3, 4, seed=1)),
            lambda x, y: np.stack([x, y], 2).reshape(2, 6, 4),
        ),
        Case("stack", lambda mb, x: mb.stack(values=[x, x], axis=-1), (UNIT,), lambda x: np.stack([x, x], -1)),
        Case("split", lambda mb, x: mb.split(x=x, num_splits=2, axis=1), (X,), lambda x: split(x, 2, 1)),
        Case(
            "split-sizes",
            lambda mb, x: mb.split(x=x, split_sizes=[1, 3, 2], axis=-1),
            (X,),
            lambda x: split(x, [1, 4], 3),
        ),
        Case(
            "slice_by_index",
            sliced(begin=[0, 1, -4, 5], end=[2, -1, 100, 0], stride=[1, 1, 2, -2]),
            (X,),
            lambda x: x[0:2, 1:-1, -4:100:2, 5:0:-2],
        ),
        Case(
            "slice_by_index-masks",
            sliced(
                begin=[1, 9, 9, 0],
                end=[0, 2, 0, 0],
                stride=[1, 1, -1, 1],
                begin_mask=[False, True, True, True],
                end_mask=[False, False, True, True],
                squeeze_mask=[True, False, False, False],
            ),
            (X,),
            lambda x: x[1, :2, ::-1, :],
        ),
        Case(
            "slice_by_index-last",
            sliced(begin=[-1, -1], end=[0, 0], squeeze_mask=[True, True]),
            (UNIT,),
            lambda x: x[-1, -1],
        ),
        Case(
            "slice_by_size",
            lambda mb, x, b: mb.slice_by_size(x=x, begin=b, size=[2, -1]),
            (UNIT, np.array([1, -3], np.int32)),
            lambda x, _: x[1:3, 1:],
        ),
        Case(
            "crop",
            lambda mb, x: mb.crop(x=x, crop_height=[1, 2], crop_width=[0, 3]),
            (X,),
            lambda x: x[:, :, 1:3, :3],
        ),
        *(
            Case(
                f"pad-{mode}",
                lambda mb, x, mode=mode, given=given: mb.pad(x=x, pad=[1, 2, 3, 0], mode=mode, **given),
                (X,),
                lambda x, named=named: np.pad(x, [(0, 0), (0, 0), (1, 2), (3, 0)], **named),
            )
            for mode, given, named in [
                ("constant", {"constant_val": 1.5}, {"constant_values": 1.5}),
                ("reflect", {}, {"mode": "reflect"}),
                ("replicate", {}, {"mode": "edge"}),
            ]
        ),
        Case("tile", lambda mb, x: mb.tile(x=x, reps=[2, 3]), (UNIT,), lambda x: np.tile(x, (2, 3))),
        Case("reverse", lambda mb, x: mb.reverse(x=x, axes=[1, -1]), (X,), lambda x: x[:, ::-1, :, ::-1]),
        Case("reverse-all", lambda mb, x: mb.reverse(x=x), (UNIT,), lambda x: x[::-1, ::-1]),
        Case(
            "reverse_sequence",
            lambda mb, x, n: mb.reverse_sequence(x=x, lengths=n, seq_axis=2, batch_axis=0),
            (noise(2, 3, 4), np.array([3, 1], np.int32)),
            lambda x, _: np.stack([np.concatenate([x[0, :, 2::-1], x[0, :, 3:]], 1), x[1]]),
        ),
        Case(
            "depth_to_space",
            lambda mb, x: mb.depth_to_space(x=x, block_size=2),
            (blocks,),
            lambda x: x.reshape(2, 2, 2, 3, 2, 3).transpose(0, 3, 4, 1, 5, 2).reshape(2, 3, 4, 6),
        ),
        Case(
            "pixel_shuffle",
            lambda mb, x: mb.pixel_shuffle(x=x, upscale_factor=2),
            (blocks,),
            lambda x: x.reshape(2, 3, 2, 2, 2, 3).transpose(0, 1, 4, 2, 5, 3).reshape(2, 3, 4, 6),
        ),
        Case(
            "there-and-back",
            lambda mb, x: [
                mb.space_to_depth(x=mb.depth_to_space(x=x, block_size=2), block_size=2),
                mb.pixel_unshuffle(x=mb.pixel_shuffle(x=x, upscale_factor=2), downscale_factor=np.uint32(2)),
            ],
            (blocks,),
            lambda x: [x, x],
        ),
        Case(
            "space_to_batch",
            lambda mb, x: mb.space_to_batch(x=x, block_shape=[2, 3], paddings=[[1, 0], [0, 0]]),
            (X,),
            lambda x: np.concatenate(
                [
                    np.pad(x, [(0, 0), (0, 0), (1, 0), (0, 0)])[:, :, i::2, j::3]
                    for i, j in product(range(2), range(3))
                ]
            ),
        ),
        Case(
            "batch_to_space",
            lambda mb, x: mb.batch_to_space(
                x=mb.space_to_batch(x=x, block_shape=[2, 3], paddings=[[1, 0], [0, 0]]),
                block_shape=[2, 3],
                crops=[[1, 0], [0, 0]],
            ),
            (X,),
            lambda x: x,
        ),
        Case(
            "sliding_windows",
            lambda mb, x: mb.sliding_windows(x=x, axis=1, size=3, stride=1),
            (noise(2, 5, 3),),
            lambda x: np.stack([x[:, i : i + 3] for i in range(3)], 1),
        ),
    ]


def _indexing() -> list[Case]:
    places = np.array([[2, 0], [1, 1]], np.int32)
    along = np.array([[0, 2, 1, 0], [1, 1, 0, 2]], np.int32)
    pairs = np.array([[0, 1], [2, 3], [1, 1]], np.int32)
    data, three = noise(3, 4), noise(3)

    def scattered(mode: str) -> Callable[[Array, Array], Array]:
        def change(x: Array, updates: Array) -> Array:
            result = x.copy()
            for value, (i, j) in zip(updates, pairs, strict=True):
                old = result[i, j]
                new = {"update": value, "add": old + value, "sub": old - value, "mul": old * value}
                new |= {"div": old / value, "max": max(old, value), "min": min(old, value)}
                result[i, j] = new[mode]
            return result

        return change

    def put_along(x: Array, updates: Array) -> Array:
        result = x.copy()
        np.put_along_axis(result, along[:2], updates, 0)
        return result

    ties = np.array([[3, 1, 3, 0, 2], [5, 4, 4, 4, 6]], np.float32)
    return [
        Case("gather", lambda mb, x: mb.gather(x=x, indices=places, axis=1), (X,), lambda x: x[:, places]),
        Case(
            "gather-run",
            lambda mb, x, i: mb.gather(x=x, indices=i, axis=-1),
            (UNIT, places),
            lambda x, i: x[:, i],
        ),
        Case(
            "gather-batch",
            lambda mb, x: mb.gather(x=x, indices=places, axis=2, batch_dims=1),
            (X,),
            lambda x: np.stack([x[b][:, places[b]] for b in range(2)]),
        ),
        Case(
            "gather_along_axis",
            lambda mb, x: mb.gather_along_axis(x=x, indices=along, axis=0),
            (UNIT,),
            lambda x: np.take_along_axis(x, along, 0),
        ),
        Case("gather_nd", lambda mb, x: mb.gather_nd(x=x, indices=pairs), (UNIT,), lambda x: x[tuple(pairs.T)]),
        *(
            Case(
                f"scatter_nd-{mode}",
                lambda mb, x, u, mode=mode: mb.scatter_nd(data=x, indices=pairs, updates=u, mode=mode),
                (data, three),
                scattered(mode),
            )
            for mode in ("update", "add", "sub", "mul", "div", "max", "min")
        ),
        Case(
            "scatter",
            lambda mb, x, u: mb.scatter(data=x, indices=np.array([2, 0], np.int32), updates=u, axis=1, mode="add"),
            (data, noise(3, 2)),
            lambda x, u: x + np.stack([u[:, 1], 0 * u[:, 0], u[:, 0], 0 * u[:, 0]], 1),
        ),
        Case(
            "scatter_along_axis",
            lambda mb, x, u: mb.scatter_along_axis(data=x, indices=along, updates=u, axis=0, mode="update"),
            (data, noise(2, 4)),
            put_along,
        ),
        Case(
            "one_hot",
            lambda mb, x: mb.one_hot(indices=x, one_hot_vector_size=3, axis=0, on_value=2.5, off_value=-1.0),
            (np.array([0, 2, 5, -1], np.int32),),
            lambda x: np.where(np.arange(3)[:, None] == x, 2.5, -1),
        ),
        Case(
            "topk",
            lambda mb, x: mb.topk(x=x, k=3, axis=1, ascending=True),
            (UNIT[:, ::-1].copy(),),
            lambda x: [np.sort(x, 1)[:, :3], np.argsort(x, 1)[:, :3]],
        ),
        Case(
            "argsort",
            lambda mb, x: mb.argsort(x=x, axis=1, ascending=False),
            (ties,),
            lambda x: np.argsort(-x, 1, kind="stable"),
        ),
        *(
            Case(
                f"cumsum-{exclusive}-{reverse}",
                lambda mb, x, e=exclusive, r=reverse: mb.cumsum(x=x, axis=1, exclusive=e, reverse=r),
                (whole(2, 5),),
                lambda x, e=exclusive, r=reverse: _sums(x, e, r),
            )
            for exclusive, reverse in product((False, True), repeat=2)
        ),
        Case(
            "range_1d",
            lambda mb, x: mb.range_1d(start=mb.reduce_min(x=x), end=np.float32(9), step=np.float32(1.5)),
            (WIDE,),
            lambda x: np.arange(x.min(), 9, 1.5),
        ),
        Case(
            "fill",
            lambda mb, x: mb.fill(shape=mb.shape(x=x), value=np.float32(2.5)),
            (UNIT,),
            lambda x: np.full(x.shape, 2.5),
        ),
        Case("fill_like", lambda mb, x: mb.fill_like(ref_tensor=x, value=3), (UNIT,), lambda x: np.full(x.shape, 3)),
        Case(
            "band_part",
            lambda mb, x: mb.band_part(x=x, lower=1, upper=0),
            (UNIT,),
            lambda x: np.tril(x) - np.tril(x, -2),
        ),
    ]


def _sums(x: Array, exclusive: bool, reverse: bool) -> Array:
    turned = x[:, ::-1] if reverse else x
    sums = np.cumsum(turned, 1) - (turned if exclusive else 0)
    return sums[:, ::-1] if reverse else sums


def _images() -> list[Case]:
    def places(size: int, count: int, mode: str) -> Array:
        i = np.arange(count)
        found = {
            "STRICT_ALIGN_CORNERS": i * (size - 1) / (count - 1),
            "ALIGN_CORNERS": i * (size - 1) / (count - 1),
            "DEFAULT": i * (size - size / count) / (count - 1),
            "OFFSET_CORNERS": 0.5 * (size - 1) / count + i * (size - 1) / count,
            "UNALIGN_CORNERS": i * size / count + 0.5 * size / count - 0.5,
        }
        return np.clip(found[mode], 0, size - 1)

    grid = (noise(2, 3, 4, 2) * np.float32(0.9)).clip(-1.37, 1.37)

    def resampled(padding: str, coordinates: str, align: bool, linear: bool, value: float = 0) -> Case:
        options = {
            "sampling_mode": "bilinear" if linear else "nearest",
            "padding_mode": padding,
            "padding_value": np.float32(value),
            "coordinates_mode": coordinates,
            "align_corners": align,
        }
        sizes = np.array([6, 5])

        def pixels(points: Array) -> Array:
            if coordinates == "unnormalized":
                return points
            unit = points if coordinates == "normalized_zero_to_one" else (points.astype(np.float64) + 1) / 2
            return unit * (sizes - 1) if align else unit * sizes - 0.5

        rule = {"constant": beyond, "border": border, "reflection": reflection, "symmetric": symmetric}[padding]
        return Case(
            f"resample-{padding}-{coordinates}-{align}-{linear}",
            lambda mb, x, c: mb.resample(x=x, coordinates=c, **options),
            (X, grid * 4 if coordinates == "unnormalized" else grid),
            lambda x, c: sample(x, pixels(c), rule, value, linear),
        )

    signed, unit = "normalized_minus_one_to_one", "normalized_zero_to_one"
    matrix = np.array([[0.8, 0.2, 0.1, -0.3, 0.9, 0.05]], np.float32)

    def turned(x: Array) -> Array:
        columns, rows = np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 3))
        points = np.stack([columns, rows, np.ones((3, 4))], -1) @ matrix.reshape(2, 3).T.astype(np.float64)
        return sample(x, np.stack([(points + 1) / 2 * [5, 4]] * 2), beyond, 0, linear=True)

    return [
        *(
            Case(
                f"resize_bilinear-{mode}",
                lambda mb, x, mode=mode: mb.resize_bilinear(
                    x=x, target_size_height=8, target_size_width=4, sampling_mode=mode
                ),
                (X,),
                lambda x, mode=mode: bilinear(x, places(5, 8, mode), places(6, 4, mode)),
            )
            for mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS")
        ),
        *(
            Case(
                f"upsample_bilinear-{align}",
                lambda mb, x, align=align: mb.upsample_bilinear(
                    x=x, scale_factor_height=2.0, scale_factor_width=1.5, align_corners=align
                ),
                (X,),
                lambda x, mode=mode: bilinear(x, places(5, 10, mode), places(6, 9, mode)),
            )
            for align, mode in [(True, "STRICT_ALIGN_CORNERS"), (False, "UNALIGN_CORNERS")]
        ),
        Case(
            "upsample_nearest_neighbor",
            lambda mb, x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=3),
            (X,),
            lambda x: x.repeat(2, 2).repeat(3, 3),
        ),
        Case(
            "resize",
            lambda mb, x: mb.resize(x=x, shape=[0, 9], resized_dims=np.uint32(2), sampling_mode="UNALIGN_CORNERS"),
            (X,),
            lambda x: interpolated(x, places(6, 9, "UNALIGN_CORNERS"), 3),
        ),
        Case(
            "resize-nearest",
            lambda mb, x: mb.resize(
                x=x,
                shape=[10, 12],
                resized_dims=np.uint32(2),
                interpolation_mode="NEAREST_NEIGHBOR",
                sampling_mode="UNALIGN_CORNERS",
            ),
            (X,),
            lambda x: x.repeat(2, 2).repeat(2, 3),
        ),
        resampled("constant", signed, True, True, value=0.7),
        resampled("constant", signed, False, True),
        resampled("constant", "unnormalized", True, True),
        resampled("border", signed, False, True),
        resampled("border", unit, True, False),
        resampled("reflection", signed, True, True),
        resampled("reflection", signed, False, False),
        resampled("symmetric", unit, False, True),
        Case(
            "affine",
            lambda mb, x: mb.affine(
                x=x,
                transform_matrix=matrix,
                output_height=3,
                output_width=4,
                sampling_mode="bilinear",
                padding_mode="constant",
                padding_value=np.float32(0),
                coordinates_mode=signed,
                align_corners=True,
            ),
            (X,),
            turned,
        ),
    ]


def _recurrent() -> list[Case]:
    x, h, c = noise(5, 2, 3), noise(2, 4), noise(2, 4, seed=1)

    def weights(gates: int, seed: int = 0) -> list[Array]:
        return [noise(4 * gates, 3, seed=seed), noise(4 * gates, 4, seed=seed), noise(4 * gates, seed=seed)]

    def named(gates: int, seed: int = 0, suffix: str = "") -> dict[str, Array]:
        names = [f"{name}{suffix}" for name in ("weight_ih", "weight_hh", "bias")]
        return dict(zip(names, weights(gates, seed), strict=True))

    def backward(one: list[Array]) -> list[Array]:
        return [one[0][::-1], *one[1:]]

    def both(x: Array, h: Array, c: Array) -> list[Array]:
        there = lstm(x, h[:, :4], c[:, :4], weights(4))
        back = backward(lstm(x[::-1], h[:, 4:], c[:, 4:], weights(4, seed=7)))
        return [np.concatenate(pair, -1) for pair in zip(there, back, strict=True)]

    peephole = noise(12)
    return [
        Case(
            "lstm",
            lambda mb, x, h, c: mb.lstm(x=x, initial_h=h, initial_c=c, output_sequence=True, **named(4)),
            (x, h, c),
            lambda x, h, c: lstm(x, h, c, weights(4)),
        ),
        Case(
            "lstm-last",
            lambda mb, x, h, c: mb.lstm(x=x, initial_h=h, initial_c=c, **named(4)),
            (x, h, c),
            lambda x, h, c: [(found := lstm(x, h, c, weights(4)))[1][None], *found[1:]],
        ),
        Case(
            "lstm-peephole",
            lambda mb, x, h, c: mb.lstm(
                x=x, initial_h=h, initial_c=c, output_sequence=True, peephole=peephole, **named(4)
            ),
            (x, h, c),
            lambda x, h, c: lstm(x, h, c, weights(4), peephole),
        ),
        Case(
            "lstm-reverse",
            lambda mb, x, h, c: mb.lstm(
                x=x, initial_h=h, initial_c=c, output_sequence=True, direction="reverse", **named(4)
            ),
            (x, h, c),
            lambda x, h, c: backward(lstm(x[::-1], h, c, weights(4))),
        ),
        Case(
            "lstm-bidirectional",
            lambda mb, x, h, c: mb.lstm(
                x=x,
                initial_h=h,
                initial_c=c,
                output_sequence=True,
                direction="bidirectional",
                **named(4),
                **named(4, seed=7, suffix="_back"),
            ),
            (x, noise(2, 8), noise(2, 8, seed=1)),
            both,
        ),
        Case(
            "gru",
            lambda mb, x, h: mb.gru(x=x, initial_h=h, output_sequence=True, **named(3)),
            (x, h),
            lambda x, h: gru(x, h, weights(3)),
        ),
        Case(
            "rnn",
            lambda mb, x, h: mb.rnn(x=x, initial_h=h, output_sequence=True, activation="relu", **named(1)),
            (x, h),
            lambda x, h: rnn(x, h, weights(1)),
        ),
    ]


def _halves() -> list[Case]:
    weight, half = noise(4, 4), np.float16

    def rounded(x: Array) -> Array:
        product_ = (x.astype(half).astype(np.float32) @ weight.T.astype(half).astype(np.float32)).astype(half)
        shifted = (product_ + half(0.1)).astype(half)
        return np.exp(shifted.astype(np.float32)).astype(half)

    return [
        Case(
            "half",
            lambda mb, x: mb.exp(x=mb.add(x=mb.linear(x=x, weight=weight), y=np.float32(0.1))),
            (noise(3, 4),),
            rounded,
            half=True,
        ),
    ]


CASES = [
    *_unary(),
    *_parametric(),
    *_binary(),
    *_convolutions(),
    *_pooling(),
    *_normalization(),
    *_reduction(),
    *_shapes(),
    *_indexing(),
    *_images(),
    *_recurrent(),
    *_halves(),
]


def save(case: Case, path: str) -> list[str]:
    """Save ``case`` as a package; the names of its outputs."""
    import coremltools
    from coremltools.converters.mil import Builder

    names = [f"x{number}" for number in range(len(case.inputs))]
    kinds = {"f": coremltools.converters.mil.mil.types.fp32, "i": coremltools.converters.mil.mil.types.int32}
    size = coremltools.converters.mil.mil.get_new_symbol() if case.open else None
    specs = [
        Builder.TensorSpec((size, *array.shape[1:]) if case.open else array.shape, dtype=kinds[array.dtype.kind])
        for array in case.inputs
    ]

    builds: dict[int, Callable[..., Any]] = {
        1: lambda x0: case.build(Builder, x0),
        2: lambda x0, x1: case.build(Builder, x0, x1),
        3: lambda x0, x1, x2: case.build(Builder, x0, x1, x2),
    }
    target = coremltools.target.iOS17
    program = Builder.program(input_specs=specs, opset_version=target)(builds[len(names)])
    ranges = [(coremltools.RangeDim(1, 8), *array.shape[1:]) if case.open else array.shape for array in case.inputs]
    model = coremltools.convert(
        program,
        inputs=[
            coremltools.TensorType(name, shape=shape, dtype=array.dtype.type)
            for name, shape, array in zip(names, ranges, case.inputs, strict=True)
        ],
        compute_precision=coremltools.precision.FLOAT16 if case.half else coremltools.precision.FLOAT32,
        minimum_deployment_target=target,
        pass_pipeline=coremltools.PassPipeline.DEFAULT if case.half else coremltools.PassPipeline.EMPTY,
        skip_model_load=True,
    )
    model.save(path)
    return [feature.name for feature in model.get_spec().description.output]


def answers(case: Case) -> list[Array]:
    """What is read back of ``case`` computes."""
    from pathlib import Path

    from readback import read_program
    from run import open_session

    path = f"/tmp/{case.id}.mlpackage"
    names = save(case, path)
    program = read_program(Path(path))
    session = open_session(program, names)
    fed = {program.inputs[f"x{number}"].name: array for number, array in enumerate(case.inputs)}
    found: list[Array] = session.run(None, fed)
    for name, array in zip(names, found, strict=True):
        declared = program.values[name].shape
        assert array.ndim == len(declared)
        assert all(size in {None, real} for size, real in zip(declared, array.shape, strict=True)), case.id
    return found


def main() -> None:
    """Write the answers of all cases; of one that fails what it said."""
    import shutil

    found: dict[str, Array] = {}
    for case in CASES:
        try:
            arrays = answers(case)
        except Exception as error:
            found[f"{case.id}/error"] = np.array(f"{type(error).__name__}: {error}")
        else:
            found |= {f"{case.id}/{number}": array for number, array in enumerate(arrays)}
        shutil.rmtree(f"/tmp/{case.id}.mlpackage", ignore_errors=True)
    np.savez("out/results.npz", **found)


if __name__ == "__main__":
    main()
