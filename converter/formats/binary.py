"""Formats that are told by magic numbers, names in an archive or fields of a message."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from converter.formats.format import Format
from converter.formats.sample import Sample, fields_of

Rule = tuple[Callable[[Sample], bool], Format]

_MXNET_LIST = 0x112
_SAFETENSORS_HEADER = 100_000_000
_OF_FOLDER = "transship code, checkpoint, verify and compare take it"
_UNPACK = "unpack it, and name the files of the model that are in it"
_OLD_PICKLES = (b"(dp", b"(lp", b"ccopy_reg\n", b"ccollections\n", b"cnumpy", b"}q\0", b"]q\0")
"""How dictionaries, lists and objects begin by protocols 0 and 1, which have no magic number."""
_ARCHIVES = (
    *(b"BZh%d1AY&SY" % level for level in range(1, 10)),
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
)


def _starts(*magics: bytes) -> Callable[[Sample], bool]:
    return lambda sample: sample.head.startswith(magics)


def _names(*wanted: str) -> Callable[[Sample], bool]:
    """Whether all of ``wanted``, regular expressions, are names in it, an archive."""
    return lambda sample: all(any(re.search(each, name) for name in sample.members) for each in wanted)


def _folder(*wanted: str) -> Callable[[Sample], bool]:
    return lambda sample: sample.is_folder and sample.names.issuperset(wanted)


def _is_params(sample: Sample) -> bool:
    return len(sample.head) >= 8 and struct.unpack("<Q", sample.head[:8]) == (_MXNET_LIST,)


def _is_safetensors(sample: Sample) -> bool:
    """A length, then as much JSON: https://github.com/huggingface/safetensors#format."""
    if len(sample.head) < 10:
        return False
    (length,) = struct.unpack("<Q", sample.head[:8])
    return sample.head[8:9] == b"{" and 2 <= length <= _SAFETENSORS_HEADER


def _has(sample: Sample, number: int, wire: int) -> bool:
    return any(field[:2] == (number, wire) for field in sample.fields)


def _first(sample: Sample, number: int) -> bytes:
    return next((content for each, wire, content in sample.fields if (each, wire) == (number, 2)), b"")


def _is_onnx(sample: Sample) -> bool:
    """``ir_version``, ``graph``, and ``opset_import`` or who made it; onnx/onnx.proto."""
    numbers = {number for number, _, _ in sample.fields}
    return _has(sample, 1, 0) and _has(sample, 7, 2) and numbers <= set(range(1, 27))


def _is_core_ml(sample: Sample) -> bool:
    """``specificationVersion``, ``description``, and one of the kinds of models; mlmodel/format/Model.proto."""
    kinds = [number for number, wire, _ in sample.fields if number >= 200 and wire == 2]
    return bool(kinds) and _has(sample, 1, 0) and _has(sample, 2, 2)


def _is_cntk(sample: Sample) -> bool:
    """A ``Dictionary``: its version and a map by texts, one of which is the version; CNTK.proto."""
    keys = {content for _, _, entry in sample.fields for number, _, content in fields_of(entry) if number == 1}
    return _has(sample, 1, 0) and bool(keys & {b"root_uid", b"primitive_functions", b"version", b"uid"})


def _is_saved_model(sample: Sample) -> bool:
    """The schema's version, which is 1, and graphs with their tags; tensorflow/core/protobuf/saved_model.proto."""
    return (
        sample.fields[:1] == ((1, 0, b"\x01"),)
        and {number for number, _, _ in sample.fields} <= {1, 2}
        and any(number in (1, 2) for number, _, _ in fields_of(_first(sample, 2)))
    )


def _is_graph_def(sample: Sample) -> bool:
    """Nodes, each a name and an operator; tensorflow/core/framework/graph.proto."""
    node = [field[:2] for field in fields_of(_first(sample, 1))]
    return node[:2] == [(1, 2), (2, 2)] and {number for number, _, _ in sample.fields} <= {1, 2, 3, 4, 5}


def _is_caffemodel(sample: Sample) -> bool:
    """A name, and layers of this or the last generation; ``NetParameter`` of caffe.proto."""
    layers = [content for number, wire, content in sample.fields if number in (2, 100) and wire == 2]
    return bool(layers) and all(wire == 2 for number, wire, _ in sample.fields if number in (1, 2, 3, 100))


def _is_ncnn_bin(sample: Sample) -> bool:
    """Weights without any mark of their own: the file beside it tells."""
    if sample.is_folder or sample.path.suffix != ".bin":
        return False
    beside = sample.path.with_suffix(".param")
    if not beside.is_file():
        return False
    with beside.open("rb") as file:
        return file.read(8).startswith(b"7767517")


