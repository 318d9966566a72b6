"""Detections are compared one to one, whatever their order, and what is wrong with them is found."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.compare import Verdict, compare
from converter.detected import Group, read_groups
from converter.errors import BadInput
from converter.matching import Boxes, assign, iou, match
from converter.tolerance import DEFAULT, Agreement, Agreements
from converter.verdict import verify_json

ROWS = [{"class": ["ids", 0], "score": ["scores", 0], "box": ["boxes", 0]}]
GROUPS = read_groups(ROWS)
KEPT = 100
Table = np.ndarray
Cases = dict[str, dict[str, Table]]


def table(seed: int, count: int = 60, classes: int = 20) -> Table:
    """Detections of an image as rows of class, score and corners, best first, of which the last are -1."""
    rng = np.random.default_rng(seed)
    least = rng.uniform(0, 400, (count, 2))
    box = np.concatenate([least, least + rng.uniform(30, 110, (count, 2))], axis=1)
    score = np.sort(rng.uniform(0.05, 0.95, count))[::-1]
    rows = np.concatenate([rng.integers(0, classes, (count, 1)), score[:, None], box], axis=1)
    return np.concatenate([rows, np.full((KEPT - count, 6), -1.0)])


def cases(change: Callable[[Table], Table] = lambda rows: rows, count: int = 60) -> Cases:
    """Four cases of two images each."""
    found = {}
    for number in range(4):
        rows = np.stack([change(table(2 * number + image, count)) for image in range(2)]).astype(np.float32)
        found[f"case{number}"] = {"ids": rows[..., :1], "scores": rows[..., 1:2], "boxes": rows[..., 2:]}
    return found


def judged(change: Callable[[Table], Table], count: int = 60) -> Verdict:
    return compare(cases(count=count), cases(change, count), detections=GROUPS)


def there(rows: Table) -> Table:
    return rows[:, 0] >= 0


def shuffled(rows: Table) -> Table:
    return rows[np.random.default_rng(9).permutation(len(rows))]


def jittered(rows: Table) -> Table:
    noise = np.random.default_rng(3).uniform(-1, 1, (len(rows), 6)) * [0, 4e-4, 0.05, 0.05, 0.05, 0.05]
    return rows + noise * there(rows)[:, None]


def moved(column: int | slice, by: float) -> Callable[[Table], Table]:
    def change(rows: Table) -> Table:
        changed = rows.copy()
        changed[there(rows), column] += by
        return changed

    return change


def permuted(rows: Table) -> Table:
    changed = rows.copy()
    changed[there(rows), 0] = 19 - rows[there(rows), 0]
    return changed


def one_class_off(rows: Table) -> Table:
    changed = rows.copy()
    changed[0, 0] = (changed[0, 0] + 1) % 20
    return changed


def without_a_row(rows: Table) -> Table:
    return np.concatenate([rows[:3], rows[4:], np.full((1, 6), -1.0)])


def ten_more(rows: Table) -> Table:
    changed = rows.copy()
    changed[60:70] = table(77)[:10]
    return changed


def exchanged(rows: Table) -> Table:
    return np.where(there(rows)[:, None], rows[:, [0, 1, 3, 2, 5, 4]], rows)


def doubled(rows: Table) -> Table:
    """The best detection in the place of the second: each is near one of the reference's."""
    changed = rows.copy()
    changed[1] = changed[0]
    return changed


@pytest.mark.parametrize("change", [lambda rows: rows, shuffled, jittered, lambda rows: shuffled(jittered(rows))])
def test_the_same_detections_are_exact(change: Callable[[Table], Table]) -> None:
    verdict = judged(change)
    assert (verdict.verdict, verdict.reasons) == ("exact", ())
    (found,) = verdict.detections
    assert (found.reference, found.candidate, found.matched) == (480, 480, 480)
    assert found.max_score_error is not None
    assert found.max_score_error < 5e-4
    assert found.min_iou is not None
    assert found.min_iou > 0.99
    assert [output.name for output in verdict.outputs] == ["ids", "scores", "boxes"]
    assert verdict.outputs[0].max_abs == 0


