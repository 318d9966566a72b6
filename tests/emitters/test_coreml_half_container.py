"""What 16 bits cannot hold is computed with 32, in the package that coremltools makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

import converter
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import execute
from tests.emitters.models import Builder, noise

pytestmark = pytest.mark.container

Make = Callable[[Builder, ir.Value], ir.Value]
SHAPE = (2, 3, 40, 50)


def small_factor(net: Builder, data: ir.Value) -> ir.Value:
    return net.node("Mul", "op", data, net.constant("factor", np.float32(1e-9)))


def large_term(net: Builder, data: ir.Value) -> ir.Value:
    return net.node("Add", "op", data, net.constant("term", np.float32(1e5)))


def large_weight(net: Builder, data: ir.Value) -> ir.Value:
    return net.node("Conv", "op", data, net.parameter("weight", value=np.full((2, 3, 1, 1), 7e4, np.float32)))


def small_variance(net: Builder, data: ir.Value) -> ir.Value:
    """A batch normalization whose variance and epsilon 16 bits do not hold."""
    names = {"scale": 1e-4, "bias": 0.1, "mean": 0.25, "variance": 3e-9}
    values = [net.parameter(name, value=np.full(3, number, np.float32)) for name, number in names.items()]
    return net.node("BatchNormalization", "op", data, *values, epsilon=1e-9)


def small_spread(net: Builder, data: ir.Value) -> ir.Value:
    """An instance normalization of almost equal numbers."""
    values = [net.parameter(name, value=np.ones(3, np.float32)) for name in ("scale", "bias")]
    small = net.node("Mul", "small", data, net.constant("factor", np.float32(1e-5)))
    return net.node("InstanceNormalization", "op", small, *values, epsilon=1e-12)


def large_sum(net: Builder, data: ir.Value) -> ir.Value:
    total = net.node("ReduceSumSquare", "sum", data, net.constant("axes", np.array([1, 2, 3])), keepdims=1)
    return net.node("Mul", "op", total, net.constant("factor", np.float32(100)))


def place(net: Builder, data: ir.Value) -> ir.Value:
    """Floats that count: the largest element's place plus numbers that 16 bits do not tell apart."""
    flat = net.node("Reshape", "flat", data, net.constant("shape", np.array([-1, 6000])))
    found = net.node("ArgMax", "found", flat, axis=1, keepdims=1)
    found.dtype = ir.DataType.INT64
    floats = net.node("Cast", "floats", found, to=ir.DataType.FLOAT)
    return net.node("Add", "op", floats, net.constant("more", np.float32(4097)))


def endless(net: Builder, data: ir.Value) -> ir.Value:
    """A window beyond the picture's edge."""
    padding = net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    return net.node("Pad", "op", data, padding, net.constant("edge", np.float32(-np.inf)))


MADE: dict[str, tuple[Make, float]] = {
    "small-factor": (small_factor, 1e-6),
    "large-term": (large_term, 1e-6),
    "large-weight": (large_weight, 1e-6),
    "small-variance": (small_variance, 1e-3),
    "small-spread": (small_spread, 1e-3),
    "large-sum": (large_sum, 1e-3),
    "place": (place, 0.0),
    "endless": (endless, 1e-3),
}
"""What is made of a photograph, and the largest error relative to the largest value."""


def build(name: str) -> ir.Model:
    net = Builder(name)
    return net.model(MADE[name][0](net, net.input("data", SHAPE)))


def _subject(folder: Path, name: str) -> Subject:
    for part in ("ir", "structure"):
        converter.save(build(name), folder / name / part)
    return Subject(name, folder / name, {"data": noise("photograph", SHAPE)}, MADE[name][1])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Subject, Outputs | str]]:
    """Each network's answers with 16 bits, all of one container."""
    folder = tmp_path_factory.mktemp("half")
    subjects = [_subject(folder, name) for name in MADE]
    found = execute("coreml", subjects, folder / "run", precision="float16")
    return {subject.id: (subject, found[subject.id]) for subject in subjects}


@pytest.mark.parametrize("name", MADE)
def test_what_16_bits_cannot_hold_is_computed_with_32(
    answers: dict[str, tuple[Subject, Outputs | str]], name: str
) -> None:
    subject, found = answers[name]
    assert not isinstance(found, str), found
    for output in subject.outputs:
        wanted = subject.expected[output]
        finite = np.isfinite(wanted)
        np.testing.assert_array_equal(found[output][~finite], wanted[~finite])
        error = np.abs(found[output][finite].astype(np.float64) - wanted[finite]).max()
        assert error <= subject.tolerance * np.abs(wanted[finite]).max()
