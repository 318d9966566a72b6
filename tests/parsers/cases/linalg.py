"""Linear algebra."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from tests.parsers.case import Case, noise, several, shapes

Row = tuple[str, Mapping[str, str]]
YES_NO = ("True", "False")


def cases() -> Iterator[Case]:
    """Products with scales and sums, triangles and diagonals."""
    yield from _gemm()
    yield from _triangles()


def _gemm() -> Iterator[Case]:
    for old in ("", "_"):
        rows: dict[str, Row] = {
            "node": (f"{old}linalg_gemm2", {}),
            "scaled": (f"{old}linalg_gemm2", {"alpha": "0.5"}),
        }
        yield several(f"gemm2{old}", shapes("gemm2", (2, 3, 4), (2, 4, 5)), rows)
        rows = {"node": (f"{old}linalg_gemm", {}), "scaled": (f"{old}linalg_gemm", {"alpha": "-2", "beta": "0.5"})}
        rows["without"] = (f"{old}linalg_gemm", {"beta": "0"})
        yield several(f"gemm{old}", shapes("gemm", (2, 3, 4), (2, 4, 5), (2, 3, 5)), rows)
    for left, right in itertools.product(YES_NO, YES_NO):
        lhs, rhs = ((4, 3) if left == "True" else (3, 4)), ((5, 4) if right == "True" else (4, 5))
        attributes = {"transpose_a": left, "transpose_b": right, "alpha": "2.0", "axis": "-2"}
        given = shapes(f"gemm-{left}-{right}", lhs, rhs)
        yield several(f"gemm2-{left}-{right}", given, {"node": ("_linalg_gemm2", attributes)}, fixed=True)
        given |= {"in2": noise("gemm-c", 3, 5)}
        yield several(f"gemm-{left}-{right}", given, {"node": ("_linalg_gemm", attributes)}, fixed=True)
    for axis, lhs, rhs, added in (
        ("1", (2, 4, 3, 5), (2, 5, 3, 6), (2, 4, 3, 6)),
        ("-3", (2, 4, 3, 5), (2, 5, 3, 6), (2, 4, 3, 6)),
        ("0", (2, 4, 3, 5), (5, 4, 3, 6), (2, 4, 3, 6)),
        ("2", (2, 4, 3, 5), (2, 4, 5, 6), (2, 4, 3, 6)),
    ):
        given = shapes(f"gemm{axis}", lhs, rhs)
        rows = {"node": ("_linalg_gemm2", {"axis": axis}), "scaled": ("_linalg_gemm2", {"axis": axis, "alpha": "2"})}
        yield several(f"gemm2-axis{axis}", given, rows, fixed=axis == "0")
        given = shapes(f"gemm{axis}", lhs, rhs, added)
        rows = {"node": ("_linalg_gemm", {"axis": axis}), "only": ("_linalg_gemm", {"axis": axis, "beta": "0"})}
        yield several(f"gemm-axis{axis}", given, rows, fixed=axis == "0")
    for op in ("_linalg_syrk", "linalg_syrk"):
        rows = {f"node-{turned}": (op, {"transpose": turned, "alpha": "2"}) for turned in YES_NO}
        yield several(op, shapes("syrk", (2, 3, 4)), {"node": (op, {}), **rows})
    for op, side in itertools.product(("_linalg_trmm", "linalg_trmm"), YES_NO):
        variants = itertools.product(YES_NO, YES_NO, ("1", "-0.5"))
        rows = {
            f"node-{lower}-{turned}{alpha}": (
                op,
                {"lower": lower, "transpose": turned, "alpha": alpha, "rightside": side},
            )
            for lower, turned, alpha in variants
        }
        yield several(f"{op}-{side}", shapes("trmm", (2, 4, 4), (2, 3, 4) if side == "True" else (2, 4, 3)), rows)


def _triangles() -> Iterator[Case]:
    positive = {"data": noise("diagonal", 2, 4, 4, low=0.1)}
    for old in ("", "_"):
        offsets = ("0", "1", "-1", "2", "-3")
        rows: dict[str, Row] = {"det": (f"{old}linalg_det", {}), "log": (f"{old}linalg_sumlogdiag", {})}
        rows |= {f"diag{offset}": (f"{old}linalg_extractdiag", {"offset": offset}) for offset in offsets}
        rows |= {
            f"trian{offset}-{lower}": (f"{old}linalg_extracttrian", {"offset": offset, "lower": lower})
            for offset, lower in itertools.product(offsets, YES_NO)
        }
        yield several(f"extract{old}", positive, rows)
        rows = {f"diag{offset}": (f"{old}linalg_makediag", {"offset": offset}) for offset in offsets}
        rows |= {
            f"trian{offset}-{lower}": (f"{old}linalg_maketrian", {"offset": offset, "lower": lower})
            for offset, lower in itertools.product(offsets, YES_NO)
        }
        yield several(f"make{old}", {"data": noise("make", 2, 6)}, rows)
    rows = {op: (f"_linalg_{op}", {}) for op in ("det", "sumlogdiag", "extractdiag", "extracttrian")}
    yield several("extract-2d", {"data": noise("one", 3, 3, low=0.1)}, rows, fixed=True)
    rows = {op: (f"_linalg_{op}", {}) for op in ("makediag", "maketrian")}
    yield several("make-1d", {"data": noise("one", 3)}, rows, fixed=True)
