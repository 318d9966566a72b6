"""A target's files, weights and all, where no framework has to write them.

Values of parameters are what ``weights.py`` makes of the weight plan, the same module that the containers use: it is
a link to ``images/base/weights.py``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
from google.protobuf import text_format

import converter
from converter.errors import BadInput, Unsupported
from converter.gluon import weights
from converter.gluon.schema import message
from converter.ir import OPSET

LIMIT: Final = 2_000_000_000
"""A protobuf holds 2 GiB, and the network needs some of it."""
_PACKED_DATA: Final = b"\x2a"
"""The tag of ``BlobProto.data``: field 5, and what follows is its length and its bytes."""
_FLOAT32, _FLOAT16 = (0).to_bytes(4, "little"), (0x01306B47).to_bytes(4, "little")
_LARGEST_FLOAT16: Final = 65504

Plan = Mapping[str, Any]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Built:
    """A network as a target has it.

    Attributes:
        network: Its layers, to read: see :data:`BUILDERS`.
        weights: Its weights.
        plan: Where the target has the model's inputs and outputs.
    """

    network: Any
    weights: Any
    plan: Plan


class Tensors:
    """The parameters of a model by name, as :func:`weights.evaluate` takes them: read when used."""

    def __init__(self, model: onnx_ir.Model) -> None:
        self._values = model.graph.initializers

    def __getitem__(self, name: str) -> Array:
        tensor = self._values[name].const_value
        if tensor is None:
            raise BadInput(f"the parameter {name} has no value")
        return tensor.numpy()


def caffe(model: onnx_ir.Model, **options: Any) -> Built:
    """Two ``NetParameter``: the layers, and the same layers with their blobs.

    Raises:
        BadInput: There is no such option, or a weight is not finite.
        Unsupported: Caffe cannot express the model exactly, or it is too large for a ``.caffemodel``.
    """
    files = converter.emit(model, "caffe", **options)
    plan = json.loads(files["weights.plan.json"])
    network = text_format.Parse(files["deploy.prototxt"], message("NetParameter")())
    filled = message("NetParameter")()
    filled.CopyFrom(network)
    layers = {layer.name: layer for layer in filled.layer}
    _check_size(plan)
    for row in sorted(plan["parameters"], key=lambda row: row["name"][1]):
        blob = layers[row["name"][0]].blobs.add()
        blob.shape.dim.extend(row["shape"])
        blob.MergeFromString(_packed(_finite(row, Tensors(model))))
    return Built(network, filled, plan)


def ncnn(model: onnx_ir.Model, **options: Any) -> Built:
    """The text of the ``.param`` and the bytes of the ``.bin``.

    The format of the latter is that of ncnn's ``ModelBin``: a layer's weights one after the other, some with a tag
    before them that says how they are stored. Numbers are little-endian, each array begins at a multiple of 4 bytes.

    Raises:
        BadInput: There is no such option, a weight is not finite, or too large for the storage that is asked for.
        Unsupported: ncnn cannot express the model exactly.
    """
    files = converter.emit(model, "ncnn", **options)
    plan = json.loads(files["weights.plan.json"])
    out = io.BytesIO()
    for row in plan["parameters"]:
        value = _finite(row, Tensors(model))
        half = plan["storage"] == "fp16" and row.get("tagged", False)
        if "eps" in row and not (value + np.float32(row["eps"]) > 0).all():
            raise BadInput(
                f"the layer {row['name'][0]} divides by the root of a variance that is not positive",
                where=_made_of(row),
                fix="correct the variance, or give the normalization a larger eps",
            )
        if half and np.abs(value).max(initial=0) > _LARGEST_FLOAT16:
            raise BadInput(
                f"the weight {_label(row)} has numbers beyond {_LARGEST_FLOAT16}, which fp16 cannot hold",
                where=_made_of(row),
                fix="use storage fp32",
            )
        if row.get("tagged", False):
            out.write(_FLOAT16 if half else _FLOAT32)
        out.write(np.ascontiguousarray(value, "<f2" if half else "<f4").data)
        out.write(bytes(-out.tell() % 4))
    return Built(files["model.param"].decode(), out.getvalue(), plan)


def onnx_model(model: onnx_ir.Model, *, opset: int = OPSET, inline: bool = False) -> Built:
    """The network as ONNX Script, and the ``onnx.ModelProto``, its weights inside.

    Args:
        model: A valid IR.
        opset: As :func:`converter.emitters.onnx.emit` takes it.
        inline: Likewise.

    Raises:
        BadInput: There is no such opset.
        Unsupported: The opset cannot express the model exactly, or a protobuf cannot hold it.
    """
    from converter.emitters.onnx.functions import functions_of
    from converter.emitters.onnx.native import native
    from converter.emitters.onnx.opset import at_opset
    from converter.passes.fold import expression_of

    files = converter.emit(model, "onnx", opset=opset, inline=inline)
    plan = json.loads(files["weights.plan.json"])
    _check_size(plan)
    whole = at_opset(native(model, inline=inline), opset)
    for value in whole.graph.initializers.values():
        dtype = value.dtype.numpy() if value.dtype else "float32"
        array = weights.evaluate(expression_of(value), Tensors(model), dtype)
        value.const_value = onnx_ir.Tensor(np.array(array), name=value.name)
    for graph in (whole.graph, *(function.graph for function in functions_of(whole))):
        graph.opset_imports[""] = opset
    whole.ir_version = plan["ir_version"]
    proto = onnx_ir.serde.serialize_model(whole)
    onnx.checker.check_model(proto, full_check=True)
    return Built(files["model.py"].decode(), proto, plan)


BUILDERS: Final[Mapping[str, Callable[..., Built]]] = MappingProxyType(
    {"caffe": caffe, "ncnn": ncnn, "onnx": onnx_model}
)
"""The targets whose files are written here."""


def _finite(row: Mapping[str, Any], tensors: Tensors) -> Array:
    """The value of a plan's ``row``, of the shape that it says, float32.

    Raises:
        BadInput: There is NaN or infinity in it.
    """
    value: Array = weights.evaluate(row["value"], tensors)
    if list(value.shape) != row["shape"]:
        raise ValueError(f"{_label(row)} has the shape {row['shape']} in the plan, and its value has {value.shape}")
    if not np.isfinite(value).all():
        raise BadInput(
            f"the weight {_label(row)} would be NaN or infinite",
            where=_made_of(row),
            fix="correct these parameters of the net",
        )
    return value


def _packed(value: Array) -> bytes:
    """``value`` as the bytes of a ``BlobProto`` that has nothing but data: a list of floats would be slow."""
    data = np.ascontiguousarray(value, "<f4").tobytes()
    size, length = len(data), bytearray()
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return _PACKED_DATA + bytes(length) + data


def _check_size(plan: Plan) -> None:
    rows = [(row["shape"], row.get("dtype", "float32")) for row in plan["parameters"]]
    size = sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in rows)
    if size > LIMIT:
        raise Unsupported(
            f"the weights have {size} bytes, and a file with all of them cannot be more than {LIMIT}",
            fix="convert the exported files with the command line",
        )


def _label(row: Mapping[str, Any]) -> str:
    """A weight as messages name it: the layer, and which of its weights."""
    layer, index = row["name"]
    return f"{layer}[{index}]"


def _made_of(row: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(_sources(row["value"])))


def _sources(expression: Mapping[str, Any]) -> Iterator[str]:
    """The names of the parameters in an ``expression`` of the plan."""
    for key, part in expression.items():
        if key == "tensor":
            yield str(part)
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, dict):
                yield from _sources(each)
