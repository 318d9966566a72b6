"""What each number means, and what each verdict needs."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import converter
from converter.compare import Verdict, compare
from converter.errors import BadInput
from converter.tolerance import DEFAULT, TOLERANCES, Limits, Tolerance, tolerance_for

Array = np.ndarray[Any, np.dtype[Any]]


def answers(*arrays: object, name: str = "out") -> list[dict[str, Array]]:
    """One output in several cases."""
    return [{name: np.asarray(array, np.float32)} for array in arrays]


def scores(count: int = 4, classes: int = 20, seed: int = 0) -> list[dict[str, Array]]:
    """Answers of a classifier without ties."""
    rng = np.random.default_rng(seed)
    return answers(*(rng.permutation(classes)[None] / classes + rng.uniform(0, 0.01) for _ in range(count)))


def only(verdict: Verdict) -> Any:
    """The single output's numbers."""
    (output,) = verdict.outputs
    return output


def add(cases: list[dict[str, Array]], error: object) -> list[dict[str, Array]]:
    """Add ``error`` to every array."""
    return [{name: (array + error).astype(np.float32) for name, array in case.items()} for case in cases]


def test_equal_arrays_are_exact() -> None:
    verdict = compare(scores(), scores())
    assert verdict == Verdict("exact", verdict.outputs, (), DEFAULT)
    output = only(verdict)
    assert (output.max_abs, output.max_rel, output.sensitivity) == (0, 0, 0)
    assert (output.snr_db, output.cosine) == (math.inf, pytest.approx(1))
    assert (output.top1, output.top5, output.shape) == (True, True, (1, 20))


def test_the_library_s_face_is_this_function() -> None:
    assert converter.compare(scores(), scores()) == compare(scores(), scores())
    limits = Tolerance(exact=DEFAULT.close, reason="a test")
    assert converter.compare(scores(), add(scores(), 1e-3), tolerance=limits).verdict == "exact"


def test_numbers_of_a_known_error() -> None:
    output = only(compare(answers([[3.0, 4.0]], [[0.0, 8.0]]), answers([[3.0, 4.5]], [[0.0, 8.0]])))
    assert output.max_abs == 0.5
    assert output.max_rel == 0.5 / 4
    assert output.sensitivity == pytest.approx(0.5 / 5)
    assert output.snr_db == pytest.approx(20)
    assert output.cosine == pytest.approx((9 + 18) / (5 * math.hypot(3, 4.5)))


def test_every_number_is_the_worst_of_all_cases() -> None:
    reference = answers([[1.0, 0.0]], [[0.0, 100.0]], [[1.0, 5.0]])
    candidate = answers([[1.1, 0.0]], [[0.0, 101.0]], [[1.0, 5.0]])
    output = only(compare(reference, candidate))
    assert output.max_abs == 1
    assert output.max_rel == pytest.approx(0.1)
    assert output.sensitivity == pytest.approx(0.1 / 5)


def test_sensitivity_is_relative_to_the_nearest_other_answer() -> None:
    reference = answers([[0.0, 1.0]], [[0.0, 1.1]], [[9.0, 1.0]], [[90.0, 1.0]])
    candidate = answers([[0.0, 1.001]], [[0.0, 1.1]], [[9.0, 1.0]], [[90.0, 1.0]])
    assert only(compare(reference, candidate)).sensitivity == pytest.approx(1e-2, rel=1e-3)


def test_answers_that_agree_do_not_tell_inputs_apart() -> None:
    reference = answers([[0.0, 1.0]], [[0.0, 1.00001]], [[9.0, 1.0]])
    candidate = answers([[0.0, 1.00002]], [[0.0, 1.00001]], [[9.0, 1.0]])
    verdict = compare(reference, candidate)
    assert verdict.verdict == "exact"
    assert only(verdict).sensitivity == pytest.approx(2e-5 / 9, rel=1e-2)


@pytest.mark.parametrize(
    ("error", "expected"),
    [(1e-6, "exact"), (9e-5, "exact"), (2e-4, "close"), (9e-3, "close"), (2e-2, "differs")],
)
def test_limits_of_max_rel(error: float, expected: str) -> None:
    far_apart = answers(*(np.arange(20)[None] * sign + 40 for sign in (1, -1, 2, -2)))
    candidate = [{"out": case["out"].copy()} for case in far_apart]
    candidate[0]["out"][0, 0] += error * 59
    verdict = compare(far_apart, candidate)
    assert verdict.verdict == expected
    assert only(verdict).max_rel == pytest.approx(error, rel=0.1)
    assert bool(verdict.reasons) == (expected != "exact")


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1e-4, "exact"), (9e-4, "exact"), (2e-3, "close"), (4e-2, "close"), (6e-2, "differs")],
)
def test_limits_of_sensitivity_bind_where_outputs_hardly_move(share: float, expected: str) -> None:
    base = np.linspace(50, 100, 20)[None]
    reference = [{"out": base + 0.05 * np.eye(20)[place]} for place in range(4)]
    candidate = [{"out": case["out"] + share * 0.05 * math.sqrt(2) * np.eye(20)[9]} for case in reference]
    verdict = compare(reference, candidate)
    assert only(verdict).max_rel < 1e-4
    assert only(verdict).sensitivity == pytest.approx(share, rel=1e-3)
    assert verdict.verdict == expected


