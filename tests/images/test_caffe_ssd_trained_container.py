"""Trained networks, as published for Caffe-SSD, in our build of it: they find what is in the picture.

Nothing of the project's own wrote their files. ``PriorBox``, ``DetectionOutput``, ``Normalize`` and ``Permute`` as we
compile them are at work on what they were made for, and OpenCV is asked the same. It reads Caffe's files and computes
all layers by itself, though its ``DetectionOutput`` goes back to Caffe-SSD's. Whether that is right the pictures say:
where the face is was measured in the photograph, and the plates were drawn into it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.images.detectors import (
    FACES,
    PLATE_FINDER,
    PLATES,
    SIDE,
    TABLE,
    Answers,
    Detector,
    mirrored,
    photographs,
    run,
    with_plates,
)

pytestmark = pytest.mark.container

DETECTORS = (FACES, PLATE_FINDER)

Pictures = dict[str, dict[str, Image.Image]]
"""What each detector is to look at, by names."""

FACE = (180 / 512, 60 / 512, 271 / 512, 178 / 512)
"""The astronaut's, from ear to ear and from the fringe to the chin, by hand: left, top, right and bottom."""

TOLERANCE = 5e-5
"""Of the largest value: thousands of products are added up in other orders. 1e-5 was measured."""

CLOSE = 5e-5
"""Of scores and of corners, which go up to 5: some priors lie far outside of the picture. 1e-6 was measured."""

LEAST = {"faces": 0.08, "plates": 0.02}
"""Scores from which on detections have to be the same.

Only the 400 best boxes compete. The face detector sees thousands of faint faces, and which of those that score 0.07
is the 400th, the rounding of sums may decide. Of plates it is those above 0.01 that count.
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Photographs, and what was made of them."""
    found = photographs(tmp_path_factory.mktemp("photographs") / "files")
    astronaut, cat = found["astronaut"], found["chelsea"]
    return {
        "faces": {"astronaut": astronaut, "mirrored": mirrored(astronaut), "chelsea": cat},
        "plates": {
            "astronaut": astronaut,
            "astronaut-plates": with_plates(astronaut),
            "chelsea": cat,
            "chelsea-plates": with_plates(cat),
        },
    }


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of the files as published."""
    folder = tmp_path_factory.mktemp("published")
    return {each.name: each.fetch(folder / each.name) for each in DETECTORS}


@pytest.fixture(scope="module")
def ours(checkpoints: dict[str, Path], pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What our Caffe answers."""
    place = tmp_path_factory.mktemp("caffe-ssd")
    for each in DETECTORS:
        each.stage(place, checkpoints[each.name], pictures[each.name])
    return run("caffe-ssd", "images/caffe-ssd/run.py", place, pictures)


@pytest.fixture(scope="module")
def opencv(checkpoints: dict[str, Path], pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What OpenCV answers, to sizes of priors without the fractions that Caffe-SSD's own layer drops."""
    place = tmp_path_factory.mktemp("opencv")
    for each in DETECTORS:
        graph = each.stage(place, checkpoints[each.name], pictures[each.name])
        graph.write_text(re.sub(r"((?:min|max)_size: \d+)\.\d+", r"\1", graph.read_text()))
    return run("caffe-bvlc", "tests/emitters/opencv_caffe.py", place, pictures)


def detections(answers: dict[str, np.ndarray], picture: str) -> np.ndarray:
    """Rows of score and corners; OpenCV fills its table up with zeros."""
    rows = answers[f"{picture}/{TABLE}"].reshape(-1, 7)
    found = rows[rows[:, 2] > 0]
    assert set(found[:, 0]) <= {0}
    assert set(found[:, 1]) <= {1}
    return found[:, 2:]


def overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union."""
    (a, b, c, d), (e, f, g, h) = first, second
    common = max(0.0, min(c, g) - max(a, e)) * max(0.0, min(d, h) - max(b, f))
    return float(common / ((c - a) * (d - b) + (g - e) * (h - f) - common))


@pytest.mark.parametrize(("picture", "turned"), [("astronaut", False), ("mirrored", True)])
def test_the_face_is_found_where_it_is(picture: str, turned: bool, ours: Answers) -> None:
    rows = detections(ours["faces"], picture)
    (score, *box), *others = rows.tolist()
    left, top, right, bottom = FACE
    assert score > 0.9999
    assert overlap(box, (1 - right, top, 1 - left, bottom) if turned else FACE) > 0.85
    assert all(row[0] < 0.5 for row in others)


@pytest.mark.parametrize("photograph", ["astronaut", "chelsea"])
def test_plates_are_found_where_they_are_drawn_and_nowhere_else(photograph: str, ours: Answers) -> None:
    rows = detections(ours["plates"], f"{photograph}-plates")
    likely = rows[rows[:, 0] > 0.5]
    assert len(likely) == len(PLATES)
    for plate in PLATES:
        wanted = tuple(edge / SIDE for edge in plate)
        score, *box = max(likely.tolist(), key=lambda row: overlap(row[1:], wanted))
        assert score > 0.95
        assert overlap(box, wanted) > 0.75
    assert detections(ours["plates"], photograph)[:, 0].max() < 0.5


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.name)
def test_opencv_computes_the_same_on_the_way(detector: Detector, ours: Answers, opencv: Answers) -> None:
    names = [name for name in ours[detector.name] if not name.endswith(TABLE)]
    assert {name.split("/")[1] for name in names} == set(detector.values)
    for name in names:
        found, expected = ours[detector.name][name], opencv[detector.name][name]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * abs(expected).max(), err_msg=name)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.name)
def test_opencv_finds_the_same(detector: Detector, ours: Answers, opencv: Answers, pictures: Pictures) -> None:
    for picture in pictures[detector.name]:
        sides = [detections(answers[detector.name], picture) for answers in (ours, opencv)]
        for rows, others in (sides, sides[::-1]):
            certain = rows[rows[:, 0] >= LEAST[detector.name]]
            distances = abs(certain[:, None] - others).max(axis=-1).min(axis=-1)
            assert len(certain)
            assert distances.max() < CLOSE, picture
