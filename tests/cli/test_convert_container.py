"""``transship convert`` as a user has it: a model's files in a folder with a space, and real frameworks."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.errors import BadInput
from converter.formats import recognise
from tasks import engine
from tasks.executors.docker import RUN_LABEL
from tasks.targets import TARGETS
from tests.cli.command import Command
from tests.emitters.models import noise
from tests.parsers.files import Net, write
from tests.support.project import Project

pytestmark = pytest.mark.container

ONET = ("det3-symbol.json", "det3-0001.params", "--input-shape", "3,48,48")
FORMATS = {"caffemodel", "prototxt", "cntk", "mlmodel", "keras", "hdf5", "mxnet-symbol", "mxnet-params", "ncnn-param"}
FORMATS |= {"ncnn-bin", "onnx", "pt", "pt2", "safetensors", "savedmodel-pb", "tflite", "python"}
PIXELS = ("--channel-order", "BGR", "--mean", "127.5", "--scale", "0.0078125")


@pytest.fixture(scope="module")
def folder(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MTCNN's ONet, as downloaded."""
    folder = tmp_path_factory.mktemp("command") / "my nets"
    shutil.copytree(converted.folder / "build" / "mtcnn-onet" / "source", folder)
    return folder


@pytest.fixture(scope="module")
def command(converted: Project, folder: Path) -> Command:
    """Beside the model, with the images that are there."""
    return Command(folder, converted.cache)


def clipped(folder: Path) -> tuple[str, ...]:
    """A net whose ReLU6 has a lot to cut off, as arguments."""
    net = Net()
    value = net.node("clip", "relu6", [net.input("data", noise("data", (1, 3, 8, 8)))], a_min="0.0", a_max="6.0")
    net.node("Flatten", "flat", [value])
    folder.mkdir()
    graph, weights = write(folder, net.symbol(), {"arg:unused": noise("unused", (1,))})
    return graph.name, weights.name, "--input-shape", "3,8,8"


def kind(path: Path) -> str:
    """The format of a file; nothing for what has none: an example in C++, bare weights."""
    try:
        return recognise(path).name
    except BadInput:
        return ""


def test_all_targets_and_again(command: Command) -> None:
    words = ("convert", *ONET, *PIXELS, "--to", "all", "-o", "all of it", "--json")
    done = command.run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert {each["target"]: each["verdict"] for each in found["results"]} == dict.fromkeys(TARGETS, "exact")
    assert all((command.folder / file).is_file() for each in found["results"] for file in each["files"])
    paths = [command.folder / file for each in found["results"] for file in each["files"]]
    assert {kind(path) for path in paths} >= FORMATS
    assert not (command.folder / "all of it" / ".partial").exists()

    again = command.run(*words, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert "nothing to run" in again.stderr
    assert "ran " not in again.stderr


def test_a_photograph_of_one_s_own(command: Command) -> None:
    drawn = np.linspace(0, 255, 60 * 80 * 3).reshape(60, 80, 3).astype(np.uint8)
    Image.fromarray(drawn).save(command.folder / "my cat.png")
    done = command.run("convert", *ONET, *PIXELS, "--to", "onnx", "--image", "my cat.png", "-o", "cat")
    assert done.returncode == 0, done.stderr
    assert (command.folder / "cat" / "photographs" / "my_cat.png").is_file()
    with np.load(command.folder / "cat" / "reference" / "inputs.npz") as inputs:
        assert any("my_cat" in name for name in inputs.files)


def test_it_differs(command: Command, tmp_path: Path) -> None:
    words = clipped(tmp_path / "clipped")
    beside = Command(tmp_path / "clipped", command.cache)
    done = beside.run("convert", *words, "--to", "caffe", "--option", "relu6=relu")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "differs" in done.stdout
    assert "--mean and --scale" in done.stderr
    done = beside.run("convert", *words, "--to", "caffe", "-o", "right")
    assert (done.returncode, "exact" in done.stdout) == (0, True), done.stdout + done.stderr


def test_one_target_refuses_and_the_other_is_made(command: Command, tmp_path: Path) -> None:
    net = Net()
    net.node("sin", "wave", [net.input("data", noise("data", (1, 3, 8, 8)))])
    write(tmp_path, net.symbol(), {"arg:unused": noise("unused", (1,))})
    beside = Command(tmp_path, command.cache)
    done = beside.run("convert", "net-symbol.json", "net-0000.params", "--input-shape", "3,8,8", "--to", "caffe,onnx")
    assert done.returncode == 1
    assert "Sin" in done.stdout + done.stderr
    assert (tmp_path / "net" / "onnx" / "verify.json").is_file()
    assert not (tmp_path / "net" / "caffe").exists()


def test_not_verified(command: Command) -> None:
    done = command.run("convert", *ONET, "--to", "onnx", "--no-verify", "-o", "unverified")
    assert done.returncode == 0
    assert "not verified" in done.stdout
    assert (command.folder / "unverified" / "onnx" / "checkpoint" / "model.onnx").is_file()
    assert not (command.folder / "unverified" / "onnx" / "verify.json").exists()


def test_without_an_engine_it_says_so(command: Command) -> None:
    nowhere = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = command.run("convert", *ONET, "--to", "ncnn", "-o", "no engine", "--name", "other", **nowhere)
    assert done.returncode == 1
    assert "make engine" in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupted_it_leaves_no_container_and_goes_on(command: Command) -> None:
    words = ("convert", *ONET, "--range", "-2,2", "--to", "pytorch,tensorflow", "-o", "interrupted")
    process = command.start(*words)
    reference = command.folder / "interrupted" / "reference"
    for _ in range(600):
        if reference.is_dir():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert out == ""
    started = {path.name for path in (command.cache / "runs").iterdir()}
    left = engine.connect().containers.list(all=True, filters={"label": RUN_LABEL})
    assert not [each for each in left if each.labels[RUN_LABEL] in started]
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
