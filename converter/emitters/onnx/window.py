"""What everything that moves a window over a picture has in common."""

from __future__ import annotations

from typing import Any

from converter.emitters.onnx.statement import Attributes


def without_defaults(attributes: Attributes) -> dict[str, Any]:
    """``attributes`` without those that say what goes without saying: steps of 1, no padding.

    ONNX has no formal default for them, as it depends on the number of axes, but a documented one.
    """
    return {key: value for key, value in attributes.items() if not _goes_without_saying(key, value)}


def _goes_without_saying(key: str, value: Any) -> bool:
    if key in ("strides", "dilations"):
        return set(value) == {1}
    return key in ("pads", "output_padding") and set(value) == {0}
