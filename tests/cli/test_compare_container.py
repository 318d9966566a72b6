"""``transship compare`` with real frameworks on both sides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from tests.cli.command import Command
from tests.support.project import Project

pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def command(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Beside MTCNN's ONet, and all that was made of it."""
    folder = tmp_path_factory.mktemp("compare") / "my nets"
    shutil.copytree(converted.folder / "build" / "mtcnn-onet", folder / "onet")
    shutil.copytree(folder / "onet" / "source", folder, dirs_exist_ok=True)
    return Command(folder, converted.cache)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("det3-symbol.json", "onet/caffe"),
        ("onet/caffe", "onet/tensorflow"),
        ("onet/ir", "onet/ncnn"),
        ("onet/keras", "onet/ir"),
        ("onet/onnx/checkpoint/model.onnx", "det3-symbol.json,det3-0001.params"),
    ],
)
def test_the_same(a: str, b: str, command: Command) -> None:
    done = command.run("compare", a, b)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{b} against {a}: √ exact" in done.stdout
    if b == "onet/tensorflow":
        assert "prob1_output tflite" in done.stdout
    again = command.run("compare", a, b, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert (again.returncode, again.stdout) == (0, done.stdout)


def test_a_spoiled_weight_is_found(command: Command, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.onnx"
    model = onnx.load(command.folder / "onet" / "onnx" / "checkpoint" / "model.onnx")
    (kernel,) = (each for each in model.graph.initializer if each.name == "conv3_weight")
    values = onnx.numpy_helper.to_array(kernel).copy()
    values[0] += np.float32(0.5)
    kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))
    onnx.save(model, spoiled)
    done = command.run("compare", "onet/caffe", str(spoiled), "--json", "-o", str(tmp_path / "verdict.json"))
    assert done.returncode == 3, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["a"], found["b"], found["verdict"]) == ("onet/caffe", str(spoiled), "differs")
    assert json.loads((tmp_path / "verdict.json").read_text())["reasons"] == found["reasons"]
    assert command.run("compare", "onet/caffe", str(spoiled)).returncode == 3


def test_outputs_of_other_names(command: Command, tmp_path: Path) -> None:
    """Two of the three have a shape of their own; all have."""
    renamed = tmp_path / "renamed.onnx"
    model = onnx.load(command.folder / "onet" / "onnx" / "checkpoint" / "model.onnx")
    for value in model.graph.output:
        for node in model.graph.node:
            node.output[:] = [f"{name}_2" if name == value.name else name for name in node.output]
        value.name += "_2"
    onnx.save(model, renamed)
    done = command.run("compare", "onet/ir", str(renamed))
    assert done.returncode == 0, done.stdout + done.stderr
    done = command.run("compare", "onet/ir", str(renamed), "--pair", "prob1_output=conv6_2_output_2")
    assert done.returncode != 0, "what was typed counts"


def test_models_that_take_other_things(command: Command, converted: Project) -> None:
    other = converted.folder / "build" / "gender-age" / "onnx"
    done = command.run("compare", "onet/onnx", str(other))
    assert done.returncode == 1
    assert "input 'data' is" in done.stderr
