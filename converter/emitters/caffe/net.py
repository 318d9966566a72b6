"""Names, wiring and in-place layers: from loose layers to a net."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import onnx_ir

from converter.emitters.caffe.layer import Alias, Fields, Layer, stored
from converter.emitters.names import Names
from converter.emitters.operand import is_stored
from converter.errors import Unsupported
from converter.ir import BATCH, dims

INPUT = "Input"


@dataclass(frozen=True)
class Placed:
    """A layer as it is written.

    Attributes:
        name: Unique in the net.
        type: Caffe's layer type.
        bottoms: Names of the blobs it reads.
        tops: Names of the blobs it writes.
        params: Its parameter messages.
        blobs: Its parameters.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    params: Mapping[str, Fields]
    blobs: tuple[Any, ...]


@dataclass(frozen=True)
class Net:
    """A net, and where it holds the IR's values.

    Attributes:
        layers: All layers in the order in which they run, input layers first.
        inputs: The IR's input to its blob.
        outputs: The IR's output to its blob.
        trace: An IR value to the layer after which its blob holds it, or to ``[layer, top]`` where the layer has
            several tops. Values that the net never holds in their own shape are absent.
        more: Blobs of what the net computes besides, as :func:`assemble` was given it.
    """

    layers: tuple[Placed, ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    trace: Mapping[str, Any]
    more: tuple[str, ...] = ()


def input_layers(graph: onnx_ir.Graph) -> list[Layer]:
    """An ``Input`` layer for each input of ``graph``, in order, for a batch of one where that is open."""
    return [_input_layer(value) for value in graph.inputs]


def assemble(parts: Sequence[Layer | Alias], graph: onnx_ir.Graph, *, more: Sequence[onnx_ir.Value] = ()) -> Net:
    """Wire ``parts`` into a net: resolve aliases, let layers run in place where that is safe, name everything.

    A layer and its top are called like the operator that they stand for. Where that name is taken (an input and a
    node may share one), a number is appended. Layers that nothing needs are left out.

    Args:
        parts: In the order in which they run; the first ``Input`` layer takes the graph's first input, and so on.
        graph: Whose inputs and outputs the net has.
        more: What the net computes besides the outputs of ``graph``.

    Raises:
        Unsupported: A layer reads, or the model returns, what no layer computes.
    """
    aliases = {part.value: part for part in parts if isinstance(part, Alias)}
    layers = [_resolved(part, aliases) for part in parts if isinstance(part, Layer)]
    outputs = [_source(value, aliases) for value in (*graph.outputs, *more)]
    layers = _with_parameters(_live(layers, outputs), outputs)
    _check(layers, outputs)
    layers = _silenced(layers, outputs)
    kept = [*outputs, *(value for layer in layers if not layer.bottoms for value in layer.tops)]
    in_place = _in_place(layers, kept)
    names, blob_names = Names(), Names()
    blobs: dict[onnx_ir.Value, str] = {}
    placed = []
    for layer in layers:
        _name_tops(layer, layer.tops[0] in in_place if layer.tops else False, blobs, blob_names)
        placed.append(_placed(layer, names.take(layer.name), blobs))
    return Net(
        layers=tuple(placed),
        inputs={str(value.name): blobs[fed] for value, fed in zip(graph.inputs, _fed(layers), strict=True)},
        outputs={str(value.name): blobs[_source(value, aliases)] for value in graph.outputs},
        trace=_trace(graph, aliases, layers, placed),
        more=tuple(blobs[_source(value, aliases)] for value in more),
    )


def _fed(layers: Iterable[Layer]) -> list[onnx_ir.Value]:
    return [layer.tops[0] for layer in layers if layer.type == INPUT]


def _live(layers: Sequence[Layer], outputs: Iterable[onnx_ir.Value]) -> list[Layer]:
    """The layers that ``outputs`` depend on, and those of the inputs, which a user gives in any case."""
    needed, result = set(outputs), []
    for layer in reversed(layers):
        if layer.type == INPUT or needed.intersection(layer.tops):
            needed.update(layer.bottoms)
            result.append(layer)
    return result[::-1]


def _with_parameters(layers: Sequence[Layer], outputs: Iterable[onnx_ir.Value]) -> list[Layer]:
    """``layers`` with a ``Parameter`` before the first of them that reads what is stored."""
    computed = {value for layer in layers for value in layer.tops}
    result = []
    for bottoms, following in (*((layer.bottoms, [layer]) for layer in layers), (outputs, [])):
        missing = [value for value in dict.fromkeys(bottoms) if value not in computed and _is_readable(value)]
        result += [*(_parameter_layer(value) for value in missing), *following]
        computed.update(missing)
    return result


def _is_readable(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is stored, as numbers that a blob can hold."""
    return is_stored(value) and value.dtype == onnx_ir.DataType.FLOAT


def _parameter_layer(value: onnx_ir.Value) -> Layer:
    blob = stored(value)
    params = {"parameter_param": {"shape": {"dim": list(blob.shape)}}}
    return Layer(str(value.name), "Parameter", (), (value,), params, (blob,))


def _check(layers: Sequence[Layer], outputs: Sequence[onnx_ir.Value]) -> None:
    computed = {value for layer in layers for value in layer.tops}
    read = [value for layer in layers for value in layer.bottoms]
    if missing := sorted({str(value.name) for value in [*read, *outputs] if value not in computed}):
        raise Unsupported("Caffe computes with blobs, not with constants", where=", ".join(missing))


def _source(value: onnx_ir.Value, aliases: Mapping[onnx_ir.Value, Alias]) -> onnx_ir.Value:
    while value in aliases:
        value = aliases[value].source
    return value


def _resolved(layer: Layer, aliases: Mapping[onnx_ir.Value, Alias]) -> Layer:
    return replace(layer, bottoms=tuple(_source(value, aliases) for value in layer.bottoms))


def _input_layer(value: onnx_ir.Value) -> Layer:
    shape = [1 if dim == BATCH else int(dim) for dim in dims(value)]
    return Layer(str(value.name), INPUT, (), (value,), {"input_param": {"shape": {"dim": shape}}})


def _silenced(layers: list[Layer], outputs: Sequence[onnx_ir.Value]) -> list[Layer]:
    """Add a layer that swallows the tops that nothing reads, so that the net's outputs are the model's."""
    read = {value for layer in layers for value in layer.bottoms} | set(outputs)
    result = []
    for layer in layers:
        result.append(layer)
        if unread := tuple(value for value in layer.tops if value not in read):
            result.append(Layer(f"{layer.name}/silence", "Silence", unread, ()))
    return result


def _in_place(layers: Sequence[Layer], kept: Sequence[onnx_ir.Value]) -> set[onnx_ir.Value]:
    """The tops that may take the place of their layer's bottom.

    That is safe where nothing else reads the bottom, and where it shares its memory with no value that something
    else reads: Caffe's Flatten and Reshape, and a Concat or Slice of one blob, give their bottom's memory another
    shape instead of copying it, and so does the Split that Caffe inserts before several readers.
    """
    readers = Counter(value for layer in layers for value in layer.bottoms)
    shared = {layer.tops[0]: layer.bottoms[0] for layer in layers if layer.shares}
    result = set()
    for layer in layers:
        if layer.in_place and _alone(layer.bottoms[0], readers, shared, set(kept)):
            result.add(layer.tops[0])
            shared[layer.tops[0]] = layer.bottoms[0]
    return result


def _alone(
    value: onnx_ir.Value,
    readers: Mapping[onnx_ir.Value, int],
    shared: Mapping[onnx_ir.Value, onnx_ir.Value],
    kept: set[onnx_ir.Value],
) -> bool:
    current: onnx_ir.Value | None = value
    while current is not None:
        if readers[current] > 1 or current in kept:
            return False
        current = shared.get(current)
    return True


def _name_tops(layer: Layer, in_place: bool, blobs: dict[onnx_ir.Value, str], names: Names) -> None:
    numbered = tuple(f"{layer.name}_{index}" for index in range(len(layer.tops)))
    wanted = layer.top_names or ((layer.name,) if len(layer.tops) == 1 else numbered)
    for value, name in zip(layer.tops, wanted, strict=True):
        blobs[value] = blobs[layer.bottoms[0]] if in_place else names.take(name)


def _placed(layer: Layer, name: str, blobs: Mapping[onnx_ir.Value, str]) -> Placed:
    bottoms = tuple(blobs[value] for value in layer.bottoms)
    return Placed(name, layer.type, bottoms, tuple(blobs[value] for value in layer.tops), layer.params, layer.blobs)


def _trace(
    graph: onnx_ir.Graph,
    aliases: Mapping[onnx_ir.Value, Alias],
    layers: Sequence[Layer],
    placed: Sequence[Placed],
) -> dict[str, Any]:
    places: dict[onnx_ir.Value, Any] = {}
    for layer, written in zip(layers, placed, strict=True):
        for index, value in enumerate(layer.tops):
            places[value] = written.name if len(layer.tops) == 1 else [written.name, index]
    trace = {}
    for value in (value for node in graph for value in node.outputs):
        source = _exact_source(value, aliases)
        if source is not None and source in places:
            trace[str(value.name)] = places[source]
    return trace


def _exact_source(value: onnx_ir.Value, aliases: Mapping[onnx_ir.Value, Alias]) -> onnx_ir.Value | None:
    while value in aliases:
        if not aliases[value].exact:
            return None
        value = aliases[value].source
    return value
