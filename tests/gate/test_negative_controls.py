"""What must not pass, done to networks that really compute: every one of these has to give ``differs``."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from converter.compare import Verdict, compare
from tests.gate import networks
from tests.gate.networks import Array, Cases

WEIGHTS = {"random": networks.random_weights(), "trained": networks.trained_weights()}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """The four cases, made from drawn photographs."""
    return networks.cases(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(params=sorted(WEIGHTS))
def weights(request: pytest.FixtureRequest) -> dict[str, Array]:
    """A network that was never trained, and one whose classifier was fitted to data."""
    return WEIGHTS[request.param]


def judge(weights: dict[str, Array], inputs: Cases, candidate: Cases) -> Verdict:
    """Compare ``candidate`` with the network's own answers."""
    return compare(networks.run(weights, inputs), candidate)


def changed(weights: dict[str, Array], name: str, place: int, deviations: float) -> dict[str, Array]:
    """The weights with one number of ``name`` moved by so many of the layer's standard deviations."""
    array = weights[name].copy()
    array.flat[place] += deviations * array.std()
    return {**weights, name: array}


def test_the_fitted_network_really_classifies() -> None:
    assert networks.accuracy(WEIGHTS["trained"]) > 0.4
    assert networks.accuracy(WEIGHTS["random"]) < 0.2


def test_the_same_network_is_exact(weights: dict[str, Array], inputs: Cases) -> None:
    verdict = judge(weights, inputs, networks.run(weights, inputs))
    assert verdict.verdict == "exact"
    assert verdict.reasons == ()
    assert verdict.outputs[0].max_abs == 0


def test_another_order_of_summation_is_exact(weights: dict[str, Array], inputs: Cases) -> None:
    order = np.random.default_rng(0).permutation(8)
    shuffled = {**weights, "conv2_weight": weights["conv2_weight"][:, order]}
    for name in ("conv1_weight", "bn1_gamma", "bn1_beta", "bn1_mean", "bn1_var"):
        shuffled[name] = weights[name][order]
    verdict = judge(weights, inputs, networks.run(shuffled, inputs))
    assert verdict.verdict == "exact"
    assert verdict.outputs[0].max_abs != 0


def test_half_precision_weights_are_close(weights: dict[str, Array], inputs: Cases) -> None:
    half = {name: array.astype(np.float16).astype(np.float32) for name, array in weights.items()}
    assert judge(weights, inputs, networks.run(half, inputs)).verdict == "close"


def test_two_classes_that_change_places(inputs: Cases, weights: dict[str, Array]) -> None:
    reference = networks.run(weights, inputs, ("score",))
    for one, other in itertools.combinations(range(10), 2):
        order = np.arange(10)
        order[[one, other]] = other, one
        permuted = {case: {"score": out["score"][:, order]} for case, out in reference.items()}
        assert compare(reference, permuted).verdict == "differs", (one, other)


@pytest.mark.parametrize("seed", range(5))
def test_permuted_classes(seed: int, weights: dict[str, Array], inputs: Cases) -> None:
    order = np.random.default_rng(seed).permutation(10)
    permuted = {case: {"prob": out["prob"][:, order]} for case, out in networks.run(weights, inputs).items()}
    assert judge(weights, inputs, permuted).verdict == "differs"


def test_one_other_image_s_output(weights: dict[str, Array], inputs: Cases) -> None:
    """Only one of the four cases is wrong, and holds what another one should."""
    reference = networks.run(weights, inputs)
    for one, other in itertools.permutations(reference, 2):
        verdict = compare(reference, {**reference, one: reference[other]})
        assert verdict.verdict == "differs"
        assert verdict.outputs[0].sensitivity is not None
        assert verdict.outputs[0].sensitivity >= 1


@pytest.mark.parametrize("outputs", [("prob",), ("score",), ("relu2",)])
def test_a_photograph_that_is_none_of_the_four(
    outputs: tuple[str, ...], weights: dict[str, Array], inputs: Cases
) -> None:
    mirrored = {case: {"data": arrays["data"][:, :, :, ::-1]} for case, arrays in inputs.items()}
    candidate = networks.run(weights, mirrored, outputs)
    assert compare(networks.run(weights, inputs, outputs), candidate).verdict == "differs"


