"""Files that are written without the framework that they are for."""

from __future__ import annotations

import io
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx_ir
import onnxruntime
import pytest

import converter
from converter import TransshipError, save_model
from converter.errors import BadInput, Unsupported
from converter.gluon import build
from converter.gluon.build import BUILDERS, Built
from tests.emitters.cases.detectors import detector
from tests.emitters.models import Builder, noise
from tests.parsers.files import Net, write
from tests.support.project import ROOT


def model(*, weight: float = 0.5) -> onnx_ir.Model:
    """A convolution with bias, its batch normalization, and a dense layer."""
    net = Builder()
    value = net.input("data", (1, 3, 6, 6))
    value = net.node("Conv", "conv", value, net.parameter("kernel", (4, 3, 3, 3)), net.parameter("bias", (4,)))
    states = [net.parameter(name, (4,), low=0.1) for name in ("gamma", "beta", "mean", "variance")]
    value = net.node("BatchNormalization", "bn", value, *states, epsilon=1e-3)
    value = net.node("Flatten", "flat", value)
    value = net.node(
        "Gemm", "dense", value, net.parameter("weight", (5, 64), value=np.full((5, 64), weight)), transB=1
    )
    return net.model(value)


@pytest.fixture
def gluon_model(tmp_path: Path) -> onnx_ir.Model:
    """The same from MXNet's files."""
    net = Net()
    value = net.input("data", noise("data", (1, 3, 6, 6)))
    kernel = net.arg("kernel", noise("kernel", (4, 3, 3, 3)))
    net.node("Convolution", "conv", [value, kernel], kernel="(3, 3)", num_filter="4", no_bias="True")
    graph, weights = write(tmp_path, net.symbol(), net.params)
    return converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": (1, 3, 6, 6)})


def blobs(built: Built) -> dict[str, list[np.ndarray]]:
    """The weights of a ``NetParameter`` by layer."""
    return {
        layer.name: [np.array(blob.data, np.float32).reshape(list(blob.shape.dim)) for blob in layer.blobs]
        for layer in built.weights.layer
        if layer.blobs
    }


def test_a_caffemodel_holds_the_layers_and_their_blobs() -> None:
    built = build.caffe(model())
    assert [layer.type for layer in built.network.layer] == [layer.type for layer in built.weights.layer]
    assert not any(layer.blobs for layer in built.network.layer)
    found = blobs(built)
    np.testing.assert_array_equal(found["conv"][0], noise("kernel", (4, 3, 3, 3)))
    assert [blob.shape for blob in found["dense"]] == [(5, 64)]


def test_merging_is_an_option() -> None:
    types = [layer.type for layer in build.caffe(model(), merge_bn=True).network.layer]
    assert "BatchNorm" not in types


def test_the_weights_of_a_parsed_file_are_windows_into_it(gluon_model: onnx_ir.Model) -> None:
    found = blobs(build.caffe(gluon_model))
    np.testing.assert_array_equal(found["conv"][0], noise("kernel", (4, 3, 3, 3)))


def test_the_bytes_of_a_large_blob() -> None:
    values = noise("large", (3, 7000))
    blob = build.message("BlobProto").FromString(build._packed(values))
    np.testing.assert_array_equal(np.array(blob.data, np.float32), values.ravel())


@pytest.mark.parametrize("opset", [13, 18, 21])
def test_an_onnx_file_computes_what_the_ir_computes(opset: int, tmp_path: Path) -> None:
    source = model()
    converter.save(source, tmp_path / "ir")
    built = BUILDERS["onnx"](source, opset=opset)
    (tmp_path / "ir" / "other.onnx").write_bytes(built.weights.SerializeToString())
    given = {"data": noise("data", (1, 3, 6, 6))}
    wanted, found = (
        onnxruntime.InferenceSession(str(tmp_path / "ir" / name), providers=["CPUExecutionProvider"]).run(None, given)
        for name in ("model.onnx", "other.onnx")
    )
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5)
    assert [(each.domain, each.version) for each in built.weights.opset_import if not each.domain] == [("", opset)]


def test_a_detector_s_onnx_file_has_the_operators_of_its_code() -> None:
    built = BUILDERS["onnx"](detector())
    operators = {node.op_type for function in built.weights.functions for node in function.node}
    assert "NonMaxSuppression" in operators
    assert "op.NonMaxSuppression(" in built.network


def test_the_source_is_not_changed() -> None:
    source = model()
    before = onnx_ir.serde.serialize_model(source).SerializeToString()
    for target in BUILDERS.values():
        target(source)
    assert onnx_ir.serde.serialize_model(source).SerializeToString() == before


@pytest.mark.parametrize("target", ["caffe", "ncnn"])
def test_a_weight_that_is_not_finite_is_refused(target: str) -> None:
    with pytest.raises(BadInput, match=r"dense.* would be NaN or infinite"):
        BUILDERS[target](model(weight=np.inf))


def test_ncnn_refuses_what_fp16_cannot_hold() -> None:
    assert len(build.ncnn(model(), storage="fp16").weights) < len(build.ncnn(model()).weights)
    with pytest.raises(BadInput, match="fp16 cannot hold"):
        build.ncnn(model(weight=1e6), storage="fp16")


@pytest.mark.parametrize("storage", ["fp32", "fp16"])
def test_ncnn_s_file_is_the_one_that_its_container_writes(storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = {"ncnn": SimpleNamespace(DataReader=object), "cases": SimpleNamespace(), "weights": build.weights}
    for name, module in beside.items():
        monkeypatch.setitem(sys.modules, name, module)
    step = runpy.run_path(str(ROOT / "images/ncnn/checkpoint.py"), run_name="checkpoint")
    built = build.ncnn(model(), storage=storage)
    file = io.BytesIO()
    for row in built.plan["parameters"]:
        step["write"](file, row, step["value_of"](row, build.Tensors(model())), built.plan["storage"])
    assert built.weights == file.getvalue()


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(BadInput, match="no option"):
        build.caffe(model(), colour=True)


def test_what_no_protobuf_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LIMIT", 100)
    for target in (build.caffe, build.onnx_model):
        with pytest.raises(Unsupported, match="cannot be more than 100"):
            target(model())


@pytest.mark.parametrize(
    ("target", "suffixes"),
    [("caffe", {".prototxt", ".caffemodel"}), ("ncnn", {".param", ".bin"}), ("onnx", {".onnx"})],
)
def test_the_files_that_are_saved(target: str, suffixes: set[str], tmp_path: Path) -> None:
    built = BUILDERS[target](model())
    save_model(built.network, built.weights, tmp_path / "new" / "net.v1")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {f"net.v1{suffix}" for suffix in suffixes}


def test_nothing_half_written_stays_where_a_file_cannot_be(tmp_path: Path) -> None:
    built = build.caffe(model())
    (tmp_path / "net.caffemodel").mkdir()
    (tmp_path / "net.caffemodel" / "kept").touch()
    with pytest.raises(TransshipError, match="cannot write"):
        save_model(built.network, built.weights, tmp_path / "net")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_no_conversion_returned_is_not_saved(tmp_path: Path) -> None:
    built = build.caffe(model())
    for network, weights in ((built.weights, b""), ("", ""), (None, None)):
        with pytest.raises(BadInput, match="not network and weights"):
            save_model(network, weights, tmp_path / "net")
    assert not list(tmp_path.iterdir())
