"""Convolutions over one to three spatial axes, NC first."""

from __future__ import annotations

from collections.abc import Sequence

from readback_graph import Graph, Ints, RefusedError, Tensor, pairs, reads

Pads = list[tuple[int, int]]


@reads("conv")
def conv(
    graph: Graph,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> str:
    """A convolution, whose weights ``[out, in / groups, *kernel]`` are laid out as ONNX's."""
    kernel = [weight.size(axis) for axis in range(2, weight.rank)]
    strides, dilations = strides or (1,) * len(kernel), dilations or (1,) * len(kernel)
    extents = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    pads = padding(x, pad_type, pad, extents, strides)
    return graph.op("Conv", x, weight, bias, strides=strides, dilations=dilations, group=groups, pads=onnx_pads(pads))


@reads("conv_transpose")
def conv_transpose(
    graph: Graph,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    pad: Ints | None = None,
    output_shape: Ints | None = None,
    pad_type: str = "valid",
    strides: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> str:
    """A transposed convolution, whose weights ``[in, out / groups, *kernel]`` are laid out as ONNX's.

    ``pad`` is what is cut off of the full result. An ``output_shape`` has to be what the rest says: how else it were
    to be reached is not documented.
    """
    kernel = [weight.size(axis) for axis in range(2, weight.rank)]
    strides, dilations = strides or (1,) * len(kernel), dilations or (1,) * len(kernel)
    if len(strides) != len(kernel) or len(dilations) != len(kernel):
        raise RefusedError("strides or dilations that are not one for each spatial axis")
    full = [
        (x.size(axis + 2) - 1) * strides[axis] + (size - 1) * dilations[axis] + 1 for axis, size in enumerate(kernel)
    ]
    if pad_type == "custom":
        cut = list(pairs(pad or (0,) * 2 * len(kernel)))
    elif pad_type == "valid":
        cut = [(0, 0)] * len(kernel)
    else:
        raise RefusedError(f"the padding {pad_type!r} of a transposed convolution, which is not documented in full")
    found = tuple(size - before - after for size, (before, after) in zip(full, cut, strict=True))
    if output_shape and tuple(output_shape)[-len(kernel) :] != found:
        raise RefusedError(f"the output shape {output_shape}, which its padding does not lead to")
    return graph.op(
        "ConvTranspose", x, weight, bias, strides=strides, dilations=dilations, group=groups, pads=onnx_pads(cut)
    )


def padding(x: Tensor, pad_type: str, pad: Ints | None, extents: Sequence[int], strides: Ints) -> Pads:
    """What is added before and after each spatial axis, for windows of ``extents`` elements.

    The documentation says of ``same`` that the output has as many elements as there are strides in the input, and
    besides, how much is then added; the first leads to other numbers if there are strides. Where the two differ, it
    is refused.
    """
    if not len(extents) == len(strides) == x.rank - 2:
        raise RefusedError("a window or strides that are not one for each spatial axis")
    if pad_type == "valid":
        return [(0, 0)] * len(extents)
    if pad_type == "custom":
        found = list(pairs(pad or (0,) * 2 * len(extents)))
        if len(found) != len(extents) or min(min(both) for both in found) < 0:
            raise RefusedError(f"the padding {pad}")
        return found
    if pad_type not in {"same", "same_lower"}:
        raise RefusedError(f"the padding {pad_type!r}")
    totals = [_same_total(x.size(axis + 2), extent, strides[axis]) for axis, extent in enumerate(extents)]
    if any(total != extent - 1 for total, extent in zip(totals, extents, strict=True)):
        raise RefusedError(f"the padding {pad_type!r} with strides, which is documented in two ways")
    lower = pad_type == "same_lower"
    return [((total + lower) // 2, (total + (not lower)) // 2) for total in totals]


def _same_total(size: int, extent: int, stride: int) -> int:
    return max((-(-size // stride) - 1) * stride + extent - size, 0)


def onnx_pads(pads: Pads) -> list[int]:
    """As ONNX wants them: all that is before the axes, then all that is after them."""
    return [before for before, _ in pads] + [after for _, after in pads]
