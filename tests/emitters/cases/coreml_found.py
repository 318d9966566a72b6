"""Layers that Core ML has in part only, and so are composed for it, and operators that no other module has."""

from __future__ import annotations

from functools import partial

from tests.emitters.cases.common import Case, unary

CASES = (
    Case("coreml-lp-norm-one", partial(unary, "LpNormalization", axis=1, p=1)),
    Case("coreml-lp-norm-two", partial(unary, "LpNormalization", p=2)),
    Case("coreml-shrink", partial(unary, "Shrink", bias=0.25, lambd=0.5)),
    Case("coreml-thresholded-relu", partial(unary, "ThresholdedRelu", alpha=0.25)),
    Case(
        "coreml-max-pool-dilated-volume",
        partial(
            unary,
            "MaxPool",
            (2, 6, 7, 8),
            kernel_shape=(2, 3, 2),
            dilations=(2, 1, 3),
            pads=(1, 1, 0, 0, 1, 1),
            strides=(1, 2, 2),
        ),
    ),
    Case(
        "coreml-average-pool-dilated",
        partial(
            unary, "AveragePool", (2, 7, 8), kernel_shape=(2, 3), dilations=(2, 2), pads=(1, 1, 0, 1), strides=(2, 1)
        ),
    ),
)
