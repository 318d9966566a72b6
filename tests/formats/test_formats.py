"""Formats are told by content: good files, odd ones, and what strangers may send."""

from __future__ import annotations

import bz2
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from converter.errors import BadInput
from converter.formats import Format, recognise
from converter.formats.safetensors import describe as describe_tensors
from converter.formats.sample import HEAD, Sample
from tests.parsers.files import Net, params_file


def field(number: int, content: bytes | int) -> bytes:
    """A field of a protobuf message."""
    key = varint(number << 3 | (0 if isinstance(content, int) else 2))
    return key + (varint(content) if isinstance(content, int) else varint(len(content)) + content)


def varint(value: int) -> bytes:
    """An integer as protobuf writes it."""
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes((*parts, value))


def archive(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def tar() -> bytes:
    """A tar archive of one file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        file.addfile(tarfile.TarInfo("x-symbol.json"))
    return stream.getvalue()


def symbol(era: str) -> bytes:
    """A symbol of that age."""
    net = Net(era)
    net.node("Flatten", "flat", [net.input("data", np.zeros((1, 2), np.float32))])
    return json.dumps(net.symbol(), indent=2).encode()


def onnx_model() -> bytes:
    """One addition."""
    info = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "abc"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["a", "b"], ["c"])], "g", info[:2], info[2:])
    content: bytes = onnx.helper.make_model(graph).SerializeToString()
    return content


def array() -> bytes:
    """A file of NumPy's."""
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


NODE = field(1, b"conv1") + field(2, b"Conv2D")
LAYER = field(1, b"conv1") + field(2, b"Convolution")
ENTRY = field(1, b"root_uid") + field(2, field(1, 1))
FILES: dict[str, bytes] = {
    "mxnet-symbol": symbol("1.x"),
    "mxnet-symbol 0.9": symbol("0.9"),
    "mxnet-symbol 0.8": symbol("0.8"),
    "mxnet-symbol marked": b"\xef\xbb\xbf" + symbol("1.x"),
    "mxnet-symbol long": b'{"attrs": "' + b"\xc3\xa4" * 100 + b'", "nodes": [{"op": "null"}' + b",{}" * HEAD + b"]}",
    "mxnet-symbol utf-16": symbol("1.x").decode().encode("utf-16"),
    "mxnet-symbol cut": b'{"nodes": [',
    "mxnet-params": params_file({"arg:w": np.zeros((2, 2), np.float32)}),
    "ir-summary": b'{\n  "name": "net",\n  "source": {"framework": "mxnet"},\n  "nodes": [\n  ]\n}\n',
    "keras-json": b'{"class_name": "Functional", "config": {}}',
    "json": b'{"verdict": "exact"}',
    "json graph": b'{"nodes": [{"id": 1}], "links": []}',
    "json deep": b'{"nodes":' + b"[" * HEAD,
    "onnx": onnx_model(),
    "safetensors": safetensors.numpy.save({"w": np.zeros(2, np.float32)}),
    "caffemodel": field(1, b"net") + field(100, LAYER) + field(100, LAYER),
    "caffemodel unnamed": field(2, LAYER) + field(2, LAYER),
    "prototxt": b'# a comment\n\nname: "net"\nlayer { name: "data" }\n',
    "prototxt layers": b"layers {\n  name: 'data'\n}\n",
    "cntk": field(1, 1) + field(2, ENTRY) + field(2, field(1, b"version") + field(2, field(1, 1))),
    "cntk-v1": "BCN\0BVersion".encode("utf-16-le"),
    "keras": archive({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b"\x89HDF"}),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "savedmodel-pb": field(1, 1) + field(2, field(1, field(4, b"serve")) + field(2, NODE)),
    "graphdef": field(1, NODE) + field(1, NODE) + field(4, field(1, 27)),
    "graphdef-text": b'node {\n  name: "x"\n  op: "Placeholder"\n}\n',
    "tflite": struct.pack("<I", 28) + b"TFL3" + bytes(40),
    "mlmodel": field(1, 8) + field(2, field(1, b"x")) + field(502, field(1, 1)),
    "ncnn-param": b"7767517\n2 2\nInput data 0 1 data\n",
    "pt": archive({"net/data.pkl": b"\x80\x02.", "net/version": b"3"}),
    "torchscript": archive({"net/data.pkl": b"\x80\x02.", "net/constants.pkl": b"\x80\x02."}),
    "pt2": archive({"net/archive_format": b"pt2", "net/models/model.json": b"{}"}),
    "pt-legacy": pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + b"\x80\x02.",
    "pickle": pickle.dumps({"w": 1}),
    "pickle 0": pickle.dumps({"w": 1}, 0),
    "pickle 1": pickle.dumps([1], 1),
    "npy": array(),
    "npz": archive({"noise-0/data.npy": array(), "w.npy": array()}),
    "zip": archive({"x-symbol.json": b"{}"}),
    "zip damaged": b"PK\x03\x04" + bytes(200),
    "gzip": b"\x1f\x8b\x08" + bytes(20),
    "tar": tar(),
    "archive": bz2.compress(b"x"),
    "ncnn-param-bin": struct.pack("<iii", 7767517, 2, 2),
    "darknet-weights": struct.pack("<iiiq", 0, 2, 5, 1) + bytes(40),
    "darknet": b"# yolo\n[net]\nbatch=1\n",
    "html": b"\n<!DOCTYPE html><html>404</html>",
    "html error": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "html cut out": b"<title>404 Not Found</title>",
    "html commented": b"<!-- saved from (0042)https://example.com/ --><html></html>",
    "html utf-16": "<!DOCTYPE html><html></html>".encode("utf-16"),
    "openvino": b'<?xml version="1.0"?>\n<net name="x" version="11"><layers></layers></net>',
    "xml": b'<?xml version="1.0"?>\n<PMML version="4.4"/>',
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "image": b"\x89PNG\r\n\x1a\n" + bytes(30),
    "image bmp": struct.pack("<2sIII", b"BM", 58, 0, 54) + bytes(44),
    "image webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "python": b'"""A net."""\n\nimport torch\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_format_is_told_by_content(name: str, tmp_path: Path) -> None:
    path = tmp_path / "whatever.txt"
    path.write_bytes(FILES[name])
    assert recognise(path).name == name.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("savedmodel", ["saved_model.pb"]),
        ("mlpackage", ["Manifest.json", "Data/com.apple.CoreML/model.mlmodel"]),
        ("ir", ["model.onnx", "model.json", "weights.safetensors"]),
        ("transship", ["transship.json", "ir/model.onnx"]),
        ("transship", ["source/x-symbol.json", "ir/model.onnx"]),
        ("transship-target", ["code/deploy.prototxt", "checkpoint/weights.caffemodel"]),
    ],
)
def test_folders(name: str, members: list[str], tmp_path: Path) -> None:
    for member in members:
        (tmp_path / member).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / member).touch()
    assert recognise(tmp_path).name == name


def test_ncnn_s_weights_are_told_by_what_lies_beside_them(tmp_path: Path) -> None:
    weights = tmp_path / "net.bin"
    weights.write_bytes(bytes(4) + b"\x9a\x99\x19\x3e" * 10)
    with pytest.raises(BadInput, match="no format that is known"):
        recognise(weights)
    weights.with_suffix(".param").write_bytes(FILES["ncnn-param"])
    assert recognise(weights).name == "ncnn-bin"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello\n", "no format"),
        (b"\0" * 50, "no format"),
        (b"\xff" * 9, "no format"),
        (b"BMW, BZh and other text\n", "no format"),
        (b'name: "ci"\non: push\n', "no format"),
    ],
)
def test_what_is_none(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        recognise(path)
    assert caught.value.where == str(path)
    assert caught.value.fix


def test_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "saved_model.pb").touch()
    monkeypatch.chdir(tmp_path)
    assert recognise(Path()).name == "savedmodel"
    (tmp_path / "saved_model.pb").unlink()
    for path in (Path(), Path("..") / tmp_path.name):
        with pytest.raises(BadInput, match="folder of no model"):
            recognise(path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        recognise(tmp_path / "x")
    with pytest.raises(BadInput, match="folder of no model"):
        recognise(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        recognise(tmp_path / "pipe")


def test_a_large_message_is_not_read(tmp_path: Path) -> None:
    """Two layers of a gigabyte each, which the file only pretends to hold."""
    path = tmp_path / "x"
    layer = varint(100 << 3 | 2) + varint(1 << 30)
    with path.open("wb") as file:
        file.write(field(1, b"net") + layer)
        file.seek(1 << 30, os.SEEK_CUR)
        file.write(layer)
        file.truncate(1 << 31)
    assert recognise(path).name == "caffemodel"


def check(path: Path, content: bytes) -> None:
    """Whatever it is, it is a format or bad input."""
    path.write_bytes(content)
    try:
        found = recognise(path)
    except BadInput as error:
        found = Format("", str(error))
    assert found.name or str(path) in found.title


@given(content=st.binary(max_size=400))
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(tmp_path_factory.getbasetemp() / "any", content)


@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_damaged_files(name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = bytearray(FILES[name][:2000])
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    check(tmp_path_factory.getbasetemp() / "damaged", bytes(content[: data.draw(st.integers(0, len(content)))]))


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    """The names that tell an archive say nothing in a folder."""
    for name in ("data.pkl", "archive_format", "config.json", "metadata.json", "model.weights.h5"):
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match="folder of no model"):
        recognise(tmp_path)


def test_a_long_list_of_members_is_not_read(tmp_path: Path) -> None:
    """An archive of a hundred thousand members; of millions, the list would take gigabytes in memory."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    for count, members in ((10, {"a"}), (100_000, set())):
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(entry) * count, 30, 0)
        path = tmp_path / "x"
        path.write_bytes(b"PK\3\4" + bytes(26) + entry * count + end)
        assert Sample.of(path).members == members
        assert recognise(path).name == "zip"


SAFETENSORS = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}