def test_another_image_s_output_where_outputs_hardly_move(inputs: Cases) -> None:
    """A bias that dwarfs what the input does: every answer is within 1e-4 of every other, relative to its size."""
    weights = {**WEIGHTS["random"], "fc_bias": WEIGHTS["random"]["fc_bias"] + 3000}
    reference = networks.run(weights, inputs, ("score",))
    names = list(reference)
    turned = {case: reference[names[place - 1]] for place, case in enumerate(names)}
    verdict = compare(reference, turned)
    assert verdict.verdict == "differs"
    assert verdict.outputs[0].max_rel < 5e-3


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_shift_by_one_pixel(axis: int, step: int, weights: dict[str, Array], inputs: Cases) -> None:
    moved = {case: {"data": np.roll(arrays["data"], step, axis)} for case, arrays in inputs.items()}
    assert judge(weights, inputs, networks.run(weights, moved)).verdict == "differs"


@pytest.mark.parametrize("axis", [2, 3])
def test_a_feature_map_that_is_shifted_by_one(axis: int, weights: dict[str, Array], inputs: Cases) -> None:
    reference = networks.run(weights, inputs, ("relu2",))
    moved = {case: {"relu2": np.roll(out["relu2"], 1, axis)} for case, out in reference.items()}
    assert compare(reference, moved).verdict == "differs"


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_swapped_channels(order: tuple[int, ...], weights: dict[str, Array], inputs: Cases) -> None:
    swapped = {case: {"data": arrays["data"][:, list(order)]} for case, arrays in inputs.items()}
    assert judge(weights, inputs, networks.run(weights, swapped)).verdict == "differs"


def test_one_weight_of_the_first_layer(weights: dict[str, Array], inputs: Cases) -> None:
    """Moved by one standard deviation of its layer it differs; by a tenth of that it is at least not exact."""
    reference = networks.run(weights, inputs)
    for place in range(5, 216, 17):
        for deviations, levels in ((-1.0, ["differs"]), (1.0, ["differs"]), (0.1, ["close", "differs"])):
            moved = networks.run(changed(weights, "conv1_weight", place, deviations), inputs)
            assert compare(reference, moved).verdict in levels, (place, deviations)


@pytest.mark.parametrize("name", ["conv1_weight", "conv2_weight", "fc_weight"])
def test_the_largest_weight_negated(name: str, weights: dict[str, Array], inputs: Cases) -> None:
    array = weights[name].copy()
    place = int(np.argmax(np.abs(array)))
    array.flat[place] *= -1
    assert judge(weights, inputs, networks.run({**weights, name: array}, inputs)).verdict != "exact"


@pytest.mark.parametrize("epsilon", [1e-5, 2e-5, 1e-4, 1e-2])
def test_batch_normalization_with_another_epsilon(epsilon: float, inputs: Cases) -> None:
    weights = WEIGHTS["trained"]
    assert judge(weights, inputs, networks.run(weights, inputs, epsilon=epsilon)).verdict == "differs"


@pytest.mark.parametrize("epsilon", [1e-5, 2e-5, 1e-4])
def test_another_epsilon_shows_even_where_variances_are_large(epsilon: float, inputs: Cases) -> None:
    """With variances around 1 the error is a few parts in ten thousand: it cannot be more than not exact."""
    weights = WEIGHTS["random"]
    assert judge(weights, inputs, networks.run(weights, inputs, epsilon=epsilon)).verdict != "exact"


@pytest.mark.parametrize("name", ["bn1_gamma", "bn2_gamma"])
def test_gamma_that_should_have_been_fixed(name: str, weights: dict[str, Array], inputs: Cases) -> None:
    fixed = {**weights, name: np.ones_like(weights[name])}
    stored = {**weights, name: np.full_like(weights[name], 0.5676)}
    assert compare(networks.run(fixed, inputs), networks.run(stored, inputs)).verdict == "differs"


def test_transposed_kernels(weights: dict[str, Array], inputs: Cases) -> None:
    transposed = {**weights, "conv1_weight": weights["conv1_weight"].transpose(0, 1, 3, 2).copy()}
    assert judge(weights, inputs, networks.run(transposed, inputs)).verdict == "differs"


def test_drawn_photographs_are_read_as_they_are_written(tmp_path: Path) -> None:
    assert list(networks.cases(tmp_path)) == ["noise-0", "noise-1", "harbour", "portrait"]
