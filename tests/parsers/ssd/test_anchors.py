"""Anchors become the parameters of a PriorBox, or a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.parsers.mxnet.ssd.anchors import Misfit, Priors, Run, Table, fit

VOC_300 = Priors((30.0,), (60.0,), (2.0, 0.5), 8.0, 8.0, 0.5, 300, 300)


def stored(priors: Priors, height: int, width: int) -> Table:
    """The anchors as a file holds them."""
    return priors.table(height, width).astype(np.float32).astype(np.float64)


@settings(max_examples=60, deadline=None)
@given(
    least=st.floats(4, 200),
    growth=st.one_of(st.none(), st.floats(1.1, 4)),
    ratios=st.lists(st.sampled_from([2.0, 0.5, 3.0, 1 / 3, 1.5, 0.25]), unique=True, max_size=4),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    offset=st.sampled_from([0.5, 0.25, 1.0]),
    image=st.sampled_from([(300, 300), (512, 512), (640, 384)]),
)
def test_what_a_prior_box_makes_is_found_again(
    least: float,
    growth: float | None,
    ratios: list[float],
    size: tuple[int, int],
    offset: float,
    image: tuple[int, int],
) -> None:
    height, width = size
    most = () if growth is None else (least * growth,)
    made = Priors((least,), most, tuple(ratios), image[0] / width, image[1] / height, offset, *image)
    table = stored(made, height, width)
    found = fit(table, image)
    assert not isinstance(found, Misfit)
    (run,) = found
    assert np.abs(run.layer.table(height, width) - table).max() < 4e-6 * max(image)


def test_numbers_are_found_as_they_were_meant() -> None:
    steps = replace(VOC_300, step_w=300 / 19, step_h=300 / 19, aspect_ratios=(2.0, 0.5, 3.0, 1 / 3))
    assert fit(stored(steps, 19, 19), (300, 300)) == [Run(steps)]
    assert fit(stored(VOC_300, 38, 38), (300, 300)) == [Run(VOC_300)]


def test_a_map_of_one_pixel() -> None:
    last = replace(VOC_300, step_w=300.0, step_h=300.0)
    assert fit(stored(last, 1, 1), (300, 300)) == [Run(last)]


def test_several_least_sizes() -> None:
    squares = replace(VOC_300, min_sizes=(30.0, 20.0, 50.0), max_sizes=(), aspect_ratios=())
    assert fit(stored(squares, 5, 7), (300, 300)) == [Run(squares)]


def test_several_layers_make_what_one_cannot() -> None:
    """A square, boxes of another size, a square: the order of SSDLite, where the layer has its squares first."""
    square = replace(VOC_300, min_sizes=(52.5,), max_sizes=(), aspect_ratios=())
    others = replace(VOC_300, min_sizes=(105.0,), max_sizes=(), aspect_ratios=(2.0, 0.5, 3.0, 1 / 3))
    last = replace(VOC_300, min_sizes=(125.499,), max_sizes=(), aspect_ratios=())
    parts = [square.table(19, 19), others.table(19, 19)[:, :, 1:], last.table(19, 19)]
    table = np.concatenate(parts, axis=2).astype(np.float32).astype(np.float64)
    assert fit(table, (300, 300)) == [Run(square), Run(others, skip=1), Run(last)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table[..., 2].__setitem__((2, 3, 1), 70), "off by"),
        (lambda table: table[..., 0].__iadd__(np.arange(38)[None, :, None] ** 2 * 1e-4), "off by"),
        (lambda table: table[..., 3].__setitem__((0, 0, 0), -1), "positive"),
        (lambda table: table.__setitem__((0, 0, 0, 0), np.nan), "positive"),
    ],
)
def test_what_no_prior_box_can_make_has_a_reason(change, reason: str) -> None:  # noqa: ANN001
    table = stored(VOC_300, 38, 38)
    change(table)
    found = fit(table, (300, 300))
    assert isinstance(found, Misfit)
    assert reason in found.reason
