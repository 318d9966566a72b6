"""One network of each family of Gluon's model zoo, seeded weights, converted to every target as a user does it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.targets import TARGETS
from tests.support.project import Project
from tests.support.zoo import NETS, model_name, write_manifests

pytestmark = pytest.mark.container


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
        assert project.doit(f"ir:{model}", f"reference:{model}").returncode == 0
        done = project.doit_in_halves(*(f"convert:{model}-{target}" for target in TARGETS))
        assert done.returncode == 0, done.stdout + done.stderr
        verdicts = {target: project.verdict(model, target)["verdict"] for target in ("", *TARGETS)}
        assert set(verdicts.values()) == {"exact"}, verdicts
        for target, spellings in LAST.items():
            code = (project.folder / "build" / model / target / "code" / "model.py").read_text()
            count, reason = TRANSPOSES.get(net, (0, ""))
            assert sum(code.count(spelling) for spelling in spellings) == count, (target, reason)
        _check_stock_caffe(project, net)
    finally:
        shutil.rmtree(tmp_path / "cache")
        shutil.rmtree(project.folder)


def _check_stock_caffe(project: Project, net: str) -> None:
    """The same in the layers that every Caffe has; there ReLU6 is composed, of layers that are plain ReLU."""
    model = model_name(net)
    prototxt = project.folder / "build" / model / "caffe" / "code" / "deploy.prototxt"
    native = prototxt.read_text().count('type: "ReLU6"')
    assert (native > 0) == (net == "mobilenetv2_1.0")
    with (project.folder / "models" / f"{model}.toml").open("a") as manifest:
        manifest.write('\n[targets.caffe]\noptions = { profile = "bvlc" }\n')
    done = project.doit(f"convert:{model}-caffe")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.verdict(model, "caffe")["verdict"] == "exact"
    assert 'type: "ReLU6"' not in prototxt.read_text()
