"""Seeded weights: a function of name and shape."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "images/mxnet/seeded.py"
_spec = importlib.util.spec_from_file_location("seeded", SCRIPT)
assert _spec
assert _spec.loader
seeded = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(seeded)

MANY = (64, 32, 5, 5)


def test_name_and_shape_alone_decide() -> None:
    drawn = seeded.draw("conv0_weight", MANY)
    assert (drawn.shape, drawn.dtype) == (MANY, np.float32)
    np.testing.assert_array_equal(drawn, seeded.draw("conv0_weight", MANY))
    for other in (seeded.draw("conv1_weight", MANY), seeded.draw("conv0_weight", (32, 64, 5, 5))):
        alike = np.corrcoef(drawn.ravel(), other.ravel())[0, 1]
        assert abs(alike) < 0.03, "51200 numbers: 7 standard deviations"


@pytest.mark.parametrize("shape", [(64, 32, 5, 5), (256, 1, 3, 3), (100, 300)])
@pytest.mark.parametrize("gain", [1.8, 1.0])
def test_kernels_keep_the_mean_square_whatever_their_fan_in(shape: tuple[int, ...], gain: float) -> None:
    drawn = seeded.draw("conv0_weight", shape, gain)
    assert drawn.var() * np.prod(shape[1:]) == pytest.approx(gain, rel=0.15), "2304 numbers: 5 standard deviations"


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("gamma", 0.8, 1.2),
        ("running_var", 0.5, 1.5),
        ("moving_var", 0.5, 1.5),
        ("alpha", 0.1, 0.4),
        ("beta", -0.5, 0.5),
        ("running_mean", -0.5, 0.5),
        ("moving_mean", -0.5, 0.5),
        ("bias", -0.25, 0.25),
    ],
)
def test_other_parameters_are_within_their_ranges(name: str, low: float, high: float) -> None:
    drawn = seeded.draw(f"stage1_{name}", (1000,))
    assert drawn.dtype == np.float32
    assert low <= drawn.min() < drawn.max() <= high
    assert drawn.mean() == pytest.approx((low + high) / 2, abs=(high - low) / 20)
    assert len(set(drawn.tolist())) > 990


def test_a_detector_is_calibrated_with_noise_of_its_range() -> None:
    noise = seeded.noise([1, 3, 100, 100], -2.0, 3.0)
    assert (noise.shape, noise.dtype) == ((1, 3, 100, 100), np.float32)
    assert -2 <= noise.min() < -1.9
    assert 2.9 < noise.max() <= 3
    np.testing.assert_array_equal(noise, seeded.noise([1, 3, 100, 100], -2.0, 3.0))


@pytest.mark.parametrize(("deviation", "scale"), [(1.75, 1.0), (1.3, 1.0), (1e6, 2**-19), (0.1, 16.0), (0.0, 1.0)])
def test_scales_are_powers_of_two(deviation: float, scale: float) -> None:
    assert seeded.scale(np.array([3 - deviation, 3 + deviation]), 1.75) == scale


@pytest.mark.parametrize("name", ["anchor_0", "init_mean", "normalize_scale"])
def test_what_it_does_not_know_it_leaves(name: str) -> None:
    assert seeded.draw(name, (3,)) is None
