"""What keras needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOLERANCES: Mapping[str, tuple[float, str]] = {}
VARIANTS: Mapping[str, Mapping[str, Any]] = {"channels_first": {"data_format": "channels_first"}}
TORCH_TOLERANCE = 1e-6
"""Relative to the largest value: PyTorch's kernels round differently."""
NOT_ON_TORCH: Mapping[str, str] = {
    "mxnet-cumsum": "but on TensorFlow Keras adds up whole numbers of 64 bits as ones of 32",
}
"""Cases that Keras's PyTorch backend does not compute exactly, with the reason."""