def tensors(path: Path, header: object, size: int = 16) -> Path:
    """A safetensors file with any header."""
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content + bytes(size))
    return path


def test_what_a_header_of_safetensors_says(tmp_path: Path) -> None:
    path = tensors(tmp_path / "x", {"__metadata__": {"format": "pt"}, **SAFETENSORS})
    assert describe_tensors(path).parameters == {"w": ((2, 2), "float32")}


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (SAFETENSORS, 15),
        ({"w": {**SAFETENSORS["w"], "shape": [2, 3]}}, 99),
        ({"w": {**SAFETENSORS["w"], "shape": [-2, -2]}}, 99),
        ({"w": {**SAFETENSORS["w"], "shape": [1 << 70]}}, 99),
        ({"w": {**SAFETENSORS["w"], "shape": "22"}}, 99),
        ({"w": {**SAFETENSORS["w"], "dtype": []}}, 99),
        ({"w": {**SAFETENSORS["w"], "data_offsets": [0]}}, 99),
        ({"w": []}, 99),
        ([], 99),
        (b'{"w": ', 99),
        (b'{"w":' * 100_000, 99),
    ],
)
def test_what_a_header_of_safetensors_must_not_say(header: object, size: int, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="damaged") as caught:
        describe_tensors(tensors(tmp_path / "x", header, size))
    assert caught.value.where == str(tmp_path / "x")


def test_a_header_longer_than_its_file(tmp_path: Path) -> None:
    for length in (11, 99_000_000, (1 << 64) - 1):
        (tmp_path / "x").write_bytes(struct.pack("<Q", length) + b'{"w": 1} ')
        with pytest.raises(BadInput, match="does not lie within it"):
            describe_tensors(tmp_path / "x")
