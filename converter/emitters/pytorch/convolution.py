"""Convolutions and dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_parameter, parameter_shape
from converter.emitters.operand import fresh, is_stored, square, static
from converter.emitters.pytorch.operand import line, state
from converter.emitters.statement import State, Statement, Submodule
from converter.ir import dims


@emits("pytorch", "Conv")
def conv(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``nn.Conv1d``, ``2d``, ``3d``, or their functions where the network computes the weight.

    Where one side gets more padding than the other, ``F.pad`` comes before.
    """
    rank = _spatial(data)
    kernel = tuple(kernel_shape) or static(weight, *range(2, 2 + rank))
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    begin, end = padding(node, data, auto_pad, kernel, strides, dilations, pads)
    statements, source = [], data
    if begin != end:
        source = fresh(node, "padded")
        statements.append(
            line(node, "F.pad({0}, {padding})", data, outputs=[source], padding=pad_argument(begin, end))
        )
        begin = (0,) * rank
    settings = _settings(strides, begin, dilations, group)
    if not is_stored(weight) or (bias is not None and not is_stored(bias)):
        return [*statements, _functional(node, f"F.conv{rank}d", source, weight, bias, settings)]
    filters, channels = static(weight, 0, 1)
    settings |= {} if bias is not None else {"bias": False}
    module = Submodule(
        f"nn.Conv{rank}d", (channels * group, filters, square(kernel)), settings, weights(state(weight), bias)
    )
    return [*statements, line(node, "{module}({0})", source, module=module)]


@emits("pytorch", "ConvTranspose")
def conv_transpose(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] = (),
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """``nn.ConvTranspose1d``, ``2d``, ``3d``, or their functions where the network computes the weight.

    ``F.pad`` cuts the rest where one side is cut by more.
    """
    if auto_pad not in {"NOTSET", "VALID"}:
        raise Refused(f"auto_pad is {auto_pad}")
    rank = _spatial(data)
    kernel = tuple(kernel_shape) or static(weight, *range(2, 2 + rank))
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    begin, end = _halves(pads, rank)
    extra = tuple(output_padding) or (0,) * rank
    # torch cuts both sides alike, and adds less than a stride to the end
    past = tuple(last - more for last, more in zip(end, extra, strict=True))
    both = tuple(max(min(sides), 0) for sides in zip(begin, past, strict=True))
    added = tuple(max(-cut, 0) for cut in past)
    if any(more >= step for more, step in zip(added, strides, strict=True)):
        raise Refused(f"output_padding {list(extra)} is a stride or more beyond pads {list(pads)}")
    settings = _settings(strides, both, dilations, group)
    if any(added):
        settings["output_padding"] = square(added)
    left = tuple(both[axis] - begin[axis] for axis in range(rank))
    right = tuple(both[axis] - max(past[axis], 0) for axis in range(rank))
    whole = fresh(node, "whole") if any(left + right) else node.outputs[0]
    if is_stored(weight) and (bias is None or is_stored(bias)):
        channels, filters = static(weight, 0, 1)
        settings |= {} if bias is not None else {"bias": False}
        kind, sizes = f"nn.ConvTranspose{rank}d", (channels, filters * group, square(kernel))
        module = Submodule(kind, sizes, settings, weights(state(weight), bias))
        statements = [line(node, "{module}({0})", data, module=module, outputs=[whole])]
    else:
        statements = [_functional(node, f"F.conv_transpose{rank}d", data, weight, bias, settings, whole)]
    if any(left + right):
        statements.append(line(node, "F.pad({0}, {padding})", whole, padding=pad_argument(left, right)))
    return statements


