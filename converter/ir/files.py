"""Write an IR to a folder and read it back."""

from __future__ import annotations

import copy
import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import google.protobuf.message
import onnx
import onnx_ir

from converter.errors import BadInput, TransshipError
from converter.ir import safetensors, summary
from converter.ir.check import check, validate
from converter.ir.spec import Absent, is_external

MODEL = "model.onnx"
WEIGHTS = "weights.safetensors"
SUMMARY = "model.json"


def save(model: onnx_ir.Model, folder: Path) -> None:
    """Write ``model`` into ``folder``: ``model.onnx``, ``weights.safetensors``, ``model.json``.

    A model that was read without its weights gets the same structure and no weights file. The same model gives the
    same bytes. Parameters are copied from wherever they lie one at a time, so the memory taken does not grow with the
    model. All files are complete before the first one takes its name; on any error none does, and what was in the
    folder stays.

    Args:
        model: A valid IR. It is not changed.
        folder: Made if need be.

    Raises:
        BadInput: The model is not a valid IR.
        TransshipError: The folder cannot be written to, or the disk is full.
    """
    validate(model)
    parameters = _parameters(model)
    plan = safetensors.layout(parameters)
    proto = _structure(model, parameters, plan.places)
    absent = any(isinstance(tensor, Absent) for tensor in parameters.values())
    check(proto)
    text = summary.render(summary.summarise(model))
    with replacing(folder, (SUMMARY, MODEL) if absent else (WEIGHTS, SUMMARY, MODEL)) as paths:
        if not absent:
            with paths[WEIGHTS].open("wb", buffering=0) as file:
                safetensors.write(file, plan, parameters)
        paths[SUMMARY].write_bytes(text)
        paths[MODEL].write_bytes(proto.SerializeToString(deterministic=True))
    if absent:
        (folder / WEIGHTS).unlink(missing_ok=True)


def load(path: Path) -> onnx_ir.Model:
    """Read an IR from a folder, or from its ``model.onnx`` alone.

    The weights file is opened when a parameter is asked for and may be absent until then.

    Raises:
        BadInput: There is no such file, it is no ONNX model, or it is not a valid IR.
    """
    file = path / MODEL if path.is_dir() else path
    try:
        proto = onnx.load_model_from_string(file.read_bytes())
        model = onnx_ir.serde.deserialize_model(proto)
    except OSError as error:
        raise BadInput(f"cannot read the model: {error.strerror}", where=str(file)) from error
    except (google.protobuf.message.DecodeError, ValueError) as error:
        raise BadInput(f"not an ONNX model: {error}", where=str(file)) from error
    for value in model.graph.initializers.values():
        _attach(value, file)
    validate(model)
    return model


def _attach(value: onnx_ir.Value, file: Path) -> None:
    tensor = value.const_value
    if not isinstance(tensor, onnx_ir.ExternalTensor):
        return
    if str(tensor.location) != WEIGHTS:
        raise BadInput(f"parameter {value.name!r} lies outside {WEIGHTS}", where=str(file))
    length = tensor.length or tensor.nbytes
    value.const_value = onnx_ir.ExternalTensor(
        file.parent / WEIGHTS, tensor.offset or 0, length, tensor.dtype, shape=tensor.shape, name=str(value.name)
    )


def _parameters(model: onnx_ir.Model) -> dict[str, onnx_ir.TensorProtocol]:
    tensors = ((name, value.const_value) for name, value in model.graph.initializers.items())
    return {name: tensor for name, tensor in tensors if tensor is not None and is_external(tensor)}


def _structure(
    model: onnx_ir.Model, parameters: Mapping[str, onnx_ir.TensorProtocol], places: Mapping[str, safetensors.Place]
) -> onnx.ModelProto:
    """Serialise ``model``, its ``parameters`` as references to the weights file."""
    graph = model.graph
    without = copy.copy(model)
    without.graph = onnx_ir.GraphView(  # type: ignore[assignment]
        graph.inputs,
        graph.outputs,
        nodes=graph,
        initializers=[value for name, value in graph.initializers.items() if name not in parameters],
        doc_string=graph.doc_string,
        opset_imports=graph.opset_imports,
        name=graph.name,
        metadata_props=graph.metadata_props,
    )
    proto: onnx.ModelProto = onnx_ir.serde.serialize_model(without)
    for name, tensor in parameters.items():
        stored = proto.graph.initializer.add(name=name, data_type=tensor.dtype, dims=tensor.shape.numpy())
        stored.data_location = onnx.TensorProto.EXTERNAL
        stored.external_data.add(key="location", value=WEIGHTS)
        stored.external_data.add(key="offset", value=str(places[name].offset))
        stored.external_data.add(key="length", value=str(places[name].length))
    return proto


@contextmanager
def replacing(folder: Path, names: tuple[str, ...]) -> Iterator[dict[str, Path]]:
    """Give temporary paths in ``folder`` to write to; then let them take ``names``, or none if anything went wrong.

    Raises:
        TransshipError: The folder cannot be written to, or the disk is full.
    """
    temporary = {name: folder / f".{name}.{os.getpid()}" for name in names}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield temporary
        for name, path in temporary.items():
            path.replace(folder / name)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise TransshipError(
            f"cannot write the model: {error.strerror or error}",
            where=str(folder),
            fix="make room on the disk and run again" if full else "",
        ) from error
    finally:
        for path in temporary.values():
            with suppress(OSError):
                path.unlink()
