"""The stages, as far as no framework runs: what they take, what they refuse, what is on record."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converter.errors import BadInput
from tasks import cli
from tasks.cli import record, taken
from tasks.manifest import Source
from tests.emitters.models import noise
from tests.parsers.files import Net, write

FILES = ("net-symbol.json", "net-0000.params", "--input-shape", "3,8,8")


def net(op: str = "relu") -> Net:
    """A convolution and an activation."""
    made = Net()
    data = made.input("data", noise("data", (1, 3, 8, 8)))
    kernel = made.arg("kernel", noise("kernel", (4, 3, 3, 3)))
    value = made.node("Convolution", "conv", [data, kernel], kernel="(3, 3)", num_filter="4", no_bias="True")
    made.node("Activation", "act", [value], act_type=op)
    return made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def here(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model's files, which is the current one."""
    folder = tmp_path / "my nets"
    folder.mkdir()
    write(folder, net().symbol(), net().params)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TRANSSHIP_CACHE", str(cache))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    return folder


@pytest.fixture
def x(here: Path) -> Path:
    """The folder ``x``, with the IR and Caffe's code."""
    assert cli.main(["ir", *FILES, "-o", "x", "-q"]) == 0
    assert cli.main(["code", "x", "--to", "caffe", "-q"]) == 0
    return here / "x"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(path: Path, text: str = "\n# mine\n") -> None:
    path.chmod(0o644)
    path.write_text(path.read_text() + text)


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """What is said of a command line that is refused, and leaves everything as it was."""
    before = contents(Path())
    capsys.readouterr()
    assert cli.main(list(words)) == code
    said = capsys.readouterr()
    assert (said.out, contents(Path())) == ("", before)
    return said.err


def test_ir_and_code(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ir", *FILES, "-o", "x"]) == 0
    assert capsys.readouterr().out.split() == [f"x/ir/{name}" for name in ("model.json", "model.onnx", taken.WEIGHTS)]
    words = ["code", "x", "--to", "onnx,caffe", "--option", "caffe:merge-bn=true"]
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["place"] for each in found["results"]] == ["onnx/code", "caffe/code"]
    assert all(Path(file).is_file() for each in found["results"] for file in each["files"])
    assert record.known(here / "x").targets["caffe"].options == {"merge_bn": True}
    before = contents(here)
    assert cli.main(words) == 0
    assert "nothing to run" in capsys.readouterr().err
    assert contents(here) == before
    assert not (here / "x" / ".partial").exists()


def test_the_structure_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ir", FILES[0], *FILES[2:], "-o", "x"]) == 0
    assert "the structure alone" in capsys.readouterr().err
    assert not (here / "x" / "ir" / taken.WEIGHTS).exists()
    assert cli.main(["code", "x", "--to", "caffe"]) == 0
    assert "-w WEIGHTS" in refused(capsys, "checkpoint", "x", "--to", "caffe")


def test_one_target_refuses_and_the_other_is_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Net()
    made.node("sin", "wave", [made.input("data", noise("data", (1, 3, 8, 8)))])
    write(here, made.symbol(), {"arg:unused": noise("unused", (1,))})
    assert cli.main(["ir", *FILES, "-o", "x", "-q"]) == 0
    assert cli.main(["code", "x", "--to", "caffe,onnx", "--json"]) == 1
    said = capsys.readouterr()
    caffe, other = json.loads(said.out)["results"]
    assert "Sin" in caffe["error"]
    assert (other["error"], (here / "x" / "caffe").exists()) == ("", False)
    assert set(record.known(here / "x").targets) == {"onnx"}


