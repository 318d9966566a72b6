"""The classic networks that are built here are those of the papers: as Gluon's zoos build them, weight by weight."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.containers import ROOT, run_step

pytestmark = pytest.mark.container

NORMED = ("bn_data_", "batchnorm0_")
UNNORMED = ("bn_data_", "")


def case(
    architecture: str, zoo: str, name: str, pixels: tuple[str, str] = ("", ""), **options: Any
) -> dict[str, Any]:
    options["classes"] = 1000
    return {"architecture": architecture, "zoo": zoo, "name": name, "pixels": pixels, "options": options}


TWINS = {
    **{f"resnet-{n}": case("resnet", "gluon", f"resnet{n}_v2", NORMED, layers=n) for n in (18, 34, 50, 101, 152)},
    **{f"vgg-{n}": case("vgg", "gluon", f"vgg{n}", layers=n) for n in (16, 19)},
    **{f"squeezenet-{v}": case("squeezenet", "gluon", f"squeezenet{v}", version=v) for v in ("1.0", "1.1")},
    **{
        f"resnext-{n}-{g}": case(
            "resnext", "gluoncv", f"resnext{n}_{g}x4d", UNNORMED, layers=n, groups=g, group_width=4
        )
        for n, g in ((50, 32), (101, 32), (101, 64))
    },
}
"""Inception with BatchNorm has no twin in these zoos."""

TOLERANCE = 2e-4
"""Relative to the largest score: Gluon's BatchNorm adds 1e-5 to variances near 1, ours 2e-5, up to 150 times."""

PROJECTED = [64, 64, 1, 1]
"""What the classic ResNet-18 and 34 have more: a projection in the first unit, where no size changes."""


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What ``twins.py`` found."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    shutil.copytree(ROOT / "images/mxnet/architectures", inputs / "architectures")
    shutil.copy(ROOT / "images/mxnet/residual.py", inputs / "architectures")
    shutil.copy(Path(__file__).with_name("twins.py"), inputs)
    (inputs / "params.json").write_text(json.dumps(TWINS))
    run_step("mxnet", ["python3", "in/twins.py"], inputs, outputs)
    found: dict[str, dict[str, Any]] = json.loads((outputs / "twins.json").read_text())
    return found


@pytest.mark.parametrize("name", [name for name in TWINS if name not in ("resnet-18", "resnet-34")])
def test_the_same_weights_give_the_same_scores(twins: dict[str, dict[str, Any]], name: str) -> None:
    twin = twins[name]
    assert twin["ours"] == twin["theirs"]
    assert twin["off"] <= (TOLERANCE if "res" in name else 1e-6)


@pytest.mark.parametrize("name", ["resnet-18", "resnet-34"])
def test_shallow_resnets_have_one_projection_more(twins: dict[str, dict[str, Any]], name: str) -> None:
    ours = twins[name]["ours"]
    ours.remove(PROJECTED)
    assert sorted(ours) == sorted(twins[name]["theirs"])
