"""``transship download``: servers on this machine only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from converter.inputs import read_preprocess
from tasks import cli
from tasks.cli import listing
from tasks.cli.given import Given
from tasks.cli.onward import command_for, inputs_for, shape_for
from tasks.cli.shapes import read_shapes
from tasks.manifest import Input, Manifest
from tasks.targets import TARGETS
from tests.cli.command import Command
from tests.emitters.models import noise
from tests.parsers.files import Net, write
from tests.support.project import Project
from tests.support.site import Site, serving

MODELS = listing.all_models()

TINY = """
title = "A convolution"
framework = "mxnet"
licence = "CC0"
aliases = ["little"]

[source]
base = ["file:///nonexistent/"]

[source.files.graph]
path = "net-symbol.json"

[source.files.weights]
path = "net-0000.params"

[seeded]
architecture = "resnet"
options = { layers = 18, classes = 10 }

[inputs.data]
shape = ["batch", 3, 8, 8]
range = [0.0, 255.0]
preprocess = { channels = "BGR" }

[outputs.prob_output]
labels = ["cat", "dog"]
"""


@dataclass(frozen=True)
class Place:
    """A project that knows one more model, the server that has it, and a folder of the user's."""

    project: Project
    site: Site
    command: Command

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        where = {"PYTHONPATH": str(self.project.folder), "TRANSSHIP_MIRROR": self.site.url("/")}
        done = self.command.run("download", *words, **{**where, **environment})
        return done.returncode, done.stdout, done.stderr

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.command.folder.iterdir())

    @property
    def lock(self) -> Path:
        return self.project.folder / "models" / "models.lock"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("download")
    made = Project(folder / "project", folder / "cache")
    (made.folder / "models" / "tiny.toml").write_text(TINY)
    return made


@pytest.fixture
def place(project: Project, tmp_path: Path) -> Iterator[Place]:
    net = Net()
    data = net.input("data", noise("data", (1, 3, 8, 8)))
    kernel = net.arg("kernel", noise("kernel", (2, 3, 8, 8)))
    value = net.node("Convolution", "conv", [data, kernel], kernel="(8, 8)", num_filter="2", no_bias="True")
    net.node("softmax", "prob", [net.node("Flatten", "flat", [value])])
    (tmp_path / "published").mkdir()
    files = write(tmp_path / "published", net.symbol(), net.params)
    (project.folder / "models" / "models.lock").unlink(missing_ok=True)
    folder = tmp_path / "my files"
    folder.mkdir()
    with serving() as site:
        site.files = {f"/{path.name}": path.read_bytes() for path in files}
        yield Place(project, site, Command(folder, tmp_path / "cache"))


def test_files_beside_others_and_again(place: Place) -> None:
    (place.command.folder / "notes.txt").write_text("mine")
    code, out, err = place.run("little", "--labels")
    assert code == 0, err
    assert out.splitlines() == ["net-symbol.json", "net-0000.params", "tiny-labels.txt"]
    assert place.names == ["net-0000.params", "net-symbol.json", "notes.txt", "tiny-labels.txt"]
    for path, content in place.site.files.items():
        assert (place.command.folder / path[1:]).read_bytes() == content
    assert (place.command.folder / "tiny-labels.txt").read_text() == "cat\ndog\n"
    assert "is on record" in err, "nobody published a checksum, and the user is told"
    assert '["tiny"."net-symbol.json"]' in place.lock.read_text()
    words = "transship convert net-symbol.json net-0000.params --input-shape 3,8,8 --channel-order BGR"
    assert f"to go on: {words} --labels tiny-labels.txt --to onnx\n" in err

    asked = len(place.site.requests)
    code, again, err = place.run("tiny", "--labels")
    assert (code, again, "nothing to run" in err) == (0, out, True)
    assert len(place.site.requests) == asked


def test_what_is_the_user_s_is_not_replaced(place: Place) -> None:
    mine = place.command.folder / "net-0000.params"
    mine.write_text("mine")
    code, out, err = place.run("tiny")
    assert (code, out) == (1, "")
    assert "net-0000.params: there already" in err
    assert "--force" in err
    assert (mine.read_text(), place.names) == ("mine", [mine.name])

    place.site.requests.clear()
    code, out, err = place.run("tiny", "--json")
    assert (code, place.site.requests) == (1, []), "on record by now, so that it is known before anything is asked"
    (found,) = json.loads(out)["models"]
    assert ("there already" in found["error"], found["files"]) == (True, [])

    assert place.run("tiny", "--force", "-q") == (0, "", "")
    assert mine.read_bytes() == place.site.files["/net-0000.params"]


def test_a_folder_is_never_replaced(place: Place) -> None:
    (place.command.folder / "net-0000.params").mkdir()
    code, _, err = place.run("tiny", "--force")
    assert code == 1
    assert "there is a folder of that name" in err


def test_it_cannot_be_had(place: Place) -> None:
    place.site.files.clear()
    code, out, err = place.run("tiny", "-o", "new")
    assert (code, out) == (1, "")
    for said in ("cannot be had", "TRANSSHIP_MIRROR", "--weights seeded", "new/tiny/source/"):
        assert said in err
    assert "Traceback" not in err
    assert (place.names, place.lock.exists()) == ([], False)


