"""``transship compare`` as far as nothing has to run: what a side is, and which output is which."""

from __future__ import annotations

from pathlib import Path

import pytest

import converter
from converter.errors import BadInput
from tasks import cli
from tasks.action import Tree
from tasks.cli import pairing
from tasks.cli.given import Given
from tasks.cli.sides import SOURCE, Side, find
from tasks.cli.staged import bare
from tasks.conversion import IR
from tasks.errors import UsageError
from tasks.manifest import Input
from tasks.session import Session
from tests.emitters.models import noise
from tests.parsers.files import Net, write
from tests.support.project import ROOT

SHOWN = ("a", "b")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """With a cache of its own."""
    return Session(ROOT, tmp_path / "cache", output=tmp_path / "out")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A net, its IR, and what may be a target's folder, in a folder with a space."""
    folder = tmp_path / "my nets"
    folder.mkdir()
    net = Net()
    data = net.input("data", noise("data", (1, 3, 8, 8)))
    kernel = net.arg("kernel", noise("kernel", (2, 3, 3, 3)))
    net.node("Convolution", "conv", [data, kernel], kernel="(3, 3)", num_filter="2", no_bias="True")
    graph, weights = write(folder, net.symbol(), net.params)
    converter.save(
        converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", 3, 8, 8)}),
        folder / "made" / "ir",
    )
    for stage in ("code", "checkpoint"):
        (folder / "made" / "onnx" / stage).mkdir(parents=True)
        (folder / "made" / "onnx" / stage / "file").write_text(stage)
    return folder


def test_what_can_be_run(folder: Path, session: Session) -> None:
    given = Given(shapes=("3,8,8",))
    graph, weights = folder / "net-symbol.json", folder / "net-0000.params"
    for word in (str(graph), f"{graph},{weights}"):
        side = find(word, session, given)
        assert (side.shown, side.target, side.toolchain) == (word, SOURCE, "mxnet")
        assert side.model.inputs["data"].shape == ("batch", 3, 8, 8)
    side = find(str(folder / "made" / "ir"), session, Given())
    assert (side.target, side.toolchain, set(side.files["ir"])) == (
        IR,
        "onnx",
        {"model.onnx", "model.json", "weights.safetensors"},
    )
    side = find(str(folder / "made" / "onnx"), session, Given())
    assert (side.target, set(side.files)) == ("onnx", {"onnx/code", "onnx/checkpoint"})
    assert side.model.inputs == {"data": Input(("batch", 3, 8, 8), (0.0, 255.0))}
    side = find(str(folder / "made" / "ir" / "model.onnx"), session, Given())
    assert (side.target, side.model.inputs["data"].shape) == (IR, ("batch", 3, 8, 8))


def test_what_cannot(folder: Path, session: Session) -> None:
    (folder / "made" / "transship.json").write_text("{}")
    (folder / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "made" / "onnx").rename(folder / "made" / "other")
    (folder / "alone-symbol.json").write_bytes((folder / "net-symbol.json").read_bytes())
    cases = {
        "made": f"name one of: {folder / 'made' / 'ir'}",
        "cat.png": "a symbol (x-symbol.json",
        "made/other": "call it as one of: caffe",
        "alone-symbol.json": "alone-0000.params",
        "nothing": "",
    }
    for name, fix in cases.items():
        with pytest.raises(BadInput) as caught:
            find(str(folder / name), session, Given(shapes=("3,8,8",)))
        assert fix in caught.value.fix
        assert name in str(caught.value)
    (folder / "net-0001.params").write_bytes((folder / "net-0000.params").read_bytes())
    with pytest.raises(BadInput, match="2 files of parameters"):
        find(str(folder / "net-symbol.json"), session, Given(shapes=("3,8,8",)))
    with pytest.raises(BadInput, match="conv"):
        find(f"{folder}/net-symbol.json,{folder}/net-0000.params", session, Given(shapes=("3,1,1",)))


def side(**inputs: Input) -> Side:
    """One of these inputs."""
    return Side("x", IR, bare("x", inputs))


