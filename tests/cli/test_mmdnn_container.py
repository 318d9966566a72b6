"""The transcript of MMdnn's README for MXNet, with its commands and with transship's; and all its destinations."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from converter.formats import recognise
from tasks.cli.mmdnn.flags import TARGETS
from tests.cli.command import Command
from tests.support.project import ROOT, Project

pytestmark = pytest.mark.container

NET = "imagenet1k-resnet-50"
PLACE = "imagenet/resnet/50-layers"
FILES = ("resnet-50-symbol.json", "resnet-50-0000.params")
LINES = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / "mmdnn.md").read_text(), re.MULTILINE | re.DOTALL)

OURS = """
transship download --list
transship download imagenet1k-resnet-50 -o .
transship convert --from mxnet -n resnet-50-symbol.json -w resnet-50-0000.params \
    --input-shape 3,224,224 --to cntk -o one
transship ir resnet-50-symbol.json --input-shape 3,224,224 -o structure
transship ir resnet-50-symbol.json resnet-50-0000.params --input-shape 3,224,224 -o steps
transship code structure --to mxnet
transship code steps --to mxnet
transship checkpoint steps --to mxnet
transship verify steps --to mxnet
"""


@pytest.fixture(scope="module")
def mirror(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's server, whose files are seeded ones."""
    folder = tmp_path_factory.mktemp("mirror")
    project = Project(tmp_path_factory.mktemp("seeded") / "project", converted.cache)
    done = project.doit(f"download:{NET}", "weights=seeded")
    assert done.returncode == 0, done.stderr
    (folder / PLACE).mkdir(parents=True)
    for path in (project.folder / "build" / f"{NET}-seeded" / "source").iterdir():
        shutil.copy(path, folder / PLACE / path.name.replace("model", "resnet-50"))
    return folder


def run_all(lines: str, programs: dict[str, Command], mirror: Path) -> list[str]:
    """Run every line; what each answered."""
    answers = []
    for line in lines.strip().splitlines():
        words = shlex.split(line)
        program = programs[words[0]] if words[0] in programs else programs["mm"]
        done = program.run(*(words[1:] if words[0] in programs else words), TRANSSHIP_MIRROR=str(mirror))
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        answers.append(done.stdout)
    return answers


@pytest.fixture
def programs(converted: Project, tmp_path: Path) -> dict[str, Command]:
    """Both command lines, of a checkout whose record of downloads the tests may write, in an empty folder."""
    checkout = Project(tmp_path / "checkout", converted.cache).folder
    folder = tmp_path / "a folder"
    folder.mkdir()
    ours = Command(folder, converted.cache, checkout)
    return {"transship": ours, "mm": Command(folder, converted.cache, checkout, "tasks.cli.mmdnn")}


def test_the_transcript(programs: dict[str, Command], mirror: Path) -> None:
    (lines,) = LINES
    answers = run_all(lines, programs, mirror)
    assert answers[0].startswith("Supported models: [")
    assert f"'{NET}'" in answers[0]
    assert answers[1].split() == list(FILES)
    assert answers[2].startswith("mxnet_resnet50.dnn\n√ exact")
    assert answers[3].split() == ["resnet50.pb", "resnet50.json"]
    folder = programs["mm"].folder
    assert recognise(folder / "mxnet_resnet50.dnn").name == "cntk"
    assert recognise(folder / "mxnet_resnet50-symbol.json").name == "mxnet-symbol"
    assert recognise(folder / "mxnet_resnet50-0000.params").name == "mxnet-params"
    compared = programs["transship"].run(
        *("convert", "mxnet_resnet50-symbol.json", "mxnet_resnet50-0000.params", "--input-shape", "3,224,224"),
        *("--to", "onnx"),
    )
    assert "√ exact" in compared.stdout, "what came back to MXNet is a model of MXNet's"


def test_the_same_with_transship_s_own_commands(programs: dict[str, Command], mirror: Path) -> None:
    answers = run_all(OURS, programs, mirror)
    assert NET in answers[0]
    assert answers[1].split() == list(FILES)
    assert "to cntk: √ exact" in answers[2]
    assert "to mxnet: √ exact, largest error 0\n" in answers[-1]
    code = [
        (programs["mm"].folder / name / "mxnet" / "code" / "model.py").read_text() for name in ("structure", "steps")
    ]
    assert code[0].splitlines()[2:] == code[1].splitlines()[2:], (
        "code needs no weights, but the model's name is in it"
    )


def test_every_destination(converted: Project, tmp_path: Path) -> None:
    shutil.copytree(converted.folder / "build" / "mtcnn-onet" / "source", tmp_path, dirs_exist_ok=True)
    program = Command(tmp_path, converted.cache, program="tasks.cli.mmdnn")
    files = ("-in", "det3-symbol.json", "-iw", "det3-0001.params", "--inputShape", "3,48,48")
    kinds = {}
    for target in TARGETS:
        done = program.run("mmconvert", "-sf", "mxnet", *files, "-df", target, "-om", f"out/{target}")
        assert done.returncode == 0, done.stderr
        *paths, verdict = done.stdout.splitlines()
        assert verdict.startswith("√ exact")
        kinds[target] = {recognise(tmp_path / path).name for path in paths}
    assert kinds == {
        "caffe": {"prototxt", "caffemodel"},
        "cntk": {"cntk"},
        "coreml": {"mlpackage"},
        "keras": {"keras"},
        "mxnet": {"mxnet-symbol", "mxnet-params"},
        "onnx": {"onnx"},
        "pytorch": {"pt2"},
        "tensorflow": {"savedmodel"},
    }
