"""What keras needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping

TOLERANCES: Mapping[str, tuple[float, str]] = {}
TORCH_TOLERANCE = 1e-6
"""Relative to the largest value: PyTorch's kernels round differently."""
NOT_ON_TORCH: Mapping[str, str] = {
    "mxnet-cumsum": "the sum of whole numbers has another element type there",
}
"""Cases that Keras's PyTorch backend does not compute exactly, with the reason."""