def test_inputs_of_both() -> None:
    own, theirs = Input(("batch", 3, 8, 8), (0.0, 255.0)), Input((1, 3, 8, 8), (-1.0, 1.0), {"channels": "RGB"})
    assert pairing.inputs(side(a=own, b=own), side(b=own, a=own)) == {"a": "a", "b": "b"}
    assert pairing.inputs(side(a=own), side(b=theirs)) == {"a": "b"}
    with pytest.raises(BadInput, match="takes a, b"):
        pairing.inputs(side(a=own, b=own), side(a=own, c=own))
    told = pairing.told(side(a=own), side(b=theirs), {"a": "b"})
    assert told == {"a": Input(own.shape, (-1.0, 1.0), {"channels": "RGB"})}, "the one that knows of photographs"
    with pytest.raises(BadInput, match="batch x 3 x 8 x 8 to x"):
        pairing.told(side(a=own), side(a=Input((1, 3, 9, 9), (0.0, 1.0))), {"a": "a"})


def test_outputs_of_both() -> None:
    assert pairing.outputs({"p": (1, 2), "q": (1, 2)}, {"q": (1, 2), "p": (1, 2)}, {}, SHOWN) == {"p": "p", "q": "q"}
    assert pairing.outputs({"p": (1, 2), "q": (1, 3)}, {"r": (1, 3), "s": (1, 2)}, {}, SHOWN) == {"r": "q", "s": "p"}
    pairs = {"p": "s"}
    assert pairing.outputs({"p": (1, 2), "q": (1, 2)}, {"r": (1, 2), "s": (1, 2)}, pairs, SHOWN) == {
        "s": "p",
        "r": "q",
    }
    for a, b in (
        ({"p": (1, 2), "q": (1, 2)}, {"r": (1, 2), "s": (1, 2)}),
        ({"p": (1, 2)}, {"r": (1, 2), "s": (1, 3)}),
        ({"p": (1, 2)}, {"r": (2, 1)}),
    ):
        with pytest.raises(BadInput, match="not clear: a has p") as caught:
            pairing.outputs(a, b, {}, SHOWN)
        assert "--pair" in caught.value.fix
    with pytest.raises(UsageError, match="no output 'x'"):
        pairing.outputs({"p": (1, 2)}, {"r": (1, 2)}, {"p": "x"}, SHOWN)


@pytest.mark.parametrize("words", [["p"], ["=q"], ["p="], ["p=q", "p=r"]])
def test_pairs_that_are_none(words: list[str]) -> None:
    with pytest.raises(UsageError, match="does not pair"):
        pairing.typed(words)


def test_usage(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TRANSSHIP_CACHE", str(folder.parent / "cache"))
    for words, code, said in (
        (["net-symbol.json"], 2, "B"),
        (["net-symbol.json", "net-symbol.json"], 2, "--input-shape"),
        (["made/ir", "made/ir", "-n", "net-symbol.json"], 2, "comma"),
        (["made/ir", "missing"], 1, "missing"),
    ):
        assert cli.main(["compare", *words]) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert said in captured.err


def test_renaming_keeps_the_numbers(session: Session, tmp_path: Path) -> None:
    import numpy as np

    array = noise("x", (1, 2))
    np.savez(tmp_path / "x.npz", **{"noise-0/a": array, "noise-1/a": array + 1})  # type: ignore[arg-type]
    tree: Tree = {"outputs.npz": session.store.put_file(tmp_path / "x.npz")}
    same = pairing.renamed(session.store, tree, {"outputs.npz": {"a": "a"}})
    assert same == tree
    renamed = pairing.renamed(session.store, tree, {"outputs.npz": {"a": "b"}})
    assert renamed == pairing.renamed(session.store, tree, {"outputs.npz": {"a": "b"}}), "the same bytes each time"
    with np.load(session.store.check(renamed["outputs.npz"])) as found:
        assert {name: found[name].tolist() for name in found.files} == {
            "noise-0/b": array.tolist(),
            "noise-1/b": (array + 1).tolist(),
        }
