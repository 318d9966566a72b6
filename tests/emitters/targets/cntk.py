"""What cntk needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping

TOLERANCES: Mapping[str, tuple[float, str]] = {
    "mxnet-special-powers": (2e-7, "dividing by a number, CNTK multiplies with its reciprocal: one rounding more"),
}
_NEGATIVE_ZERO = "no operation of CNTK tells -0 from 0, so that what is divided by it is infinite with the other sign"
DEVIATIONS: Mapping[str, str] = {"mxnet-pair-div": _NEGATIVE_ZERO, "mxnet-scalar-old": _NEGATIVE_ZERO}
