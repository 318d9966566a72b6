"""Second, independent readings of Caffe's files: stock Caffe's wheel, and the importer of OpenCV 4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import converter
from tests.emitters import caffe_models
from tests.emitters.caffe_peers import OPENCV, STOCK, Network, networks, run_elsewhere
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import agree
from tests.emitters.models import noise
from tests.emitters.targets import tolerance
from tests.emitters.targets.caffe import NOT_IN_OPENCV, NOT_LIKE_OPENCV, PEERS_TOLERANCE

pytestmark = pytest.mark.container

IN_PLACE = {
    *("BNLL", "BatchNorm", "Bias", "Dropout", "ELU", "Exp", "HardSigmoid", "HardSwish", "Log", "PReLU", "Power"),
    *("ReLU", "ReLU6", "Scale", "Sigmoid", "TanH", "Threshold"),
}
"""The types whose C++ reads each element of its bottom before it writes that of its top."""
SHOWN = 8
"""Networks that show of each type of layer that OpenCV does not read it."""


@pytest.fixture(scope="module")
def stock(subjects: Mapping[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Network]:
    """All of the corpus that is expressed in stock layers."""
    return networks(list(subjects.values()), tmp_path_factory.mktemp("bvlc"), profile="bvlc")


@pytest.fixture(scope="module")
def forked(
    subjects: Mapping[str, Subject], stock: Mapping[str, Network], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Network]:
    """What is expressed in other layers where Caffe-SSD's may be used, by ``ssd:<case>``."""
    folder = tmp_path_factory.mktemp("ssd")
    found = networks(list(subjects.values()), folder, unlike=stock)
    return {f"ssd:{name}": net for name, net in found.items()}


def problem(name: str, net: Network, answer: Outputs | str) -> str:
    """What is wrong with ``answer``, if anything is."""
    limit = max(tolerance("caffe", name, net.subject.tolerance), PEERS_TOLERANCE)
    try:
        agree(net.subject, answer, limit)
    except AssertionError as error:
        return str(error)[-500:]
    return ""


def test_stock_caffe_loads_what_is_made_for_it_and_computes_the_same(
    stock: Mapping[str, Network], tmp_path: Path
) -> None:
    found = run_elsewhere(STOCK, stock, tmp_path)
    problems = {name: problem(name, stock[name], answer) for name, answer in found.items()}
    assert {name: text for name, text in problems.items() if text} == {}
    assert len(found) > 500


def test_opencv_reads_both_profiles_and_computes_the_same(
    stock: Mapping[str, Network], forked: Mapping[str, Network], tmp_path: Path
) -> None:
    nets = tried({**stock, **forked})
    found = run_elsewhere(OPENCV, nets, tmp_path)
    problems = {name: problem(name, nets[name], answer) for name, answer in found.items()}
    excluded = {name for name, net in nets.items() if lacking(net) or is_excluded(name, net)}
    assert {name: text for name, text in problems.items() if text and name not in excluded} == {}
    assert {name for name in excluded if not problems[name]} == set(), "OpenCV reads these: take them off the list"
    assert len(nets) - len(excluded) > 600


def lacking(net: Network) -> set[str]:
    """The types of its layers that OpenCV is known not to read."""
    return net.types & set(NOT_IN_OPENCV)


def is_excluded(name: str, net: Network) -> bool:
    """Whether OpenCV is known to do otherwise for the sake of this case.

    What OpenCV answers are the values of layers, and to it an input is none.
    """
    return net.returns_inputs or any(fnmatchcase(name, pattern) for pattern in NOT_LIKE_OPENCV)


def tried(nets: Mapping[str, Network]) -> dict[str, Network]:
    """Those of ``nets`` that are run: all but those that have a type of layer which others show not to be read."""
    shown: Counter[str] = Counter()
    found = {}
    for name, net in sorted(nets.items(), key=lambda item: len(lacking(item[1]))):
        kinds = lacking(net)
        if not kinds or min(shown[kind] for kind in kinds) < SHOWN:
            shown.update(kinds)
            found[name] = net
    return found


def test_what_is_excluded_occurs(stock: Mapping[str, Network], forked: Mapping[str, Network]) -> None:
    nets = {**stock, **forked}
    for kind, reason in NOT_IN_OPENCV.items():
        assert any(kind in net.types for net in nets.values()), kind
        assert reason
    for pattern, reason in NOT_LIKE_OPENCV.items():
        assert any(fnmatchcase(name, pattern) for name in nets), pattern
        assert reason


def test_layers_are_in_place_only_where_that_is_safe(
    stock: Mapping[str, Network], forked: Mapping[str, Network]
) -> None:
    written = [
        (name, layer["type"][0])
        for name, net in {**stock, **forked}.items()
        for layer in net.layers
        if set(layer.get("bottom", ())) & set(layer.get("top", ()))
    ]
    assert {kind for _, kind in written} <= IN_PLACE
    assert len(written) > 100


def test_a_layer_that_swallows_stands_only_beside_a_slice(
    stock: Mapping[str, Network], forked: Mapping[str, Network]
) -> None:
    """A ``Slice`` has tops for all parts, and an input is given whether it is read or not."""
    for name, net in {**stock, **forked}.items():
        tops = {top: layer["type"][0] for layer in net.layers for top in layer.get("top", ())}
        swallowed = {bottom for layer in net.layers if layer["type"] == ["Silence"] for bottom in layer["bottom"]}
        assert {tops[blob] for blob in swallowed} <= {"Slice", "Input"}, name


@pytest.fixture(scope="module")
def whole(codemao: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Subject]:
    """Whole networks: a face detector with its trained weights, a residual network, one of inverted residuals."""
    folder = tmp_path_factory.mktemp("whole")
    stem = codemao / "mtcnn-model" / "det3"
    onet = converter.parse(
        "mxnet",
        graph=stem.with_name("det3-symbol.json"),
        weights=stem.with_name("det3-0001.params"),
        inputs={"data": ("batch", 3, 48, 48)},
    )
    models = {"onet": onet, "resnet": caffe_models.resnet(), "mobilenet": caffe_models.mobilenet()}
    subjects = []
    for name, model in models.items():
        converter.save(model, folder / name / "ir")
        (folder / name / "structure").symlink_to("ir")
        size = model.graph.inputs[0].shape
        assert size is not None
        inputs = {"data": noise(name, (2, *(int(dim) for dim in size[1:])))}
        subjects.append(Subject(name, folder / name, inputs, 1e-5))
    return subjects


@pytest.mark.parametrize("profile", ["ssd", "bvlc"])
@pytest.mark.parametrize("merge_bn", [False, True])
def test_opencv_agrees_on_whole_networks(profile: str, merge_bn: bool, whole: list[Subject], tmp_path: Path) -> None:
    nets = networks(whole, tmp_path / "nets", profile=profile, merge_bn=merge_bn)
    assert len(nets) == len(whole)
    for name, answer in run_elsewhere(OPENCV, nets, tmp_path / "opencv").items():
        agree(nets[name].subject, answer, 1e-5)
