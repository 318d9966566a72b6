"""Networks of Gluon's model zoos, built, given weights and exported by MXNet itself, all in one container."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.parsers.mxnet.params import read_params
from tests.support.containers import run_step, stage_scripts

pytestmark = pytest.mark.container

STEPS = (
    "images/mxnet/locate.py",
    "images/mxnet/export.py",
    "images/mxnet/reference.py",
    "tests/support/own.py",
    "tests/support/batch.py",
)
SMALL = {"inputs": {"data": ["batch", 3, 32, 32]}}
SEEDED = {**SMALL, "weights": "seeded"}
PRETRAINED = {**SMALL, "weights": "pretrained"}
OWN = {**SMALL, "name": "mobilenet0.25", "weights": "file", "parameters": "own.params"}
CUSTOM = {"weights": "seeded", "options": {"classes": ["a", "b"]}}

SSD: dict[str, Any] = {**CUSTOM, "inputs": {"data": ["batch", 3, 128, 128]}, "ranges": {"data": [-2.1, 2.6]}}
OWN_SSD = {
    "network": "mobilenetv2_0.25",
    "base_size": 128,
    "features": ["features_linearbottleneck13_relu60_relu6", "features_relu61_relu6"],
    "num_filters": [64],
    "sizes": [20, 50, 80, 110],
    "ratios": [[1, 2, 0.5]] * 3,
    "steps": [16, 32, 64],
    "classes": ["a", "b"],
}

BUILT: dict[str, dict[str, Any]] = {
    "gluon": {**SEEDED, "name": "mobilenet0.25"},
    "gluon-again": {**SEEDED, "name": "mobilenet0.25", "own": {"before": 2}, "something": "else"},
    "gluoncv": {**SEEDED, "name": "cifar_resnet20_v1"},
    "fewer-classes": {**SEEDED, "name": "mobilenet0.25", "options": {"classes": 7}},
    "base-copied": {**SEEDED, "name": "resnet18_v1b_kinetics400", "options": {"nclass": 3}},
    "ssd": {**SSD, "name": "ssd_512_mobilenet1.0_custom"},
    "ssd-saturated": {**SSD, "name": "ssd_512_resnet50_v1_custom"},
    "ssd-own": {**SSD, "name": "SSD", "options": OWN_SSD},
    "ssd-reset": {**SSD, "name": "ssd_300_mobilenet0.25_voc", "options": {}, "classes": ["a", "b", "c"]},
    "yolo": {**CUSTOM, "name": "yolo3_mobilenet0.25_custom", "inputs": {"data": ["batch", 3, 64, 64]}},
}
DETECTING = {"ssd": 2, "ssd-saturated": 2, "ssd-own": 2, "ssd-reset": 3}
"""Detectors of :data:`BUILT`, and how many classes each is to find."""

MANY = 30
"""Detections to expect at least in noise."""

THRESHOLD = 0.01
"""The score from which on GluonCV keeps a detection."""

SPELLED = ("save_parameters", "save_params", "collect_params", "export")
"""Ways in which a user's file can name parameters, after others of the kind were made in that process."""

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "name": (
        {**SEEDED, "name": "resnet50v1"},
        "There is no model 'resnet50v1' in the model zoo of gluon, and none in that of gluoncv\n  to do: Use one",
    ),
    "zoo": (
        {**SEEDED, "name": "darknet53", "zoo": "gluon"},
        "There is no model 'darknet53' in the model zoo of gluon",
    ),
    "option": ({**SEEDED, "name": "mobilenet0.25", "options": {"clases": 3}}, "argument 'clases'"),
    "reserved": ({**SEEDED, "name": "mobilenet0.25", "options": {"root": "/"}}, "root: no option of a network"),
    "small": ({**SEEDED, "name": "alexnet", "inputs": {"data": [1, 3, 4, 4]}}, "alexnet does not run as a graph on"),
    "classes": (
        {**SEEDED, "name": "mobilenet0.25", "classes": ["a"]},
        "mobilenet0.25 cannot have other classes: it has no reset_class\n  to do: Leave classes out",
    ),
    "input": (
        {**SEEDED, "name": "mobilenet0.25", "inputs": {"x": [1, 3, 32, 32]}},
        "The inputs of mobilenet0.25 are called data, not x",
    ),
    "integers": (
        {**SEEDED, "name": "ssd_512_mobilenet1.0_voc_int8", "inputs": {"data": [1, 3, 512, 512]}},
        "ssd_512_mobilenet1.0_voc_int8",
    ),
    "other": (
        {**OWN, "own": {"spelling": "save_parameters", "name": "mobilenet0.5"}},
        "The parameters are not those of mobilenet0.25: the file has another shape or type of mobilenet0_conv",
    ),
    "foreign": (
        {**OWN, "own": {"spelling": "collect_params", "name": "cifar_resnet20_v1"}},
        "The parameters are not those of mobilenet0.25: the file lacks mobilenet0_",
    ),
    "forget": (
        {**OWN, "own": {"spelling": "save_parameters", "change": "forget"}},
        "The parameters are not those of mobilenet0.25: the file lacks mobilenet0_conv0_weight\n  to do: ",
    ),
    "invent": (
        {**OWN, "own": {"spelling": "save_parameters", "change": "invent"}},
        "The parameters are not those of mobilenet0.25: the file has too much: features.99.weight\n  to do: ",
    ),
    "halve": (
        {**OWN, "own": {"spelling": "export", "change": "halve"}},
        "the file has another shape or type of mobilenet0_",
    ),
    "unname": ({**OWN, "own": {"spelling": "export", "change": "unname"}}, "The file holds no parameters with names"),
}
LOCATED = {
    "one-zoo": ({**PRETRAINED, "name": "resnet18_v1"}, ["resnet18_v1-a0666292"]),
    "other-zoo": ({**PRETRAINED, "name": "resnet50_v1", "zoo": "gluoncv"}, ["resnet50_v1-cc729d95"]),
    "both": ({**PRETRAINED, "name": "resnet50_v1"}, ["resnet50_v1-0aee57f9"]),
    "detector": ({**PRETRAINED, "name": "ssd_512_mobilenet1.0_voc"}, ["ssd_512_mobilenet1.0_voc-37c18076"]),
    "pruned": ({**PRETRAINED, "name": "resnet18_v1b_0.89"}, ["resnet18_v1b_2.6x-54f7742b"]),
}
"""Networks, and the files that their zoos' tables of GluonCV 0.10.5 and MXNet 1.9.1 list for them."""


