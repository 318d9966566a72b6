"""Elements by their index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.parsers.case import Case, case, noise, numbers, several
from tests.parsers.files import Net

Row = tuple[str, Mapping[str, str]]


def cases() -> Iterator[Case]:
    """Look-up by index, of every type and out of range."""
    for made in itertools.chain(_take(), _embedding(), _pick(), _nd(), _one_hot()):
        yield replace(made, tolerance=0, reason="only moves elements")


def _take() -> Iterator[Case]:
    table = {"table": noise("take", 4, 3)}
    wild = {"indices": numbers([-1, -0.5, 0.9], [2.7, 3, 4], [10, -5, -4])}
    rows = {f"node-{mode}": ("take", {"mode": mode}) for mode in ("clip", "wrap")}
    yield several("take", wild, {"node": ("take", {}), **rows}, constants=table)
    rows = {
        f"node{axis}-{mode}": ("take", {"axis": axis, "mode": mode})
        for mode in ("clip", "wrap")
        for axis in ("1", "-1")
    }
    yield several("take-axis", {"indices": numbers(-1, 3, 1, 2.9)}, rows, constants=table)
    valid = {"indices": numbers([0, 3], [1, 2])}
    yield several("take-raise", valid, {"node": ("take", {"mode": "raise"})}, constants=table)
    for dtype in ("int32", "int64", "uint8"):
        index = {"indices": numbers(2, 9, 1, dtype=dtype)}
        yield several(
            f"take-{dtype}", index, {"node": ("take", {})}, constants={"table": numbers(3, 1, 2, dtype="int32")}
        )
    along = {"data": noise("take-batch", 5, 3), "indices": numbers(-1, 4, 7, 2, 0)}
    rows = {f"node-{mode}": ("take", {"mode": mode}) for mode in ("clip", "wrap")}
    yield several("take-along-batch", along, rows)


def _embedding() -> Iterator[Case]:
    sizes = {"input_dim": "5", "output_dim": "3"}
    for identity, op, more in (
        ("embedding", "Embedding", {}),
        ("embedding-attributes", "Embedding", {"dtype": "float32", "sparse_grad": "False"}),
        ("embedding-sparse", "_contrib_SparseEmbedding", {}),
    ):
        net = Net()
        data = net.input("data", numbers([0, 4, 1.9], [-1, 5, 99]))
        net.node(op, "node", [data, net.arg("any", noise(identity, 5, 3))], **sizes, **more)
        yield case(identity, net)


def _pick() -> Iterator[Case]:
    data = noise("pick", 4, 3)
    index = numbers(0, 5, -1, 1.9)
    rows = {
        "node": ("pick", {}),
        "node-keep": ("pick", {"keepdims": "True"}),
        "node-wrap": ("pick", {"mode": "wrap", "axis": "1"}),
        "node-old": ("choose_element_0index", {}),
    }
    yield several("pick", {"data": data, "index": index}, rows)
    thin = {"data": data, "index": index.reshape(4, 1)}
    yield several("pick-thin", thin, {"node": ("pick", {}), "node-keep": ("pick", {"keepdims": "1"})})
    first = {"data": data, "index": numbers(-4, 3, -5)}
    yield several("pick-first", first, {m: ("pick", {"axis": "0", "mode": m}) for m in ("clip", "wrap")}, fixed=True)
    middle = {"data": noise("pick3", 2, 3, 2), "index": numbers([0, 1], [2, 1])}
    rows = {"node": ("pick", {"axis": "1"}), "node-keep": ("pick", {"axis": "-2", "keepdims": "True"})}
    yield several("pick-middle", middle, rows)
    flat = {"data": noise("pick1", 5), "index": numbers(3)}
    yield several(
        "pick-flat", flat, {k: ("pick", {"keepdims": k, "axis": "0"}) for k in ("True", "False")}, fixed=True
    )
    whole = {"data": numbers([1, 2], [3, 4], dtype="int32"), "index": numbers(0, 1, dtype="int32")}
    yield several("pick-int", whole, {"node": ("pick", {})})
    rows = {"node": ("batch_take", {})}
    yield several("batch-take", {"data": data, "index": numbers(0, 5, -1, 1, dtype="int32")}, rows)


def _nd() -> Iterator[Case]:
    data = {"data": noise("gather-nd", 4, 3, 2)}
    for name, indices in {
        "elements": numbers([0, -1, 3], [2, 0, -3], [1, 1, 0]),
        "rows": numbers([0, 1, 3], [2, 0, 1.9]),
        "slices": numbers([[0, 3], [1, 1]]),
    }.items():
        yield several(f"gather-nd-{name}", data | {"indices": indices}, {"node": ("gather_nd", {})}, fixed=True)
    table = {"table": numbers(5, 6, 7, dtype="int32")}
    whole = {"indices": numbers([1, 0, 2], dtype="int64")}
    yield several("gather-nd-int", whole, {"node": ("gather_nd", {})}, fixed=True, constants=table)
    rows = {"node": ("scatter_nd", {"shape": "(2, 3)"})}
    where = numbers([0, 1, 1, 0], [1, 0, 2, 1])
    yield several("scatter-nd", {"data": noise("scatter", 4), "indices": where}, rows, fixed=True)
    slices = {"data": noise("scatter2", 1, 2, 4), "indices": numbers([[0, 1]], [[2, 0]])}
    yield several("scatter-nd-slices", slices, {"node": ("scatter_nd", {"shape": "(2, 3, 4)"})}, fixed=True)
    whole = {"data": numbers(1, 2, dtype="int32"), "indices": numbers([2, 0], dtype="int32")}
    yield several("scatter-nd-int", whole, {"node": ("scatter_nd", {"shape": "(3,)"})}, fixed=True)
    copied = {"index": numbers(2, 0, dtype="int64"), "new": noise("index-copy2", 2, 3)}
    old = {"old": noise("index-copy", 4, 3)}
    yield several("index-copy", copied, {"node": ("_contrib_index_copy", {})}, fixed=True, constants=old)
    rows = {f"node{axes}": ("_contrib_index_array", {"axes": axes}) for axes in ("(1,)", "(-1, 0)", "None")}
    yield several(
        "index-array", {"data": noise("index-array", 2, 3, 2)}, {"node": ("_contrib_index_array", {}), **rows}
    )
    rows = {op: (op, {"shape": "(4, 5)"}) for op in ("_ravel_multi_index", "ravel_multi_index")}
    yield several("ravel", {"data": numbers([1, 2.5, 0], [3, 0.9, 9])}, rows, fixed=True)
    rows = {"node": ("_ravel_multi_index", {"shape": "(-1, 5)"})}
    yield several("ravel-int", {"data": numbers([1, 2], [3, 0], dtype="int32")}, rows, fixed=True)
    rows = {op: (op, {"shape": "(4, 5)"}) for op in ("_unravel_index", "unravel_index")}
    yield several("unravel", {"data": numbers(8, 10.7, -1, 25)}, rows)
    rows = {"node": ("_unravel_index", {"shape": "(-1, 4, 5)"})}
    yield several("unravel-int", {"data": numbers(8, 10, 79, 40, dtype="int32")}, rows)


def _one_hot() -> Iterator[Case]:
    indices = {"indices": numbers([0, -1, -0.5], [2.9, 3, 1])}
    rows: dict[str, Row] = {"node": ("one_hot", {"depth": "3"})}
    for dtype in ("float32", "int32", "int64", "int8", "uint8"):
        rows[f"node-{dtype}"] = ("one_hot", {"depth": "4", "on_value": "2.5", "off_value": "-1.5", "dtype": dtype})
    yield several("one-hot", indices, rows)
    whole = {"indices": numbers(1, 0, dtype="int32")}
    yield several("one-hot-int", whole, {"node": ("one_hot", {"depth": "2"})})
