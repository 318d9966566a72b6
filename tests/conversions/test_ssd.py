"""Single shot detectors, seeded weights, converted as a user does it: all detections of four inputs are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.project import Project

pytestmark = pytest.mark.container

NATIVE = ("caffe", "ncnn", "onnx")
"""The targets with a layer of their own for detections."""
COMPOSED = ("keras", "mxnet", "pytorch", "tensorflow")
"""Those where suppression is a loop."""
MODELS = {
    "ssd_300_mobilenet0.25_voc-seeded": (*NATIVE, *COMPOSED),
    "ssd_300_resnet34_v1b_coco-seeded": NATIVE,
    "ssd_300_vgg16_atrous_voc-seeded": NATIVE,
    "ssd_512_mobilenet1.0_voc-seeded": NATIVE,
    "ssd_512_mobilenet1.0_custom-seeded": NATIVE,
    "ssd300_mobilenetv2": NATIVE,
}
"""Models with the targets that they are converted to: each base, each size, 80 and 2 classes beside 20."""


@pytest.mark.parametrize("model", MODELS)
def test_all_detections_are_found_again(model: str, converted: Project, tmp_path: Path) -> None:
    for part in ("images", "archives"):
        shutil.copytree(converted.cache / part, tmp_path / "cache" / part)
    project = Project(tmp_path / "project", tmp_path / "cache")
    targets = MODELS[model]
    try:
        assert project.doit(f"ir:{model}", f"reference:{model}").returncode == 0
        done = project.doit_in_halves(*(f"convert:{model}-{target}" for target in targets))
        assert done.returncode == 0, done.stdout + done.stderr
        for target in ("", *targets):
            verdict = project.verdict(model, target)
            (found,) = verdict["detections"]
            assert verdict["verdict"] == "exact"
            assert (found["reference"], found["candidate"], found["matched"]) == (400, 400, 400), target
            assert found["max_score_error"] < 1e-3
            assert found["min_iou"] >= 0.99
    finally:
        shutil.rmtree(tmp_path / "cache")
        shutil.rmtree(project.folder)


def test_the_prototxt_is_that_of_caffe_ssd(converted: Project, tmp_path: Path) -> None:
    """The layers between the heads and the detections; a map of one pixel needs no Permute. All lengths are there."""
    project = Project(tmp_path / "project", converted.cache)
    model = "ssd_300_mobilenet0.25_voc-seeded"
    assert project.doit(f"code:{model}-caffe").returncode == 0
    text = (project.folder / "build" / model / "caffe" / "code" / "deploy.prototxt").read_text()
    for layer, count in {"PriorBox": 6, "Permute": 10, "Softmax": 1, "DetectionOutput": 1}.items():
        assert text.count(f'type: "{layer}"') == count, layer
    for field in ("min_size", "max_size", "variance", "step", "offset", "clip", "flip"):
        assert text.count(f" {field}: ") >= 6, field


@pytest.mark.parametrize("target", ["cntk", "coreml"])
def test_targets_that_cannot_suppress_say_so(target: str, converted: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", converted.cache)
    model = "ssd_300_mobilenet0.25_voc-seeded"
    done = project.doit(f"convert:{model}-{target}")
    assert done.returncode == 1
    assert "Loop (greedy)" in done.stderr
    assert not (project.folder / "build" / model / target / "code").exists()
