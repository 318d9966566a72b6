"""Convolutions, and the padding before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.keras.operand import (
    CHANNELS_LAST,
    data_format,
    layer,
    line,
    spatial,
    state,
    variable,
)
from converter.emitters.operand import fresh, is_stored, square, static
from converter.emitters.python import Code
from converter.emitters.statement import State, Statement
from converter.ir import dims


@dataclass(frozen=True)
class Steps:
    """How a kernel goes over a signal, an image or a volume, per spatial axis.

    Attributes:
        sizes: Of what it goes over.
        kernel: Its sizes.
        strides: The steps from one place to the next.
        dilations: The steps within the kernel.
        begin: The padding before the data.
        end: The padding after it.
    """

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]

    @property
    def rank(self) -> int:
        """How many spatial axes there are."""
        return len(self.kernel)

    @property
    def spans(self) -> tuple[int, ...]:
        """From the first to the last element that the kernel covers."""
        return tuple((size - 1) * dilation + 1 for size, dilation in zip(self.kernel, self.dilations, strict=True))

    @property
    def padded(self) -> bool:
        """Whether there is padding at all."""
        return any((*self.begin, *self.end))

    @property
    def same(self) -> bool:
        """Whether the padding is what Keras's ``same`` is, which depends on the size."""
        return all(
            (begin, end) == _same(size, span, step)
            for size, span, step, begin, end in zip(
                self.sizes, self.spans, self.strides, self.begin, self.end, strict=True
            )
        )

    @property
    def results(self) -> tuple[int, ...]:
        """How many places there are."""
        parts = zip(self.sizes, self.begin, self.end, self.spans, self.strides, strict=True)
        return tuple((size + begin + end - span) // step + 1 for size, begin, end, span, step in parts)

    @property
    def settings(self) -> dict[str, Any]:
        """Strides and dilations as a layer wants them, if they are not its defaults."""
        found = {"strides": square(self.strides), "dilation_rate": square(self.dilations)}
        return {name: value for name, value in found.items() if value != 1}


def _same(size: int, span: int, step: int) -> tuple[int, int]:
    total = max((-(-size // step) - 1) * step + span - size, 0)
    return total // 2, total - total // 2


def steps(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    auto_pad: str,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> Steps:
    """How ``node``, a convolution or pooling, goes over ``data``.

    Raises:
        Refused: Keras has no layers of so many axes, or their sizes are open.
    """
    axes = spatial(node, data)
    rank = len(axes)
    if rank not in {1, 2, 3} or len(kernel) != rank:
        raise Refused(f"Keras has it for 1, 2 and 3 spatial axes, not for {rank}")
    sizes = static(data, *axes)
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    plain = Steps(sizes, tuple(kernel), strides, dilations, (0,) * rank, (0,) * rank)
    if auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
        pairs = [_same(*part) for part in zip(sizes, plain.spans, strides, strict=True)]
        less, more = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
        begin, end = (less, more) if auto_pad == "SAME_UPPER" else (more, less)
    else:
        begin, end = halves(pads if auto_pad == "NOTSET" else (), rank)
    return Steps(sizes, tuple(kernel), strides, dilations, begin, end)


def halves(pads: Sequence[int], rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is before and what is after each axis."""
    pads = tuple(pads) or (0,) * (2 * rank)
    return tuple(pads[:rank]), tuple(pads[rank:])


def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    begin: Sequence[int],
    end: Sequence[int],
    output: onnx_ir.Value | None = None,
) -> tuple[list[Statement], onnx_ir.Value]:
    """``layers.ZeroPadding2D`` and, where something is cut, ``layers.Cropping2D``; nothing where there is none to do.

    Args:
        node: What it is for; the layout is that of its images.
        data: What is padded.
        begin: Before each spatial axis; what is below 0 is cut.
        end: After it.
        output: What is to be made.

    Returns:
        The statements, and what they make.
    """
    pairs = list(zip(begin, end, strict=True))
    grown = tuple((max(first, 0), max(last, 0)) for first, last in pairs)
    cut = tuple((max(-first, 0), max(-last, 0)) for first, last in pairs)
    made: list[Statement] = []
    kinds = (("ZeroPadding", "padded", grown), ("Cropping", "cut", cut))
    parts = [(name, role, sizes) for name, role, sizes in kinds if any(map(any, sizes))]
    for number, (name, role, sizes) in enumerate(parts):
        last = number == len(parts) - 1
        result = output if last and output is not None else fresh(node, role)
        kind = f"layers.{name}{len(pairs)}D"
        if kind == "layers.Cropping1D" and node.domain != CHANNELS_LAST:  # of which it knows nothing else
            made.append(line(node, "{0}[:, :, {index}]", data, outputs=[result], index=_kept(*sizes[0])))
        else:
            made.append(layer(node, data, kind, _amounts(sizes), outputs=[result], **data_format(node)))
        data = result
    return made, data


def _kept(first: int, last: int) -> Code:
    """The slice that leaves out so many elements."""
    return Code(f"{first or ''}:{-last or ''}")


def _amounts(pairs: Sequence[tuple[int, int]]) -> Any:
    """Pairs as a person writes them: one number, a number an axis, or all of them."""
    if len(pairs) == 1:
        return pairs[0] if pairs[0][0] != pairs[0][1] else pairs[0][0]
    if all(first == last for first, last in pairs):
        return square([first for first, _ in pairs])
    return tuple(pairs)


@emits("keras", "Conv", "transship.channels_last::Conv")
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
    """``layers.Conv1D``, ``2D``, ``3D`` or ``DepthwiseConv1D``, ``2D``; ``ops.conv`` of a computed weight.

    With ``padding="same"`` where that is what the source does, else behind a layer that pads. Steps of a dilated
    kernel are taken afterwards, by a slice.
    """
    kernel = tuple(kernel_shape) or static(weight, *range(2, len(dims(weight))))
    place = steps(node, data, auto_pad, kernel, strides, dilations, pads)
    statements, place, source = _padded(node, data, place)
    thin = place.strides
    if max(place.dilations) > 1 and max(place.strides) > 1:
        place = _with(place, strides=(1,) * place.rank)
    output = node.outputs[0] if place.strides == thin else fresh(node, "dense")
    statements += convolve(node, source, weight, bias, place, group, output)
    if place.strides != thin:
        statements.append(_every(node, output, thin))
    return statements


def _every(node: onnx_ir.Node, data: onnx_ir.Value, strides: Sequence[int]) -> Statement:
    """Every so many elements of the spatial axes."""
    cuts = [":" if step == 1 else f"::{step}" for step in strides]
    index = ", ".join([":", *cuts] if node.domain == CHANNELS_LAST else [":", ":", *cuts])
    return line(node, "{0}[{index}]", data, index=Code(index))


def _padded(node: onnx_ir.Node, data: onnx_ir.Value, place: Steps) -> tuple[list[Statement], Steps, onnx_ir.Value]:
    """What pads ``data`` before a layer that can do so itself only where the padding is ``same``."""
    both = max(place.dilations) > 1 and max(place.strides) > 1
    if not place.padded or (place.same and not both):
        return [], place, data
    statements, source = pad(node, data, place.begin, place.end)
    sizes = tuple(sum(part) for part in zip(place.sizes, place.begin, place.end, strict=True))
    none = (0,) * place.rank
    return statements, _with(place, sizes=sizes, begin=none, end=none), source


def _with(place: Steps, **changes: tuple[int, ...]) -> Steps:
    fields = {name: getattr(place, name) for name in Steps.__dataclass_fields__}
    return Steps(**{**fields, **changes})


def convolve(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    place: Steps,
    group: int,
    output: onnx_ir.Value,
    *,
    kernel: State | None = None,
) -> list[Statement]:
    """The convolution itself, of ``data`` that is padded if that is not ``same``.

    Args:
        node: What it is for.
        data: What it goes over.
        weight: ``M x C/group x ...``, as ONNX has it.
        bias: What is added, if anything is.
        place: Where it goes.
        group: How many groups of channels there are.
        output: What it makes.
        kernel: The weight as the layer has it, if it is not made of ``weight``.
    """
    same = {"padding": "same"} if place.padded else {}
    settings = {**place.settings, **same, **data_format(node)}
    if kernel is None and not (is_stored(weight) and (bias is None or is_stored(bias))):
        return _functional(node, data, weight, bias, settings, output)
    filters, channels = static(weight, 0, 1)
    if bias is not None and _confused(node, filters, place.results[-1]):
        product = fresh(node, "product")
        made = convolve(node, data, weight, None, place, group, product, kernel=kernel)
        return [*made, add_bias(node, product, bias, output)]
    size = square(place.kernel)
    depthwise = group > 1 and channels == 1 and place.rank < 3 and len(set(place.strides)) == 1
    biases = {} if bias is None else {"bias": variable(state(bias))}
    settings |= {} if bias is not None else {"use_bias": False}
    if depthwise and kernel is None:
        multiplier = filters // group
        own = State((*place.kernel, group, multiplier), _depthwise(weight, group))
        settings |= {} if multiplier == 1 else {"depth_multiplier": multiplier}
        kind = f"layers.DepthwiseConv{place.rank}D"
        return [layer(node, data, kind, size, outputs=[output], state={"kernel": own, **biases}, **settings)]
    rank = place.rank
    own = kernel or variable(state(weight, perm=(*range(2, 2 + rank), 1, 0)))
    settings |= {} if group == 1 else {"groups": group}
    kind = f"layers.Conv{rank}D"
    return [layer(node, data, kind, filters, size, outputs=[output], state={"kernel": own, **biases}, **settings)]


def _depthwise(weight: onnx_ir.Value, group: int) -> plan.Expression:
    """A weight ``M x 1 x ...`` as ``... x C x M/C``."""
    filters, _, *kernel = static(weight)
    folded = state(weight, (group, filters // group, *kernel))
    return plan.transpose(folded.value, (*range(2, 2 + len(kernel)), 0, 1))


def _functional(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    settings: dict[str, Any],
    output: onnx_ir.Value,
) -> list[Statement]:
    """``ops.conv`` with a kernel that the network computes."""
    rank = len(dims(weight)) - 2
    more = "".join(f", {name}={{{name}}}" for name in settings)
    product = f"ops.conv({{0}}, ops.transpose({{1}}, {{perm}}){more})"
    perm = (*range(2, 2 + rank), 1, 0)
    whole = output if bias is None else fresh(node, "product")
    roles = ("data", "kernel", "bias")
    statements = [line(node, product, data, weight, outputs=[whole], roles=roles, perm=perm, **settings)]
    return statements + ([] if bias is None else [add_bias(node, whole, bias, output)])


def _confused(node: onnx_ir.Node, filters: int, last: int) -> bool:
    """Whether Keras on TensorFlow would add a layer's bias to the ``last`` axis: it looks for an axis of its size."""
    return node.domain != CHANNELS_LAST and filters == last


def add_bias(node: onnx_ir.Node, data: onnx_ir.Value, bias: onnx_ir.Value, output: onnx_ir.Value) -> Statement:
    """A number a channel is added."""
    if node.domain == CHANNELS_LAST:
        return line(node, "{0} + {1}", data, bias, outputs=[output], roles=("data", "bias"))
    shape = (-1, *(1,) * len(spatial(node, node.outputs[0])))
    text = "ops.reshape({1}, {shape}) + {0}"
    return line(node, text, data, bias, outputs=[output], roles=("data", "bias"), shape=shape)


@emits("keras", "ConvTranspose", "transship.channels_last::ConvTranspose")
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
    """``layers.Conv1DTranspose``, ``2D``, ``3D``, with ``padding="same"`` or a layer that cuts the rest.

    Of groups or a dilated kernel it is a convolution of the data with zeros between and around it.
    """
    if auto_pad not in {"NOTSET", "VALID"}:
        raise Refused(f"auto_pad is {auto_pad}")
    if not (is_stored(weight) and (bias is None or is_stored(bias))):
        raise Refused("its weight is computed by the network")
    kernel = tuple(kernel_shape) or static(weight, *range(2, len(dims(weight))))
    place = steps(node, data, auto_pad, kernel, strides, dilations, pads)
    extra = tuple(output_padding) or (0,) * place.rank
    end = tuple(last - more for last, more in zip(place.end, extra, strict=True))
    place = _with(place, end=end)
    beyond = any(-cut >= step for cut, step in zip(end, place.strides, strict=True))
    if group > 1 or max(place.dilations) > 1 or beyond:
        return _spread(node, data, weight, bias, place, group)
    return _transposed(node, data, weight, bias, place)


def _transposed(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    place: Steps,
) -> list[Statement]:
    """The layer, which makes all of it, and what cuts the rest."""
    rank, filters = place.rank, static(weight, 1)[0]
    settings, cuts, last = _deconvolution(place)
    steps_ = {} if square(place.strides) == 1 else {"strides": square(place.strides)}
    apart = bias is not None and _confused(node, filters, last)
    own = {"kernel": variable(state(weight, perm=(*range(2, 2 + rank), 1, 0)))}
    own |= {} if bias is None or apart else {"bias": variable(state(bias))}
    settings = {**steps_, **settings, **({} if "bias" in own else {"use_bias": False}), **data_format(node)}
    output = node.outputs[0]
    whole = fresh(node, "whole") if any(map(any, cuts)) else output
    product = fresh(node, "product") if apart else whole
    kind = f"layers.Conv{rank}DTranspose"
    made = [layer(node, data, kind, filters, square(place.kernel), outputs=[product], state=own, **settings)]
    if bias is not None and apart:
        made.append(add_bias(node, product, bias, whole))
    return made + (pad(node, whole, *cuts, output)[0] if whole is not output else [])


def _deconvolution(place: Steps) -> tuple[dict[str, Any], tuple[list[int], list[int]], int]:
    """How a layer makes all of it or more: its settings, what then has to be cut, and its last axis."""
    totals = [kernel - step for kernel, step in zip(place.kernel, place.strides, strict=True)]
    pairs = list(zip(place.begin, place.end, strict=True))
    if any(totals) and all(
        total >= 0 and pair == (total / 2, total / 2) for total, pair in zip(totals, pairs, strict=True)
    ):
        return {"padding": "same"}, ([], []), place.sizes[-1] * place.strides[-1]
    longer = tuple(max(-last, 0) for last in place.end)
    short = any(total < 0 for total in totals)  # then Keras makes it longer, if it is not told
    settings = {"output_padding": square(longer)} if any(longer) or short else {}
    last = (place.sizes[-1] - 1) * place.strides[-1] + place.kernel[-1] + longer[-1]
    return settings, ([-cut for cut in place.begin], [min(-cut, 0) for cut in place.end]), last


def _spread(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    weight: onnx_ir.Value,
    bias: onnx_ir.Value | None,
    place: Steps,
    group: int,
) -> list[Statement]:
    """A convolution with the reversed kernel over the data with zeros between."""
    statements, source = [], data
    if max(place.strides) > 1:
        source = fresh(node, "spread")
        text = "insert_zeros({0}, {axes}, {steps})"
        axes = spatial(node, data)
        statements.append(
            line(node, text, data, outputs=[source], library=["insert_zeros"], axes=axes, steps=place.strides)
        )
    sizes = tuple((size - 1) * step + 1 for size, step in zip(place.sizes, place.strides, strict=True))
    before, after = (_around(place, side) for side in (place.begin, place.end))
    padding, source = pad(node, source, before, after)
    none = (0,) * place.rank
    grown = tuple(size + first + last for size, first, last in zip(sizes, before, after, strict=True))
    place = _with(place, sizes=grown, strides=(1,) * place.rank, begin=none, end=none)
    kernel, turned = _reversed(weight, group)
    return [
        *statements,
        *padding,
        *convolve(node, source, turned, bias, place, group, node.outputs[0], kernel=kernel),
    ]


def _around(place: Steps, cuts: Sequence[int]) -> tuple[int, ...]:
    """What has to be around the data so that a convolution makes all of it but ``cuts``."""
    return tuple(span - 1 - cut for span, cut in zip(place.spans, cuts, strict=True))


def _reversed(weight: onnx_ir.Value, group: int) -> tuple[State, onnx_ir.Value]:
    """A weight ``C x M/group x ...`` as the kernel ``... x C/group x M`` that goes backwards; its shape in ONNX."""
    channels, filters, *sizes = static(weight)
    rank, each = len(sizes), channels // group
    value = state(weight, (group, each, filters, *sizes)).value
    for axis, size in enumerate(sizes, 3):
        value = value if size == 1 else plan.take(value, axis, range(size)[::-1])
    value = plan.reshape(plan.transpose(value, (*range(3, 3 + rank), 1, 0, 2)), (*sizes, each, group * filters))
    shape = onnx_ir.Shape((group * filters, each, *sizes))
    return State((*sizes, each, group * filters), value), onnx_ir.Value(name=weight.name, shape=shape)
