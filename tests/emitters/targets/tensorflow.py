"""What tensorflow needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping

TOLERANCES: Mapping[str, tuple[float, str]] = {}
