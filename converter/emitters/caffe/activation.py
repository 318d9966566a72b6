"""Element by element, one input: activations and dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, constant, emits, is_parameter, only_output
from converter.emitters.caffe.broadcast import number_of
from converter.emitters.caffe.elementwise import times
from converter.emitters.caffe.layer import Alias, Blob, Fields, Layer, omit, parameter
from converter.emitters.caffe.rounding import WHOLE, threshold
from converter.emitters.caffe.steps import Steps
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_SIX = 6.0
"""The upper limit of ``ReLU6`` by default."""
_LEGACY = 4
"""Most dimensions of a blob that layers written before there were N-dimensional ones can read."""


@emits("caffe", "Relu", dtypes=WHOLE)
def relu(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``ReLU``."""
    return [_neuron(node, "ReLU", data)]


@emits("caffe", "LeakyRelu")
def leaky_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.01) -> list[Layer]:
    """``ReLU`` with a ``negative_slope``."""
    return [_neuron(node, "ReLU", data, relu_param=omit(0.0, negative_slope=alpha))]


@emits("caffe", "Elu")
def elu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Layer]:
    """``ELU``."""
    return [_neuron(node, "ELU", data, elu_param=omit(1.0, alpha=alpha))]


@emits("caffe", "Selu")
def selu(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    alpha: float = 1.6732631921768188,
    gamma: float = 1.0507010221481323,
) -> list[Layer]:
    """``ELU``, then ``Power`` for the factor ``gamma``."""
    inner = onnx_ir.Value(name=f"{node.name}/elu")
    return [
        Layer(f"{node.name}/elu", "ELU", (data,), (inner,), {"elu_param": {"alpha": alpha}}, in_place=True),
        _neuron(node, "Power", inner, power_param={"scale": gamma}),
    ]


