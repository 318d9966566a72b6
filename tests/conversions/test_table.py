"""A row and a column of the table of classic models, seeded weights, converted as a user does it.

All of it is ``make table``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import table
from tasks.targets import TARGETS
from tests.support.project import Project, ran

pytestmark = pytest.mark.container

WHOLE_ROWS = ("imagenet1k-resnet-18", "squeezenet_v1.1")
WHOLE_COLUMNS = ("caffe", "onnx")
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


@pytest.fixture(scope="module")
def project(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A checkout with a cache that knows the images."""
    folder = tmp_path_factory.mktemp("table")
    shutil.copytree(converted.cache / "images", folder / "cache" / "images")
    shutil.copytree(converted.cache / "archives", folder / "cache" / "archives")
    yield Project(folder / "a project", folder / "cache")
    shutil.rmtree(folder)


@pytest.mark.parametrize("model", table.MODELS)
def test_it_is_exact(project: Project, model: str) -> None:
    targets = TARGETS if model in WHOLE_ROWS else WHOLE_COLUMNS
    seeded = f"{model}-seeded"
    project.doit(f"ir:{seeded}", f"reference:{seeded}")
    done = project.doit_in_halves(*(f"convert:{seeded}-{target}" for target in targets))
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = {target: project.verdict(seeded, target) for target in ("", *targets)}
    assert {target: verdict["verdict"] for target, verdict in verdicts.items()} == dict.fromkeys(verdicts, "exact")
    assert {output["name"] for verdict in verdicts.values() for output in verdict["outputs"]} <= {
        "softmax_output",
        "prob_output",
    }
    if model not in WHOLE_ROWS:
        shutil.rmtree(project.folder / "build" / seeded)
        shutil.rmtree(project.cache / "cas")
        shutil.rmtree(project.cache / "ac")


def test_aliases_and_weights_lead_to_the_same_model(project: Project) -> None:
    built = project.doit("convert:resnet18-onnx", "convert:squeezenet-caffe")
    assert built.returncode == 1
    assert "weights=seeded" in built.stderr, "nothing takes the place of a file that cannot be had; this is offered"
    assert not (project.folder / "build/imagenet1k-resnet-18/ir").exists()


def test_seeded_weights_are_said_wherever_they_are_used(project: Project) -> None:
    words = ("convert:resnet18-onnx", "convert:squeezenet-caffe", "code:squeezenet-coreml", "weights=seeded")
    asked = project.doit(*words)
    assert (asked.returncode, asked.stderr) == (0, "")
    built = {folder.name for folder in (project.folder / "build").iterdir()}
    assert built >= {"imagenet1k-resnet-18-seeded", "squeezenet_v1.1-seeded"}
    assert project.verdict("squeezenet_v1.1-seeded", "caffe")["model"] == "squeezenet_v1.1-seeded"
    again = project.doit(*words, **NO_ENGINE)
    assert ran(again.stdout) == []
    assert "up to date, nothing to run" in again.stdout
    model = json.loads((project.folder / "build/squeezenet_v1.1-seeded/ir/model.json").read_text())
    assert "seeded" in model["name"]
    assert (
        "n01440764 tench, Tinca tinca"
        in (project.folder / "build/squeezenet_v1.1-seeded/coreml/code/model.py").read_text()
    )


def test_a_model_without_an_architecture_has_no_seeded_weights(project: Project, tmp_path: Path) -> None:
    refused = project.doit("convert:mtcnn-onet-caffe", "weights=seeded")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("mtcnn-onet cannot be built with seeded weights")
