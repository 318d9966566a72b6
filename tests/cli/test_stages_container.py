"""The stages one after the other, with real frameworks: what they make is what ``convert`` makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tasks import cli
from tests.cli.test_stages import FILES, contents, edit, net
from tests.parsers.files import write

pytestmark = pytest.mark.container

TO = ("--to", "caffe,onnx")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def here(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model's files, which is the current one."""
    write(tmp_path, net().symbol(), net().params)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSSHIP_CACHE", str(cache))
    return tmp_path


@pytest.fixture
def x(here: Path) -> Path:
    """The folder ``x``, with all but the verdicts."""
    for words in (("ir", *FILES, "-o", "x"), ("code", "x", *TO), ("checkpoint", "x", *TO)):
        assert cli.main([*words, "-q"]) == 0
    return here / "x"


def test_they_make_what_convert_makes(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["verify", "x", *TO, "--json"]) == 0
    staged = capsys.readouterr().out
    assert cli.main(["convert", *FILES, *TO, "-o", "y", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.replace("y/", "x/"))["results"] == json.loads(staged)["results"]
    ours, theirs = contents(x), contents(Path("y"))
    assert {name for name in theirs if name.endswith("verify.json")} == {"caffe/verify.json", "onnx/verify.json"}
    for name, content in theirs.items():
        assert ours[name] == content or name == "transship.json", name


def test_again_and_moved_nothing_runs(x: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.main(["verify", "x", *TO, "-q"]) == 0
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    Path("far").mkdir()
    moved = x.rename("far/away")
    before = contents(moved)
    for stage in ("code", "checkpoint", "verify"):
        assert cli.main([stage, "far/away", *TO, "-q"]) == 0
    assert contents(moved) == before


def test_edited_code_is_used_and_found_out(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = x / "onnx" / "code" / "model.py"
    edit(code, "")
    code.write_text(code.read_text().replace("op.Relu", "op.Sigmoid"))
    assert cli.main(["verify", "x", *TO]) == 1
    assert "transship checkpoint x --to onnx\n" in capsys.readouterr().err
    assert cli.main(["checkpoint", "x", *TO, "-q"]) == 0
    assert cli.main(["verify", "x", *TO, "--json"]) == 3
    verdicts = {each["target"]: each["verdict"] for each in json.loads(capsys.readouterr().out)["results"]}
    assert verdicts == {"caffe": "exact", "onnx": "differs"}


def test_on_files_alone(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("--code", "x/caffe/code", "--weights", "x/ir/weights.safetensors")
    assert cli.main(["checkpoint", *files, "--to", "caffe", "-o", "alone", "-q"]) == 0
    assert contents(Path("alone/caffe")) == contents(x / "caffe")
    verify = ("verify", "alone", "--to", "caffe")
    assert cli.main([*verify]) == 1
    assert "-n x-symbol.json" in capsys.readouterr().err
    assert cli.main([*verify, "-n", FILES[0], "-w", FILES[1], *FILES[2:]]) == 0
    for name in FILES[:2]:
        Path(name).unlink()
    shutil.rmtree(x)
    assert cli.main([*verify, "-q"]) == 0
