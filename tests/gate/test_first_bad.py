"""On failure the gate says where: the first bad value in topological order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converter.compare import FirstBad, first_bad
from converter.errors import BadInput
from tests.gate import networks
from tests.gate.networks import ORDER, Array, Cases

WEIGHTS = networks.trained_weights()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """The four cases."""
    return networks.cases(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def trace(inputs: Cases) -> Cases:
    """Every value of the network, in every case."""
    return networks.run(WEIGHTS, inputs, ORDER)


def scaled(name: str, factor: float) -> dict[str, Array]:
    """The weights, those of one parameter multiplied."""
    return {**WEIGHTS, name: WEIGHTS[name] * np.float32(factor)}


def found(reference: Cases, candidate: Cases) -> FirstBad:
    """The first bad value, which there has to be."""
    bad = first_bad(ORDER, reference, candidate)
    assert bad is not None
    return bad


def test_equal_traces_have_none(trace: Cases) -> None:
    assert first_bad(ORDER, trace, trace) is None


@pytest.mark.parametrize(
    ("parameter", "value", "last_good"),
    [
        ("conv1_weight", "conv1", None),
        ("bn1_gamma", "bn1", "conv1"),
        ("conv2_weight", "conv2", "pool1"),
        ("bn2_var", "bn2", "conv2"),
        ("fc_weight", "score", "flat"),
    ],
)
def test_the_changed_layer_is_named(
    parameter: str, value: str, last_good: str | None, inputs: Cases, trace: Cases
) -> None:
    bad = found(trace, networks.run(scaled(parameter, 1.01), inputs, ORDER))
    assert (bad.value, bad.last_good, bad.skipped) == (value, last_good, ())
    assert bad.max_rel is not None
    assert bad.max_rel > 1e-3


def test_a_single_changed_weight_is_located(inputs: Cases, trace: Cases) -> None:
    kernel = WEIGHTS["conv2_weight"].copy()
    kernel[3, 4, 1, 1] += 0.1 * kernel.std()
    bad = found(trace, networks.run({**WEIGHTS, "conv2_weight": kernel}, inputs, ORDER))
    assert bad.value == "conv2"


def test_another_epsilon_is_located(inputs: Cases, trace: Cases) -> None:
    assert found(trace, networks.run(WEIGHTS, inputs, ORDER, epsilon=1e-5)).value == "bn1"


def test_values_that_one_side_fused_away_are_skipped_and_listed(inputs: Cases, trace: Cases) -> None:
    candidate = networks.run(scaled("bn1_gamma", 1.5), inputs, ("conv1", "pool1", "conv2", "prob"))
    bad = found(trace, candidate)
    assert (bad.value, bad.last_good, bad.skipped) == ("pool1", "conv1", ("bn1", "relu1"))


def test_a_value_in_another_shape_is_bad(trace: Cases) -> None:
    flat = {case: {**values, "relu1": values["relu1"].reshape(1, -1)} for case, values in trace.items()}
    bad = found(trace, flat)
    assert (bad.value, bad.max_abs) == ("relu1", None)
    assert "the shape is" in bad.reason


def test_a_value_that_is_not_finite_is_bad(trace: Cases) -> None:
    broken = {case: {**values, "pool1": values["pool1"] * np.float32(np.nan)} for case, values in trace.items()}
    assert found(trace, broken).value == "pool1"


def test_a_value_that_no_input_moves_is_judged_by_its_size() -> None:
    anchors = np.linspace(0, 1, 12, dtype=np.float32)[None]
    reference = {str(case): {"anchors": anchors, "x": anchors * case} for case in range(4)}
    nearly = {case: {**values, "anchors": anchors + 5e-5} for case, values in reference.items()}
    wrong = {case: {**values, "anchors": anchors + 5e-3} for case, values in reference.items()}
    assert first_bad(("anchors", "x"), reference, nearly) is None
    bad = first_bad(("anchors", "x"), reference, wrong)
    assert bad is not None
    assert (bad.value, bad.sensitivity) == ("anchors", None)


def test_noise_against_a_value_that_is_zero_everywhere_is_bad() -> None:
    reference = {str(case): {"dead": np.zeros((1, 4), np.float32)} for case in range(4)}
    candidate = {case: {"dead": np.full((1, 4), 1e-3, np.float32)} for case in reference}
    bad = first_bad(("dead",), reference, candidate)
    assert bad is not None
    assert bad.max_rel == float("inf")


@pytest.mark.parametrize(
    ("value", "node"),
    [("conv1_output", "conv1"), ("slice_output3", "slice"), ("conv4/flatten_output", "conv4/flatten"), ("x", "x")],
)
def test_the_node_is_the_one_that_the_ir_names_the_value_after(value: str, node: str) -> None:
    reference = {str(case): {value: np.full((1, 3), case, np.float32)} for case in range(4)}
    candidate = {case: {value: arrays[value] + 1} for case, arrays in reference.items()}
    bad = first_bad((value,), reference, candidate)
    assert bad is not None
    assert bad.node == node


def test_traces_of_different_cases_are_refused(trace: Cases) -> None:
    fewer = dict(list(trace.items())[:3])
    with pytest.raises(BadInput, match="different cases"):
        first_bad(ORDER, trace, fewer)


def test_a_trace_that_holds_nothing_of_the_order_has_none(trace: Cases, tmp_path: Path) -> None:
    assert first_bad(("elsewhere",), trace, trace) is None