UNPUBLISHED = {
    "ignored": {**PRETRAINED, "name": "shufflenet_v1"},
    "unlisted": {**PRETRAINED, "name": "fcn_resnet50_voc", "options": {"pretrained_base": False}},
}
TRAINED = {
    "mobilenet": ({**PRETRAINED, "name": "mobilenet0.25"}, "mobilenet0.25-9f83e440"),
    "base": (
        {**PRETRAINED, **CUSTOM, "weights": "pretrained", "name": "yolo3_mobilenet0.25_custom"},
        "mobilenet0.25-f0046a3d",
    ),
}
"""Networks, and the files that they are given as if they were the published ones."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the outputs of all cases are."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    cases = {
        **BUILT,
        **{spelling: {**OWN, "own": {"spelling": spelling, "before": 1}} for spelling in SPELLED},
        **{name: params for name, (params, _) in REFUSED.items()},
    }
    for name, params in cases.items():
        stage(inputs / "cases" / name, params)
    return run_all(inputs, outputs, "own=source", "export")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the answers of detectors to two inputs of noise are, ``a`` and ``b``."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    noise = np.random.default_rng(3).uniform(-2.1, 2.6, (2, 1, 3, 128, 128)).astype(np.float32)
    for name in DETECTING:
        folder = inputs / "cases" / name
        stage(folder, BUILT[name], "export")
        stage(folder, {"graph": "model-symbol.json", "weights": "model-0000.params", "trace": False}, "reference")
        np.savez(folder / "inputs.npz", **{"a/data": noise[0], "b/data": noise[1]})
    return run_all(inputs, outputs, "export=source", "reference")


@pytest.fixture(scope="module")
def trained(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the outputs are of networks with trained weights, some of which are there."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    for name, params in {**{name: params for name, (params, _) in LOCATED.items()}, **UNPUBLISHED}.items():
        stage(inputs / "cases" / name, params)
    for name, (params, stem) in TRAINED.items():
        stage(inputs / "cases" / name, params)
        (inputs / "cases" / name / "pretrained").mkdir()
        shutil.copy(
            results / "save_parameters" / "own" / "own.params",
            inputs / "cases" / name / "pretrained" / f"{stem}.params",
        )
    return run_all(inputs, outputs, "locate", "export")


def stage(folder: Path, params: dict[str, Any], step: str = "params") -> None:
    """Lay out a case, or what one of its steps finds as its parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{step}.json").write_text(json.dumps(params))


