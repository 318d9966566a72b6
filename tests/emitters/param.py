"""Read a ``.param`` file as ncnn does, for tests."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A layer, with parameters as they are spelled."""

    type: str
    name: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    params: dict[int, str]


def lines_of(content: bytes) -> list[Line]:
    """The layers of a ``.param`` file, whose counts have to be right."""
    magic, counts, *rest = content.decode("ascii").splitlines()
    assert magic == "7767517"
    layers = [_line(text) for text in rest]
    assert counts == f"{len(layers)} {sum(len(layer.tops) for layer in layers)}"
    return layers


def _line(text: str) -> Line:
    kind, name, bottoms, tops, *fields = text.split()
    first, last = int(bottoms), int(bottoms) + int(tops)
    assert max(map(len, (name, *fields[:last]))) < 256
    params = {int(key): value for key, value in (field.split("=") for field in fields[last:])}
    return Line(kind, name, tuple(fields[:first]), tuple(fields[first:last]), params)


def value_of(text: str) -> int | float:
    """What ``paramdict.cpp`` makes of a number: 32-bit digits, scaled in float64, rounded to float32."""
    assert len(text) <= 15
    if not re.search(r"[.eE]", text):
        return int(text)
    match = re.fullmatch(r"(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", text)
    assert match, text
    sign, whole, fraction, exponent = match.groups(default="")
    power = 10 ** len(fraction)
    assert power < 2**32
    value = (int(whole or 0) % 2**32) + (int(fraction or 0) % 2**32) / power
    scale = 1.0
    for _ in range(abs(int(exponent or 0))):
        scale *= 10.0
    value = value / scale if exponent.startswith("-") else value * scale
    return float(struct.unpack("f", struct.pack("f", -value if sign else value))[0])
