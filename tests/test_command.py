"""``python -m converter ir``: what it writes, what it says, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from converter.__main__ import main
from tests.parsers.case import noise
from tests.parsers.files import Net, write


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    net = Net()
    net.node("FullyConnected", "fc", [net.variable("in:put"), net.arg("w", noise("w", 4, 6))], no_bias="True")
    net.nodes[-1]["attrs"]["num_hidden"] = "4"
    folder = tmp_path / "a folder"
    folder.mkdir()
    return write(folder, net.symbol(), net.params)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["converter", *map(str, arguments)])
    return main()


def test_writes_the_ir_and_says_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    graph, weights = files
    command = [sys.executable, "-m", "converter", "ir", "--graph", graph, "--weights", weights]
    command += ["--input", "in:put:batch,6", "--output", tmp_path / "my ir"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    written = sorted(path.name for path in (tmp_path / "my ir").iterdir())
    assert written == ["model.json", "model.onnx", "weights.safetensors"]


def test_structure_alone_is_a_warning(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ir", "--graph", files[0], "--input", "in:put:1,6", "-o", tmp_path / "ir"]
    assert call(monkeypatch, *arguments) == 0
    assert capsys.readouterr().err == "warning: net has no weights: it can be viewed, not run\n"
    assert sorted(path.name for path in (tmp_path / "ir").iterdir()) == ["model.json", "model.onnx"]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("in:put:1,7", "parameter 'w' is 4x6 in the file, but FullyConnected 'fc' needs 4x7"),
        ("1,7", "--input '1,7' is no shape"),
        ("data:", "--input 'data:' is no shape"),
        ("data:1,6", "the network has no input 'data'"),
    ],
)
def test_a_refusal_is_one_message_and_nothing_is_written(
    files: tuple[Path, Path],
    tmp_path: Path,
    shape: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    graph, weights = files
    arguments = ["ir", "--graph", graph, "--weights", weights, "--input", shape, "-o", tmp_path / "ir"]
    assert call(monkeypatch, *arguments) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == message
    assert said[1].startswith("  to do: ")
    assert not (tmp_path / "ir").exists()
