"""What users do with the files of the ONNX target, in ONNX Script and onnxruntime; and the corpus in other opsets.

Of the corpus a part is run in the oldest opset and another one in the newest. With ``TRANSSHIP_WHOLE_CORPUS=1`` in
the environment all of it is, in both, which takes some minutes:

    TRANSSHIP_WHOLE_CORPUS=1 python -m pytest tests/emitters/test_onnx_container.py -k other_opsets
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

import converter
from converter.emitters.onnx import FILES
from converter.emitters.onnx.statement import NEWEST, OLDEST
from tests.emitters.corpus import Subject
from tests.emitters.executed import agree, execute
from tests.emitters.golden import UPDATE, representative
from tests.emitters.models import Builder, noise
from tests.emitters.refusals import FOLDER, emit, recorded
from tests.emitters.targets import tolerance
from tests.support.containers import run_step, stage_scripts, try_step

pytestmark = pytest.mark.container

WHOLE = "TRANSSHIP_WHOLE_CORPUS"
STEPS = ("images/onnx/checkpoint.py", "images/onnx/run.py", "tests/support/batch.py")
USE = """
import importlib.util, json, numpy as np, onnx, onnxruntime, sys
spec = importlib.util.spec_from_file_location("model", "in/cases/plain/code/model.py")
module = sys.modules["model"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
onnx.checker.check_model(module.build({}), full_check=True)
stored = onnx.load("out/cases/plain/checkpoint/model.onnx").graph.initializer
built = module.build({tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in stored})
session = onnxruntime.InferenceSession(built.SerializeToString())
data = np.load("in/cases/plain/inputs.npz")["case/data"]
np.savez("out/rebuilt.npz", *session.run(None, {"data": data}))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of the cases that :func:`cases` makes, and of a script that builds the code by itself."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    stage_scripts(inputs / "step", *STEPS)
    stage(inputs / "cases" / "plain", {})
    stage(inputs / "cases" / "again", {})
    stage(inputs / "cases" / "external", {"external_above": 1000})
    stage(inputs / "cases" / "external-13", {"external_above": 0}, opset=13)
    stage(inputs / "cases" / "edited", {}, edits={"data - 127.5": "data - 127", "op.Dropout(fc1, 0.25)": "fc1 * 2"})
    stage(inputs / "cases" / "renamed", {}, edits={"fc3_weight": "matrix"})
    (inputs / "use.py").write_text(USE)
    (outputs / "cases").mkdir()
    command = "python3 in/step/batch.py checkpoint run && python3 in/use.py"
    run_step("onnx", ["sh", "-c", command], inputs, outputs)
    return outputs


def stage(folder: Path, params: Mapping[str, int], edits: Mapping[str, str] | None = None, **options: int) -> None:
    """Write what the steps find below ``in/``, with ``edits`` to the code."""
    model = representative()
    converter.save(model, folder / "ir")
    (folder / "code").mkdir()
    for name, content in converter.emit(model, "onnx", **options).items():
        (folder / "code" / name).write_bytes(content)
    text = (folder / "code" / FILES[0]).read_text()
    for old, new in (edits or {}).items():
        assert old in text
        text = text.replace(old, new)
    (folder / "code" / FILES[0]).write_text(text)
    (folder / "params.json").write_text(json.dumps({"trace": True, **params}))
    np.savez(folder / "inputs.npz", **{"case/data": noise("data", (2, 3, 18, 24))})


def answers(folder: Path) -> dict[str, np.ndarray]:
    """What a case computed."""
    assert not (folder / "error.txt").exists(), (folder / "error.txt").read_text() + (folder / "log.txt").read_text()
    with np.load(folder / "run" / "outputs.npz") as arrays:
        return {name.removeprefix("case/"): arrays[name] for name in arrays.files}


def test_the_same_code_and_weights_are_the_same_bytes(built: Path) -> None:
    plain, again = (
        (built / "cases" / name / "checkpoint" / "model.onnx").read_bytes() for name in ("plain", "again")
    )
    assert plain == again


def test_the_checkpoint_has_the_names_of_the_source(built: Path) -> None:
    model = onnx.load(built / "cases" / "plain" / "checkpoint" / "model.onnx")
    assert model.graph.name == "ExampleNet"
    assert [node.name for node in model.graph.node][:3] == ["_minusscalar0", "_mulscalar0", "conv1"]
    assert [node.output[0] for node in model.graph.node][-4:-2] == ["drop1_output", "fc2_output"]
    names = {tensor.name for tensor in model.graph.initializer}
    assert {"conv1_weight", "_minusscalar0/1", "drop1/1"} <= names
    assert [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == [
        "batch",
        3,
        18,
        24,
    ]
    shapes = {value.name: len(value.type.tensor_type.shape.dim) for value in model.graph.value_info}
    assert shapes["conv1_output"] == 4
    assert {prop.key for prop in model.metadata_props} == {"transship.preprocess"}


def test_weights_beside_the_model_are_the_same_weights(built: Path) -> None:
    wanted = answers(built / "cases" / "plain")
    for name in ("external", "external-13"):
        folder = built / "cases" / name
        assert (folder / "checkpoint" / "model.onnx.data").stat().st_size > 4096
        assert (folder / "checkpoint" / "model.onnx").stat().st_size < 10_000
        found = answers(folder)
        for key in ("prob1_output", "fc3_output"):
            np.testing.assert_array_equal(found[key], wanted[key])


def test_parameters_that_are_not_finite_stay_as_they_are(tmp_path: Path) -> None:
    net = Builder()
    weight = net.parameter("weight", value=[0, 1, np.nan, -np.inf])
    inverse = net.node("Div", "inverse", net.constant("one", 1.0), weight)
    model = net.model(net.node("Mul", "scaled", net.input("data", ("batch", 4)), inverse))
    converter.save(model, tmp_path / "in" / "ir")
    (tmp_path / "in" / "code").mkdir()
    for name, content in converter.emit(model, "onnx").items():
        (tmp_path / "in" / "code" / name).write_bytes(content)
    stage_scripts(tmp_path / "in" / "step", STEPS[0])
    (tmp_path / "out").mkdir()
    status, said = try_step("onnx", ["python3", "in/step/checkpoint.py"], tmp_path / "in", tmp_path / "out")
    assert (status, said) == (0, "")
    (stored,) = onnx.load(tmp_path / "out" / "model.onnx").graph.initializer
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored), [np.inf, 1, np.nan, 0])