def test_noise_of_another_summation_order_is_exact_and_of_half_precision_is_close() -> None:
    rng = np.random.default_rng(1)
    reference = answers(*rng.normal(size=(4, 1, 1000)))
    noise = [{"out": case["out"] * (1 + 1e-6 * rng.normal(size=(1, 1000)))} for case in reference]
    assert compare(reference, noise).verdict == "exact"
    half = [{"out": case["out"].astype(np.float16)} for case in reference]
    assert compare(reference, half).verdict == "close"


class TestRanks:
    """Ranks decide only where the errors are allowed."""

    def test_a_first_rank_that_changes_within_the_error_of_exact_is_a_tie(self) -> None:
        reference = answers([[1.0, 0.99995, 0.2]], [[0.0, 0.5, 0.9]])
        candidate = answers([[0.99997, 0.99998, 0.2]], [[0.0, 0.5, 0.9]])
        verdict = compare(reference, candidate)
        assert (only(verdict).top1, only(verdict).top5, verdict.verdict) == (True, True, "exact")

    def test_ranks_that_change_by_more_than_a_tie_are_not_exact(self) -> None:
        """Both errors are within exact's max_rel, in opposite directions, and upset a rank."""
        reference = answers([[1.0, 0.99985, 0.2]], [[0.0, 0.5, 0.9]])
        candidate = answers([[0.99991, 0.99994, 0.2]], [[0.0, 0.5, 0.9]])
        verdict = compare(reference, candidate)
        assert only(verdict).max_rel < 1e-4
        assert (only(verdict).top1, only(verdict).top5, verdict.verdict) == (True, False, "close")
        assert verdict.reasons == ("out: the first five ranks are not the reference's.",)

    def test_a_first_rank_that_changes_by_more_than_a_tie_differs(self) -> None:
        reference = answers([[1.0, 0.985, 0.2]], [[0.0, 0.5, 0.9]])
        candidate = answers([[0.991, 0.994, 0.2]], [[0.0, 0.5, 0.9]])
        verdict = compare(reference, candidate)
        assert only(verdict).max_rel < 1e-2
        assert (only(verdict).top1, verdict.verdict) == (False, "differs")
        assert verdict.reasons == ("out: the first rank is not the reference's.",)

    def test_the_sixth_rank_is_free(self) -> None:
        order = [[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]]
        swapped = [[9.0, 8.0, 7.0, 6.0, 5.0, 3.0, 4.0]]
        output = only(compare(answers(order, np.negative(order)), answers(swapped, np.negative(order))))
        assert output.top5
        assert output.verdict == "differs"

    def test_ranks_are_taken_at_every_position_of_a_map(self) -> None:
        rng = np.random.default_rng(2)
        reference = answers(*rng.normal(size=(4, 1, 5, 6, 7)))
        candidate = [{"out": case["out"].copy()} for case in reference]
        assert only(compare(reference, candidate)).top5
        candidate[2]["out"][0, :, 3, 4] = candidate[2]["out"][0, ::-1, 3, 4]
        output = only(compare(reference, candidate))
        assert (output.top1, output.top5, output.verdict) == (False, False, "differs")

    def test_ranks_are_taken_in_every_row_of_a_batch(self) -> None:
        rows = np.eye(4)
        candidate = answers(rows[[0, 2, 1, 3]], -rows)
        assert only(compare(answers(rows, -rows), candidate)).top1 is False

    @pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 4, 4)])
    def test_a_single_class_has_no_ranks(self, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(3)
        reference = answers(*rng.normal(size=(4, *shape)))
        verdict = compare(reference, reference)
        assert (only(verdict).top1, only(verdict).top5, verdict.verdict) == (None, None, "exact")

    def test_a_vector_is_ranked_along_itself(self) -> None:
        assert only(compare(answers([1, 2, 3], [3, 2, 1]), answers([1, 3, 2], [3, 2, 1]))).top1 is False


class TestDegenerate:
    """Outputs with no scale, no movement or no numbers must neither pass by a division nor crash."""

    def test_outputs_that_never_move_prove_nothing(self) -> None:
        constant = answers(*[[[1.0, 0.0]]] * 4)
        verdict = compare(constant, constant)
        assert verdict.verdict == "differs"
        assert only(verdict).sensitivity is None
        assert verdict.reasons[0].startswith("No output moves when the input changes")

    @pytest.mark.parametrize(
        ("error", "expected"), [(0, "exact"), (5e-7, "exact"), (5e-6, "close"), (5e-5, "differs")]
    )
    def test_a_constant_output_beside_a_moving_one_has_a_narrow_limit(self, error: float, expected: str) -> None:
        priors = np.linspace(0, 1, 50)[None]
        reference = [{"moves": case["out"], "priors": priors} for case in scores()]
        candidate = [{**case, "priors": priors + error} for case in reference]
        verdict = compare(reference, candidate)
        assert verdict.verdict == expected
        assert verdict.outputs[1].sensitivity is None
        assert verdict.outputs[1].cosine is not None

    @pytest.mark.parametrize("error", [1e-30, 1e-3, 1.0])
    def test_an_error_against_zeros_differs(self, error: float) -> None:
        reference = [{**case, "zero": np.zeros((1, 4))} for case in scores()]
        candidate = [{**case, "zero": np.full((1, 4), error)} for case in reference]
        verdict = compare(reference, candidate)
        assert verdict.outputs[1].max_rel == math.inf
        assert (verdict.outputs[1].snr_db, verdict.outputs[1].cosine) == (-math.inf, 0)
        assert verdict.verdict == "differs"

    def test_equal_zeros_beside_a_moving_output_are_exact(self) -> None:
        reference = [{**case, "zero": np.zeros((1, 4))} for case in scores()]
        assert compare(reference, reference).verdict == "exact"

    def test_a_case_of_zeros_is_judged_by_the_scale_of_the_others(self) -> None:
        reference = answers([[0.0, 0.0]], [[3.0, 1.0]], [[0.0, 4.0]])
        assert compare(reference, answers([[1e-6, 0.0]], [[3.0, 1.0]], [[0.0, 4.0]])).verdict == "exact"
        assert compare(reference, answers([[0.02, 0.0]], [[3.0, 1.0]], [[0.0, 4.0]])).verdict == "close"
        assert compare(reference, answers([[1.0, 0.0]], [[3.0, 1.0]], [[0.0, 4.0]])).verdict == "differs"

    def test_a_single_number_near_zero_is_judged_by_the_scale_of_all_cases(self) -> None:
        reference = answers([[1e-5]], [[3.0]], [[-2.0]], [[1.0]])
        candidate = answers([[1.1e-5]], [[3.0]], [[-2.0]], [[1.0]])
        assert compare(reference, candidate).verdict == "exact"
        assert compare(reference, answers([[1.0]], [[1e-5]], [[3.0]], [[-2.0]])).verdict == "differs"

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("sides", ["reference", "candidate", "both"])
    def test_what_is_not_finite_differs_even_from_itself(self, bad: float, sides: str) -> None:
        reference, candidate = scores(), scores()
        for side, cases in (("reference", reference), ("candidate", candidate)):
            if sides in (side, "both"):
                cases[3]["out"][0, 7] = bad
        verdict = compare(reference, candidate)
        assert verdict.verdict == "differs"
        assert only(verdict).max_abs is None
        side = "candidate" if sides == "candidate" else "reference"
        assert verdict.reasons == (f"out: 1 of the {side}'s 20 values are NaN or infinite (3).",)

    @pytest.mark.parametrize("huge", [1e300, 1e-300, 1e-320])
    def test_squares_neither_overflow_nor_vanish(self, huge: float) -> None:
        reference = [{"out": case["out"].astype(np.float64) * huge} for case in scores()]
        wrong = [{"out": case["out"][:, ::-1]} for case in reference]
        assert compare(reference, reference).verdict == "exact"
        assert compare(reference, wrong).verdict == "differs"

    def test_nothing_to_compare_differs(self) -> None:
        empty = answers(*[np.zeros((1, 0))] * 4)
        assert compare(empty, empty).reasons == ("out: there are no elements to compare (0).",)


class TestStructure:
    """Names, shapes and kinds have to be the same; nothing is adjusted."""

    @pytest.mark.parametrize("shape", [(20,), (20, 1), (1, 20, 1), (1, 10), (2, 20), (4, 5)])
    def test_another_shape_differs(self, shape: tuple[int, ...]) -> None:
        candidate = [{"out": np.resize(case["out"], shape)} for case in scores()]
        verdict = compare(scores(), candidate)
        assert verdict.verdict == "differs"
        assert verdict.reasons == (f"out: the shape is {list(shape)}, the reference's [1, 20] (0).",)

    def test_a_shape_that_is_wrong_in_the_last_case_only_differs(self) -> None:
        candidate = scores()
        candidate[3]["out"] = candidate[3]["out"][0]
        assert compare(scores(), candidate).verdict == "differs"

    def test_missing_and_additional_outputs_differ(self) -> None:
        both = [{"a": case["out"], "b": case["out"] * 2} for case in scores()]
        one = [{"a": case["a"]} for case in both]
        assert compare(both, one).reasons == ("The candidate lacks the output b.",)
        assert compare(one, both).reasons == ("The candidate has the output b, the reference has not.",)
        assert compare(both, one).verdict == compare(one, both).verdict == "differs"
        assert [output.name for output in compare(both, one).outputs] == ["a", "b"]

    def test_outputs_are_matched_by_name_and_reported_in_the_reference_s_order(self) -> None:
        reference = [{"b": case["out"], "a": case["out"] * 2} for case in scores()]
        turned = [{"a": case["a"], "b": case["b"]} for case in reference]
        exchanged = [{"b": case["a"], "a": case["b"]} for case in reference]
        assert compare(reference, turned).verdict == "exact"
        assert [output.name for output in compare(reference, turned).outputs] == ["b", "a"]
        assert compare(reference, exchanged).verdict == "differs"

    def test_the_worst_output_decides(self) -> None:
        reference = [{"a": case["out"], "b": case["out"] * 2} for case in scores()]
        candidate = [{"a": case["a"], "b": case["b"] + 1e-3} for case in reference]
        verdict = compare(reference, candidate)
        assert [output.verdict for output in verdict.outputs] == ["exact", "close"]
        assert verdict.verdict == "close"

    def test_missing_and_additional_cases_differ(self) -> None:
        assert compare(scores(4), scores(3)).reasons == ("The candidate lacks the case 3.",)
        assert compare(scores(3), scores(4)).verdict == "differs"

    def test_cases_are_matched_by_name(self) -> None:
        reference = dict(zip(("a", "b", "c"), scores(3), strict=True))
        assert compare(reference, dict(reversed(reference.items()))).verdict == "exact"
        assert compare(reference, dict(zip("bca", reference.values(), strict=True))).verdict == "differs"

    @pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, bool, complex, str, object])
    def test_another_kind_of_number_differs(self, kind: type) -> None:
        candidate = [{"out": case["out"].astype(kind)} for case in scores()]
        assert compare(scores(), candidate).verdict == "differs"

    def test_integers_have_to_be_equal(self) -> None:
        reference = [{"out": np.array([[100_000 + place, 7]])} for place in (0, 50, 2000, 90000)]
        candidate = [{"out": case["out"].copy()} for case in reference]
        assert compare(reference, candidate).verdict == "exact"
        candidate[1]["out"][0, 0] += 1
        assert compare(reference, candidate).reasons == ("out: integers have to be equal.",)

    @pytest.mark.parametrize(
        ("reference", "complaint"),
        [
            ([], "0 cases"),
            (scores(1), "1 cases"),
            ([{}, {}], "no outputs"),
            ([{"a": np.zeros(2)}, {"b": np.zeros(2)}], "differ in their outputs"),
            ([{"a": np.zeros(2)}, {"a": np.zeros(3)}], "differ in their outputs"),
            ({"prob": np.zeros(3), "box": np.zeros(4)}, "for every case"),
        ],
    )
    def test_a_reference_that_cannot_judge_is_refused(self, reference: Any, complaint: str) -> None:
        with pytest.raises(BadInput, match=complaint):
            compare(reference, reference)