def run_all(inputs: Path, outputs: Path, *steps: str) -> Path:
    """One container, all cases."""
    stage_scripts(inputs / "step", *STEPS)
    (outputs / "cases").mkdir()
    run_step("mxnet", ["python3", "in/step/batch.py", *steps], inputs, outputs)
    return outputs / "cases"


def exported(folder: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """A case's nodes and parameters, the latter without the network's prefix."""
    assert not (folder / "error.txt").exists(), (folder / "log.txt").read_text() + (folder / "error.txt").read_text()
    nodes = json.loads((folder / "export" / "model-symbol.json").read_text())["nodes"]
    stored = read_params(folder / "export" / "model-0000.params")
    return nodes, {name.partition("_")[2]: array.array() for name, array in stored.items() if array}


def test_the_same_bytes_whatever_the_process_made_before(results: Path) -> None:
    for name in ("model-symbol.json", "model-0000.params"):
        once, again = (results / case / "export" / name for case in ("gluon", "gluon-again"))
        assert once.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(("case", "classes"), [("gluon", 1000), ("fewer-classes", 7), ("gluoncv", 10)])
def test_networks_of_both_zoos_are_exported(results: Path, case: str, classes: int) -> None:
    nodes, parameters = exported(results / case)
    assert next(node["name"] for node in nodes if node["op"] == "null") == "data"
    last = next(name for name in reversed(parameters) if name.endswith("dense0_weight"))
    assert parameters[last].shape[0] == classes


def test_seeded_parameters_are_in_their_ranges_and_all_different(results: Path) -> None:
    _, parameters = exported(results / "gluon")
    for name, values in parameters.items():
        if name.endswith(("gamma", "running_var")):
            low, high = (0.8, 1.2) if name.endswith("gamma") else (0.5, 1.5)
            assert low <= values.min() < values.max() <= high
        elif name.endswith("weight"):
            fan_in = values[0].size
            assert values.var() * fan_in == pytest.approx(1.8, rel=0.35), (
                "72 and more samples of a normal distribution"
            )
    assert len({values.tobytes() for values in parameters.values()}) == len(parameters)


def test_a_constructor_that_copies_weights_of_a_base_does_without(results: Path) -> None:
    nodes, parameters = exported(results / "base-copied")
    assert nodes[-1]["op"] == "FullyConnected"
    assert parameters["dense0_weight"].shape == (3, 512)


def test_detectors_export_their_inference_graph_with_its_anchors(results: Path) -> None:
    nodes, parameters = exported(results / "ssd")
    assert "_contrib_box_nms" in {node["op"] for node in nodes}
    anchors = parameters["ssdanchorgenerator0_anchor_0"]
    assert anchors.shape[-1] == 16
    assert anchors[0, 0, 0, 0, :2].tolist() == [8.0, 8.0], "the centre of the first cell of 16 pixels"
    nodes, parameters = exported(results / "yolo")
    assert "_contrib_box_nms" in {node["op"] for node in nodes}
    anchors = [values for name, values in parameters.items() if "_anchor_" in name]
    assert anchors
    assert {values.shape[-1] for values in anchors} == {2}


@pytest.mark.parametrize(("case", "classes"), DETECTING.items())
def test_seeded_detectors_detect_what_depends_on_the_input(answers: Path, case: str, classes: int) -> None:
    assert not (answers / case / "error.txt").exists(), (answers / case / "log.txt").read_text()
    with np.load(answers / case / "reference" / "outputs.npz", allow_pickle=False) as stored:
        (ids, scores, boxes), (others, _, moved) = (
            [stored[name] for name in stored.files if name[0] == x] for x in "ab"
        )
    found = ids[0, :, 0] >= 0
    assert found.sum() >= MANY
    assert set(ids[0, found, 0]) == set(range(classes))
    assert len(set(scores[0, found, 0])) == found.sum()
    assert (scores[0, found, 0] > 2 * THRESHOLD).all()
    assert (scores[0, found, 0] < 1).all()
    sides = boxes[0, found, 2:] - boxes[0, found, :2]
    assert ((sides > 1) & (sides < 1000)).all(), "pixels of an image of 128"
    assert (ids[0, :, 0] != others[0, :, 0]).any()
    assert np.abs(boxes - moved).max() > 1


@pytest.mark.parametrize("spelling", SPELLED)
def test_a_users_parameters_are_taken_in_every_spelling(results: Path, spelling: str) -> None:
    nodes, parameters = exported(results / spelling)
    with np.load(results / spelling / "own" / "expected.npz", allow_pickle=False) as expected:
        assert set(parameters) == set(expected.files)
        for name in expected.files:
            np.testing.assert_array_equal(parameters[name], expected[name])
    assert nodes == exported(results / "gluon")[0]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exported_is_refused(results: Path, case: str) -> None:
    assert "SystemExit: 65" in (results / case / "error.txt").read_text()
    assert REFUSED[case][1] in (results / case / "log.txt").read_text()


@pytest.mark.parametrize("case", LOCATED)
def test_published_files_are_found_without_a_network(trained: Path, case: str) -> None:
    found = json.loads((trained / case / "locate" / "published.json").read_text())
    assert [file["file"] for file in found["files"]] == [f"{stem}.params" for stem in LOCATED[case][1]]
    for file, stem in zip(found["files"], LOCATED[case][1], strict=True):
        assert file["sha1"].startswith(stem.rpartition("-")[2])
        assert len(file["sha1"]) == 40
        assert file["path"] == f"gluon/models/{stem}.zip"
    assert found["base"].startswith("https://")
    assert "SystemExit: 65" in (trained / case / "error.txt").read_text(), "there is no such file to export with"


@pytest.mark.parametrize("case", UNPUBLISHED)
def test_what_was_never_published_is_not_made_up(trained: Path, case: str) -> None:
    said = (trained / case / "log.txt").read_text()
    assert f"No trained weights of {UNPUBLISHED[case]['name']} were published\n  to do: Name your own file" in said
    assert "SystemExit: 65" in (trained / case / "error.txt").read_text()


def test_trained_weights_are_loaded_as_the_zoo_loads_them(results: Path, trained: Path) -> None:
    _, parameters = exported(trained / "mobilenet")
    with np.load(results / "save_parameters" / "own" / "expected.npz", allow_pickle=False) as expected:
        for name in expected.files:
            np.testing.assert_array_equal(parameters[name], expected[name])


def test_a_network_that_only_has_its_base_s_weights_is_refused(trained: Path) -> None:
    said = (trained / "base" / "log.txt").read_text()
    assert "Of yolo3_mobilenet0.25_custom no complete trained weights were published: yolov30_" in said
    assert not (trained / "base" / "export" / "model-symbol.json").exists()