@emits("caffe", "Sigmoid")
def sigmoid(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Sigmoid``."""
    return [_neuron(node, "Sigmoid", data)]


@emits("caffe", "Tanh")
def tanh(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``TanH``."""
    return [_neuron(node, "TanH", data)]


@emits("caffe", "Softplus")
def softplus(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``BNLL``, binomial normal log likelihood, is Caffe's name for ``log(1 + exp(x))``."""
    return [_neuron(node, "BNLL", data)]


@emits("caffe", "PRelu")
def prelu(node: onnx_ir.Node, data: onnx_ir.Value, slope: onnx_ir.Value) -> list[Layer]:
    """``PReLU`` with one slope a channel, or ``channel_shared`` with one altogether.

    Of more than four dimensions, between ``Reshape``. With other slopes two ``ReLU``, one of them times the slope.
    """
    steps, shape = Steps(node), dims(data)
    aligned = (1,) * (len(shape) - len(dims(slope))) + dims(slope)
    fits = len(aligned) == len(shape) >= 2 and all(size == 1 for axis, size in enumerate(aligned) if axis != 1)
    if not fits or not is_parameter(slope):
        _two_slopes(steps, data, slope)
        return steps.layers
    each = () if aligned[1] == 1 else (int(aligned[1]),)
    params: Fields = {} if each else {"channel_shared": True}
    read = data if len(shape) <= _LEGACY else steps.reshape(data, (*shape[:2], _count(shape[2:])), role="flat")
    last = read is data
    found = steps.add(
        "PReLU",
        read,
        role="" if last else "prelu",
        params={"prelu_param": params},
        blobs=[parameter(slope, each)],
        in_place=True,
    )
    if not last:
        steps.reshape(found, shape)
    return steps.layers


def _two_slopes(steps: Steps, data: onnx_ir.Value, slope: onnx_ir.Value) -> None:
    below = steps.relu(steps.power(data, role="minus", scale=-1.0), role="below")
    steps.eltwise("SUM", steps.relu(data, role="above"), times(steps, below, slope, role="sloped"), coeff=(1, -1))


def _count(shape: Sequence[Dim]) -> int:
    if BATCH in shape:
        raise Refused("the batch is not the first dimension")
    return math.prod(int(size) for size in shape)


@emits("caffe", "Clip", dtypes=WHOLE)
def clip(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    low: onnx_ir.Value | None = None,
    high: onnx_ir.Value | None = None,
) -> list[Layer | Alias]:
    """From 0 on ``ReLU``, and to 6 ``6 - relu(6 - relu(x))``.

    Otherwise ``Eltwise`` maximum with a ``Power`` of ``scale`` 0, between two ``Power`` that change signs for the
    upper limit: exact whatever the limits are.
    """
    steps, (least, most) = Steps(node), _limits(low, high)
    if (least, most) == (0.0, _SIX):
        turned = steps.power(steps.relu(data, role="relu"), role="flip", scale=-1.0, shift=6.0)
        steps.power(steps.relu(turned, role="limit"), scale=-1.0, shift=6.0)
    else:
        limited(steps, data, least, most)
    return [*steps.layers] if steps.layers else [Alias(steps.output, data)]


@emits("caffe ssd", "Clip", dtypes=WHOLE)
def clip_ssd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    low: onnx_ir.Value | None = None,
    high: onnx_ir.Value | None = None,
) -> list[Layer | Alias]:
    """``ReLU6`` from 0 to 6; other limits as in stock Caffe, since tools do not read its ``threshold``."""
    if _limits(low, high) == (0.0, _SIX):
        return [_neuron(node, "ReLU6", data)]
    return clip(node, data, low, high)


def limited(steps: Steps, data: onnx_ir.Value, least: float, most: float, *, role: str = "") -> onnx_ir.Value:
    """``data``, not below ``least`` nor above ``most``; one of them may be infinite."""
    prefix = f"{role}/" if role else ""
    if least > most:
        return steps.power(data, role=role, scale=0.0, shift=most)
    if least > -math.inf:
        name = role if most == math.inf else f"{prefix}above"
        if least == 0:
            data = steps.relu(data, role=name)
        else:
            limit = steps.power(data, role=f"{prefix}least", scale=0.0, shift=least)
            data = steps.eltwise("MAX", limit, data, role=name)
    if most < math.inf:
        turned = steps.power(data, role=f"{prefix}minus", scale=-1.0)
        limit = steps.power(data, role=f"{prefix}most", scale=0.0, shift=-most)
        data = steps.power(steps.eltwise("MAX", limit, turned, role=f"{prefix}below"), role=role, scale=-1.0)
    return data


def _limits(low: onnx_ir.Value | None, high: onnx_ir.Value | None) -> tuple[float, float]:
    least = -math.inf if low is None else _limit(low)
    most = math.inf if high is None else _limit(high)
    if math.isnan(least) or math.isnan(most):
        raise Refused("a limit is NaN")
    return least, most


def _limit(value: onnx_ir.Value) -> float:
    found = number_of(value, ())
    if found is None:
        raise Refused(f"{value.name} has to be a constant")
    return found


@emits("caffe", "HardSigmoid")
def hard_sigmoid(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5) -> list[Layer]:
    """``Power``, then ``ReLU`` and ``1 - relu(1 - x)``."""
    steps = Steps(node)
    _to_one(steps, steps.power(data, role="line", scale=alpha, shift=beta))
    return steps.layers


@emits("caffe ssd", "HardSigmoid")
def hard_sigmoid_ssd(
    node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 0.2, beta: float = 0.5
) -> list[Layer]:
    """``HardSigmoid``."""
    params = {**omit(0.2, alpha=alpha), **omit(0.5, beta=beta)}
    return [_neuron(node, "HardSigmoid", data, hardsigmoid_param=params)]


@emits("caffe", "HardSwish")
def hard_swish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` product with a hard sigmoid: ``Power``, ``ReLU`` and ``1 - relu(1 - x)``."""
    steps = Steps(node)
    line = steps.power(data, role="line", scale=1 / 6, shift=0.5)
    steps.eltwise("PROD", data, _to_one(steps, line, role="factor"))
    return steps.layers


@emits("caffe ssd", "HardSwish")
def hard_swish_ssd(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``HardSwish``."""
    return [_neuron(node, "HardSwish", data)]


def _to_one(steps: Steps, data: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
    """``data``, not below 0 nor above 1."""
    prefix = f"{role}/" if role else ""
    turned = steps.power(steps.relu(data, role=f"{prefix}relu"), role=f"{prefix}flip", scale=-1.0, shift=1.0)
    return steps.power(steps.relu(turned, role=f"{prefix}limit"), role=role, scale=-1.0, shift=1.0)


@emits("caffe", "ThresholdedRelu")
def thresholded_relu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Layer]:
    """``Eltwise`` product with ``Threshold``."""
    steps = Steps(node)
    steps.eltwise("PROD", data, threshold(steps, data, alpha, role="above"))
    return steps.layers


@emits("caffe", "Shrink")
def shrink(node: onnx_ir.Node, data: onnx_ir.Value, *, bias: float = 0.0, lambd: float = 0.5) -> list[Layer]:
    """``Threshold`` on both sides, times ``Power`` that shift towards 0.

    Raises:
        Refused: ``lambd`` is negative, so that a number is beyond both limits.
    """
    if lambd < 0:
        raise Refused(f"lambd is {lambd:g}")
    steps = Steps(node)
    above = threshold(steps, data, lambd, role="above")
    below = threshold(steps, steps.power(data, role="minus", scale=-1.0), lambd, role="below")
    if not bias:
        steps.eltwise("PROD", data, steps.eltwise("SUM", above, below, role="beyond"))
        return steps.layers
    upper = steps.eltwise("PROD", steps.power(data, role="lowered", shift=-bias), above, role="upper")
    lower = steps.eltwise("PROD", steps.power(data, role="raised", shift=bias), below, role="lower")
    steps.eltwise("SUM", upper, lower)
    return steps.layers


@emits("caffe", "Celu")
def celu(node: onnx_ir.Node, data: onnx_ir.Value, *, alpha: float = 1.0) -> list[Layer]:
    """``ELU`` between two ``Power`` that divide by ``alpha`` and multiply with it.

    Raises:
        Refused: ``alpha`` is 0.
    """
    if alpha == 0:
        raise Refused("alpha is 0")
    steps = Steps(node)
    if alpha == 1:
        steps.add("ELU", data, in_place=True)
        return steps.layers
    scaled = steps.power(data, role="scaled", scale=1 / alpha)
    steps.power(steps.add("ELU", scaled, role="elu", in_place=True), scale=alpha)
    return steps.layers


@emits("caffe", "Softsign")
def softsign(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``x * (1 + |x|)^-1`` in ``AbsVal``, ``Power`` and ``Eltwise``."""
    steps = Steps(node)
    size = steps.add("AbsVal", data, role="size")
    steps.eltwise("PROD", data, steps.power(size, role="factor", shift=1.0, power=-1.0))
    return steps.layers


@emits("caffe", "Mish")
def mish(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Layer]:
    """``Eltwise`` product with ``TanH`` of ``BNLL``."""
    steps = Steps(node)
    soft = steps.add("BNLL", data, role="softplus", in_place=True)
    steps.eltwise("PROD", data, steps.add("TanH", soft, role="tanh", in_place=True))
    return steps.layers


@emits("caffe", "Gelu")
def gelu(node: onnx_ir.Node, data: onnx_ir.Value, *, approximate: str = "none") -> list[Layer]:
    """``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))``, where that approximation is asked for.

    Raises:
        Refused: The exact form is asked for: Caffe has no error function.
    """
    if approximate != "tanh":
        raise Refused("Caffe has no error function")
    steps = Steps(node)
    cube = steps.power(data, role="cube", power=3.0)
    scale = math.sqrt(2 / math.pi)
    inner = steps.eltwise("SUM", data, cube, role="inner", coeff=(scale, 0.044715 * scale))
    bent = steps.add("TanH", inner, role="tanh", in_place=True)
    half = steps.power(bent, role="half", scale=0.5, shift=0.5)
    steps.eltwise("PROD", data, half)
    return steps.layers


@emits("caffe", "Dropout")
def dropout(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    ratio: onnx_ir.Value | None = None,
    training_mode: onnx_ir.Value | None = None,
    *,
    seed: int = 0,  # noqa: ARG001 - of no consequence but in training
) -> list[Layer]:
    """``Dropout``, which does nothing in the test phase, kept for those who go on training.

    Raises:
        Refused: The node drops at inference too, or drops all.
    """
    if training_mode is not None and constant(training_mode).numpy().any():
        raise Refused("training_mode is set")
    rate = 0.5 if ratio is None else float(constant(ratio).numpy())
    if not 0 <= rate < 1:
        raise Refused(f"the ratio {rate:g} is not in [0, 1)")
    return [_neuron(node, "Dropout", data, dropout_param=omit(0.5, dropout_ratio=rate))]


@emits("caffe", "Softmax")
def softmax(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = -1) -> list[Layer]:
    """``Softmax``, whose default axis is 1 whereas ONNX's is the last."""
    positive = axis % len(dims(data))
    params = {} if positive == 1 else {"softmax_param": {"axis": positive}}
    return [Layer(str(node.name), "Softmax", (data,), (only_output(node),), params)]


def _neuron(node: onnx_ir.Node, kind: str, data: onnx_ir.Value, *blobs: Blob, **params: dict[str, Any]) -> Layer:
    written = {name: fields for name, fields in params.items() if fields}
    return Layer(str(node.name), kind, (data,), (only_output(node),), written, blobs, in_place=True)
