"""The document as it lies in the page: the same facts, in far fewer bytes.

A hundred models on nine targets have half a million layers, and a layer's names are the same for all targets of a
model. So ``places`` holds each ``[value, node, operator]`` once, and the layers of a cell are ``{"case", "at":
[places], "max_rel": [numbers]}``. Numbers keep three digits: the plot shows no more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""What could end the element that the text is in, or begin a comment; within JSON it occurs in strings only."""


def pack(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its layers packed and strict JSON values."""
    places: dict[tuple[str, str, str], int] = {}
    cells = [{**cell, "layers": _packed(cell.get("layers"), places)} for cell in document.get("cells", ())]
    packed = _strict({**document, "cells": cells})
    packed["places"] = list(places)
    return dict(packed)


def embedded(document: Mapping[str, Any]) -> str:
    """Compact JSON, ASCII, that can stand in a ``<script>`` element whatever its strings are."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).translate(_ESCAPED)


def _packed(layers: Mapping[str, Any] | None, places: dict[tuple[str, str, str], int]) -> dict[str, Any] | None:
    """The layers of one cell; new places are added to ``places``."""
    if layers is None:
        return None
    rows = layers["values"]
    keys = [(str(row["value"]), str(row["node"]), str(row["operator"])) for row in rows]
    return {
        "case": layers["case"],
        "at": [places.setdefault(key, len(places)) for key in keys],
        "max_rel": [_short(row["max_rel"]) for row in rows],
    }


def _short(number: float | str | None) -> float | str | None:
    return float(f"{number:.3g}") if isinstance(number, float | int) else number


def _strict(value: Any) -> Any:
    """A value as strict JSON: what is not finite is written as in ``verify.json``."""
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