def test_it_is_not_what_it_was(place: Place) -> None:
    assert place.run("tiny", "-o", "first")[0] == 0
    place.site.files["/net-0000.params"] += b"more"
    code, _, err = place.run("tiny", "-o", "second", TRANSSHIP_CACHE=str(place.command.folder / "other cache"))
    assert code == 1
    assert "models.lock has on record" in err
    assert not (place.command.folder / "second").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "no model was named"),
        (["resnet5"], 2, "resnet50"),
        (["nothing like it", "--list"], 2, "no model is called"),
        (["nothing like it \x1b[1m", "--list"], 2, "that can be shown"),
        (["resnet50-v2-seeded", "--weights", "pretrained"], 2, "cannot be had with pretrained"),
        (["mtcnn-onet", "--weights", "seeded"], 2, "cannot be had with seeded"),
        (["mtcnn-onet", "--weights", "random"], 2, "seeded"),
        (["mtcnn-onet", "-o", __file__], 1, "this is a file"),
    ],
)
def test_what_cannot_be(words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["download", *words]) == code
    captured = capsys.readouterr()
    assert (captured.out, said in captured.err, "\x1b" in captured.err) == ("", True, False)


def test_what_a_word_means() -> None:
    def found(*words: str, weights: str | None = None) -> list[str]:
        return [model.name for model in listing.find(words, MODELS, weights)]

    assert found("resnet50", "imagenet1k-resnet-50") == ["imagenet1k-resnet-50"]
    assert found("resnet50", weights="seeded") == ["imagenet1k-resnet-50-seeded"]
    assert found("mtcnn-*") == ["mtcnn-lnet", "mtcnn-onet", "mtcnn-pnet", "mtcnn-rnet"]
    assert found("gluon:resnet50_v1") == ["gluon-resnet50_v1"]
    assert not any("seeded" in name for name in found("imagenet1k-*"))


def test_all_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["download", "--list"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    for model in MODELS.values():
        if not model.variant_of and not model.name.startswith(("gluon-", "ssd_3", "ssd_512_m")):
            matching = [line for line in lines if line.startswith(f"{model.name} ") and line.endswith(model.title)]
            assert bool(matching) == (not model.name.startswith("ssd_512_"))
    assert "download --list 'gluon-*' 'ssd_*'" in lines[-1]
    assert not any(line != line.rstrip() for line in lines)


def test_a_list_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    def rows(*words: str) -> dict[str, dict[str, Any]]:
        assert cli.main(["download", "--list", "--json", *words]) == 0
        return {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}

    found = rows("mtcnn-onet", "imagenet1k-res*", "gluon-alexnet")
    assert found["mtcnn-onet"] | {"title": ""} == {
        "name": "mtcnn-onet",
        "aliases": [],
        "title": "",
        "framework": "mxnet",
        "licence": "not stated",
        "inputs": {"data": ["batch", 3, 48, 48]},
        "targets": list(TARGETS),
        "bytes": 8870 + 1557176,
        "weights": ["pretrained"],
    }
    assert found["imagenet1k-resnet-50"]["weights"] == ["pretrained", "seeded"]
    assert found["gluon-alexnet"]["bytes"] is None
    assert list(rows("resnet50", "--weights", "seeded")) == ["imagenet1k-resnet-50-seeded"]


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_the_command_to_go_on_with_says_what_the_manifest_says(model: Manifest) -> None:
    ((name, wanted),) = model.inputs.items()
    words = ["convert", "--to", "onnx", "--input-shape", shape_for(name, wanted, alone=True), *inputs_for(wanted)]
    given = typed(words)
    shapes = read_shapes(given.shapes, {name: None})
    found = given._input(name, shapes[name], shapes)
    assert (found.shape, found.range) == (wanted.shape, wanted.range)
    is_patches = wanted.shape[1] not in (1, 3)
    assert (found.preprocess is None) == (wanted.preprocess is None or is_patches)
    if found.preprocess and wanted.preprocess:
        without = {key: value for key, value in wanted.preprocess.items() if key != "crops"}
        assert read_preprocess(found.preprocess, "") == read_preprocess(without, "")


@pytest.mark.parametrize("shape", [("batch", 1, 3, 8, 8), (2, 3, 8, 8), (1, 3, 8, 8), ("batch", 4), ("batch",), (1,)])
def test_shapes_are_read_as_they_are_written(shape: tuple[int | str, ...]) -> None:
    given = Input(shape, (0.0, 1.0))
    assert read_shapes([shape_for("data", given, alone=True)], {"data": None}) == {"data": shape}
    both = {"data": None, "other": None}
    words = [shape_for(name, given, alone=False) for name in both]
    assert read_shapes(words, both) == dict.fromkeys(both, shape)


def test_no_command_where_none_says_it() -> None:
    one, other = Input(("batch", 4), (0.0, 1.0)), Input(("batch", 4), (-1.0, 1.0))
    model = MODELS["mtcnn-onet"]
    paths = [Path("x-symbol.json"), Path("x-0000.params")]
    same = command_for(replace(model, inputs={"a": one, "b": one}), paths)
    assert shlex.join(same) == (
        "convert x-symbol.json x-0000.params --input-shape a:batch,4 --input-shape b:batch,4 --range 0,1 --to onnx"
    )
    assert command_for(replace(model, inputs={"a": one, "b": other}), paths) == []


def typed(words: list[str]) -> Given:
    """What ``convert`` is given by ``words``."""
    _, bound, _ = cli.app.parse_args(shlex.split(shlex.join(words)), exit_on_error=False, print_error=False)
    given = bound.arguments["given"]
    assert isinstance(given, Given)
    return given