@pytest.mark.parametrize(
    "change",
    [
        permuted,
        ten_more,
        exchanged,
        moved(slice(2, 6), 8.0),
        moved(slice(2, 4), -12.0),
        moved(1, 0.02),
        moved(0, 1.0),
        lambda _: table(31),
        lambda rows: np.full_like(rows, -1.0),
        lambda rows: np.where(np.arange(KEPT)[:, None] == 4, np.nan, rows),
    ],
)
def test_what_is_wrong_differs(change: Callable[[Table], Table]) -> None:
    verdict = judged(change)
    assert verdict.verdict == "differs"
    assert verdict.reasons
    assert {output.verdict for output in verdict.outputs} == {"differs"}


@pytest.mark.parametrize("change", [one_class_off, without_a_row, doubled])
def test_one_wrong_detection_of_few_differs(change: Callable[[Table], Table]) -> None:
    verdict = judged(change, count=5)
    assert verdict.verdict == "differs"
    assert "of 40 detections 32 are matched" in verdict.reasons[0]


@pytest.mark.parametrize("change", [one_class_off, without_a_row, doubled])
def test_one_wrong_detection_of_many_is_not_exact(change: Callable[[Table], Table]) -> None:
    assert judged(change).verdict == "close"


def test_a_larger_error_is_close() -> None:
    verdict = judged(moved(1, 0.005))
    assert verdict.verdict == "close"
    assert "case0" in verdict.reasons[0]


def test_nothing_detected_proves_nothing() -> None:
    nothing = cases(lambda rows: np.full_like(rows, -1.0))
    verdict = compare(nothing, nothing, detections=GROUPS)
    assert verdict.verdict == "differs"
    assert "nothing is detected" in verdict.reasons[0]


def test_the_same_detections_in_every_case_prove_nothing() -> None:
    one = cases()["case0"]
    same = {f"case{number}": one for number in range(4)}
    verdict = compare(same, same, detections=GROUPS)
    assert verdict.verdict == "differs"
    assert "No output moves" in verdict.reasons[-1]


def test_other_outputs_are_compared_as_ever() -> None:
    reference, candidate = cases(), cases()
    for number, case in enumerate(reference):
        for side, error in ((reference, 0.0), (candidate, 0.1)):
            side[case]["features"] = np.arange(8, dtype=np.float32)[None] * (number + 1) + error
    verdict = compare(reference, candidate, detections=GROUPS)
    assert {output.name: output.verdict for output in verdict.outputs}["features"] == "differs"
    assert verdict.detections[0].verdict == "exact"


def test_detections_in_one_table() -> None:
    groups = (Group(("table", 0), ("table", 1), ("table", 2)),)
    whole = {key: {"table": np.concatenate(list(each.values()), axis=-1)} for key, each in cases(shuffled).items()}
    wanted = {key: {"table": np.concatenate(list(each.values()), axis=-1)} for key, each in cases().items()}
    verdict = compare(wanted, whole, detections=groups)
    assert verdict.verdict == "exact"
    assert [output.name for output in verdict.outputs] == ["table"]


def test_equal_boxes_without_area_agree() -> None:
    flat = np.array([5.0, 5.0, 5.0, 9.0])
    assert iou(flat, np.array([flat, flat + 1])).tolist() == [1.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), unique=True, max_size=4), max_size=6))
def test_as_many_are_matched_as_can_be(choices: list[list[int]]) -> None:
    taken = assign(len(choices), 6, lambda one: np.array(choices[one], np.int64))
    assert all(other in choices[one] for other, one in taken.items())
    assert len(set(taken.values())) == len(taken)
    orders = itertools.product(*([None, *options] for options in choices))
    best = max(
        len(used) for each in orders if len(used := [one for one in each if one is not None]) == len(set(used))
    )
    assert len(taken) == best


