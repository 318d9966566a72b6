"""What holds of the gate for any answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

from converter.compare import LEVELS, Output, compare

Array = np.ndarray[Any, np.dtype[Any]]
Cases = dict[str, dict[str, Array]]

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.sampled_from([(1, 7), (1, 40), (1, 3, 4, 5), (2, 6), (9,), (1, 1), (1, 1, 3, 3)])


def answers(seed: int, shape: tuple[int, ...], count: int = 4) -> Cases:
    """Answers that differ from case to case, of any scale and offset."""
    rng = np.random.default_rng(seed)
    scale, offset = 10.0 ** rng.uniform(-6, 6), rng.uniform(-3, 3)
    return {
        str(case): {"out": (scale * (offset + rng.normal(size=shape))).astype(np.float32)} for case in range(count)
    }


def noise(seed: int, like: Cases, size: float) -> Cases:
    """The answers with noise of ``size``, relative to each one's largest value; float64, so that none is lost."""
    rng = np.random.default_rng(seed)
    return {
        case: {
            name: array + size * np.abs(array).max() * rng.uniform(-1, 1, array.shape) for name, array in out.items()
        }
        for case, out in like.items()
    }


def only(reference: Cases, candidate: Cases) -> Output:
    """The numbers of the single output."""
    (output,) = compare(reference, candidate).outputs
    return output


@given(SEEDS, SHAPES, st.integers(2, 6))
def test_equal_answers_are_exact(seed: int, shape: tuple[int, ...], count: int) -> None:
    cases = answers(seed, shape, count)
    first, *others = (case["out"].astype(np.float64) for case in cases.values())
    assume(
        max(np.abs(other - first).max() for other in others) > 0.01 * np.abs(first).max()
    )  # else nothing is proven
    assert compare(cases, answers(seed, shape, count)).verdict == "exact"


@example(92, (1, 1), 2)
@given(SEEDS, SHAPES, st.integers(2, 6))
def test_equal_answers_that_hardly_move_are_not_said_to_prove_anything(
    seed: int, shape: tuple[int, ...], count: int
) -> None:
    cases = answers(seed, shape, count)
    alike = dict.fromkeys(cases, cases["0"])
    assert compare(alike, alike).verdict == "differs"
    assert compare(cases, cases).verdict == "exact" or "moves" in compare(cases, cases).reasons[0]


@given(SEEDS, SHAPES, st.floats(1e-9, 1), st.permutations(range(4)))
def test_the_order_of_cases_does_not_matter(seed: int, shape: tuple[int, ...], size: float, order: list[int]) -> None:
    reference = answers(seed, shape)
    candidate = noise(seed, reference, size)
    names = [str(place) for place in order]
    shuffled = {name: reference[name] for name in names}, {name: candidate[name] for name in reversed(names)}
    assert compare(*shuffled).outputs == compare(reference, candidate).outputs
    listed = [reference[name] for name in names], [candidate[name] for name in names]
    assert compare(*listed).outputs == compare(reference, candidate).outputs


@given(SEEDS, SHAPES, st.floats(1e-9, 0.1), st.floats(1.5, 100))
def test_a_larger_error_never_gives_a_better_verdict(
    seed: int, shape: tuple[int, ...], size: float, factor: float
) -> None:
    reference = answers(seed, shape)
    small, large = (
        only(reference, noise(seed, reference, size)),
        only(reference, noise(seed, reference, size * factor)),
    )
    assert small.max_abs is not None
    assert large.max_abs is not None
    assert small.max_abs < large.max_abs
    assert small.max_rel is not None
    assert large.max_rel is not None
    assert small.max_rel < large.max_rel
    assert small.sensitivity is not None
    assert large.sensitivity is not None
    assert small.sensitivity < large.sensitivity
    assert small.snr_db is not None
    assert large.snr_db is not None
    assert small.snr_db > large.snr_db
    assert LEVELS.index(small.verdict) <= LEVELS.index(large.verdict)


@given(SEEDS, SHAPES, st.floats(1e-9, 1), st.integers(-20, 20))
def test_units_do_not_matter(seed: int, shape: tuple[int, ...], size: float, power: int) -> None:
    """Both sides times a power of two: every number but ``max_abs`` stays as it is, to the last bit."""
    reference = answers(seed, shape)
    candidate = noise(seed, reference, size)
    one = only(reference, candidate)
    scaled = [
        {case: {"out": out["out"].astype(np.float64) * 2.0**power} for case, out in side.items()}
        for side in (reference, candidate)
    ]
    two = only(*scaled)
    assert (two.verdict, two.max_rel, two.sensitivity) == (one.verdict, one.max_rel, one.sensitivity)
    assert (two.top1, two.top5, two.snr_db, two.cosine) == (one.top1, one.top5, one.snr_db, one.cosine)


@given(SEEDS, st.integers(2, 30), st.data())
def test_any_permutation_of_distinct_classes_differs(seed: int, classes: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(classes)))
    assume(order != list(range(classes)))
    rng = np.random.default_rng(seed)
    reference = {str(case): {"out": (rng.permutation(classes)[None] + 1.0) / classes} for case in range(4)}
    permuted = {case: {"out": out["out"][:, order]} for case, out in reference.items()}
    assert compare(reference, permuted).verdict == "differs"


@given(SEEDS, SHAPES, st.permutations(range(4)), st.floats(-9, -2.5))
def test_any_exchange_of_answers_differs_however_little_they_move(
    seed: int, shape: tuple[int, ...], order: list[int], movement: float
) -> None:
    """Answers that keep ``10 ** movement`` of their differences around a common value, and change places.

    Where they differ by more than the error that ``exact`` allows anyway, it is the sensitivity that tells. Answers
    closer than that are the same answer, unless all are: then nothing is proved.
    """
    assume(order != list(range(4)))
    spread = {case: out["out"].astype(np.float64) for case, out in answers(seed, shape).items()}
    centre = 3 * np.abs(spread["0"]).max()
    near = {case: {"out": centre + 10.0**movement * array} for case, array in spread.items()}
    exchanged = {str(case): near[str(place)] for case, place in enumerate(order)}
    verdict = compare(near, exchanged)
    (output,) = verdict.outputs
    assert output.max_rel is not None
    if output.max_rel > 1.1e-4:
        assert output.sensitivity is not None
        assert output.sensitivity >= 1
    if output.max_rel > 1.1e-4 or output.sensitivity is None:
        assert verdict.verdict == "differs"


@given(SEEDS, SHAPES, st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans(), st.data())
def test_one_value_that_is_not_finite_differs(
    seed: int, shape: tuple[int, ...], bad: float, both: bool, data: st.DataObject
) -> None:
    reference, candidate = answers(seed, shape), answers(seed, shape)
    case = str(data.draw(st.integers(0, 3)))
    place = data.draw(st.integers(0, int(np.prod(shape)) - 1))
    for side in (reference, candidate) if both else (candidate,):
        side[case]["out"].flat[place] = bad
    assert compare(reference, candidate).verdict == "differs"


@given(SEEDS, SHAPES, st.floats(1e-9, 1e-6))
def test_rounding_noise_of_float32_is_exact(seed: int, shape: tuple[int, ...], size: float) -> None:
    reference = answers(seed, shape)
    assume(
        all(
            np.sqrt(np.mean(np.square(one["out"] - other["out"], dtype=np.float64)))
            > 2e-3 * max(np.abs(one["out"]).max(), np.abs(other["out"]).max())
            for case, one in reference.items()
            for name, other in reference.items()
            if case < name
        )
    )
    assert compare(reference, noise(seed, reference, size)).verdict == "exact"
