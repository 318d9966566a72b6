"""Attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.parsers.case import Case, noise, several

Row = tuple[str, Mapping[str, str]]


def cases() -> Iterator[Case]:
    """Interleaved queries, keys and values, with one head and with two."""
    for heads in (1, 2):
        attributes = {"heads": str(heads)}
        qkv = noise("qkv", 3, 2, 3 * 2 * 4)
        weights = noise("weights", 2 * heads, 3, 3)
        rows: dict[str, Row] = {"node": ("_contrib_interleaved_matmul_selfatt_qk", attributes)}
        yield replace(several(f"selfatt-qk-{heads}", {"data": qkv}, rows), fixed=True)
        rows = {"node": ("_contrib_interleaved_matmul_selfatt_valatt", attributes)}
        yield several(f"selfatt-valatt-{heads}", {"data": qkv, "weights": weights}, rows, fixed=True)
        given = {"queries": noise("queries", 3, 2, 8), "data": noise("kv", 5, 2, 2 * 8)}
        rows = {"node": ("_contrib_interleaved_matmul_encdec_qk", attributes)}
        yield several(f"encdec-qk-{heads}", given, rows, fixed=True)
        given = {"data": given["data"], "weights": noise("weights2", 2 * heads, 3, 5)}
        rows = {"node": ("_contrib_interleaved_matmul_encdec_valatt", attributes)}
        yield several(f"encdec-valatt-{heads}", given, rows, fixed=True)
    yield several("div-sqrt-dim", {"data": noise("root", 2, 3, 8)}, {"node": ("_contrib_div_sqrt_dim", {})})
    open_time = {"data": noise("time", 4, 2, 2 * 3 * 2)}
    yield several(
        "selfatt-open-time", open_time, {"node": ("_contrib_interleaved_matmul_selfatt_qk", {"heads": "2"})}
    )
