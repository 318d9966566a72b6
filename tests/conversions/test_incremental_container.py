"""What a change runs again: exactly that, and nothing else, in the real frameworks.

Two targets of one model, built; then one change at a time. What runs again is what the change is read by, and what
rests on that if it came out otherwise.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from converter.parsers.mxnet.params import read_params
from tasks import toolchains
from tests.parsers.files import write
from tests.support.project import NO_ENGINE, Project

pytestmark = pytest.mark.container

MODEL = "mtcnn-pnet"
TASKS = [f"convert:{MODEL}-onnx", f"convert:{MODEL}-ncnn"]
COMMENT = "\n# A comment.\n"


@dataclass(frozen=True)
class Row:
    """A change, and the steps that it runs again: ``code onnx`` stands for ``code:mtcnn-pnet-onnx``.

    Attributes:
        change: Makes it, in a project.
        runs: The steps.
        needs_engine: Whether anything of it runs in a container.
    """

    change: Callable[[Project], None]
    runs: tuple[str, ...]
    needs_engine: bool = True


def appended(path: str, text: str = COMMENT) -> Callable[[Project], None]:
    """``text`` at the end of a file."""

    def change(project: Project) -> None:
        with (project.folder / path).open("a") as file:
            file.write(text)

    return change


def replaced(path: str, old: str, new: str) -> Callable[[Project], None]:
    """``new`` for ``old``, everywhere in a file."""

    def change(project: Project) -> None:
        text = (project.folder / path).read_text()
        assert old in text
        (project.folder / path).write_text(text.replace(old, new))

    return change


def tampered(project: Project) -> None:
    path = project.folder / "build" / MODEL / "onnx" / "code" / "model.py"
    path.chmod(0o644)
    path.write_text("tampered")


def removed(project: Project) -> None:
    shutil.rmtree(project.folder / "build" / MODEL / "ncnn")


MANIFEST = f"models/{MODEL}.toml"

ROWS: dict[str, Row] = {
    "nothing": Row(lambda _: None, (), needs_engine=False),
    "a file in build/": Row(tampered, (), needs_engine=False),
    "a folder of build/ removed": Row(removed, (), needs_engine=False),
    "a comment in the task file": Row(appended("dodo.py"), (), needs_engine=False),
    "a comment in the build system": Row(appended("tasks/session.py"), (), needs_engine=False),
    "a comment in a parser": Row(appended("converter/parsers/mxnet/__init__.py"), ("ir",), needs_engine=False),
    "a comment in one target's emitter": Row(
        appended("converter/emitters/ncnn/__init__.py"), ("code ncnn",), needs_engine=False
    ),
    "a comment in what emitters share": Row(
        appended("converter/emitters/__init__.py"), ("code ncnn", "code onnx"), needs_engine=False
    ),
    "a comment in another target's emitter": Row(
        appended("converter/emitters/keras/__init__.py"), (), needs_engine=False
    ),
    "what one target's emitter writes": Row(
        replaced("converter/emitters/onnx/module.py", "in ONNX Script.", "in ONNX Script, for a test."),
        ("code onnx", "checkpoint onnx", "verify onnx"),
    ),
    "one target's option": Row(
        appended(MANIFEST, "\n[targets.onnx]\noptions = { opset = 17 }\n"),
        ("code onnx", "checkpoint onnx", "verify onnx"),
    ),
    "a comment in how a target writes its checkpoint": Row(
        appended("images/ncnn/checkpoint.py"), ("checkpoint ncnn",)
    ),
    "a comment in how a target is run": Row(appended("images/ncnn/run.py"), ("verify ncnn",)),
    "a comment in how the source framework is run": Row(appended("images/mxnet/reference.py"), ("reference",)),
    "a comment in how answers are compared": Row(
        appended("converter/compare.py"), ("verify ir", "verify ncnn", "verify onnx"), needs_engine=False
    ),
    "the model's title": Row(replaced(MANIFEST, "MTCNN PNet", "PNet"), (), needs_engine=False),
    "the range of the noise": Row(
        replaced(MANIFEST, "range = [-0.99609375, 0.99609375]", "range = [-1.0, 1.0]"),
        ("reference", "verify ir", "verify ncnn", "verify onnx"),
    ),
    "another model's manifest": Row(
        replaced("models/mtcnn-onet.toml", "[-0.99609375", "[-0.5"), (), needs_engine=False
    ),
}


@pytest.fixture(scope="module")
def built(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the model is built, for the rows to copy."""
    project = Project(tmp_path_factory.mktemp("incremental") / "project", converted.cache)
    assert project.doit(*TASKS).returncode == 0
    return project


