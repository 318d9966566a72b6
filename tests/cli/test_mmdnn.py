"""MMdnn's commands: their flags, what each becomes, and what cannot be had."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.cli import mmdnn
from tasks.cli.mmdnn import names
from tasks.cli.mmdnn.flags import COMMANDS, parse
from tasks.errors import UsageError
from tests import mmdnn_page
from tests.emitters.models import noise
from tests.parsers.files import Net, write
from tests.support.project import ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command beside a net; exit code, answer and complaints."""
    net = Net()
    data = net.input("data", noise("data", (1, 3, 8, 8)))
    kernel = net.arg("kernel", noise("kernel", (2, 3, 3, 3)))
    net.node("Convolution", "conv", [data, kernel], kernel="(3, 3)", num_filter="2", no_bias="True")
    write(tmp_path, net.symbol(), net.params)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSSHIP_CACHE", str(cache))

    def call(line: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", line.split())
        code = getattr(mmdnn, line.partition(" ")[0])()
        return code, *capsys.readouterr()

    return call


def test_the_page_has_every_flag() -> None:
    text = mmdnn_page.PAGE.read_text()
    assert mmdnn_page.current(text) == text, "python -m tests.mmdnn_page"
    assert all(f"`{name}`" in text for flags in COMMANDS.values() for flag in flags for name in flag.names)


def test_the_scripts_are_an_extra() -> None:
    scripts = tomllib.loads((ROOT / "compat" / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {name: f"tasks.cli.mmdnn:{name}" for name in sorted(COMMANDS)}
    assert all(callable(getattr(mmdnn, name)) for name in scripts)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["mmdnn"] == [f"transship-mmdnn=={project['version']}"]
    assert not COMMANDS.keys() & project["scripts"].keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_spelling(command: str) -> None:
    flags = COMMANDS[command]
    needed = [word for flag in flags if flag.required for word in (flag.names[0], "x")]
    for flag in flags:
        value = flag.harmless[0] if flag.harmless else "1,2"
        for name in flag.names:
            others = [] if flag.required else needed
            words = [
                word
                for each in flags
                if flag.required and each.required and each != flag
                for word in (each.names[0], "x")
            ]
            if flag.refused and not flag.harmless:
                with pytest.raises(UsageError, match=flag.refused[:20]):
                    parse(command, [*others, *words, name, value])
                continue
            found = getattr(parse(command, [*others, *words, name, value]), flag.key)
            assert found == ([value] if flag.several else value)


def test_several_shapes_as_mmdnn_reads_them() -> None:
    given = parse("mmtoir", ["-n", "x", "-d", "y", "--inputShape", "3,8,8", "1,4"])
    assert given.inputShape == ["3,8,8", "1,4"]


def test_to_the_ir_and_to_code(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("mmtoir -f mxnet -n net-symbol.json -d made/net --inputShape 3,8,8")
    assert (code, out.split()) == (0, ["made/net.pb", "made/net.json"])
    code, out, _ = run("mmtoir -f mxnet -n net-symbol.json -w net-0000.params -d made/net --inputShape 3,8,8")
    assert (code, out.split()) == (0, ["made/net.pb", "made/net.json", "made/net.npy"])
    for target, begins in (("caffe", "name:"), ("pytorch", '"""'), ("cntk", '"""')):
        code, out, _ = run(f"mmtocode -f {target} --IRModelPath made/net.pb --dstModelPath {target}.py")
        assert (code, out.split()) == (0, [f"{target}.py", f"{target}.plan.json"])
        assert begins in (tmp_path / f"{target}.py").read_text()
    words = "mmtocode -f mxnet -n made/net.pb -w made/net.npy -o net.py -dw net.weights"
    code, out, _ = run(words)
    assert (code, out.split()) == (0, ["net.py", "net.plan.json", "net.weights"])
    assert (tmp_path / "net.weights").read_bytes() == (tmp_path / "made" / "net.npy").read_bytes()
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("mmdownload", 2, "-f/--framework"),
        ("mmdownload -f keras", 2, "models of 'keras' cannot be read"),
        ("mmdownload -f mxnet -n imagenet1k-resnet-5", 2, "imagenet1k-resnet-50"),
        ("mmdownload -f mxnet -n vgg19 -i cat.jpg", 2, "--image cannot be had"),
        ("mmtoir -f tensorflow -n x -d y", 2, "cannot be read"),
        ("mmtoir -n net-symbol.json -d y --dstNodeName a b", 2, "--dstNodeName cannot be had"),
        ("mmtoir -n net-symbol.json -d y --caffePhase DEPLOY", 2, "TRAIN or TEST"),
        ("mmtoir -n net-symbol.json -d y", 2, "shape of 'data'"),
        ("mmtoir -n missing.json -d y", 1, "missing.json"),
        ("mmtocode -f caffe2 -n x -d y", 2, "PyTorch"),
        ("mmtocode -f onnx -n x -d y --phase train", 2, "--phase cannot be had"),
        ("mmtocode -f onnx -n net-symbol.json -d y.py", 1, "MXNet symbol, and not what mmtoir writes"),
        ("mmtocode -f onnx -n x -d y.py -dw w", 2, "--dstWeightPath is for weights"),
        ("mmtomodel -f onnx -in x.py -iw w -o y", 1, "mmtocode writes it"),
        ("mmtomodel -f tensorflow -in x.py -iw w -o y --dump_tag TRAINING", 2, "can go on training"),
        ("mmconvert -in net-symbol.json -iw net-0000.params -df cafe -om y", 2, "no target 'cafe'"),
        ("mmconvert -in net-0000.params -iw net-0000.params -df caffe -om y", 1, "net-0000.params"),
        ("mmconvert --frobnicate", 2, "required"),
        ("mmconvert -in a -iw b -df caffe -om y --frobnicate 1", 2, "--frobnicate"),
    ],
)
def test_what_cannot_be_had(line: str, code: int, said: str, run: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    found = run(line)
    assert (found[0], found[1]) == (code, ""), found
    assert said in found[2]
    assert sorted(tmp_path.rglob("*")) == before


def test_files_go_where_mmdnn_puts_them(tmp_path: Path) -> None:
    made = tmp_path / "checkpoint"
    for name in (
        "a.prototxt",
        "a.caffemodel",
        "a.keras",
        "saved_model/saved_model.pb",
        "a-symbol.json",
        "a-0000.params",
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)

    def delivered(target: str, goal: str) -> list[str]:
        paths = names.deliver(made, target, tmp_path / "out" / goal)
        return sorted(path.relative_to(tmp_path / "out").as_posix() for path in paths)

    assert delivered("caffe", "net") == ["net.caffemodel", "net.prototxt"]
    assert delivered("mxnet", "net") == ["net-0000.params", "net-symbol.json"]
    assert delivered("keras", "net.h5") == ["net.keras"]
    assert delivered("keras", "net") == ["net.keras"]
    assert delivered("tensorflow", "served") == ["served"]
    assert delivered("tensorflow", "served") == ["served"], "again, in its own place"
    (tmp_path / "out" / "mine").mkdir()
    (tmp_path / "out" / "mine" / "work.txt").write_text("mine")
    with pytest.raises(names.BadInput, match="something else of that name"):
        delivered("tensorflow", "mine")
    assert (tmp_path / "out" / "mine" / "work.txt").read_text() == "mine"
