"""Sequences: their last, first, reversed and summed steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, constant, noise, numbers, several
from tests.parsers.files import Array, Net

Row = tuple[str, Mapping[str, str]]


def cases() -> Iterator[Case]:
    """Cumulated sums, and sequences of every length with time or the batch first."""
    yield from _sums()
    for made in _sequences():
        yield replace(made, tolerance=0, reason="only moves elements")


def _sums() -> Iterator[Case]:
    data = {"data": noise("cumsum", 4, 3, low=-3, high=3)}
    rows: dict[str, Row] = {f"node{axis}": ("_np_cumsum", {"axis": axis}) for axis in ("0", "1", "None")}
    types = {f"node-{dtype}": ("_np_cumsum", {"axis": "1", "dtype": dtype}) for dtype in ("int32", "int64", "int8")}
    rows |= {"node": ("cumsum", {}), "node-none": ("cumsum", {"dtype": "None", "axis": "0"}), **types}
    yield replace(several("cumsum", data, rows, fixed=True), tolerance=1e-6, reason="float32 sums")
    for dtype in ("int8", "uint8", "int32"):
        rows = {f"node-{to}": ("cumsum", {"axis": "0", "dtype": to}) for to in ("None", "float32", "int32")}
        yield several(f"cumsum-of-{dtype}", {"data": numbers(100, 100, 90, dtype=dtype)}, rows)


def _sequences() -> Iterator[Case]:
    yield from _sequences_of("", noise("sequence", 4, 3, 2), numbers(1, 2.9, 4), numbers(0, 5, 1))
    yield from _sequences_of("-2d", noise("sequence2", 4, 3), numbers(2, 1, 4), numbers(0, 9, 1))
    yield from _sequences_of("-4d", noise("sequence4", 4, 3, 2, 2), numbers(3, 3, 1), numbers(4, 0, 2.9))
    whole = numbers([1, 2], [3, 4], dtype="int32"), numbers(1, 2, dtype="int32")
    rows: dict[str, Row] = {"node": ("SequenceMask", {"use_sequence_length": "True", "value": "-1.9"})}
    yield several("sequence-int", {"data": whole[0], "lengths": whole[1]}, rows, fixed=True)
    rows = {f"mask{axis}": ("SequenceMask", {"value": "5", "axis": axis}) for axis in ("0", "1")}
    rows |= {f"last{axis}": ("SequenceLast", {"axis": axis}) for axis in ("0", "1")}
    rows |= {"reverse": ("SequenceReverse", {"axis": "0"}), "reverse-default": ("SequenceReverse", {})}
    yield several("sequence-whole", {"data": noise("whole", 4, 3, 2)}, rows)
    open_time = {"data": noise("open", 4, 3, 2), "lengths": numbers(1, 2, 4)}
    net = Net()
    data, lengths = net.input("data", open_time["data"]), constant(net, "lengths", open_time["lengths"])
    heads = [
        net.node(op, op, [data, lengths], use_sequence_length="True")
        for op in ("SequenceMask", "SequenceLast", "SequenceReverse")
    ]
    yield case("sequence-open-time", net, *heads)


def _sequences_of(name: str, data: Array, lengths: Array, wild: Array) -> Iterator[Case]:
    """Time first, then the batch first; a mask takes any length, the others those that exist."""
    for axis, given in (("0", data), ("1", np.swapaxes(data, 0, 1).copy())):
        common = {"use_sequence_length": "True", "axis": axis}
        rows: dict[str, Row] = {
            "mask": ("SequenceMask", {**common, "value": "-1.5"}),
            "last": ("SequenceLast", common),
        }
        if axis == "0":
            rows["reverse"] = ("SequenceReverse", common)
        yield several(f"sequence{name}-{axis}", {"data": given, "lengths": lengths}, rows, fixed=axis == "0")
        rows = {"mask": ("SequenceMask", common)}
        yield several(f"sequence-mask{name}-{axis}", {"data": given, "lengths": wild}, rows, fixed=axis == "0")
