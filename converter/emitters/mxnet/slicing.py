"""Parts of a value, and borders around it."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.known import numbers
from converter.emitters.mxnet.border import bordered
from converter.emitters.mxnet.call import Call, Chain, call, parameter, renamed
from converter.emitters.mxnet.limits import SLICED
from converter.emitters.mxnet.number import number_of
from converter.ir import dims


@emits("mxnet", "Slice")
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> list[Call]:
    """``slice_axis`` of one axis, ``slice`` of several or with a step, ``reverse`` of all of an axis.

    Raises:
        Refused: A part of the batch is taken.
    """
    given, limits = dims(data), list(zip(numbers(starts), numbers(ends), strict=True))
    places = list(range(len(limits))) if axes is None else [axis % len(given) for axis in numbers(axes)]
    strides = [1] * len(limits) if steps is None else numbers(steps)
    cuts: dict[int, slice] = {}
    turned: list[int] = []
    for (start, end), axis, step in zip(limits, places, strides, strict=True):
        length = given[axis]
        if isinstance(length, int):
            first = max(start, -length) if step < 0 else start  # ONNX begins at the first element, Python nowhere
            chosen = range(*slice(first, end, step).indices(length))
            if chosen == range(length)[::-1] and length > 1:
                turned.append(axis)
            elif chosen != range(length):
                cuts[axis] = slice(chosen.start, chosen.stop if chosen.stop >= 0 else None, step)
        elif step == -1 and (start == -1 or start > 1 << 30) and end < -(1 << 30):
            turned.append(axis)
        elif (start, step) != (0, 1) or end < 1 << 30:
            raise Refused("a part of the batch is taken")
    return _cut(Chain(node), data, cuts, turned)


def _cut(chain: Chain, data: onnx_ir.Value, cuts: dict[int, slice], turned: Sequence[int]) -> list[Call]:
    if turned:
        axis = tuple(turned) if len(turned) > 1 else turned[0]
        if not cuts:
            return chain.last("reverse", data, axis=axis)
        data = chain.step("turned", "reverse", data, axis=axis)
    if not cuts:
        return chain.last("identity", data)
    if len(cuts) == 1 and all(cut.step == 1 for cut in cuts.values()):
        ((axis, cut),) = cuts.items()
        return chain.last("slice_axis", data, axis=axis, begin=cut.start, end=cut.stop)
    if len(dims(chain.node.outputs[0])) > SLICED:
        return _one_by_one(chain, data, cuts)
    every = [cuts.get(axis, slice(None)) for axis in range(max(cuts) + 1)]
    steps = tuple(cut.step or 1 for cut in every)
    return chain.last(
        "slice",
        data,
        begin=tuple(cut.start for cut in every),
        end=tuple(cut.stop for cut in every),
        step=steps if set(steps) != {1} else None,
    )


def _one_by_one(chain: Chain, data: onnx_ir.Value, cuts: dict[int, slice]) -> list[Call]:
    """``slice_axis`` of each axis, ``take`` of one that is cut with a step."""
    given = dims(chain.node.inputs[0] or data)
    for axis, cut in cuts.items():
        if cut.step == 1:
            data = chain.step(f"axis{axis}", "slice_axis", data, axis=axis, begin=cut.start, end=cut.stop)
            continue
        places = list(range(*cut.indices(int(given[axis]))))
        kind = onnx_ir.DataType.INT64
        table = parameter(f"{chain.node.name}/places{axis}", (len(places),), plan.literal(places), kind)
        data = chain.step(f"axis{axis}", "take", data, table, axis=axis, mode="clip")
    return renamed(chain, data)


@emits("mxnet", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    split: onnx_ir.Value | None = None,  # noqa: ARG001 - the outputs' shapes say the same
    *,
    axis: int = 0,
    num_outputs: int | None = None,  # noqa: ARG001
) -> list[Call]:
    """``SliceChannel``; ``_split_v2`` where the parts differ.

    Raises:
        Refused: The batch is split.
    """
    place = axis % len(dims(data))
    sizes = [dims(value)[place] for value in node.outputs]
    if not all(isinstance(size, int) for size in (*sizes, dims(data)[place])):
        raise Refused("the batch is split")
    lengths = [int(size) for size in sizes]
    if len(lengths) == 1:
        return call(node, "identity", data)
    suffixes = tuple(f"output{index}" for index in range(len(lengths)))
    outputs = {"outputs": tuple(node.outputs), "suffixes": suffixes}
    if len(set(lengths)) == 1:
        return call(node, "SliceChannel", data, num_outputs=len(lengths), axis=place, **outputs)
    points = tuple(sum(lengths[:index]) for index in range(len(lengths)))
    return call(node, "_internal._split_v2", data, indices=points, axis=place, **outputs)


@emits("mxnet", "Pad")
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> list[Call]:
    """``pad`` of the spatial axes; of others, or of whole numbers, ``concat`` with what the border is made of.

    Raises:
        Refused: The batch is padded, something is cut off, or the border's number is computed.
    """
    if mode not in ("constant", "edge", "reflect"):
        raise Refused(f"mode is {mode}")
    given = dims(data)
    places = list(range(len(given))) if axes is None else [axis % len(given) for axis in numbers(axes)]
    number = 0.0 if value is None else number_of(value)
    if number is None:
        raise Refused("the border's number is computed")
    chain = Chain(node)
    made = bordered(chain, "border", data, numbers(pads), places, number, mode)
    return renamed(chain, made)