def test_limits_are_those_of_the_design() -> None:
    assert DEFAULT.detections == Agreements(Agreement(1e-3, 0.99, 1.0), Agreement(1e-2, 0.9, 0.95))


def test_close_proves_nothing_where_the_answers_of_the_reference_are_close_to_each_other() -> None:
    reference, candidate = cases(), cases(moved(1, 0.005))
    reference["case1"] = cases(moved(1, 0.004))["case0"]
    candidate["case1"] = candidate["case0"]
    verdict = compare(reference, candidate, detections=GROUPS)
    assert verdict.verdict == "differs"
    assert "answers to case0 and case1 agree as well" in verdict.reasons[-1]


def test_cases_of_the_same_answer_are_left_out_where_others_move() -> None:
    reference, candidate = cases(), cases(moved(1, 0.005))
    reference["case1"], candidate["case1"] = reference["case0"], candidate["case0"]
    assert compare(reference, candidate, detections=GROUPS).verdict == "close"


def test_other_limits() -> None:
    wide = Agreements(exact=Agreement(score=1e-2, iou=0.9, matched=0.95))
    tolerance = replace(DEFAULT, detections=wide, reason="a test")
    verdict = compare(cases(), cases(moved(1, 0.005)), detections=GROUPS, tolerance=tolerance)
    assert verdict.verdict == "exact"


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"class": ["ids", 0]}], "does not say where"),
        ([{"class": ["ids"], "score": ["scores", 0], "box": ["boxes", 0]}], "does not say where"),
        ([{"class": ["ids", "x"], "score": ["scores", 0], "box": ["boxes", 0]}], "does not say where"),
        (["ids"], "does not say where"),
        ([{"class": ["names", 0], "score": ["scores", 0], "box": ["boxes", 0]}], "no output 'names'"),
        ([{"class": ["ids", 1], "score": ["scores", 0], "box": ["boxes", 0]}], "columns 1 to 1"),
        ([{"class": ["ids", 0], "score": ["scores", 0], "box": ["boxes", 1]}], "columns 1 to 4"),
        ([{"class": ["ids", 0], "score": ["scores", 0], "box": ["flat", 0]}], "columns 0 to 3"),
        ([{"class": ["ids", 0], "score": ["scores", 0], "box": ["fewer", 0]}], "different numbers of rows"),
    ],
)
def test_groups_that_the_outputs_do_not_hold(rows: list[dict[str, list[object]]], what: str) -> None:
    sides = cases()
    for outputs in sides.values():
        outputs |= {"flat": np.ones((2, 4), np.float32), "fewer": np.ones((2, 3, 4), np.float32)}
    with pytest.raises(BadInput, match=what):
        compare(sides, sides, detections=read_groups(rows))


def test_thousands_of_equal_rows_are_matched_without_a_list_of_all_pairs() -> None:
    count = 3000
    rows = np.tile(np.array([0, 0.5, 10, 10, 50, 50], np.float64), (1, count, 1))
    near = []

    def all_of(one: int) -> np.ndarray:
        near.append(one)
        return np.arange(count // 2)

    assert len(assign(count, count // 2, all_of)) == count // 2
    assert len(near) <= 3 * count
    a = Boxes(rows[0, :, 0], rows[0, :, 1], rows[0, :, 2:], np.arange(count))
    assert len(match(a, a, DEFAULT.detections.exact)) == count


def test_verify_json_has_the_detections_and_their_limits_of_every_form() -> None:
    verdict, form = judged(jittered), judged(one_class_off)
    written = json.loads(
        verify_json(verdict, model="m", target="t", runtime={}, reference={}, forms={"tflite": form})
    )
    assert written["verdict"] == "close"
    assert [row["matched"] for row in (*written["detections"], *written["forms"]["tflite"]["detections"])] == [
        480,
        472,
    ]
    for place in (written, written["forms"]["tflite"]):
        assert place["tolerance"]["detections"]["exact"] == {"score": 1e-3, "iou": 0.99, "matched": 1.0}
        assert "errors" not in place["detections"][0]
