"""``transship inspect`` on good, odd and broken files."""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import pytest
import safetensors.numpy

import converter
from tasks import cli
from tasks.targets import TARGETS
from tests.cli.command import Command
from tests.emitters.models import noise
from tests.parsers.files import Net, params_file, write

SHAPE = ("--input-shape", "3,8,8")


@pytest.fixture
def net(tmp_path: Path) -> tuple[Path, Path]:
    """A convolution and a sine, which Caffe lacks, in a folder with a space."""
    folder = tmp_path / "my nets"
    folder.mkdir()
    net = Net()
    data = net.input("data", noise("data", (1, 3, 8, 8)))
    kernel = net.arg("kernel", noise("kernel", (2, 3, 3, 3)))
    value = net.node("Convolution", "conv", [data, kernel], kernel="(3, 3)", num_filter="2", no_bias="True")
    net.node("sin", "wave", [value])
    return write(folder, net.symbol(), net.params)


def inspected(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """What it says for scripts."""
    assert cli.main(["inspect", *map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_both_files(net: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, *net, *SHAPE)
    assert [each["format"] for each in found["files"]] == ["mxnet-symbol", "mxnet-params"]
    assert found["model"] == {
        "framework": "mxnet",
        "written_by": "MXNet 1.9.1",
        "operators": {"Convolution": 1, "sin": 1},
        "unknown": [],
        "inputs": {"data": None},
        "outputs": ["wave"],
        "parameters": {"kernel": [[2, 3, 3, 3], "float32"]},
    }
    assert found["targets"].keys() == TARGETS.keys()
    assert found["targets"]["onnx"] == {"supported": True, "reason": ""}
    refused = found["targets"]["caffe"]
    assert not refused["supported"]
    assert "Sin (wave" in refused["reason"]


def test_a_person_reads_the_same(net: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", *map(str, net), *SHAPE]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for line in (
        f"{net[1]}: MXNet parameters, {net[1].stat().st_size:,} bytes",
        "parameters   1 arrays, 54 numbers, 0.0 MiB: float32",
        "2 operators  Convolution 1, sin 1",
        "onnx        √ can be converted",
    ):
        assert line in said.out.splitlines()
    assert "caffe       ✗ refused: 1 x Sin (wave" in said.out
    assert "to do" not in said.out
    assert cli.main(["inspect", *map(str, net), *SHAPE, "-v"]) == 0
    assert "kernel: 2 x 3 x 3 x 3, float32" in capsys.readouterr().out


def test_a_symbol_alone_asks_for_its_shape(net: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, net[0])
    assert found["targets"] is None
    assert "--input-shape" in found["unread"]
    assert inspected(capsys, net[0], *SHAPE)["targets"]["onnx"]["supported"], "what a target does needs no weights"


def test_parameters_alone(net: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(capsys, net[1])
    assert found["model"]["parameters"] == {"kernel": [[2, 3, 3, 3], "float32"]}
    assert found["targets"] is None


def test_parameters_of_another_network(net: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    net[1].write_bytes(params_file({"arg:other": np.zeros(3, np.float32)}))
    found = inspected(capsys, *net)
    assert "not the parameters of this network: they lack 'kernel', and have 0 of 1 arrays" in found["unread"]
    assert found["model"]["inputs"] == {"data": None}
    assert found["targets"] is None
    fed = inspected(capsys, *net, "--input-shape", "data:1,3,8,8", "--input-shape", "kernel:2,3,3,3")
    assert "these are not the parameters" not in fed["unread"], "it is an input, where that is said"


def test_an_operator_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    net.node("Frobnicate\x1b[31m", "odd", [net.input("data", noise("data", (1, 3, 8, 8)))])
    files = write(tmp_path, net.symbol(), {"arg:w": np.zeros(1, np.float32)})
    found = inspected(capsys, *files, *SHAPE)
    assert found["model"]["unknown"] == ["Frobnicate\x1b[31m"]
    assert "Frobnicate" in found["unread"]
    assert cli.main(["inspect", *map(str, files), *SHAPE]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_an_ir_and_where_it_lies(net: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = converter.parse("mxnet", graph=net[0], weights=net[1], inputs={"data": (1, 3, 8, 8)})
    converter.save(model, tmp_path / "made" / "ir")
    (tmp_path / "made" / "source").mkdir()
    (tmp_path / "made" / "onnx").mkdir()
    (tmp_path / "made" / "onnx" / "verify.json").write_text('{"verdict": "close"}')
    (tmp_path / "made" / "ncnn").mkdir()
    (tmp_path / "made" / "ncnn" / "verify.json").write_text("[]")
    found = inspected(capsys, tmp_path / "made")
    assert found["verdicts"] == {"onnx": "close"}
    assert found["model"]["operators"] == {"Conv": 1, "Sin": 1}
    again = inspected(capsys, tmp_path / "made" / "ir")
    assert {**again, "files": None, "verdicts": None} == {**found, "files": None, "verdicts": None}
    assert again["targets"]["pytorch"]["supported"]


def test_somebody_s_onnx(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 3]) for name in "ab"]
    node = onnx.helper.make_node("Odd", ["a"], ["b"], domain="com.example")
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", info[:1], info[1:]), producer_name="me")
    path = tmp_path / "x.onnx"
    path.write_bytes(model.SerializeToString())
    found = inspected(capsys, path)
    assert found["model"]["operators"] == {"com.example::Odd": 1}
    assert found["model"]["inputs"] == {"a": ["N", 3]}
    assert found["targets"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda graph: graph.output.pop(), "it has no output"),
        (lambda graph: graph.node.append(graph.node[0]), "single static assignment"),
        (lambda graph: setattr(graph.initializer[0], "data_type", 99), "what the targets do with it"),
        (lambda graph: graph.node[0].input.append("nowhere"), "what the targets do with it"),
    ],
)
def test_an_ir_that_somebody_has_spoiled(
    change: Callable[[Any], object],
    said: str,
    net: tuple[Path, Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    model = converter.parse("mxnet", graph=net[0], weights=net[1], inputs={"data": (1, 3, 8, 8)})
    converter.save(model, tmp_path / "ir")
    proto = onnx.load_model_from_string((tmp_path / "ir" / "model.onnx").read_bytes())
    change(proto.graph)
    (tmp_path / "ir" / "model.onnx").write_bytes(proto.SerializeToString())
    assert cli.main(["inspect", str(tmp_path / "ir"), "--json"]) == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)
    assert found["targets"] is None
    assert said in found["unread"]


def test_a_name_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"\x08\x0a\x12\x02\xff\xfe\x3a\x02\x12\x00")
    assert cli.main(["inspect", str(path)]) == 1
    assert "damaged" in capsys.readouterr().err


def test_weights_of_another_ir(net: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = converter.parse("mxnet", graph=net[0], weights=net[1], inputs={"data": (1, 3, 8, 8)})
    converter.save(model, tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    assert "'kernel' is not where it says" in inspected(capsys, tmp_path)["unread"]


def test_safetensors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(safetensors.numpy.save({"w\x1b[31m": np.zeros((2, 3), np.float16)}))
    assert inspected(capsys, path)["model"]["parameters"] == {"w\x1b[31m": [[2, 3], "float16"]}
    assert cli.main(["inspect", str(path), "-v"]) == 0
    said = capsys.readouterr().out
    assert "[31m: 2 x 3, float16" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("verdict", ['{"verdict": "\\u001b[31mexact"}', "[" * 100_000, '{"verdict": []}', "{}"])
def test_verdicts_that_are_none(verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "transship.json").write_text('{"model": "x"}')
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "verify.json").write_text(verdict)
    assert inspected(capsys, tmp_path)["verdicts"] == {}


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("transship.json", "onnx/verify.json", "ir/model.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
    process = Command(tmp_path, tmp_path / "cache").start("inspect", ".")
    assert "there is no model" in process.communicate(timeout=60)[1]


def test_a_target_s_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("code", "checkpoint"):
        (tmp_path / "caffe" / name).mkdir(parents=True)
    (tmp_path / "caffe" / "verify.json").write_text('{"verdict": "exact"}')
    assert inspected(capsys, tmp_path / "caffe")["verdicts"] == {"caffe": "exact"}


def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    """As an archive from elsewhere leaves them: of another encoding, and with what steers a terminal."""
    name = os.fsdecode(b"model\xff\x1b[31m")
    (tmp_path / name).write_bytes(struct.pack("<I", 28) + b"TFL3" + bytes(40))
    command = Command(tmp_path, tmp_path / "cache")
    for words in ((name,), (name, "--json")):
        done = command.run("inspect", *words, PYTHONIOENCODING="utf-8:strict")
        assert done.returncode == 2, done.stderr
        assert "rename it" in done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_what_cannot_be_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(struct.pack("<I", 28) + b"TFL3" + bytes(40))
    assert cli.main(["inspect", str(path)]) == 0
    assert "TensorFlow Lite, 48 bytes\n  conversions do not start from it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cut-symbol.json", b'{"nodes": [', "JSON"),
        ("cut-0000.params", struct.pack("<QQQ", 0x112, 0, 5), "params"),
        ("cut.onnx", b"\x08\x0a\x3a\xff\xff\xff\x7f\x0a", "ONNX"),
        ("cut.safetensors", struct.pack("<Q", 90) + b'{"w": {', "safetensors"),
        ("empty", b"", "empty"),
        ("other.txt", b"hello", "no format"),
    ],
)
def test_broken_files(
    name: str, content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert cli.main(["inspect", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert name in captured.err
    assert len(captured.err.splitlines()) <= 3


def test_standard_input(
    net: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, found in zip(net, ("mxnet-symbol", "mxnet-params"), strict=True):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        (told,) = inspected(capsys, "-")["files"]
        assert (told["path"], told["format"]) == ("-", found)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert cli.main(["inspect", "-"]) == 1
    assert "empty" in capsys.readouterr().err


def test_files_that_do_not_belong_together(net: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    picture = net[0].with_name("cat.png")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert cli.main(["inspect", str(net[0]), str(picture)]) == 1
    assert "not of the same model" in capsys.readouterr().err
    assert cli.main(["inspect", str(net[0]), str(net[0])]) == 2
    assert cli.main(["inspect", str(picture), str(net[0].parent)]) == 1
