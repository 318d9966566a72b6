"""Where a drawing puts boxes and arrows: apart, all to the right, and the same each time."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.graph.layout import BETWEEN_ROWS, Box, Layout, columns, lay_out, spread
from tasks.graph.model import reduced
from tests.support import dag

CONVERSION = (
    "download -> ir; photographs download -> reference; ir -> code verify-ir; code -> checkpoint; "
    "checkpoint reference -> verify; reference -> verify-ir; verify verify-ir -> convert"
)


def drawn(text: str) -> Layout:
    before = dag.parse(text)
    return lay_out({name: (80.0 + 7 * len(name), 50.0) for name in before}, reduced(ordered(before)))


def ordered(before: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same graph with each name behind those before it."""
    found: dict[str, list[str]] = {}
    while len(found) < len(before):
        found |= {name: others for name, others in before.items() if found.keys() >= set(others)}
    return found


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def check(layout: Layout) -> None:
    """All that has to be so of any drawing."""
    for box in layout.boxes.values():
        assert box.x >= 0
        assert box.y >= -1e-6
        assert box.x + box.width <= layout.width + 1e-6
        assert box.y + box.height <= layout.height + 1e-6
    for one, other in combinations(layout.boxes.values(), 2):
        assert not overlap(one, other)
    for (first, second), path in layout.paths.items():
        one, other = layout.boxes[first], layout.boxes[second]
        assert path[0] == pytest.approx((one.x + one.width, one.y + one.height / 2))
        assert path[-1] == pytest.approx((other.x, other.y + other.height / 2))
        assert all(before[0] < after[0] for before, after in pairwise(path))
        for (left, y), (right, end) in zip(path[1:-1:2], path[2:-1:2], strict=True):
            assert y == end
            assert not any(overlap(Box(left, y, right - left, 0.1), box) for box in layout.boxes.values())


numbers = st.integers(0, 14)
pairs = st.lists(st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1]), max_size=40)


@given(pairs)
def test_boxes_are_apart_and_arrows_lead_to_the_right_past_them(edges: list[tuple[int, int]]) -> None:
    check(drawn("; ".join(f"{first} -> {second}" for first, second in edges)))


def test_a_conversion_has_a_step_a_column_and_the_same_drawing_each_time() -> None:
    layout = drawn(CONVERSION)
    check(layout)
    assert layout == drawn(CONVERSION)
    steps = ["download", "ir", "code", "checkpoint", "verify", "convert"]
    lefts = [layout.boxes[step].x for step in steps]
    assert lefts == sorted(set(lefts))
    assert lefts[1] == layout.boxes["reference"].x


def test_a_chain_is_a_level_line() -> None:
    assert len({box.y for box in drawn("a -> b; b -> c; c -> d").boxes.values()}) == 1


def test_what_comes_after_nothing_is_just_before_what_needs_it() -> None:
    assert columns("abcx", [("a", "b"), ("b", "c"), ("x", "c")]) == {"a": 0, "b": 1, "c": 2, "x": 1}


def test_neighbours_that_cross_are_put_in_order() -> None:
    layout = drawn("a -> z; b -> y; c -> x")
    ranks = [sorted(names, key=lambda name: layout.boxes[name].y) for names in ("abc", "zyx")]
    assert ["abc".index(name) for name in ranks[0]] == ["zyx".index(name) for name in ranks[1]]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), st.data())
def test_positions_keep_their_distance_and_move_no_more_than_they_have_to(
    wanted: list[float], data: st.DataObject
) -> None:
    count = len(wanted) - 1
    gaps = data.draw(st.lists(st.floats(0, 100), min_size=count, max_size=count))
    found = spread(wanted, gaps)
    assert all(after - before >= gap - 1e-6 for (before, after), gap in zip(pairwise(found), gaps, strict=True))
    assert sum(found) == pytest.approx(sum(wanted), abs=1e-6)
    assert spread(found, gaps) == pytest.approx(found)


def test_hundreds_of_steps_are_laid_out() -> None:
    wide = "; ".join(f"a -> b{n}; b{n} -> c{n}; c{n} d{n % 7} -> e{n}; a -> d{n % 7}" for n in range(80))
    layout = drawn(wide)
    check(layout)
    assert layout.height < 80 * 4 * (50 + BETWEEN_ROWS)


def test_nothing_is_a_drawing_of_no_size() -> None:
    assert lay_out({}, []) == Layout(0.0, 0.0, {}, {})
