"""What the words of a command line make the build do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from converter.errors import BadInput
from tasks import table, zoo
from tasks.plan import project
from tasks.targets import TARGETS
from tests.support.project import ROOT


def test_a_table_is_behind_all_its_conversions_in_the_order_of_its_rows() -> None:
    *conversions, last = project(ROOT, "seeded").resolve(["table"])
    assert last == "table"
    assert conversions == [f"convert:{model}-seeded-{target}" for model in table.MODELS for target in TARGETS]


def test_a_report_of_models_is_behind_what_it_shows() -> None:
    *steps, last = project(ROOT, "seeded", "resnet18,gluon:squeezenet1.1").resolve(["report"])
    assert last == "report"
    models = ("imagenet1k-resnet-18-seeded", "gluon-squeezenet1.1-seeded")
    wanted = {
        f"{kind}:{model}-{target}" for kind in ("convert", "layers", "top") for model in models for target in TARGETS
    }
    assert wanted <= set(steps)


@pytest.mark.parametrize("word", ["report", "table"])
def test_what_is_not_run_is_only_what_is_named(word: str) -> None:
    assert project(ROOT, "seeded").resolve([word], runs=False) == [word]


def test_networks_of_gluon_s_zoo_are_models_where_they_are_named() -> None:
    plan = project(ROOT)
    assert not any(name.startswith("gluon-") for name in plan.manifests)
    assert plan.resolve(["convert:gluon-resnet18_v1-onnx"]) == ["convert:gluon-resnet18_v1-onnx"]
    assert "gluon-resnet18_v1-seeded" in plan.manifests


@pytest.mark.parametrize("name", zoo.DETECTORS)
def test_ssd_of_gluoncv_are_models_where_they_are_named(name: str) -> None:
    plan = project(ROOT, "seeded")
    assert name not in plan.manifests
    assert plan.resolve([f"ir:{name}"]) == [f"ir:{name}-seeded"]
    (shape,) = (spec.shape for spec in plan.manifests[name].inputs.values())
    assert shape == ("batch", 3, *[int(name.split("_")[1])] * 2)


def test_a_misspelt_ssd_is_near_the_one_that_is_meant() -> None:
    plan = project(ROOT)
    plan.resolve(["convert:ssd_512_mobilnet1.0_voc-caffe"])
    assert "convert:ssd_512_mobilenet1.0_voc-caffe" in plan.typeable()


def test_a_manifest_comes_before_a_model_of_the_zoo_of_that_name() -> None:
    plan = project(ROOT)
    own = plan.manifests["ssd_512_mobilenet1.0_voc"] = replace(plan.manifests["ssd300_mobilenetv2"], title="mine")
    plan.resolve(["ir:ssd_512_mobilenet1.0_voc"])
    assert plan.manifests["ssd_512_mobilenet1.0_voc"] is own


def test_the_example_of_an_ssd_of_one_s_own_is_a_model() -> None:
    assert project(ROOT, "seeded").resolve(["ir:ssd300_mobilenetv2"]) == ["ir:ssd300_mobilenetv2"]


@pytest.mark.parametrize("word", ["table", "convert:resnet18-onnx"])
def test_a_setting_of_reports_alone_is_refused_elsewhere(word: str) -> None:
    with pytest.raises(BadInput, match="models= is for a report"):
        project(ROOT, None, "resnet18").resolve([word])


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSSHIP_CACHE", str(tmp_path / "cache"))
    project(ROOT).resolve(["convert:resnet18-onnx"])
    assert not (tmp_path / "cache").exists()