def _is_picture(sample: Sample) -> bool:
    head = sample.head
    return (
        head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))
        or (head[:4], head[8:12]) == (b"RIFF", b"WEBP")
        or (head[:2], head[6:10]) == (b"BM", bytes(4))
    )


RULES: tuple[Rule, ...] = (
    (_folder("transship.json"), Format("transship", "folder of transship's", fix=_OF_FOLDER)),
    (_folder("code", "checkpoint"), Format("transship-target", "a target's folder of transship's", fix=_OF_FOLDER)),
    (_folder("model.onnx", "model.json"), Format("ir", "transship's IR", fix=_OF_FOLDER)),
    (_folder("source", "ir"), Format("transship", "folder of transship's", fix=_OF_FOLDER)),
    (_folder("saved_model.pb"), Format("savedmodel", "TensorFlow SavedModel", "tensorflow")),
    (_folder("Manifest.json", "Data"), Format("mlpackage", "Core ML package", "coreml")),
    (_is_params, Format("mxnet-params", "MXNet parameters", "mxnet", "weights")),
    (lambda sample: sample.head[4:8] == b"TFL3", Format("tflite", "TensorFlow Lite", "tensorflow")),
    (_starts(b"\x89HDF\r\n\x1a\n"), Format("hdf5", "HDF5, as Keras writes it", "keras")),
    (_starts(b"B\0C\0N\0", b"B\0\0\0C\0\0\0N\0\0\0"), Format("cntk-v1", "CNTK 1 model", "cntk")),
    (_starts(b"\x93NUMPY"), Format("npy", "NumPy array")),
    (_names(r"^config\.json$", r"^metadata\.json$", r"\.weights\.h5$"), Format("keras", "Keras 3 model", "keras")),
    (_names(r"(^|/)archive_format$|(^|/)models/.*\.json$"), Format("pt2", "exported PyTorch program", "pytorch")),
    (_names(r"(^|/)data\.pkl$", r"(^|/)constants\.pkl$"), Format("torchscript", "TorchScript", "pytorch")),
    (_names(r"(^|/)data\.pkl$"), Format("pt", "PyTorch checkpoint", "pytorch")),
    (
        lambda sample: bool(sample.members) and all(name.endswith(".npy") for name in sample.members),
        Format("npz", "NumPy arrays"),
    ),
    (_names(r"Manifest\.json$", r"\.mlmodel$"), Format("mlpackage-zip", "Core ML package, packed", "coreml")),
    (_starts(b"PK\x03\x04", b"PK\x05\x06"), Format("zip", "zip archive", fix=_UNPACK)),
    (_starts(b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9"), Format("pt-legacy", "PyTorch checkpoint before 1.6", "pytorch")),
    (
        _starts(*(bytes((128, protocol)) for protocol in range(2, 6)), *_OLD_PICKLES),
        Format("pickle", "Python pickle"),
    ),
    (_starts(b"\x1f\x8b"), Format("gzip", "gzip archive", fix=_UNPACK)),
    (_starts(*_ARCHIVES), Format("archive", "archive", fix=_UNPACK)),
    (lambda sample: sample.head[257:262] == b"ustar", Format("tar", "tar archive", fix=_UNPACK)),
    (
        _is_picture,
        Format("image", "picture", fix="transship convert and verify take it with --image"),
    ),
    (_is_safetensors, Format("safetensors", "safetensors")),
    (_is_ncnn_bin, Format("ncnn-bin", "ncnn weights", "ncnn")),
    (_starts(struct.pack("<i", 7767517)), Format("ncnn-param-bin", "ncnn network, binary", "ncnn")),
    (
        _starts(struct.pack("<iii", 0, 1, 0), struct.pack("<iii", 0, 2, 0), struct.pack("<iii", 0, 2, 5)),
        Format("darknet-weights", "Darknet weights"),
    ),
    (_is_onnx, Format("onnx", "ONNX model", "onnx")),
    (_is_core_ml, Format("mlmodel", "Core ML model", "coreml")),
    (_is_cntk, Format("cntk", "CNTK 2 model", "cntk")),
    (_is_saved_model, Format("savedmodel-pb", "graph of a TensorFlow SavedModel", "tensorflow")),
    (_is_graph_def, Format("graphdef", "frozen TensorFlow graph", "tensorflow")),
    (_is_caffemodel, Format("caffemodel", "Caffe weights", "caffe")),
)
