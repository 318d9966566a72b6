"""The independent reader of Core ML's packages: its files, its register and its graph, without Core ML's tools."""

from __future__ import annotations

import ast
import importlib
import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from tasks.modules import companions
from tests.support.containers import ROOT

FOLDER = ROOT / "images" / "coreml"
ALLOWED = {"google", "numpy", "onnx", "onnxruntime", *sys.stdlib_module_names}


@pytest.fixture(scope="module")
def reader() -> Iterator[SimpleNamespace]:
    """The modules beside the step, by their names."""
    sys.path.insert(0, str(FOLDER))
    names = ("readback", "readback_graph", "readback_package", "readback_convolution", "readback_image")
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    sys.path.remove(str(FOLDER))


def test_the_reader_shares_no_code_with_what_writes_packages() -> None:
    files = companions(FOLDER / "run.py", ROOT / "images" / "base")
    own = {name.removesuffix(".py") for name in files}
    assert own >= {"run", "cases", "readback"}
    assert not own & {"checkpoint", "weights"}
    for file in files.values():
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= ALLOWED | own, file


def blob(array: np.ndarray, kind: int = 2, *, sentinel: int = 0xDEADBEEF, size: int | None = None) -> bytes:
    """A file of weights with one record."""
    record = struct.pack("<IIQQ", sentinel, kind, array.nbytes if size is None else size, 128)
    return struct.pack("<II", 1, 2).ljust(64, b"\0") + record.ljust(64, b"\0") + array.tobytes()


def test_a_record_is_a_view_of_the_file(reader: SimpleNamespace) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    content = blob(array)
    found = reader.readback_package.read_blob(memoryview(content), 64, "fp32", (2, 3))
    np.testing.assert_array_equal(found, array)
    assert np.shares_memory(found, np.frombuffer(content, np.uint8))


@pytest.mark.parametrize(
    ("content", "offset", "words"),
    [
        (blob(np.zeros(6, np.float32)), 65, "refers to offset 65"),
        (blob(np.zeros(6, np.float32)), 0, "refers to offset 0"),
        (blob(np.zeros(6, np.float32)), 2**63, "refers to offset"),
        (blob(np.zeros(6, np.float32), sentinel=0), 64, "no record at offset 64"),
        (blob(np.zeros(6, np.float32), size=2**64 - 64), 64, "beyond its end"),
        (blob(np.zeros(6, np.float32), size=20), 64, r"is not fp32 of shape \(6,\)"),
        (blob(np.zeros(6, np.float32), kind=1), 64, r"is not fp32 of shape \(6,\)"),
        (blob(np.zeros(6, np.float32), kind=99), 64, r"is not fp32 of shape \(6,\)"),
        (b"", 64, "header of another format"),
        (b"\1\0\0\0\x07".ljust(300, b"\0"), 64, "header of another format"),
    ],
)
def test_a_record_that_is_none_is_refused(content: bytes, offset: int, words: str, reader: SimpleNamespace) -> None:
    if offset == 65:
        content = content[:128]
    with pytest.raises(reader.readback_package.UnreadableError, match=words):
        reader.readback_package.read_blob(memoryview(content), offset, "fp32", (6,))


