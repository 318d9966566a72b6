"""Seeded weights: stand-ins for a network's trained weights, drawn from each parameter's name and shape alone.

They keep activations in range through deep networks of convolution, BatchNorm and ReLU, and no two of them are alike,
so that whatever is permuted, dropped or read twice shows in the outputs. They are another model than the trained one.

Needs numpy only. The same name and shape give the same bits in one version of numpy.
"""

from __future__ import annotations

import hashlib
import math

import numpy

GAIN = 1.8
"""Mean square of a kernel's elements times its fan-in. He's value for ReLU is 2; BatchNorm with the ranges below
multiplies mean squares by E[gamma^2] E[1 / var] = 1.11, and the two together leave them as they are."""

LOGITS = 1.75
"""Standard deviation of what a detector's predictors of classes are to answer: with it, softmax is far from saturated
and the best of thousands of anchors stand out."""

CODES = 1.0
"""Standard deviation of what a detector's predictors of boxes are to answer, before the anchors' variances."""


def draw(name: str, shape: tuple[int, ...], gain: float = GAIN) -> numpy.ndarray | None:
    """The float32 values of a parameter; None where ``name`` ends in no kind of parameter that is known here.

    Args:
        name: The parameter's name, without what depends on the process that made it (``resnetv10_``).
        shape: Its complete shape. A kernel's first axis is that of its outputs, its fan-in all others.
        gain: See ``GAIN``. Where many residual branches are added up and exponentials follow, less is better.
    """
    kind = next((draw for ending, draw in KINDS.items() if name.endswith(ending)), None)
    if kind is None:
        return None
    seed = hashlib.sha256(f"{name} {','.join(map(str, shape))}".encode()).digest()
    stream = numpy.random.Generator(numpy.random.PCG64(int.from_bytes(seed, "big")))
    return kind(stream, shape, gain)


def noise(shape: list[int], low: float, high: float) -> numpy.ndarray:
    """The float32 input that a detector is calibrated with: the same for one shape and range."""
    return _uniform(low, high)(numpy.random.Generator(numpy.random.PCG64(0)), shape, None)


def scale(answers: numpy.ndarray, wanted: float) -> float:
    """The power of two that brings the standard deviation of ``answers`` nearest to ``wanted``; 1 if all are one."""
    deviation = float(answers.std(dtype=numpy.float64))
    return 2.0 ** round(math.log2(wanted / deviation)) if deviation else 1.0


def _kernel(stream: numpy.random.Generator, shape: tuple[int, ...], gain: float) -> numpy.ndarray:
    values = stream.standard_normal(shape, numpy.float32)
    values *= numpy.float32(math.sqrt(gain / max(math.prod(shape[1:]), 1)))
    return values


def _normal(deviation: float):  # noqa: ANN202
    return lambda stream, shape, _: stream.standard_normal(shape, numpy.float32) * numpy.float32(deviation)


def _uniform(low: float, high: float):  # noqa: ANN202
    return lambda stream, shape, _: (low + (high - low) * stream.random(shape)).astype(numpy.float32)


KINDS = {
    "weight": _kernel,
    "bias": _normal(0.05),
    "gamma": _uniform(0.8, 1.2),
    "beta": _normal(0.1),
    "running_mean": _normal(0.1),
    "moving_mean": _normal(0.1),
    "running_var": _uniform(0.5, 1.5),
    "moving_var": _uniform(0.5, 1.5),
    "alpha": _uniform(0.1, 0.4),
}
"""How a parameter is drawn, by what its name ends in."""
