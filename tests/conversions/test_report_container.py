"""The report of models that are really converted: its layers, its ranks, and what it shows of failures."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.targets import TARGETS
from tests.support.project import Project, ran

pytestmark = pytest.mark.container

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
MODELS = "mtcnn-onet,gender-age"


@pytest.fixture(scope="module")
def reported(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout that shares the cache of the conversions done, with a report of two models."""
    project = Project(tmp_path_factory.mktemp("report") / "project", converted.cache)
    done = project.doit("report", f"models={MODELS}")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "18 of 18 exact" in done.stdout
    assert "build/report/index.html" in done.stdout
    return project


def matrix(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.folder / "build/report/matrix.json").read_text())
    return found


def cell(project: Project, model: str, target: str) -> dict[str, Any]:
    (found,) = (one for one in matrix(project)["cells"] if (one["model"], one["target"]) == (model, target))
    return dict(found)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", MODELS.split(","))
def test_every_layer_of_a_right_conversion_is_right(reported: Project, model: str, target: str) -> None:
    found = cell(reported, model, target)
    nodes = json.loads((reported.folder / "build" / model / "ir/model.json").read_text())["nodes"]
    assert found["layers"]["case"] == "astronaut"
    values = found["layers"]["values"]
    assert len(values) > len(nodes) / 3, "ncnn fuses what follows a convolution into it"
    assert all(value["max_rel"] <= 1e-5 for value in values)
    places = {out: (place, node) for place, node in enumerate(nodes) for out in node["outputs"]}
    found_places = [places[value["value"]][0] for value in values]
    assert found_places == sorted(found_places)
    for value in values:
        node = places[value["value"]][1]
        assert (value["node"], value["operator"]) == (node["name"], node["op"])


@pytest.mark.parametrize("target", ["cntk", "ncnn", "keras"])
def test_a_cell_tells_ranks_files_and_times(reported: Project, target: str) -> None:
    found = cell(reported, "mtcnn-onet", target)
    sides = found["top"]["prob1_output"]["astronaut"]
    assert [each["class"] for each in sides["reference"]] == [each["class"] for each in sides["candidate"]]
    assert sides["reference"][0]["label"] == "face"
    assert [one["step"].removeprefix("keras_") for one in found["timings"]] == [
        "inputs",
        "reference",
        "parse",
        "emit",
        "checkpoint",
        "run",
        "compare",
    ]
    assert all(0 < one["seconds"] < 600 for one in found["timings"])
    report = reported.folder / "build/report"
    assert {f"../mtcnn-onet/{target}/{name}.json" for name in ("verify", "layers", "top")} <= {
        one["path"] for one in found["files"]
    }
    assert all((report / one["path"]).stat().st_size == one["size"] for one in found["files"])


def test_a_second_report_runs_nothing_and_keeps_its_date(reported: Project) -> None:
    matrix_json = reported.folder / "build/report/matrix.json"
    before = matrix_json.read_bytes()
    for arguments in (("report", f"models={MODELS}"), ("report",)):
        again = reported.doit(*arguments, **NO_ENGINE)
        assert (again.returncode, again.stdout) == (0, "report: up to date, nothing to run\n")
    shutil.rmtree(reported.folder / "build/gender-age")
    fewer = reported.doit("report", **NO_ENGINE)
    assert fewer.returncode == 0
    assert ran(fewer.stdout) == ["report"]
    assert [one["name"] for one in matrix(reported)["models"]] == ["mtcnn-onet"]
    restored = reported.doit("report", f"models={MODELS}", **NO_ENGINE)
    assert restored.returncode == 0
    assert ran(restored.stdout) == ["report"]
    assert matrix_json.read_bytes() == before


@pytest.mark.parametrize("target", ["cntk", "coreml", "ncnn", "tensorflow"])
def test_a_wrong_weight_shows_as_a_jump_and_the_report_is_written(
    converted: Project, tmp_path: Path, target: str
) -> None:
    project = Project(tmp_path / "project", converted.cache)
    reader = project.folder / "images/base/weights.py"
    right = "        return weights[operand]\n"
    wrong = right.replace("[operand]", "[operand] * np.float32(1.5 if operand == 'conv3_weight' else 1)")
    reader.write_text(reader.read_text().replace(right, wrong))
    assert project.doit(f"convert:mtcnn-onet-{target}").returncode == 1
    for _ in range(2):
        failed = project.doit("report")
        assert failed.returncode == 1
        assert f"verify:mtcnn-onet-{target} failed" in failed.stderr
        assert re.search(r"1 failed", failed.stdout)
        found = cell(project, "mtcnn-onet", target)
        assert found["verdict"] == "differs"
        errors = {value["value"]: value["max_rel"] for value in found["layers"]["values"]}
        place = list(errors).index("conv3_output")
        assert all(error < 1e-5 for error in list(errors.values())[:place])
        assert errors["conv3_output"] > 0.1
    page = (project.folder / "build/report/index.html").read_text()
    assert "✗" in page


def test_with_nothing_verified_it_says_what_to_do(converted: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", converted.cache)
    failed = project.doit("report")
    assert failed.returncode == 1
    assert "nothing has been verified yet" in failed.stderr
    assert not (project.folder / "build/report").exists()
    unknown = project.doit("report", "models=mtcnn-onett")
    assert unknown.returncode == 1
    assert "did you mean mtcnn-onet" in unknown.stderr
