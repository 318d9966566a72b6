"""Files that are not what they should be: one clear message, exit code 1, nothing half-written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.parsers.files import Net, write
from tests.support.project import Project

Edit = Callable[[dict[str, object], dict[str, np.ndarray]], None]

MANIFEST = """
title = "A model of a test"
framework = "mxnet"
licence = "none"

[source.files.graph]
urls = ["{graph}"]
sha256 = "{graph_sha256}"
size = {graph_size}

[source.files.weights]
urls = ["{weights}"]
sha256 = "{weights_sha256}"
size = {weights_size}

[inputs.data]
shape = ["batch", 3, {size}, {size}]
range = [0.0, 1.0]
"""


class Model:
    """A small network whose two files and input a test may spoil before the project reads them."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder / "project", folder / "cache")
        net = Net("1.x")
        conv = net.node(
            "Convolution",
            "conv1",
            [net.input("data", np.zeros((1, 3, 8, 8), np.float32)), net.arg("w", weights(4, 3, 3, 3)), bias(net, 4)],
            kernel="(3, 3)",
            num_filter="4",
        )
        flat = net.node("Flatten", "flat", [conv])
        dense = [flat, net.arg("fc_w", weights(5, 144)), net.arg("fc_b", weights(5))]
        net.node("FullyConnected", "fc", dense, num_hidden="5")
        self.symbol, self.params = net.symbol(), net.params
        self.folder = folder
        self.size = 8

    def files(self) -> tuple[Path, Path]:
        """The symbol and the params file."""
        return write(self.folder, self.symbol, self.params, "V2")

    def read(self, graph: Path, params: Path, sha256: str = "") -> str:
        """What ``doit ir`` says of the two files, having failed; ``sha256`` is stated of the graph."""
        stated: dict[str, object] = {"size": self.size}
        for name, path in (("graph", graph), ("weights", params)):
            data = path.read_bytes()
            stated |= {
                name: path.as_uri(),
                f"{name}_sha256": hashlib.sha256(data).hexdigest(),
                f"{name}_size": len(data),
            }
        if sha256:
            stated["graph_sha256"] = sha256
        text = MANIFEST.format(**stated)
        (self.project.folder / "models" / "broken.toml").write_text(text)
        failed = self.project.doit("ir:broken")
        assert failed.returncode == 1, failed.stderr
        assert "Traceback" not in failed.stderr
        assert not (self.project.folder / "build" / "broken" / "ir").exists()
        assert list((self.project.folder / "build" / ".partial").glob("*")) == []
        return failed.stderr


def weights(*shape: int) -> np.ndarray:
    """Numbers of no meaning."""
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def bias(net: Net, channels: int) -> object:
    """A bias for the convolution."""
    return net.arg("b", weights(channels))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model(tmp_path)


def test_the_model_is_right_before_it_is_spoiled(model: Model) -> None:
    with pytest.raises(AssertionError):
        model.read(*model.files())
    assert (model.project.folder / "build" / "broken" / "ir" / "model.onnx").exists()


def test_truncated_params(model: Model) -> None:
    graph, params = model.files()
    params.write_bytes(params.read_bytes()[:-100])
    said = model.read(graph, params)
    assert params.name in said
    assert_short(said)


def test_json_that_is_no_symbol(model: Model) -> None:
    graph, params = model.files()
    graph.write_text(json.dumps({"layers": []}))
    said = model.read(graph, params)
    assert "not an MXNet symbol" in said
    assert_short(said)


def test_no_json_at_all(model: Model) -> None:
    graph, params = model.files()
    graph.write_bytes(b"\x80\x04pickle")
    said = model.read(graph, params)
    assert "not JSON" in said
    assert_short(said)


def test_unknown_operators_are_named_all_at_once(model: Model) -> None:
    for node in model.symbol["nodes"]:
        if node["op"] in ("Convolution", "FullyConnected"):
            node["op"] = f"My{node['op']}"
    said = model.read(*model.files())
    assert "MyConvolution: 1 node (conv1)" in said.replace(" (similar, and supported: Convolution)", "")
    assert "MyFullyConnected" in said
    assert "fc" in said


def test_a_missing_parameter(model: Model) -> None:
    del model.params["arg:fc_w" if "arg:fc_w" in model.params else "fc_w"]
    said = model.read(*model.files())
    assert "'fc_w'" in said
    assert_short(said)


def test_a_wrong_shape(model: Model) -> None:
    name = "arg:w" if "arg:w" in model.params else "w"
    model.params[name] = weights(4, 2, 3, 3)
    said = model.read(*model.files())
    assert "4x2x3x3" in said
    assert "4x3x3x3" in said
    assert "conv1" in said
    assert_short(said)


def test_an_input_shape_that_does_not_fit(model: Model) -> None:
    model.size = 9
    said = model.read(*model.files())
    assert "fc_w" in said
    assert "9" in said
    assert_short(said)


def test_a_wrong_hash(model: Model) -> None:
    graph, params = model.files()
    said = model.read(graph, params, sha256="0" * 64)
    assert "0" * 64 in said
    assert hashlib.sha256(graph.read_bytes()).hexdigest() in said
    assert_short(said)
    assert not (model.project.folder / "build" / "broken").exists()


def assert_short(said: str) -> None:
    """One to three lines."""
    assert 1 <= len(said.strip().splitlines()) <= 3, said


def test_a_manifest_that_is_not_understood(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    (project.folder / "models" / "broken.toml").write_text('title = "A model of a test"\n')
    failed = project.doit("convert:mtcnn-onet-caffe")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("the manifest broken.toml is not right: ")
    assert "Traceback" not in failed.stderr
