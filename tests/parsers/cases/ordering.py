"""Sorting, and the largest or smallest elements."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.parsers.case import Case, noise, numbers, several

Row = tuple[str, Mapping[str, str]]


def cases() -> Iterator[Case]:
    """sort, argsort and topk along every axis, of every type, with ties."""
    for made in _order():
        yield replace(made, tolerance=0, reason="only moves elements")


def _order() -> Iterator[Case]:
    kinds = {"value": "value", "indices": "indices", "mask": "mask", "both": "both"}
    for axis, k in (("-1", "3"), ("1", "2"), ("0", "0"), ("0", "2"), ("None", "5")):
        for up in ("True", "False"):
            rows = {
                name: ("topk", {"axis": axis, "k": k, "ret_typ": kind, "is_ascend": up})
                for name, kind in kinds.items()
            }
            data = {"data": noise("topk", 3, 4, 5)}
            yield several(f"topk-{axis}-{k}-{up}", data, rows, outputs={"both": 2}, fixed=axis == "None")
    dtypes = ("float32", "int32", "int64", "uint8")
    rows = {f"node-{dtype}": ("topk", {"dtype": dtype, "ret_typ": "both", "k": "2"}) for dtype in dtypes}
    outputs = dict.fromkeys(rows, 2)
    yield several("topk-dtypes", {"data": noise("topk2", 3, 6)}, {"node": ("topk", {}), **rows}, outputs=outputs)
    for dtype in ("int32", "uint8", "int8", "int64"):
        rows = {name: ("topk", {"k": "3", "ret_typ": kind}) for name, kind in kinds.items()}
        rows |= {"sorted": ("sort", {}), "order": ("argsort", {})}
        data = {"data": numbers([3, 1, 2, 7], [9, 4, 8, 5], dtype=dtype)}
        yield several(f"order-{dtype}", data, rows, outputs={"both": 2})
    ties = {"data": numbers([3, 1, 3, 2, 3, 1, 2, 1, 3, 1], [0] * 10)}
    rows = {"best": ("topk", {"k": "3"}), "mask": ("topk", {"k": "3", "ret_typ": "mask"})}
    rows["least"] = ("topk", {"k": "4", "is_ascend": "1"})
    yield several("order-ties", ties, {**rows, "up": ("argsort", {}), "down": ("argsort", {"is_ascend": "False"})})
    data = {"data": noise("sort", 4, 3, 5)}
    for op in ("sort", "argsort"):
        variants = itertools.product(("0", "1", "-1"), ("True", "False"))
        rows = {f"node{axis}-{up}": (op, {"axis": axis, "is_ascend": up}) for axis, up in variants}
        yield several(op, data, {"node": (op, {}), **rows})
        rows = {f"node-{up}": (op, {"axis": "None", "is_ascend": up}) for up in ("True", "False")}
        yield several(f"{op}-flat", data, rows, fixed=True)
    rows = {f"node-{dtype}": ("argsort", {"dtype": dtype}) for dtype in dtypes}
    yield several("argsort-dtypes", {"data": noise("sort", 4, 3)}, rows)
    one = {"data": noise("sort1", 5)}
    yield several("order-one-axis", one, {"node": ("sort", {"axis": "None"}), "best": ("topk", {"axis": "None"})})
