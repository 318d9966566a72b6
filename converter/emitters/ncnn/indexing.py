"""Elements picked by number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx_ir

from converter.emitters import Refused, constant, emits, only_output
from converter.emitters.batch import batch_axis, row_axis
from converter.emitters.ncnn.layer import Alias, Layer, inner
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import series
from converter.emitters.ncnn.shape import viewed
from converter.emitters.ncnn.slicing import cropped
from converter.ir import dims

_MOST_PIECES = 64


@emits("ncnn", "Gather")
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Layer | Alias]:
    """``Crop`` for each run of neighbours among constant indices, and ``Concat``, along any axis but the batch.

    Raises:
        Refused: There are more than 64 runs, or the indices are computed.
    """
    place, top = row_axis(data, axis), only_output(node)
    shape, batch = mat_shape(data), batch_axis(data)
    if batch is not None and batch_axis(top) != batch + (
        len(dims(indices)) - 1 if axis % len(dims(data)) < batch else 0
    ):
        raise Refused(f"the batch of {top.name} is not that of {data.name}")
    runs = list(_runs([int(index) % shape[place] for index in constant(indices).numpy().reshape(-1)]))
    if len(runs) > _MOST_PIECES:
        raise Refused(f"the indices are no {_MOST_PIECES} runs of neighbours, but {len(runs)}")
    picked = (*shape[:place], sum(map(len, runs)), *shape[place + 1 :])
    taken = top if picked == mat_shape(top) else inner(node, "picked")
    layers = _picked(node, data, place, runs, taken)
    return layers if taken is top else [*layers, viewed(str(node.name), taken, top, mat_shape(top))]


def _picked(
    node: onnx_ir.Node, data: onnx_ir.Value, axis: int, runs: Sequence[range], top: onnx_ir.Value
) -> list[Layer | Alias]:
    if len(runs) == 1:
        if len(runs[0]) == mat_shape(data)[axis]:
            return [Alias(top, data)]
        return [*series(node, data, cropped({axis: runs[0]}), top=top)]
    pieces = [inner(node, f"run{number}") for number in range(len(runs))]
    crops = [
        part
        for run, piece in zip(runs, pieces, strict=True)
        for part in series(node, data, cropped({axis: run}), top=piece)
    ]
    return [*crops, Layer(str(top.name), "Concat", tuple(pieces), (top,), {0: axis})]


def _runs(indices: Sequence[int]) -> Iterator[range]:
    """``indices`` as ranges of step 1, as long as they get."""
    start = 0
    for place in range(1, len(indices) + 1):
        if place == len(indices) or indices[place] != indices[place - 1] + 1:
            yield range(indices[start], indices[place - 1] + 1)
            start = place
