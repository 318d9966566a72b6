"""Models that once came out wrong in ncnn."""

from __future__ import annotations

from functools import partial

from tests.emitters.cases.common import Case, unary
from tests.emitters.cases.ncnn_layers import pool
from tests.emitters.cases.ncnn_shapes import each, with_constants

_FAR = -(2**63)

CASES: tuple[Case, ...] = (
    Case(
        "ncnn-average-pool-window-beyond-data",
        partial(
            pool,
            "AveragePool",
            (2, 2, 4, 5),
            kernel_shape=[3, 2, 2],
            strides=[2, 2, 2],
            pads=[0, 0, 0, 1, 0, 1],
        ),
    ),
    Case("ncnn-ceil", partial(unary, "Ceil")),
    Case(
        "ncnn-slice-backwards-from-far-before",
        partial(with_constants, "Slice", ("batch", 4, 4), [_FAR], [_FAR], [2], [-1]),
    ),
    *(
        Case(
            f"ncnn-sample-reflected-often-{corners}",
            partial(
                each,
                "GridSample",
                [("batch", 2, 4, 5), ("batch", 3, 6, 2)],
                padding_mode="reflection",
                align_corners=corners,
            ),
            tolerance=1e-5,
            reason="places of samples are rounded",
            low=-9.0,
        )
        for corners in (0, 1)
    ),
)
