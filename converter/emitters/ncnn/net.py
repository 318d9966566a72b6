"""Names, wiring, constants and splits: from loose layers to a net."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import onnx_ir

from converter.emitters import Refused, is_constant, is_parameter
from converter.emitters.batch import batch_axis
from converter.emitters.names import Names
from converter.emitters.ncnn.fuse import fuse
from converter.emitters.ncnn.layer import Alias, Layer, Params, Weight, mat_params, memory
from converter.emitters.ncnn.layout import mat_shape
from converter.errors import Unsupported
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_NAME_LENGTH = 200
"""ncnn reads names into 256 bytes; the rest is for the numbers that make names unique."""

Place = tuple[str, tuple[Dim, ...]]
"""A blob, and the shape of the IR's value that it holds a row of: the batch is the open dimension."""


@dataclass(frozen=True)
class Placed:
    """A layer as it is written.

    Attributes:
        name: Unique in the net.
        type: ncnn's layer type.
        bottoms: Names of the blobs it reads.
        tops: Names of the blobs it writes.
        params: Its parameters.
        weights: Its weights.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    params: Params
    weights: tuple[Weight, ...]


@dataclass(frozen=True)
class Net:
    """A net, and where it holds the IR's values.

    Attributes:
        layers: All layers in the order in which they run, input layers first.
        inputs: The IR's inputs.
        outputs: The IR's outputs.
        trace: The IR's values that the net computes, but for those that a fused layer keeps to itself.
    """

    layers: tuple[Placed, ...]
    inputs: Mapping[str, Place]
    outputs: Mapping[str, Place]
    trace: Mapping[str, Place]


def assemble(parts: Iterable[Layer | Alias], graph: onnx_ir.Graph) -> Net:
    """Wire ``parts`` into a net: resolve aliases, fuse, add inputs, constants and splits, name everything.

    Raises:
        Unsupported: A Mat cannot hold an input, an output or a constant.
    """
    parts = list(parts)
    aliases = {part.value: part.source for part in parts if isinstance(part, Alias)}
    layers = [_resolved(part, aliases) for part in parts if isinstance(part, Layer)]
    outputs = {value: _source(value, aliases) for value in graph.outputs}
    layers = fuse(layers, set(outputs.values()))
    try:
        inputs = [Layer(str(v.name), "Input", (), (v,), mat_params(mat_shape(v))) for v in graph.inputs]
        layers = [*inputs, *_memory([*inputs, *layers], outputs.values()), *layers]
        blobs = _named(layers, graph.inputs, outputs)
        floats = [value for node in graph for value in node.outputs if value.dtype == onnx_ir.DataType.FLOAT]
        traced = [value for value in floats if _source(value, aliases) in blobs]
        places = {value: _shape(value) for value in (*graph.inputs, *graph.outputs, *traced)}
    except Refused as refusal:
        raise Unsupported("ncnn cannot hold one of this model's values exactly", where=str(refusal)) from None
    return Net(
        layers=tuple(_placed(layers, blobs)),
        inputs={str(value.name): (blobs[value], places[value]) for value in graph.inputs},
        outputs={str(value.name): (blobs[outputs[value]], places[value]) for value in graph.outputs},
        trace={str(value.name): (blobs[_source(value, aliases)], places[value]) for value in traced},
    )


def written(name: str | None) -> str:
    """``name`` as one field of a ``.param`` file: printable ASCII without blanks."""
    return re.sub(r"[^!-~]+", "_", name or "")[:_NAME_LENGTH] or "_"


def _shape(value: onnx_ir.Value) -> tuple[Dim, ...]:
    mat_shape(value)
    if value.dtype != onnx_ir.DataType.FLOAT:
        raise Refused(f"{value.name} is not float32")
    batch = batch_axis(value)
    return tuple(BATCH if axis == batch else dim for axis, dim in enumerate(dims(value)))


def _source(value: onnx_ir.Value, aliases: Mapping[onnx_ir.Value, onnx_ir.Value]) -> onnx_ir.Value:
    while value in aliases:
        value = aliases[value]
    return value


def _resolved(layer: Layer, aliases: Mapping[onnx_ir.Value, onnx_ir.Value]) -> Layer:
    return replace(layer, bottoms=tuple(_source(value, aliases) for value in layer.bottoms))


def _memory(layers: Sequence[Layer], outputs: Iterable[onnx_ir.Value]) -> Iterator[Layer]:
    """A layer for each constant that is read, or returned, as a blob."""
    computed = {value for layer in layers for value in layer.tops}
    read = dict.fromkeys(value for layer in layers for value in layer.bottoms) | dict.fromkeys(outputs)
    for value in read:
        if value not in computed:
            if not (is_parameter(value) or is_constant(value)):
                raise Refused(f"no layer computes {value.name}")
            yield memory(value)


def _named(
    layers: Sequence[Layer], inputs: Sequence[onnx_ir.Value], outputs: Mapping[onnx_ir.Value, onnx_ir.Value]
) -> dict[onnx_ir.Value, str]:
    """A name for the blob of every value. Inputs and outputs come first: these are the ones that users write."""
    names = Names()
    blobs = {value: names.take(written(value.name)) for value in inputs}
    for value, source in outputs.items():
        if source not in blobs:
            blobs[source] = names.take(written(value.name))
    for layer in layers:
        for value in layer.tops:
            if value not in blobs:
                blobs[value] = names.take(written(value.name))
    return blobs


def _placed(layers: Sequence[Layer], blobs: Mapping[onnx_ir.Value, str]) -> Iterator[Placed]:
    """The layers as they are written, with a ``Split`` behind each blob that is read more than once.

    ncnn's loader notes one reader a blob only; the splits are named as ncnn's own converters name them.
    """
    readers = Counter(value for layer in layers for value in layer.bottoms)
    names, taken = Names(), Names(*blobs.values())
    parts: dict[onnx_ir.Value, Iterator[str]] = {}
    splits = 0
    for layer in layers:
        bottoms = tuple(next(parts[value]) if value in parts else blobs[value] for value in layer.bottoms)
        tops = tuple(blobs[value] for value in layer.tops)
        yield Placed(names.take(written(layer.name)), layer.type, bottoms, tops, layer.params, layer.weights)
        for value in layer.tops:
            if readers[value] > 1:
                copies = tuple(taken.take(f"{blobs[value]}_splitncnn_{index}") for index in range(readers[value]))
                yield Placed(names.take(f"splitncnn_{splits}"), "Split", (blobs[value],), copies, {}, ())
                parts[value] = iter(copies)
                splits += 1
