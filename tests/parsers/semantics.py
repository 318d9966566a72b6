"""What MXNet computes, in NumPy: written from its documentation and kernels, sharing no code with the parser.

Each function takes the attributes as the strings of the symbol, MXNet's defaults included, and the inputs.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from tests.parsers.files import Array

Attributes = Mapping[str, str]


def evaluate(symbol: Mapping[str, Any], params: Mapping[str, Array], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Run ``symbol`` and return its outputs under MXNet's names for them, in float64."""
    known = {name.partition(":")[2]: value for name, value in params.items()} | dict(inputs)
    values: list[list[Array]] = []
    for node in symbol["nodes"]:
        arguments = [values[edge[0]][edge[1]] for edge in node["inputs"]]
        attributes = node.get("attrs") or node.get("attr") or node.get("param") or {}
        if node["op"] == "null":
            values.append([np.asarray(known.get(node["name"], np.nan), np.float64)])
            continue
        if node["op"].startswith("BatchNorm") and len(arguments) == 3:
            arguments += [known[f"{node['name']}_moving_{state}"].astype(np.float64) for state in ("mean", "var")]
        result = OPERATORS[node["op"]](attributes, *arguments)
        values.append(result if isinstance(result, list) else [result])
    return {_name(symbol["nodes"][head[0]], head[1]): values[head[0]][head[1]] for head in symbol["heads"]}


def _name(node: Mapping[str, Any], index: int) -> str:
    return f"{node['name']}_output{index if node['op'] in ('SliceChannel', 'split') else ''}"


def _flag(attributes: Attributes, name: str, default: bool = False) -> bool:
    return attributes.get(name, str(default)) in ("True", "1")


def _pair(attributes: Attributes, name: str, default: str) -> tuple[int, int]:
    first, second = ast.literal_eval(attributes.get(name, default).replace("L", ""))
    return first, second


