"""What a user may want at the end of a net: the softmax that a model which was trained with its loss lacks."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir

from converter.emitters.caffe.layer import Alias, Layer
from converter.errors import Unsupported
from converter.ir import dims

_CLASSIFIES = (2, 4)
_KEEPS = ("Reshape", "Flatten", "Dropout")
_FIX = "leave out the option softmax"


def append_softmax(parts: Sequence[Layer | Alias], graph: onnx_ir.Graph) -> tuple[list[Layer | Alias], onnx_ir.Value]:
    """Append a ``Softmax`` over the classes, along the second dimension, and return what it computes besides.

    Raises:
        Unsupported: There are several outputs, classes are not known to be along the second dimension because there
            are not two or four of them, or the model ends in a softmax already.
    """
    names = ", ".join(str(value.name) for value in graph.outputs)
    if len(graph.outputs) != 1:
        raise Unsupported("a softmax is appended to a single output, the model has several", where=names, fix=_FIX)
    (scores,) = graph.outputs
    if len(dims(scores)) not in _CLASSIFIES:
        shape = " x ".join(map(str, dims(scores)))
        raise Unsupported(f"which dimension of {shape} is that of the classes is not known", where=names, fix=_FIX)
    if _is_softmax(scores, parts):
        raise Unsupported("the model ends in a softmax already", where=names, fix=_FIX)
    top = onnx_ir.Value(name="prob", shape=scores.shape, type=scores.type)
    return [*parts, Layer("prob", "Softmax", (scores,), (top,))], top


def _is_softmax(value: onnx_ir.Value, parts: Sequence[Layer | Alias]) -> bool:
    sources = {part.value: part.source for part in parts if isinstance(part, Alias)}
    computed = {top: part for part in parts if isinstance(part, Layer) for top in part.tops}
    while True:
        value = sources.get(value, value)
        if value in sources:
            continue
        layer = computed.get(value)
        if layer is None or layer.type not in _KEEPS:
            return layer is not None and layer.type == "Softmax"
        value = layer.bottoms[0]
