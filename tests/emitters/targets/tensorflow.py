"""What tensorflow needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOLERANCES: Mapping[str, tuple[float, str]] = {
    "tflite:mxnet-special-powers": (1e-7, "x ** 3 becomes x * x * x, rounded twice"),
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {"channels_first": {"data_format": "channels_first", "tflite": False}}