class TestTolerance:
    """The limits are in one place."""

    def test_defaults_are_the_documented_ones(self) -> None:
        assert Limits(1e-4, 1e-3, 1e-6) == DEFAULT.exact
        assert Limits(1e-2, 5e-2, 1e-5) == DEFAULT.close

    def test_every_other_tolerance_has_its_reason(self) -> None:
        assert all(tolerance.reason for tolerance in TOLERANCES.values())

    def test_a_target_without_an_entry_has_the_defaults(self) -> None:
        assert tolerance_for("a target nobody listed") is DEFAULT

    def test_an_option_may_have_an_entry_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wide = dataclasses.replace(DEFAULT, reason="half precision")
        monkeypatch.setattr("converter.tolerance.TOLERANCES", {"x storage=fp16": wide})
        assert tolerance_for("x", {"merge": True, "storage": "fp16"}) is wide
        assert tolerance_for("x", {"storage": "fp32"}) is tolerance_for("x") is DEFAULT

    def test_a_wider_tolerance_is_applied_and_recorded(self) -> None:
        wide = dataclasses.replace(DEFAULT, exact=Limits(5e-3, 2e-2, 1e-4), reason="half precision")
        verdict = compare(scores(), add(scores(), 1e-3), tolerance=wide)
        assert (verdict.verdict, verdict.tolerance) == ("exact", wide)
        assert compare(scores(), add(scores(), 1e-3)).verdict == "close"
