"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.coreml.chain import Chain
from converter.emitters.coreml.operand import state
from converter.emitters.operand import is_stored, static
from converter.emitters.statement import Statement
from converter.ir import dims


@emits("coreml", "Conv")
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
    """``mb.conv``, of 1, 2 or 3 spatial axes; a weight that the network computes has no dilations."""
    rank = spatial(data)
    kernel = tuple(kernel_shape) or static(weight, *range(2, 2 + rank))
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    if not is_stored(weight) and max(dilations) > 1:
        raise Refused(f"dilations {list(dilations)} of a weight that the network computes")
    begin, end = padding(node, data, auto_pad, kernel, strides, dilations, pads)
    chain = Chain(node)
    settings = {**_settings(strides, dilations, group), **pad_arguments(begin, end)}
    return _biased(chain, "conv", data, weight, bias, settings)


@emits("coreml", "ConvTranspose")
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
    """``mb.conv_transpose``, of 1, 2 or 3 spatial axes.

    Where it is to be larger than the filters reach, zeros are padded before the bias is added.
    """
    if auto_pad not in {"NOTSET", "VALID"}:
        raise Refused(f"auto_pad is {auto_pad}")
    del kernel_shape  # the weight's
    rank = spatial(data)
    if not is_stored(weight):
        raise Refused("the network computes its weight")
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    begin, end = halves(pads, rank)
    extra = tuple(output_padding) or (0,) * rank
    past = tuple(last - more for last, more in zip(end, extra, strict=True))
    settings = {
        **_settings(strides, dilations, group),
        **pad_arguments(begin, [max(cut, 0) for cut in past]),
    }
    chain = Chain(node)
    if min(past) >= 0:
        return _biased(chain, "conv_transpose", data, weight, bias, settings)
    added = interleaved((0,) * rank, [max(-cut, 0) for cut in past])
    whole = chain.step("reached", "conv_transpose", x=data, weight=weight, **settings)
    pad: dict[str, Any] = {"x": whole, "pad": added, "mode": "constant", "constant_val": 0.0}
    if bias is None:
        return chain.last("pad", **pad)
    return _with_bias(chain, chain.step("whole", "pad", **pad), bias, rank)


def _biased(
    chain: Chain,
    operation: str,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    settings: dict[str, Any],
) -> list[Statement]:
    if bias is None or is_stored(bias):
        known = None if bias is None else state(bias)
        return chain.last(operation, x=data, weight=weight, bias=known, **settings)
    product = chain.step("product", operation, x=data, weight=weight, **settings)
    return _with_bias(chain, product, bias, spatial(data))


def _with_bias(chain: Chain, product: onnx_ir.Value, bias: onnx_ir.Value, rank: int) -> list[Statement]:
    if is_stored(bias):
        (count,) = static(bias)
        return chain.last("add", x=product, y=state(bias, (1, count, *(1,) * rank)))
    column = chain.step("bias", "expand_dims", x=bias, axes=(0, *range(2, 2 + rank)))
    return chain.last("add", x=product, y=column)


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
        return halves(pads if auto_pad == "NOTSET" else (), rank)
    sizes, results = static(data, *range(2, 2 + rank)), static(node.outputs[0], *range(2, 2 + rank))
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    totals = [
        max((result - 1) * step + span - size, 0)
        for size, result, step, span in zip(sizes, results, strides, spans, strict=True)
    ]
    less, more = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
    return (less, more) if auto_pad == "SAME_UPPER" else (more, less)


def halves(pads: Sequence[int], rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """ONNX's ``pads`` before, and after, each axis."""
    pads = tuple(pads) or (0,) * (2 * rank)
    return tuple(pads[:rank]), tuple(pads[rank:])


def interleaved(begin: Sequence[int], end: Sequence[int]) -> tuple[int, ...]:
    """Padding as Core ML has it: before and after the first axis, before and after the next."""
    return tuple(size for pair in zip(begin, end, strict=True) for size in pair)


def pad_arguments(begin: Sequence[int], end: Sequence[int]) -> dict[str, Any]:
    """How an operation with windows is told of padding.

    Raises:
        Refused: There is less than none.
    """
    if min((*begin, *end), default=0) < 0:
        raise Refused(f"negative padding {list(begin)}, {list(end)}")
    return {"pad_type": "custom", "pad": interleaved(begin, end)} if any((*begin, *end)) else {"pad_type": "valid"}


def spatial(data: onnx_ir.Value) -> int:
    """How many spatial axes ``data`` has.

    Raises:
        Refused: It has none, or too many.
    """
    rank = len(dims(data)) - 2
    if rank not in {1, 2, 3}:
        raise Refused(f"Core ML has it for 1, 2 and 3 spatial axes, not for {rank}")
    return rank


def _settings(strides: Sequence[int], dilations: Sequence[int], group: int) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if np.max(strides) > 1:
        settings["strides"] = tuple(strides)
    if np.max(dilations) > 1:
        settings["dilations"] = tuple(dilations)
    return settings | ({"groups": group} if group > 1 else {})
