"""One network of each family of Gluon's model zoo, seeded weights, converted to every target as a user does it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.zoo import NETS, model_name, write_manifests

pytestmark = pytest.mark.container

TARGETS = ("coreml", "keras", "mxnet", "ncnn", "onnx", "pytorch", "tensorflow")

LAST = {"keras": ("ops.transpose(", "layers.Permute("), "tensorflow": ("tf.transpose(",)}
"""The targets that compute channels last, and how a transpose is spelled there."""

TRANSPOSES: Mapping[str, tuple[int, str]] = {}
"""The networks that cannot do without: how many, and why."""


@pytest.mark.parametrize("net", NETS)
def test_every_target_is_exact(net: str, converted: Project, tmp_path: Path) -> None:
    for part in ("images", "archives"):
        shutil.copytree(converted.cache / part, tmp_path / "cache" / part)
    project = Project(tmp_path / "project", tmp_path / "cache")
    write_manifests(project.folder / "models")
    model = model_name(net)
    try:
        done = project.doit("--continue", *(f"convert:{model}-{target}" for target in TARGETS))
        assert done.returncode == 0, done.stdout + done.stderr
        verdicts = {target: project.verdict(model, target)["verdict"] for target in ("", *TARGETS)}
        assert set(verdicts.values()) == {"exact"}, verdicts
        for target, spellings in LAST.items():
            code = (project.folder / "build" / model / target / "code" / "model.py").read_text()
            count, reason = TRANSPOSES.get(net, (0, ""))
            assert sum(code.count(spelling) for spelling in spellings) == count, (target, reason)
    finally:
        shutil.rmtree(tmp_path / "cache")
        shutil.rmtree(project.folder)