def convolution(attributes: Attributes, data: Array, weight: Array, bias: Array | None = None) -> Array:
    """Direct convolution: for each group, output place and channel, one sum."""
    stride, pad = _pair(attributes, "stride", "(1, 1)"), _pair(attributes, "pad", "(0, 0)")
    dilate, groups = _pair(attributes, "dilate", "(1, 1)"), int(attributes.get("num_group", "1"))
    filters, depth, *kernel = weight.shape
    padded = np.pad(data, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    size = [(padded.shape[2 + i] - dilate[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    result = np.zeros((data.shape[0], filters, *size))
    for f, y, x in product(range(filters), *map(range, size)):
        first = f // (filters // groups) * depth
        rows = slice(y * stride[0], y * stride[0] + dilate[0] * (kernel[0] - 1) + 1, dilate[0])
        columns = slice(x * stride[1], x * stride[1] + dilate[1] * (kernel[1] - 1) + 1, dilate[1])
        window = padded[:, first : first + depth, rows, columns]
        result[:, f, y, x] = (window * weight[f]).sum((1, 2, 3))
    return result if bias is None else result + bias[:, None, None]


def fully_connected(attributes: Attributes, data: Array, weight: Array, bias: Array | float = 0.0) -> Array:
    """A matrix product with the transposed weight."""
    flat = data.reshape(len(data), -1) if _flag(attributes, "flatten", default=True) else data
    return np.einsum("...i,oi->...o", flat, weight) + bias


def batch_norm(attributes: Attributes, data: Array, gamma: Array, beta: Array, mean: Array, var: Array) -> Array:
    """The moving statistics applied along one axis."""
    axis = int(attributes.get("axis", "1"))
    moved = np.moveaxis(data, axis, -1)
    scale = np.ones_like(gamma) if _flag(attributes, "fix_gamma", default=True) else gamma
    normal = (moved - mean) / np.sqrt(var + float(attributes.get("eps", "0.001"))) * scale + beta
    return np.moveaxis(normal, -1, axis)


def activation(attributes: Attributes, data: Array) -> Array:
    """Five functions."""
    functions: dict[str, Callable[[Array], Array]] = {
        "relu": lambda x: np.where(x > 0, x, 0),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "tanh": np.tanh,
        "softrelu": lambda x: np.log1p(np.exp(x)),
        "softsign": lambda x: x / (1 + np.abs(x)),
    }
    return functions[attributes["act_type"]](data)


def leaky_relu(attributes: Attributes, data: Array, gamma: Array | None = None) -> Array:
    """Five more."""
    slope, kind = float(attributes.get("slope", "0.25")), attributes.get("act_type", "leaky")
    if kind == "gelu":
        return 0.5 * data * (1 + np.vectorize(math.erf)(data / math.sqrt(2)))
    negative: dict[str, Callable[[], Array]] = {
        "leaky": lambda: slope * data,
        "elu": lambda: slope * np.expm1(data),
        "selu": lambda: 1.0507009873554805 * 1.6732632423543772 * np.expm1(data),
        "prelu": lambda: np.moveaxis(np.moveaxis(data, 1, -1) * gamma, -1, 1),
    }
    positive = 1.0507009873554805 * data if kind == "selu" else data
    return np.where(data > 0, positive, negative[kind]())


def softmax(data: Array, axis: int) -> Array:
    """The exponentials' share along ``axis``."""
    exponentials = np.exp(data - data.max(axis, keepdims=True))
    return exponentials / exponentials.sum(axis, keepdims=True)


def softmax_output(attributes: Attributes, data: Array, *_: Array) -> Array:
    """Softmax by one of three groupings."""
    if _flag(attributes, "multi_output"):
        return softmax(data, 1)
    if _flag(attributes, "preserve_shape"):
        return softmax(data, -1)
    return softmax(data.reshape(len(data), -1), 1).reshape(data.shape)


def softmax_operator(attributes: Attributes, data: Array) -> Array:
    """Softmax with a temperature."""
    temperature = attributes.get("temperature", "None")
    scaled = data if temperature == "None" else data / float(temperature)
    return softmax(scaled, int(attributes.get("axis", "-1")))


def softmax_activation(attributes: Attributes, data: Array) -> Array:
    """Softmax over channels or the last axis."""
    return softmax(data, 1 if attributes.get("mode") == "channel" else -1)


def pooling(attributes: Attributes, data: Array) -> Array:
    """One window after the other, as pool.h does it."""
    kind = attributes.get("pool_type", "max")
    if _flag(attributes, "global_pool"):
        return data.max((2, 3), keepdims=True) if kind == "max" else data.mean((2, 3), keepdims=True)
    kernel, stride = _pair(attributes, "kernel", ""), _pair(attributes, "stride", "(1, 1)")
    pad = _pair(attributes, "pad", "(0, 0)")
    rounding = math.ceil if attributes.get("pooling_convention") == "full" else math.floor
    size = [1 + rounding((data.shape[2 + i] + 2 * pad[i] - kernel[i]) / stride[i]) for i in (0, 1)]
    result = np.zeros((*data.shape[:2], *size))
    for place in product(*map(range, size)):
        first = [place[i] * stride[i] - pad[i] for i in (0, 1)]
        last = [min(first[i] + kernel[i], data.shape[2 + i] + pad[i]) for i in (0, 1)]
        inside = [slice(max(first[i], 0), min(last[i], data.shape[2 + i])) for i in (0, 1)]
        window = data[:, :, inside[0], inside[1]]
        count = (last[0] - first[0]) * (last[1] - first[1])
        if attributes.get("count_include_pad") == "False":
            count = window.shape[2] * window.shape[3]
        pooled = window.max((2, 3)) if kind == "max" else window.sum((2, 3)) / count
        result[:, :, place[0], place[1]] = pooled
    return result


def pooling_v1(attributes: Attributes, data: Array) -> Array:
    """The older operator: zeros around the input, and the mean over whole windows (pooling_v1-inl.h)."""
    kind, pad = attributes.get("pool_type", "max"), _pair(attributes, "pad", "(0, 0)")
    if _flag(attributes, "global_pool"):
        return pooling(attributes, data)
    padded = np.pad(data, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    unpadded = {key: value for key, value in attributes.items() if key != "pad"}
    if kind == "max":
        return pooling(unpadded, padded)
    kernel, stride = _pair(attributes, "kernel", ""), _pair(attributes, "stride", "(1, 1)")
    wide = np.pad(padded, ((0, 0), (0, 0), (0, kernel[0]), (0, kernel[1])))
    rows, columns = pooling(unpadded, padded).shape[2:]
    sums = np.lib.stride_tricks.sliding_window_view(wide, kernel, (2, 3)).sum((4, 5))
    return sums[:, :, :: stride[0], :: stride[1]][:, :, :rows, :columns] / (kernel[0] * kernel[1])


def slice_channel(attributes: Attributes, data: Array) -> list[Array]:
    """Equal parts of one axis."""
    axis = int(attributes.get("axis", "1"))
    parts = np.split(data, int(attributes["num_outputs"]), axis)
    return [part.squeeze(axis) for part in parts] if _flag(attributes, "squeeze_axis") else parts


RESHAPED: dict[tuple[str, bool, tuple[int, ...]], tuple[int, ...]] = {
    ("(0, -1)", False, (2, 3, 5, 4)): (2, 60),
    ("(0, 0, -1)", False, (2, 3, 5, 4)): (2, 3, 20),
    ("(2, 60)", False, (2, 3, 5, 4)): (2, 60),
    ("(-1, 60)", False, (2, 3, 5, 4)): (2, 60),
    ("(0, -2)", False, (2, 3, 5, 4)): (2, 3, 5, 4),
    ("(0, -3, 0)", False, (2, 3, 5, 4)): (2, 15, 4),
    ("(0, 0, -3)", False, (2, 3, 5, 4)): (2, 3, 20),
    ("(0, 0, -4, 1, 5, 0)", False, (2, 3, 5, 4)): (2, 3, 1, 5, 4),
    ("(0, 0, 0, -4, 2, -1)", False, (2, 3, 5, 4)): (2, 3, 5, 2, 2),
    ("(0, 0, 0, -4, -1, 2)", False, (2, 3, 5, 4)): (2, 3, 5, 2, 2),
    ("(0, 1, -1)", False, (2, 3, 5, 4)): (2, 1, 60),
    ("(-3, -2)", False, (2, 3, 5, 4)): (6, 5, 4),
    ("(-1, 0)", True, (2, 3, 5, 4)): (30, 4),
    ("(0, 0, -1, 0)", True, (8, 3, 3, 4)): (8, 3, 3, 4),
}
"""By hand, from the examples in MXNet's documentation of Reshape."""


def reshape(attributes: Attributes, data: Array) -> Array:
    """The shapes of the cases, worked out by hand."""
    return data.reshape(RESHAPED[attributes["shape"], _flag(attributes, "reverse"), data.shape])


def concat(attributes: Attributes, *data: Array) -> Array:
    """One after the other."""
    return np.concatenate(data, int(attributes.get("dim", "1")))


def _scalar(function: Callable[[Array, float], Array]) -> Callable[[Attributes, Array], Array]:
    return lambda attributes, data: function(data, float(np.float32(attributes["scalar"])))


IDENTITIES = (
    "Dropout",
    "_copy",
    "identity",
    "BlockGrad",
    "stop_gradient",
    "LinearRegressionOutput",
    "MAERegressionOutput",
)
OPERATORS: dict[str, Callable[..., Array | list[Array]]] = {
    "Convolution": convolution,
    "Convolution_v1": convolution,
    "FullyConnected": fully_connected,
    "BatchNorm": batch_norm,
    "BatchNorm_v1": batch_norm,
    "_contrib_SyncBatchNorm": batch_norm,
    "CuDNNBatchNorm": batch_norm,
    "Activation": activation,
    "LeakyReLU": leaky_relu,
    "softmax": softmax_operator,
    "SoftmaxActivation": softmax_activation,
    "SoftmaxOutput": softmax_output,
    "Softmax": softmax_output,
    "Pooling": pooling,
    "Pooling_v1": pooling_v1,
    **dict.fromkeys(("SliceChannel", "split"), slice_channel),
    **dict.fromkeys(("Concat", "concat"), concat),
    **dict.fromkeys(("Flatten", "flatten"), lambda _, data: data.reshape(len(data), -1)),
    **dict.fromkeys(("Reshape", "reshape"), reshape),
    "LogisticRegressionOutput": lambda _, data, *__: 1 / (1 + np.exp(-data)),
    **{name: (lambda _, data, *__: data) for name in IDENTITIES},
    **{name: (lambda _, a, b: a + b) for name in ("elemwise_add", "_Plus", "_plus", "_add", "_grad_add")},
    **{name: (lambda _, a, b: a - b) for name in ("elemwise_sub", "_Minus", "_minus", "_sub")},
    **{name: (lambda _, a, b: a * b) for name in ("elemwise_mul", "_Mul", "_mul")},
    **{name: (lambda _, a, b: a / b) for name in ("elemwise_div", "_Div", "_div")},
    **dict.fromkeys(("_plus_scalar", "_PlusScalar"), _scalar(lambda x, s: x + s)),
    **dict.fromkeys(("_minus_scalar", "_MinusScalar"), _scalar(lambda x, s: x - s)),
    **dict.fromkeys(("_rminus_scalar", "_RMinusScalar"), _scalar(lambda x, s: s - x)),
    **dict.fromkeys(("_mul_scalar", "_MulScalar"), _scalar(lambda x, s: x * s)),
    **dict.fromkeys(("_div_scalar", "_DivScalar"), _scalar(lambda x, s: x / s)),
    **dict.fromkeys(("_rdiv_scalar", "_RDivScalar"), _scalar(lambda x, s: s / x)),
}