@emits("pytorch", "Gemm")
def gemm(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    addend: onnx_ir.Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,  # noqa: N803 - ONNX's name
    transB: int = 0,  # noqa: N803
) -> list[Statement]:
    """``nn.Linear`` where the right factor is a parameter and the addend a vector of them; else ``@`` and ``+``."""
    plain = not transA and alpha == 1 and (addend is None or beta == 1)
    if plain and is_parameter(right) and (addend is None or (is_stored(addend) and len(dims(addend)) == 1)):
        out, length = parameter_shape(right)[:: 1 if transB else -1]
        if addend is None or dims(addend) == (out,):
            return [_linear(node, left, length, out, state(right, transposed=not transB), addend)]
    product = f"{{0}}{'.t()' if transA else ''} @ {{1}}{'.t()' if transB else ''}"
    product = product if alpha == 1 else f"{{alpha}} * ({product})"
    if addend is None:
        return [line(node, product, left, right, roles=("left", "weight"), alpha=alpha)]
    text = product + (" + {2}" if beta == 1 else " + {beta} * {2}")
    return [line(node, text, left, right, addend, roles=("left", "weight", "bias"), alpha=alpha, beta=beta)]


@emits("pytorch", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Statement]:
    """``nn.Linear`` where the right factor is a parameter of two dimensions; else ``@``."""
    if is_parameter(right) and len(dims(right)) == 2 and not is_stored(left):
        length, out = parameter_shape(right)
        return [_linear(node, left, length, out, state(right, transposed=True), None)]
    return [line(node, "{0} @ {1}", left, right, roles=("left", "right"))]


def _linear(
    node: onnx_ir.Node, data: onnx_ir.Value, length: int, out: int, weight: State, bias: onnx_ir.Value | None
) -> Statement:
    settings = {} if bias is not None else {"bias": False}
    module = Submodule("nn.Linear", (length, out), settings, weights(weight, bias))
    return line(node, "{module}({0})", data, module=module)


def weights(weight: State, bias: onnx_ir.Value | None) -> dict[str, State]:
    """The parameters of a layer. Whatever they are in the IR, a module has them as parameters."""
    found = {"weight": weight, **({} if bias is None else {"bias": state(bias)})}
    return {name: State(part.shape, part.value, part.dtype) for name, part in found.items()}


def padding(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    auto_pad: str,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The padding before and after each spatial axis.

    Raises:
        Refused: It depends on an open dimension.
    """
    rank = len(kernel)
    if auto_pad not in {"SAME_UPPER", "SAME_LOWER"}:
        return _halves(pads if auto_pad == "NOTSET" else (), rank)
    sizes, results = static(data, *range(2, 2 + rank)), static(node.outputs[0], *range(2, 2 + rank))
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    totals = [
        max((result - 1) * step + span - size, 0)
        for size, result, step, span in zip(sizes, results, strides, spans, strict=True)
    ]
    less, more = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
    return (less, more) if auto_pad == "SAME_UPPER" else (more, less)


def pad_argument(begin: Sequence[int], end: Sequence[int]) -> tuple[int, ...]:
    """Padding of the last axes as ``F.pad`` wants it: from the last axis on, before and after."""
    return tuple(size for pair in zip(reversed(begin), reversed(end), strict=True) for size in pair)


def _halves(pads: Sequence[int], rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pads = tuple(pads) or (0,) * (2 * rank)
    return tuple(pads[:rank]), tuple(pads[rank:])


def _spatial(data: onnx_ir.Value) -> int:
    rank = len(dims(data)) - 2
    if rank not in {1, 2, 3}:
        raise Refused(f"PyTorch has it for 1, 2 and 3 spatial axes, not for {rank}")
    return rank


def _settings(strides: Sequence[int], begin: Sequence[int], dilations: Sequence[int], group: int) -> dict[str, Any]:
    settings = {"stride": square(strides), "padding": square(begin), "dilation": square(dilations), "groups": group}
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return {name: value for name, value in settings.items() if value != defaults[name]}


def _functional(
    node: onnx_ir.Node,
    function: str,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    settings: dict[str, Any],
    output: onnx_ir.Value | None = None,
) -> Statement:
    operands = [data, weight, *([] if bias is None else [bias])]
    parts = [*(f"{{{number}}}" for number in range(len(operands))), *(f"{name}={{{name}}}" for name in settings)]
    text = f"{function}({', '.join(parts)})"
    outputs = [output or node.outputs[0]]
    roles = ("data", "weight", "bias")
    return line(node, text, *operands, outputs=outputs, roles=roles, **settings)