def test_the_code_has_to_keep_the_parameters(built: Path) -> None:
    folder = built / "cases" / "renamed"
    said = (folder / "log.txt").read_text()
    assert (folder / "error.txt").read_text().endswith("SystemExit: 65\n")
    assert said.startswith("Parameters of the model are no arguments of the code\n  where: fc3_weight\n  to do: ")


def test_the_code_can_be_edited(built: Path) -> None:
    plain, edited = answers(built / "cases" / "plain"), answers(built / "cases" / "edited")
    np.testing.assert_allclose(edited["_minusscalar0_output"], plain["_minusscalar0_output"] + 0.5, rtol=1e-6)
    np.testing.assert_allclose(edited["drop1_output"], edited["fc1_output"] * 2, rtol=1e-6)


def test_the_code_can_be_built_without_the_plan(built: Path) -> None:
    wanted = answers(built / "cases" / "plain")
    with np.load(built / "rebuilt.npz") as found:
        np.testing.assert_allclose(found["arr_0"], wanted["prob1_output"], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found["arr_1"], wanted["fc3_output"], rtol=1e-5)


@pytest.mark.parametrize(("opset", "part"), [(OLDEST, slice(0, None, 4)), (NEWEST, slice(1, None, 8))])
def test_other_opsets_compute_the_same(
    opset: int, part: slice, subjects: Mapping[str, Subject], tmp_path: Path
) -> None:
    """A part of the corpus each, for time's sake; what is refused is on record for all of it."""
    if os.environ.get(UPDATE):
        lines = [f"{name}: {reason}\n" for name, reason in reasons(subjects.values(), opset).items()]
        (FOLDER / f"onnx-{opset}.txt").write_text("".join(lines), encoding="utf-8")
    chosen = list(subjects.values())[slice(None) if os.environ.get(WHOLE) else part]
    found = execute("onnx", chosen, tmp_path, opset=opset)
    said = reasons((subject for subject in chosen if subject.id not in found), opset)
    record = recorded(f"onnx-{opset}")
    assert said == {subject.id: record[subject.id] for subject in chosen if subject.id in record}
    for name, answer in found.items():
        agree(subjects[name], answer, tolerance("onnx", name, subjects[name].tolerance))


def reasons(subjects: Iterable[Subject], opset: int) -> dict[str, str]:
    """Why those of ``subjects`` are refused that are."""
    said = {subject.id: emit(subject, "onnx", opset=opset) for subject in subjects}
    return {name: " ".join(reason.split()) for name, reason in said.items() if isinstance(reason, str)}


def test_inlined_functions_compute_the_same(subjects: Mapping[str, Subject], tmp_path: Path) -> None:
    chosen = [subject for subject in subjects.values() if subject.load().functions]
    found = execute("onnx", chosen, tmp_path, inline=True)
    assert len(found) == len(chosen)
    for subject in chosen:
        agree(subject, found[subject.id], tolerance("onnx", subject.id, subject.tolerance))
        model = onnx.load(tmp_path / "0" / "out" / "cases" / subject.id / "checkpoint" / "model.onnx")
        assert not model.functions
