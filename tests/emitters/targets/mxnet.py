"""What mxnet needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping

TOLERANCES: Mapping[str, tuple[float, str]] = {
    "mxnet-special-powers": (
        1e-7,
        "measured 5.2e-8, one unit in the last place of log(10^8): the C library's logarithm is not onnxruntime's",
    ),
}
