"""A live Gluon net into another framework's files, in the process that has it.

    from converter import convert_model, save_model

    text_net, binary_weights = convert_model(net, input_shape=(1, 3, 224, 224))
    save_model(text_net, binary_weights, "resnet18")

Neither Caffe nor containers are needed, and of MXNet only what the net itself has imported. The net is read as its
exported files would be: exactly, or not at all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import onnx
import onnx_ir
from google.protobuf import text_format
from google.protobuf.message import Message

import converter
from converter.errors import BadInput
from converter.gluon.build import BUILDERS
from converter.gluon.trace import DATA, trace
from converter.ir import BATCH
from converter.ir.detections import detections
from converter.ir.files import replacing

__all__ = ["convert_model", "convert_ssd_model", "save_model"]

_HEADER = "# Written by transship.\n"


def convert_model(
    net: Any,
    syms: Any = None,
    input_shape: Sequence[int | str] = (1, 3, 224, 224),
    softmax: bool = False,
    to_bgr: bool = False,
    merge_bn: bool = True,
    *,
    target: str = "caffe",
    verify: bool = False,
    **options: Any,
) -> tuple[Any, Any]:
    """Convert a Gluon net as it is now, before or after any forward pass.

    Args:
        net: An ``mxnet.gluon.HybridBlock`` with one input; not changed. Parameters whose shapes were left to the
            first run are initialised for ``input_shape``.
        syms: The outputs, if not those of the net: a symbol or several, made of ``mxnet.sym.var("data")``.
        input_shape: Of the input. The first dimension may be ``"batch"``, which is left open where the target can.
        softmax: Append a softmax to the only output. Caffe only, as is ``to_bgr``.
        to_bgr: Have the result take BGR images where the net takes RGB.
        merge_bn: Fold batch normalizations into the layers before them. ncnn's always are, ONNX's never.
        target: ``caffe``, ``ncnn`` or ``onnx``.
        verify: Also run both sides on four inputs; needs the target's own Python package.
        options: Of the target's emitter, such as ``profile="bvlc"``.

    Returns:
        What :func:`save_model` takes, network and weights: for Caffe two ``NetParameter`` messages, the second of
        the same layers with their blobs; for ncnn the text of the ``.param`` and the bytes of the ``.bin``; for ONNX
        the network as ONNX Script, to read, and the whole ``onnx.ModelProto``.

    Raises:
        BadInput: An argument is not what it has to be.
        Unsupported: The target cannot express the net exactly. Names all of what is in the way.
        TransshipError: With ``verify``, the two do not compute the same.
    """
    options |= _of_caffe(target, softmax, to_bgr, merge_bn)
    return _convert(net, syms, input_shape, target, verify, False, options)


def convert_ssd_model(
    net: Any,
    input_shape: Sequence[int | str] = (1, 3, 512, 512),
    to_bgr: bool = False,
    merge_bn: bool = True,
    *,
    target: str = "caffe",
    verify: bool = False,
    **options: Any,
) -> tuple[Any, Any]:
    """Convert a detector, such as one of ``gluoncv.model_zoo``; see :func:`convert_model`.

    Raises:
        BadInput: The net is no SSD, or as there.
        Unsupported: As there, and where the target's own layers cannot make the net's anchors.
        TransshipError: As there.
    """
    options |= _of_caffe(target, False, to_bgr, merge_bn)
    return _convert(net, None, input_shape, target, verify, True, options)


def save_model(text_net: Any, binary_weights: Any, prefix: str | PathLike[str]) -> None:
    """Write what was converted. All files are complete before the first takes its name.

    Args:
        text_net: As :func:`convert_model` returns it.
        binary_weights: Likewise.
        prefix: Of the files: ``<prefix>.prototxt`` and ``<prefix>.caffemodel``, or ``<prefix>.param`` and
            ``<prefix>.bin``, or ``<prefix>.onnx``. The folder is made if need be.

    Raises:
        BadInput: These are not the two things that a conversion returns.
        TransshipError: The folder cannot be written to, or the disk is full.
    """
    path = Path(prefix)
    contents = {path.name + suffix: content for suffix, content in _contents(text_net, binary_weights).items()}
    with replacing(path.parent, tuple(contents)) as temporary:
        for name, content in contents.items():
            temporary[name].write_bytes(content)


def _convert(
    net: Any,
    symbols: Any,
    shape: Sequence[int | str],
    target: str,
    verify: bool,
    detector: bool,
    options: dict[str, Any],
) -> tuple[Any, Any]:
    _check(target, shape)
    traced = trace(net, symbols, shape)
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = traced.save(Path(folder))
        model = converter.parse("mxnet", graph=graph, weights=weights, inputs={DATA: shape}, name=traced.name)
        if detector:
            _check_detector(model)
        built = BUILDERS[target](model, **options)
        if verify:
            from converter.gluon.verify import check

            check(traced, model, target, built)
    return built.network, built.weights


def _check(target: str, shape: Any) -> None:
    if target not in BUILDERS:
        fix = f"use one of: {', '.join(BUILDERS)}"
        if target in converter._modules("converter.emitters"):
            fix += f"; or export the net, and run transship for {target} on the files"
            raise BadInput(f"files for {target} are written by {target} itself, in its container", fix=fix)
        raise BadInput(f"unknown target {target!r}", fix=fix)
    dims = list(shape) if isinstance(shape, list | tuple) else []
    numbers = [1 if dim == BATCH and place == 0 else dim for place, dim in enumerate(dims)]
    if not numbers or not all(type(dim) is int and 0 < dim < 2**31 for dim in numbers):
        raise BadInput(f"input_shape cannot be {shape!r}", fix="give positive whole numbers: (1, 3, 224, 224)")


def _check_detector(model: onnx_ir.Model) -> None:
    if not detections(model.graph):
        raise BadInput(
            f"no SSD was recognised in {model.graph.name}",
            fix="use convert_model, which takes any net; an SSD ends with its decoders and box_nms",
        )


def _of_caffe(target: str, softmax: bool, to_bgr: bool, merge_bn: bool) -> dict[str, Any]:
    """The options that Caffe has and others have not."""
    given = {"softmax": softmax, "to_bgr": to_bgr}
    if target == "caffe":
        return {**given, "merge_bn": merge_bn}
    for name, value in given.items():
        if value:
            raise BadInput(f"{name} is for Caffe alone, not for {target}", fix="leave it out")
    return {}


def _contents(network: Any, weights: Any) -> dict[str, bytes]:
    """The files' contents by their suffix."""
    messages = [isinstance(each, Message) and each.DESCRIPTOR.full_name for each in (network, weights)]
    if messages == ["caffe.NetParameter"] * 2:
        text = _HEADER + text_format.MessageToString(network)
        return {".prototxt": text.encode(), ".caffemodel": weights.SerializeToString(deterministic=True)}
    if isinstance(network, str) and isinstance(weights, bytes):
        return {".param": network.encode(), ".bin": weights}
    if isinstance(network, str) and isinstance(weights, onnx.ModelProto):
        return {".onnx": weights.SerializeToString(deterministic=True)}
    raise BadInput(
        "these are not network and weights of one conversion", fix="give both as convert_model returns them"
    )
