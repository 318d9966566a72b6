"""Detectors in ncnn itself: every detection is the source's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import converter
from converter import ir
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import execute
from tests.emitters.test_ncnn_container import checkpoint, python
from tests.parsers.case import noise
from tests.parsers.files import Edge, Net, write
from tests.support.ssd import Detector, anchors, gluon, multibox

pytestmark = pytest.mark.container

PLAIN = Detector()
UNEVEN = [
    table * noise("uneven", *table.shape, low=0.9, high=1.1) for table in (anchors(PLAIN, 0), anchors(PLAIN, 1))
]
CASES: dict[str, Callable[[], tuple[Net, list[Edge]]]] = {
    "gluon": lambda: gluon(PLAIN),
    "one-class": lambda: gluon(replace(PLAIN, classes=1)),
    "best-5": lambda: gluon(replace(PLAIN, top_k=5)),
    "all": lambda: gluon(replace(PLAIN, top_k=-1, kept=300)),
    "few": lambda: gluon(replace(PLAIN, threshold=0.8)),
    "none": lambda: gluon(replace(PLAIN, threshold=1.0)),
    "wide": lambda: gluon(replace(PLAIN, height=64, width=40, overlap=0.2)),
    "no-prior-box": lambda: gluon(PLAIN, UNEVEN),
    "multibox": lambda: multibox(replace(PLAIN, height=64, width=64)),
    "multibox-unclipped": lambda: multibox(replace(PLAIN, height=64, width=64), clip="False"),
    "multibox-all": lambda: multibox(replace(PLAIN, height=64, width=64), nms_topk="-1"),
    "multibox-likely": lambda: multibox(replace(PLAIN, height=64, width=64), threshold="0.6", clip_priors="True"),
}


SAME = ("one-class", "all", "none")
"""In which the best of all classes are those of each."""


def made(name: str, folder: Path) -> Subject:
    """The detector ``name``, recognised."""
    net, heads = CASES[name]()
    place = folder / name
    (place / "structure").mkdir(parents=True)
    graph, weights = write(place, net.symbol(*heads), net.params)
    _, *shape = net.inputs["data"].shape
    converter.save(
        converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", *shape)}), place / "ir"
    )
    os.link(place / "ir" / ir.MODEL, place / "structure" / ir.MODEL)
    return Subject(name, place, {"data": net.inputs["data"] * np.float32(0.25)}, 1e-5)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    folder = tmp_path_factory.mktemp("ir")
    return {name: made(name, folder) for name in CASES}


@pytest.fixture(scope="module")
def answers(subjects: dict[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """Of each detector, with the values on the way."""
    return execute("ncnn", subjects.values(), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def plain_answers(subjects: dict[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """Of some detectors, with a plain layer."""
    chosen = [subjects[name] for name in (*SAME, "best-5")]
    return execute("ncnn", chosen, tmp_path_factory.mktemp("plain"), trace=False, nms_top_k="per_class")


def table(outputs: Outputs, subject: Subject) -> list[np.ndarray]:
    """The rows of each image that are detections."""
    rows = np.concatenate([outputs[name] for name in subject.outputs], axis=-1)
    return [image[image[:, 0] >= 0] for image in rows]


def check(subject: Subject, found: Outputs | str) -> None:
    """Class, score and box of every detection are the source's, in its order."""
    assert not isinstance(found, str), found
    for rows, wanted in zip(table(found, subject), table(subject.expected, subject), strict=True):
        assert rows.shape == wanted.shape
        np.testing.assert_array_equal(rows[:, 0], wanted[:, 0])
        np.testing.assert_allclose(rows[:, 1], wanted[:, 1], rtol=1e-5)
        np.testing.assert_allclose(rows[:, 2:], wanted[:, 2:], rtol=0, atol=1e-5 * np.abs(wanted).max(initial=0))


@pytest.mark.parametrize("name", CASES)
def test_detections_are_those_of_the_source(
    name: str, subjects: dict[str, Subject], answers: dict[str, Outputs | str]
) -> None:
    subject, found = subjects[name], answers[name]
    check(subject, found)
    assert not isinstance(found, str)
    assert any(map(len, table(found, subject))) == (name != "none")
    if not name.startswith("multibox"):
        for output in subject.outputs:
            assert found[output].shape == subject.expected[output].shape
            np.testing.assert_array_equal(found[output] == -1, subject.expected[output] == -1)


def test_anchors_on_the_way_are_those_of_the_source(
    subjects: dict[str, Subject], answers: dict[str, Outputs | str]
) -> None:
    found, wanted = answers["gluon"], subjects["gluon"].expected
    assert not isinstance(found, str)
    names = [name for name in found if "priors" in name]
    assert len(names) == 3
    for name in names:
        np.testing.assert_allclose(found[name], wanted[name], rtol=0, atol=1e-6, strict=True)


@pytest.mark.parametrize("name", SAME)
def test_a_plain_layer_finds_the_same_where_classes_do_not_compete(
    name: str, subjects: dict[str, Subject], plain_answers: dict[str, Outputs | str]
) -> None:
    check(subjects[name], plain_answers[name])


def test_a_plain_layer_takes_the_best_of_each_class(
    subjects: dict[str, Subject], plain_answers: dict[str, Outputs | str]
) -> None:
    subject, found = subjects["best-5"], plain_answers["best-5"]
    assert not isinstance(found, str), found
    for rows, wanted in zip(table(found, subject), table(subject.expected, subject), strict=True):
        assert len(wanted) <= 5 < len(rows)
        np.testing.assert_allclose(rows[: len(wanted), :2], wanted[:, :2], rtol=1e-5)


@pytest.mark.parametrize("name", ["gluon", "none"])
def test_the_example_prints_the_detections(name: str, subjects: dict[str, Subject], tmp_path: Path) -> None:
    files = checkpoint(ir.load(subjects[name].folder / "ir"), tmp_path / "made")
    program = """
        import os, subprocess, sys
        os.chdir("in/files")
        said = subprocess.run([sys.executable, "example.py"], check=True, capture_output=True, text=True).stdout
        open("../../out/said.txt", "w").write(said)
    """
    said = [line.split() for line in (python(program, files, tmp_path / "ran") / "said.txt").read_text().splitlines()]
    assert (said == []) == (name == "none")
    assert all(len(row) == 6 and 0 <= float(row[0]) < PLAIN.classes for row in said)
