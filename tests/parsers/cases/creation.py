"""Values made of nothing but numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, noise, variants
from tests.parsers.files import Net

WHOLE = ("uint8", "int8", "int32", "int64")


def cases() -> Iterator[Case]:
    """0, 1 and other numbers, sequences, the unit matrix."""
    for op in ("zeros_like", "ones_like"):
        yield variants(op, op, [noise("like", 2, 3)], {"node": {}, "typed": {"dtype": "int64"}})
        yield variants(f"{op}-int", op, [np.arange(3, dtype=np.int32)], {"node": {}})
    yield made(
        "constants",
        "_zeros",
        {"plain": {"shape": "(2, 3)"}, "half": {"shape": "(2,)", "dtype": "float16", "ctx": "cpu(0)"}},
    )
    yield made("constants-ones", "_ones", {"plain": {"shape": "(2, 3)"}, "bool": {"shape": "[2]", "dtype": "bool"}})
    for op in ("_zeros", "_ones"):
        rows = {kind: {"shape": "(2, 1)", "dtype": kind} for kind in WHOLE}
        yield made(f"constants{op}-int", op, rows)
    rows = {
        kind: {"shape": "(2,)", "value": "-1.7", "dtype": kind} for kind in (*WHOLE, "float32", "float64", "bool")
    }
    yield made(
        "full",
        "_full",
        {
            **rows,
            "beyond": {"shape": "(1, 2)", "value": "300", "dtype": "uint8"},
            "default": {"shape": "(1, 2)", "value": "0.1"},
        },
    )
    rows = {
        "square": {"N": "3"},
        "wide": {"N": "2", "M": "4", "k": "1"},
        "below": {"N": "3", "M": "2", "k": "-1"},
        "beyond": {"N": "2", "k": "5"},
        "int": {"N": "2", "dtype": "int32"},
        "byte": {"N": "2", "dtype": "uint8"},
    }
    yield made("eye", "_eye", rows)
    yield from _inferred()
    yield from _sequences()
    yield from _types()


def _inferred() -> Iterator[Case]:
    """The first states of recurrent networks, whose batch MXNet infers from what they are added to."""
    for name, is_fixed in (("open", False), ("fixed", True)):
        net = Net()
        data = net.input("data", noise("inferred", 2, 3))
        heads = []
        for op, attributes in {"_zeros": {}, "_ones": {}, "_full": {"value": "2.5"}}.items():
            state = net.node(op, op, shape="(0, 3)", **attributes)
            heads.append(net.node("elemwise_add", f"{op}_sum", [state, data]))
        layered = net.node("_zeros", "layered", shape="(1, 0, 3)")
        heads.append(
            net.node(
                "Concat",
                "layers",
                [net.node("Reshape", "layer", [data], shape="(1, -1, 3)"), layered],
                dim="2",
                num_args="2",
            )
        )
        yield case(f"constants-inferred-{name}", net, *heads, fixed=is_fixed)


def _sequences() -> Iterator[Case]:
    yield made(
        "arange",
        "_arange",
        {
            "stop": {"start": "0", "stop": "5"},
            "start_alone": {"start": "5", "stop": "None", "infer_range": "False"},
            "fraction": {"start": "0.3", "stop": "4", "step": "0.1"},
            "back": {"start": "5", "stop": "0", "step": "-2"},
            "repeat": {"start": "0", "stop": "3", "repeat": "2"},
            "int": {"start": "-2.7", "stop": "3", "dtype": "int32"},
            "int_step": {"start": "0", "stop": "5", "step": "1.5", "dtype": "int64"},
            "int_repeat": {"start": "1", "stop": "7", "step": "2", "repeat": "3", "dtype": "int64"},
            "byte": {"start": "253", "stop": "259", "dtype": "uint8"},
        },
    )
    yield made("arange-long", "_arange", {"node": {"start": "0", "stop": "500", "step": "0.1"}})
    yield made(
        "linspace",
        "_linspace",
        {
            "plain": {"start": "0.1", "stop": "0.7", "num": "7"},
            "open": {"start": "0", "stop": "1", "num": "5", "endpoint": "False"},
            "one": {"start": "2", "stop": "1", "num": "1"},
            "int": {"start": "3", "stop": "-1", "num": "4", "dtype": "int32"},
        },
    )
    data = noise("like", 2, 3, 4)
    rows = {
        "axis": {"axis": "1"},
        "negative": {"axis": "-1", "start": "0.1", "step": "0.3"},
        "batch": {"axis": "0"},
        "repeat": {"axis": "1", "repeat": "2", "start": "2"},
        "repeat_batch": {"axis": "0", "repeat": "2"},
    }
    yield variants("arange-like", "_contrib_arange_like", [data], rows)
    rows = {"all": {}, "repeat": {"repeat": "5", "step": "-2"}}
    yield variants("arange-like-all", "_contrib_arange_like", [data], rows, fixed=True)
    rows = {"node": {"start": "0.5", "step": "1.5", "axis": "0"}}
    yield variants("arange-like-int", "_contrib_arange_like", [np.arange(3, dtype=np.int32)], rows)


def made(identity: str, op: str, rows: dict[str, dict[str, str]]) -> Case:
    """A node of ``op`` for each of ``rows``, as float32: no network ends in a constant of whole numbers."""
    net = Net()
    heads = [net.node("Flatten", "input", [net.input("data", noise("input", 1, 1))])]
    for name, attributes in rows.items():
        edge = net.node(op, name, **attributes)
        heads.append(net.node("Cast", f"{name}_read", [edge], dtype="float32"))
    return replace(case(identity, net, *heads), tolerance=0, reason="the same roundings")


def _types() -> Iterator[Case]:
    """MXNet joins values of one type only."""
    for kind in WHOLE:
        net = Net()
        parts = [net.input("data", np.array([5, 6], kind))]
        parts.append(net.node("_ones", "ones", shape="(2,)", dtype=kind))
        parts.append(net.node("_full", "full", shape="(1,)", value="7.5", dtype=kind))
        parts.append(net.node("_arange", "arange", start="2", dtype=kind))
        parts.append(net.node("Reshape", "flat", [net.node("_eye", "eye", N="2", dtype=kind)], shape="(-1,)"))
        net.node("Concat", "node", parts, num_args=str(len(parts)), dim="0")
        yield case(f"constants-{kind}", net, fixed=True)
