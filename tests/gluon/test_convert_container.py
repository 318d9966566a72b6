"""Live nets of Gluon, converted in an environment as a user has it, compute the same in Caffe itself."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from converter.compare import compare
from converter.detected import Group
from converter.gluon.schema import message
from tests.support.containers import run_step, stage_scripts
from tests.support.project import ROOT

pytestmark = pytest.mark.container

CASES = (
    "mobilenet1.0",
    "mobilenetv2_1.0",
    "resnet18_v1",
    "resnet18_v2",
    "squeezenet1.1",
    "without scale",
    "without scale, apart",
    "relu before norm",
    "bgr",
    "bgr of a norm",
    "softmax",
    "several",
    "batch of 2",
)
DETECTOR = "detector"
Answers = list[dict[str, np.ndarray]]


def with_library(folder: Path) -> None:
    """Put the library into a container's input."""
    shutil.copytree(ROOT / "converter", folder / "converter", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All nets, converted in one container."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    with_library(inputs)
    stage_scripts(inputs / "step", "images/mxnet/export.py", "tests/gluon/nets.py")
    run_step("gluon", ["python3", "in/step/nets.py"], inputs, outputs)
    return outputs


@pytest.fixture(scope="module")
def in_caffe(nets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Caffe computes of the same inputs, all in one container."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    shutil.copytree(nets, inputs / "nets")
    stage_scripts(inputs / "step", "images/caffe-ssd/run.py", "tests/gluon/caffenets.py")
    run_step("caffe-ssd", ["python3", "in/step/caffenets.py"], inputs, outputs)
    return outputs


def answers(path: Path) -> Answers:
    """Of the four inputs, by place."""
    with np.load(path) as stored:
        return [
            {key[2:]: stored[key] for key in stored if key.startswith(f"{number}/") and not key.endswith("data")}
            for number in range(4)
        ]


@pytest.mark.parametrize("case", CASES)
def test_caffe_computes_what_the_net_computes(case: str, nets: Path, in_caffe: Path) -> None:
    verdict = compare(answers(nets / case / "answers.npz"), answers(in_caffe / f"{case}.npz"))
    assert verdict.verdict == "exact", verdict.reasons


def test_a_detector_finds_the_same(nets: Path, in_caffe: Path) -> None:
    own, caffe = answers(nets / DETECTOR / "answers.npz"), answers(in_caffe / f"{DETECTOR}.npz")
    verdict = compare(own, caffe, detections=[Group(("0", 0), ("1", 0), ("2", 0))])
    assert verdict.verdict == "exact", verdict.reasons
    assert [each.matched for each in verdict.detections] == [400]
    assert len(np.unique([each["0"] for each in own])) > 5


@pytest.mark.parametrize("case", [*CASES, DETECTOR])
def test_nothing_of_the_net_is_changed(case: str, nets: Path) -> None:
    assert json.loads((nets / case / "changed.json").read_text()) == []


def test_our_schema_is_caffe_s(in_caffe: Path) -> None:
    theirs = json.loads((in_caffe / "schema.json").read_text())
    for ours in message("NetParameter").DESCRIPTOR.file.message_types_by_name.values():
        for field in ours.fields:
            of = field.message_type or field.enum_type
            values = {value.name: value.number for value in field.enum_type.values} if field.enum_type else {}
            default = None if field.message_type or field.is_repeated else field.default_value
            packed = field.GetOptions().packed
            described = [field.number, field.type, field.is_repeated, of and of.full_name, values, default, packed]
            known = theirs[ours.name][field.name]
            differ = [pair for pair in zip(described, known, strict=True) if pair[0] != pair[1]]
            assert not differ, f"{ours.name}.{field.name}"


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("never initialised", "the net has parameters without values: dense"),
        ("another shape", "the net does not take an input of (1, 3, 16, 16)"),
        ("no graph", "cannot be called on a symbol"),
        ("two inputs", "the net's inputs are data, mask"),
        ("no symbols", "the outputs of the net are no symbols"),
        ("another net's", "the net's inputs are data, fullyconnected"),
    ],
)
def test_what_is_no_net_to_convert_is_refused(case: str, what: str, nets: Path) -> None:
    said = json.loads((nets / "refusals.json").read_text())[case]
    assert what in said
    assert "\n  to do: " in said


def test_the_readme_s_examples_run(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text().split("\n## From Python: a live Gluon net\n")[1].split("\n## ")[0]
    examples = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert len(examples) == 3
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    outputs.mkdir()
    with_library(inputs)
    (inputs / "examples.json").write_text(json.dumps(examples))
    stage_scripts(inputs / "step", "images/mxnet/seeded.py", "tests/gluon/examples.py")
    run_step("gluon", ["python3", "in/step/examples.py"], inputs, outputs)
    files = {path.relative_to(outputs).as_posix() for path in outputs.rglob("*") if path.suffix != ".params"}
    expected = {"caffe/resnet18_v1", "caffe/ssd"}
    saved = {f"{prefix}{suffix}" for prefix in expected for suffix in (".prototxt", ".caffemodel")}
    saved |= {"ncnn/ssd.param", "ncnn/ssd.bin", "onnx/ssd.onnx"}
    assert {name for name in files if (outputs / name).is_file()} == saved
