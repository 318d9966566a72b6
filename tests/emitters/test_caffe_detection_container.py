"""Detectors in Caffe-SSD itself: every detection is the source's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import converter
from converter import ir
from tests.emitters.caffe_peers import OPENCV, networks, run_elsewhere
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import execute
from tests.parsers.files import Edge, Net, write
from tests.support.ssd import Detector, gluon, multibox

pytestmark = pytest.mark.container

PLAIN = Detector()
SQUARE = replace(PLAIN, height=64, width=64)
CASES: dict[str, Callable[[], tuple[Net, list[Edge]]]] = {
    "gluon": lambda: gluon(PLAIN),
    "fractions": lambda: gluon(replace(PLAIN, sizes=((8.4, 12.6), (20.2, 28.284271)))),
    "one-class": lambda: gluon(replace(PLAIN, classes=1)),
    "best-5": lambda: gluon(replace(PLAIN, top_k=5)),
    "best": lambda: gluon(replace(PLAIN, top_k=1)),
    "all": lambda: gluon(replace(PLAIN, top_k=-1, kept=300)),
    "few": lambda: gluon(replace(PLAIN, threshold=0.8)),
    "none": lambda: gluon(replace(PLAIN, threshold=1.0)),
    "wide": lambda: gluon(replace(PLAIN, height=64, width=40, overlap=0.2)),
    "multibox": lambda: multibox(SQUARE),
    "multibox-unclipped": lambda: multibox(SQUARE, clip="False"),
    "multibox-all": lambda: multibox(SQUARE, nms_topk="-1"),
    "multibox-one-class": lambda: multibox(replace(SQUARE, classes=1)),
    "multibox-likely": lambda: multibox(SQUARE, threshold="0.6", clip_priors="True"),
}


def made(name: str, folder: Path) -> Subject:
    """The detector ``name``, recognised, and two images."""
    net, heads = CASES[name]()
    place = folder / name
    (place / "structure").mkdir(parents=True)
    graph, weights = write(place, net.symbol(*heads), net.params)
    _, *shape = net.inputs["data"].shape
    model = converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", *shape)})
    converter.save(model, place / "ir")
    os.link(place / "ir" / ir.MODEL, place / "structure" / ir.MODEL)
    return Subject(name, place, {"data": net.inputs["data"] * np.float32(0.25)}, 1e-5)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    folder = tmp_path_factory.mktemp("ir")
    return {name: made(name, folder) for name in CASES}


@pytest.fixture(scope="module")
def answers(subjects: dict[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """Of each detector, with the values on the way."""
    return execute("caffe", subjects.values(), tmp_path_factory.mktemp("run"))


def images(outputs: Outputs, subject: Subject) -> Iterator[np.ndarray]:
    """The rows of each image that are detections."""
    for rows in np.concatenate([outputs[name] for name in subject.outputs], axis=-1):
        yield rows[rows[:, 0] >= 0]


def answered(found: Outputs | str) -> Outputs:
    """What was found; fails where nothing was."""
    assert not isinstance(found, str), found
    return found


def agree(found: Outputs, subject: Subject) -> None:
    """Fail unless there are the same detections in the same order."""
    for rows, expected in zip(images(found, subject), images(subject.expected, subject), strict=True):
        assert rows.shape == expected.shape
        np.testing.assert_array_equal(rows[:, 0], expected[:, 0])
        np.testing.assert_allclose(rows[:, 1:], expected[:, 1:], rtol=1e-5, atol=1e-5 * abs(expected).max(initial=1))


@pytest.mark.parametrize("name", CASES)
def test_detections_are_those_of_the_source(
    name: str, subjects: dict[str, Subject], answers: dict[str, Outputs | str]
) -> None:
    subject, found = subjects[name], answered(answers[name])
    agree(found, subject)
    assert any(map(len, images(subject.expected, subject))) == (name != "none")
    if not name.startswith("multibox"):
        for output in subject.outputs:
            assert found[output].shape == subject.expected[output].shape
            np.testing.assert_array_equal(found[output] == -1, subject.expected[output] == -1)


@pytest.mark.parametrize("name", CASES)
def test_anchors_are_those_of_the_source(
    name: str, subjects: dict[str, Subject], answers: dict[str, Outputs | str]
) -> None:
    """Also where their sizes have fractions, which the layer drops."""
    subject, found = subjects[name], answered(answers[name])
    boxes = [str(node.outputs[0].name) for node in subject.load().graph if node.op_type == "PriorBox"]
    assert len(boxes) == 2
    for box in boxes:
        np.testing.assert_allclose(found[box], subject.expected[box], rtol=0, atol=1e-6)


def test_detections_are_the_same_with_the_other_options(subjects: dict[str, Subject], tmp_path: Path) -> None:
    chosen = [subjects[name] for name in ("gluon", "multibox")]
    for name, found in execute("caffe", chosen, tmp_path, to_bgr=True, merge_bn=True).items():
        agree(answered(found), subjects[name])


def test_more_boxes_may_compete_where_each_class_has_its_best(subjects: dict[str, Subject], tmp_path: Path) -> None:
    chosen = [subjects[name] for name in ("all", "best", "multibox-all")]
    answers = execute("caffe", chosen, tmp_path, nms_top_k="per_class")
    for name in ("all", "multibox-all"):
        agree(answered(answers[name]), subjects[name])
    (subject,) = (each for each in chosen if each.id == "best")
    found = answered(answers["best"])
    assert [len(rows) for rows in images(subject.expected, subject)] == [1, 1]
    assert [sorted(rows[:, 0].tolist()) for rows in images(found, subject)] == [[0, 1, 2]] * 2


def test_opencv_reads_the_plain_layers_and_finds_the_same(subjects: dict[str, Subject], tmp_path: Path) -> None:
    subject = replace(subjects["all"], inputs={name: value[:1] for name, value in subjects["all"].inputs.items()})
    nets = networks([subject], tmp_path / "nets")
    answers = answered(run_elsewhere(OPENCV, nets, tmp_path / "opencv")["all"])
    (table,) = (value.reshape(-1, 7) for value in answers.values())
    rows = table[np.argsort(-table[:, 2], kind="stable"), 1:] * np.float32([1, 1, 64, 48, 64, 48]) - np.eye(6)[0]
    (expected,) = images(subject.expected, subject)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5 * abs(expected).max())