def test_what_an_earlier_stage_has_to_make(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "transship ir FILES -o y" in refused(capsys, "code", "y", "--to", "caffe")
    assert "transship code x --to onnx" in refused(capsys, "checkpoint", "x", "--to", "caffe,onnx")
    said = refused(capsys, "verify", "x", "--to", "caffe,onnx")
    assert "transship code x --to onnx; transship checkpoint x --to caffe; transship checkpoint x --to onnx" in said
    shutil.rmtree(x / "ir")
    assert "transship ir FILES -o x" in refused(capsys, "code", "x", "--to", "onnx")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["checkpoint", "--to", "caffe"], "--code, --weights, -o"),
        (["checkpoint", "x", "--code", "x/caffe/code", "--to", "caffe"], "give either"),
        (["verify", "x", "--to", "caffe", "--mean", "1"], "add -n"),
        (["verify", "x", "--to", "caffe", "-n", "net-symbol.json"], "add -w"),
        (["code", "x", "--to", "cafe"], "use one of: caffe"),
        (["ir", "-o", "x"], "no model was given"),
    ],
)
def test_wrong_usage(words: list[str], said: str, x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert x.is_dir()
    assert said in refused(capsys, *words, code=2)


def test_edited_code_is_not_written_over(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = x / "caffe" / "code"
    edit(code / "deploy.prototxt")
    (code / "notes.txt").write_text("mine")
    said = refused(capsys, "code", "x", "--to", "onnx,caffe")
    assert "caffe/code/deploy.prototxt, caffe/code/notes.txt would be lost" in said
    assert "--force" in said
    assert cli.main(["code", "x", "--to", "caffe", "--force"]) == 0
    assert sorted(path.name for path in code.iterdir()) == ["deploy.prototxt", "weights.plan.json"]
    assert cli.main(["code", "x", "--to", "caffe", "--option", "merge-bn=true"]) == 0


def test_an_edited_ir_is_taken_and_not_written_over(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = onnx.load(x / "ir" / "model.onnx", load_external_data=False)
    next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Sigmoid"
    (x / "ir" / "model.onnx").chmod(0o644)
    (x / "ir" / "model.onnx").write_bytes(model.SerializeToString())
    assert "ir/model.onnx would be lost" in refused(capsys, "ir", *FILES, "-o", "x")
    assert cli.main(["code", "x", "--to", "caffe"]) == 0
    assert "Sigmoid" in (x / "caffe" / "code" / "deploy.prototxt").read_text()
    assert cli.main(["ir", *FILES, "-o", "x", "--force"]) == 0
    assert "Relu" in (x / "ir" / "model.json").read_text()


def test_a_broken_ir(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = x / "ir" / taken.WEIGHTS
    whole = weights.read_bytes()
    weights.chmod(0o644)
    weights.write_bytes(whole[:-1])
    assert "ends before its tensors do" in refused(capsys, "code", "x", "--to", "onnx")
    assert "ends before its tensors do" in refused(capsys, "checkpoint", "x", "--to", "caffe")
    weights.write_bytes(whole.replace(b'"kernel"', b'"kernal"'))
    assert "not those of the structure" in refused(capsys, "code", "x", "--to", "onnx")
    assert "lack what the code takes: 'kernel'" in refused(capsys, "checkpoint", "x", "--to", "caffe")
    (x / "ir" / "model.onnx").chmod(0o644)
    (x / "ir" / "model.onnx").write_bytes(b"no model")
    assert "not an ONNX model" in refused(capsys, "code", "x", "--to", "onnx")


def test_the_folder_may_be_moved(x: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "else where").mkdir()
    moved = x.rename(tmp_path / "else where" / "net")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["code", "else where/net", "--to", "onnx", "-q"]) == 0
    assert str(tmp_path) not in (moved / "transship.json").read_text()
    source = record.known(moved).source
    assert isinstance(source, Source)
    assert [file.urls for file in source.files] == [((moved / "source" / name).as_uri(),) for name in FILES[:2]]


def test_an_ir_that_lies_by_itself(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, path in enumerate((x / "ir", x / "ir" / "model.onnx")):
        assert cli.main(["code", str(path), "--to", "caffe", "-o", str(number), "-q"]) == 0
        other = contents(Path(str(number)))
        assert all(other[place] == content for place, content in contents(x).items() if place[:5] == "caffe")
        assert other["ir/model.onnx"] == (x / "ir" / "model.onnx").read_bytes()
    assert cli.main(["code", "0", "--to", "onnx", "-q"]) == 0
    assert "-n x-symbol.json" in refused(capsys, "verify", "0", "--to", "onnx")


def test_a_mark_with_what_is_no_text(x: Path) -> None:
    mark = x / "transship.json"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"note": "\udcff"}))
    assert cli.main(["code", "x", "--to", "onnx", "-q"]) == 0
    assert json.loads(mark.read_bytes())["note"] == "\udcff"


def test_of_a_folder_of_others_nothing_is_touched(x: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("others").mkdir()
    Path("others/thing").write_text("precious")
    assert "nothing in it is of transship's" in refused(capsys, "ir", *FILES, "-o", "others")
    assert "nothing in it is of transship's" in refused(capsys, "code", str(x / "ir"), "--to", "onnx", "-o", "others")


@pytest.mark.parametrize(
    "change",
    [
        {"manifest": []},
        {"manifest": {"name": "../x"}},
        {"written": {"caffe/code": {"deploy.prototxt": {"sha256": "short", "size": 1}}}},
    ],
)
def test_a_mark_that_is_not_right(x: Path, change: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    mark = x / "transship.json"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | change))
    assert "transship.json" in refused(capsys, "code", "x", "--to", "caffe")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(data=st.data())
def test_marks_of_strangers(x: Path, data: st.DataObject) -> None:
    """Any part of a mark may be anything: it is refused in words, or read."""
    mark = x / "transship.json"
    whole = mark.read_text()
    content = json.loads(whole)
    below = content
    while True:
        key = data.draw(st.sampled_from(sorted(below)))
        if not isinstance(below[key], dict) or not below[key] or data.draw(st.booleans()):
            break
        below = below[key]
    below[key] = data.draw(JSON)
    mark.write_text(json.dumps(content))
    status = cli.main(["code", "x", "--to", "caffe", "-q"])
    mark.write_text(whole)
    assert status in (0, 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_weights_of_strangers(tmp_path: Path, data: st.DataObject) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    whole = bytearray(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "weights.safetensors"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with suppress(BadInput):
        assert all(0 < first <= last <= len(whole) for _, _, (first, last) in taken.tensors(path).values())
