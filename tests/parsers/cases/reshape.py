"""Elements in the same order under another shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, case, noise, unary, variants
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Reshape in all its codes, reshape_like, Flatten, axes of size 1, shapes as values."""
    yield from _codes()
    yield from _old()
    yield from _like()
    yield from _ones()
    yield unary("flatten-alias", "flatten")
    yield variants("flatten-3d", "Flatten", [noise("flat", 2, 3, 2)], {"node": {}})
    yield variants("flatten-vector", "Flatten", [noise("flat", 3)], {"node": {}})
    yield variants("flatten-int", "Flatten", [np.arange(12, dtype=np.int32).reshape(2, 3, 2)], {"node": {}})
    yield variants("shape-array", "shape_array", [noise("shape", 2, 3, 4)], {"node": {}})
    yield variants("size-array", "size_array", [noise("shape", 2, 3, 4)], {"node": {}})
    net = Net()
    shape = net.node("shape_array", "shape", [net.input("data", noise("shape", 2, 3))])
    net.node("Cast", "node", [shape], dtype="float32")
    yield case("shape-array-constant", net, fixed=True)


def _codes() -> Iterator[Case]:
    data = noise("codes", 2, 3, 5, 4)
    kept = {
        "keep": "(0, -1)",
        "keep_three": "(0, 0, -1)",
        "infer_first": "(-1, 60)",
        "rest": "(0, -2)",
        "rest_and_one": "(0, -2, 1)",
        "infer_and_rest": "(-1, -2)",
        "merge": "(0, -3, 0)",
        "merge_and_infer": "(0, -3, -1)",
        "merge_rest": "(0, 0, -3)",
        "split": "(0, 0, -4, 1, 5, 0)",
        "split_infer": "(0, 0, 0, -4, 2, -1)",
        "split_infer_first": "(0, 0, 0, -4, -1, 2)",
        "split_batch": "(-4, 1, -1, -2)",
        "insert": "(0, 1, -1)",
        "numbers": "[0,15,4]",
    }
    yield variants("reshape", "Reshape", [data], {name: {"shape": codes} for name, codes in kept.items()})
    fixed = {
        "plain": "(2, 60)",
        "merge_batch": "(-3, -2)",
        "infer": "(-1,)",
        "infer_then_split": "(-1, -4, 3, 1, 0, 0)",
    }
    rows = {name: {"shape": codes} for name, codes in fixed.items()}
    yield variants("reshape-fixed", "Reshape", [data], rows, fixed=True)
    reverse = {
        "keep": "(0, 0, -1, 0)",
        "rest": "(-2, 0)",
        "split": "(0, 0, 5, 1, -4, 0)",
        "infer_batch": "(-1, 0, 0, 0)",
        "merge": "(0, -3, 0)",
    }
    rows = {name: {"shape": codes, "reverse": "True"} for name, codes in reverse.items()}
    yield variants("reshape-reverse", "Reshape", [data], rows)
    rows = {"infer": {"shape": "(-1, 0)", "reverse": "1"}, "merge": {"shape": "(-3, 0, 0)", "reverse": "True"}}
    yield variants("reshape-reverse-fixed", "Reshape", [data], rows, fixed=True)
    yield unary("reshape-alias", "reshape", shape="(0, -1)")
    net = Net()
    moved = net.node("transpose", "moved", [net.input("data", noise("moved", 2, 3, 4))], axes="(1, 0, 2)")
    codes = ("(0, 0, 2, 2)", "(-4, 1, 3, 0, -2)", "(0, -1, 4)")
    heads = [net.node("Reshape", f"node{index}", [moved], shape=text) for index, text in enumerate(codes)]
    yield case("reshape-moved-batch", net, *heads)
    whole = np.arange(12, dtype=np.int64).reshape(2, 6)
    yield variants("reshape-int", "Reshape", [whole], {"node": {"shape": "(0, 2, 3)"}})


def _old() -> Iterator[Case]:
    rows = {
        "infer_first": {"target_shape": "(0, 60)"},
        "keep": {"target_shape": "(0, 0)", "keep_highest": "True"},
        "keep_ignores": {"target_shape": "(7, 3, 20)", "keep_highest": "True"},
        "shape_goes_first": {"target_shape": "(7, 7)", "shape": "(0, -1)", "keep_highest": "False"},
    }
    yield variants("reshape-old", "Reshape", [noise("old", 2, 3, 5, 4)], rows)
    net = Net("0.8")
    data = net.input("data", noise("old", 2, 3, 5, 4))
    net.node("Reshape", "node", [data], target_shape="(2,0)", shape="()", keep_highest="False")
    yield case("reshape-0.8", net, fixed=True)


def _like() -> Iterator[Case]:
    yield variants("reshape-like", "reshape_like", [noise("lhs", 2, 12), noise("rhs", 2, 3, 4)], {"node": {}})
    rows = {
        "first": {"lhs_begin": "1", "lhs_end": "2", "rhs_begin": "1", "rhs_end": "3"},
        "negative": {"lhs_begin": "-2", "lhs_end": "-1", "rhs_begin": "-3", "rhs_end": "-1"},
        "none": {"lhs_begin": "None", "lhs_end": "2", "rhs_begin": "None", "rhs_end": "3"},
    }
    yield variants("reshape-like-part", "reshape_like", [noise("lhs", 2, 6, 5), noise("rhs", 2, 3, 2, 7)], rows)


def _ones() -> Iterator[Case]:
    rows = {f"axis{index}": {"axis": axis} for index, axis in enumerate(("0", "1", "3", "-1", "-4"))}
    yield variants("expand-dims", "expand_dims", [noise("expand", 2, 3, 4)], rows)
    data = noise("squeeze", 2, 1, 3, 1)
    rows = {"one": {"axis": "1"}, "two": {"axis": "(1, 3)"}, "negative": {"axis": "(-1,)"}, "none": {"axis": "()"}}
    yield variants("squeeze", "squeeze", [data], rows)
    yield variants("squeeze-all", "squeeze", [data], {"node": {}, "default": {"axis": "None"}}, fixed=True)
    yield variants("squeeze-batch", "squeeze", [noise("squeeze", 1, 3)], {"node": {"axis": "0"}}, fixed=True)
    yield variants(
        "squeeze-to-one", "squeeze", [noise("squeeze", 1, 1)], {"node": {}, "axes": {"axis": "(0, 1)"}}, fixed=True
    )