@pytest.mark.parametrize(
    "path", ["../../outside", "/etc/passwd", "missing", "folder", "", "model\0", "../" * 40 + "etc/passwd"]
)
def test_a_model_outside_of_the_package_is_refused(path: str, tmp_path: Path, reader: SimpleNamespace) -> None:
    package = tmp_path / "model.mlpackage"
    (package / "Data" / "folder").mkdir(parents=True)
    (tmp_path / "outside").write_text("")
    manifest = {"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": path}}}
    (package / "Manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(reader.readback_package.UnreadableError, match="which is not a file in it"):
        reader.readback_package.model_path(package)


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", "[" * 100000, '{"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": 3}}}']
)
def test_a_manifest_that_is_none_is_refused(manifest: str, tmp_path: Path, reader: SimpleNamespace) -> None:
    (tmp_path / "Manifest.json").write_text(manifest)
    with pytest.raises(reader.readback_package.UnreadableError, match=r"Manifest\.json names no model"):
        reader.readback_package.model_path(tmp_path)


def test_a_specification_of_another_kind_is_refused(reader: SimpleNamespace) -> None:
    spec = SimpleNamespace(WhichOneof=lambda _: "neuralNetwork")
    with pytest.raises(reader.readback_package.UnreadableError, match="holds no ML Program"):
        reader.readback.main_function(spec)


def test_one_error_names_all_unknown_operations(reader: SimpleNamespace) -> None:
    names = ["const", "zeta", "conv", "alpha", "zeta"]
    block = SimpleNamespace(operations=[SimpleNamespace(type=name) for name in names])
    with pytest.raises(reader.readback_package.UnreadableError, match=r"read back: alpha \(1\), zeta \(2\)$"):
        reader.readback._check_known(block)


def run(
    module: ModuleType, kind: str, operation: str, x: np.ndarray, version: int = 7, **constants: Any
) -> np.ndarray:
    """What an operation makes of ``x``."""
    package = importlib.import_module("readback_package")
    graph = module.Graph(version, (package.Type(kind, x.shape),))
    tensor, info = graph.input(package.Type(kind, x.shape))
    inputs = {
        name: [value if isinstance(value, module.Tensor) else graph.literal(*_literal(value))]
        for name, value in constants.items()
    }
    (name, *_) = module.call(graph, operation, {"x": [tensor], **inputs})
    result = graph.finished(name, package.Type(kind, ()))
    output = onnx.helper.make_tensor_value_info(result.name, module.ONNX_TYPES[kind], None)
    whole = onnx.helper.make_graph(graph.nodes, "main", [info], [output], graph.initializers)
    opsets = [onnx.helper.make_opsetid("", module.OPSET)]
    model = onnx.helper.make_model(whole, ir_version=module.IR_VERSION, opset_imports=opsets)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    (found,) = session.run(None, {info.name: x})
    return np.asarray(found)


def _literal(value: Any) -> tuple[np.ndarray, str]:
    if isinstance(value, str):
        return np.array(value, dtype=object), "string"
    array = np.asarray(value)
    return array, {"i": "int32", "f": "fp32", "b": "bool"}[array.dtype.kind]


def test_values_of_float16_are_rounded_after_every_operation(reader: SimpleNamespace) -> None:
    x = np.array([1.0, 0.1, 3.14159, 60000], np.float32)
    found = run(reader.readback_graph, "fp16", "square", x)
    half = x.astype(np.float16).astype(np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found, (half * half).astype(np.float16).astype(np.float32))


def test_narrow_integers_wrap(reader: SimpleNamespace) -> None:
    x = np.array([1, 12, 100], np.int32)
    np.testing.assert_array_equal(run(reader.readback_graph, "int8", "square", x), (x * x).astype(np.int8))


@pytest.mark.parametrize("indices", [[0, -1], [0, 3]])
def test_an_index_out_of_bounds_is_an_error(indices: list[int], reader: SimpleNamespace) -> None:
    x = np.arange(3, dtype=np.float32)
    with pytest.raises(Exception, match="out of data bounds"):
        run(reader.readback_graph, "fp32", "gather", x, indices=indices)


def test_before_ios_17_an_index_may_be_counted_from_the_last(reader: SimpleNamespace) -> None:
    x = np.arange(3, dtype=np.float32)
    found = run(reader.readback_graph, "fp32", "gather", x, version=6, indices=[0, -1])
    np.testing.assert_array_equal(found, [0, 2])


@pytest.mark.parametrize(
    ("operation", "constants", "words"),
    [
        ("relu", {"slope": 1.0}, "the unknown input slope"),
        ("leaky_relu", {}, "no input alpha"),
        ("leaky_relu", {"alpha": [1.0, 2.0]}, "alpha, which is not one value"),
        ("softmax", {"axis": 7}, "axis 7 of a tensor of rank 4"),
        ("reduce_sum", {"axes": [1.5]}, "1.5, which is not a whole number"),
        ("cast", {"dtype": "complex"}, "the type 'complex'"),
        ("local_response_norm", {"size": 4}, "an even number"),
        ("topk", {"sort": False}, "in no particular order"),
        ("upsample_nearest_neighbor", {"scale_factor_height": 1.5}, "not a whole number"),
        (
            "max_pool",
            {"kernel_sizes": [2, 2], "strides": [2, 2], "pad_type": "same_lower"},
            "documented in two ways",
        ),
        (
            "max_pool",
            {"kernel_sizes": [1, 1], "strides": [3, 3], "pad_type": "valid", "ceil_mode": True},
            "a window has no elements",
        ),
    ],
)
def test_what_is_not_documented_is_refused(
    operation: str, constants: dict[str, Any], words: str, reader: SimpleNamespace
) -> None:
    x = np.zeros((1, 2, 5, 6), np.float32)
    with pytest.raises(reader.readback_graph.RefusedError, match=words):
        run(reader.readback_graph, "fp32", operation, x, **constants)


def test_a_translation_is_registered_once(reader: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="conv is translated twice"):
        reader.readback_graph.reads("conv")(lambda _: "")


@pytest.mark.parametrize(
    ("mode", "points"),
    [
        ("UNALIGN_CORNERS", [0, 0.1, 0.5, 0.9, 1]),
        ("STRICT_ALIGN_CORNERS", [0, 0.25, 0.5, 0.75, 1]),
        ("ALIGN_CORNERS", [0, 0.25, 0.5, 0.75, 1]),
        ("DEFAULT", [0, 0.4, 0.8, 1, 1]),
        ("OFFSET_CORNERS", [0.1, 0.3, 0.5, 0.7, 0.9]),
    ],
)
def test_the_examples_of_the_documentation_of_sampling(
    mode: str, points: list[float], reader: SimpleNamespace
) -> None:
    np.testing.assert_allclose(reader.readback_image.grid_points(mode, 2, 5), points, atol=1e-12)