@pytest.fixture
def project(built: Project) -> Iterator[Project]:
    """The same, whose sources are put right afterwards."""
    kept = built.folder.with_name("kept")
    parts = ("dodo.py", "converter", "images", "models", "tasks")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    for part in parts:
        _copy(built.folder / part, kept / part)
    yield built
    for part in parts:
        if (built.folder / part).is_dir():
            shutil.rmtree(built.folder / part)
        _copy(kept / part, built.folder / part)
    assert ran(built.doit(*TASKS).stdout) == set()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def ran(output: str) -> set[str]:
    """The steps that ran."""
    return {line.split()[1] for line in output.splitlines() if line.startswith("ran ")}


def named(step: str) -> str:
    kind, _, target = step.partition(" ")
    return f"{kind}:{MODEL}-{target}" if target else f"{kind}:{MODEL}"


@pytest.mark.parametrize("row", ROWS)
def test_a_change_runs_exactly_what_rests_on_it(row: str, project: Project) -> None:
    change = ROWS[row]
    change.change(project)
    environment = {} if change.needs_engine else NO_ENGINE
    done = project.doit(*TASKS, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(done.stdout) == set(map(named, change.runs))
    assert ran(project.doit(*TASKS, **NO_ENGINE).stdout) == set()


def test_what_runs_is_explained_before(project: Project) -> None:
    appended("images/ncnn/run.py", "\n# Another comment.\n")(project)
    found = {each["step"]: each for each in json.loads(project.doit("explain", "--json", *TASKS).stdout)}
    assert [step for step, each in found.items() if each["state"] == "run"] == [f"verify:{MODEL}-ncnn"]
    (difference,) = found[f"verify:{MODEL}-ncnn"]["differences"]
    assert difference["action"] == "run in ncnn"
    assert [(each["component"], each["name"]) for each in difference["changes"]] == [("code", "step/run.py")]


def test_another_image_runs_what_is_done_in_it_and_says_which_package(project: Project) -> None:
    """An image that holds something else: here by its record alone, as a mirror that has moved on would make it."""
    name = toolchains.definition("ncnn", project.folder / "images")
    record = project.cache / "images" / f"{name}.json"
    before = record.read_text()
    data = json.loads(before)
    former = record.with_name(f"{data['identity']}.json")
    former.write_text(before)
    data["contents"]["debian"]["a-package-for-a-test"] = "1.0"
    data["identity"] = toolchains.digest_of(data["contents"])
    record.write_text(json.dumps(data))
    try:
        told = project.doit("explain", *TASKS).stdout
    finally:
        record.write_text(before)
        former.unlink()
    assert f"run        checkpoint:{MODEL}-ncnn" in told
    assert "a-package-for-a-test" in told
    assert f"run        verify:{MODEL}-ncnn" in told
    assert f"checkpoint:{MODEL}-onnx" not in told


def test_other_weights_of_the_same_structure_leave_the_code_alone(converted: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", converted.cache)
    source = converted.folder / "build" / MODEL / "source"
    symbol = json.loads((source / "det1-symbol.json").read_text())
    stored = {name: array.array() for name, array in read_params(source / "det1-0001.params").items() if array}
    for factor, runs in ((1.0, None), (1.125, ("download", "ir", "reference", "checkpoint onnx", *VERIFIED))):
        files = write(tmp_path, symbol, {name: array * array.dtype.type(factor) for name, array in stored.items()})
        (project.folder / "models" / "own.toml").write_text(_manifest(project, *files))
        done = project.doit("convert:own-onnx")
        assert done.returncode == 0, done.stderr
        if runs:
            assert ran(done.stdout) == {named(each).replace(MODEL, "own") for each in runs}


VERIFIED = ("verify ir", "verify onnx")


def _manifest(project: Project, graph: Path, weights: Path) -> str:
    """That of the model, with other files."""
    head, _, rest = (project.folder / MANIFEST).read_text().partition("[source]")
    files = "".join(
        f'[source.files.{role}]\nurls = ["{path.as_uri()}"]\n'
        f'sha256 = "{_sha256(path)}"\nsize = {path.stat().st_size}\n\n'
        for role, path in (("graph", graph), ("weights", weights))
    )
    return f"{head}{files}[inputs.data]{rest.partition('[inputs.data]')[2]}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
