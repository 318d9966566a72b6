"""Symbol files: the three eras read alike, and what is no symbol is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import converter
from converter.errors import BadInput, TransshipError
from converter.parsers.mxnet.symbol import MAX_BYTES, Edge, read_symbol
from tests.parsers.cases import CASES, Case
from tests.parsers.files import ERAS, VERSIONS, Net, write


def saved(folder: Path, content: str | bytes) -> Path:
    path = folder / "net-symbol.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def small(era: str) -> dict[str, Any]:
    net = Net(era)
    weight = net.arg("w", np.zeros((2, 3), np.float32))
    net.node("FullyConnected", "fc", [net.variable("x"), weight], num_hidden="2", no_bias="True")
    return net.symbol()


@pytest.mark.parametrize("era", ERAS)
def test_eras_read_alike(tmp_path: Path, era: str) -> None:
    symbol = read_symbol(saved(tmp_path, json.dumps(small(era))))
    assert [node.name for node in symbol.nodes] == ["w", "x", "fc"]
    assert symbol.nodes[2].attributes == {"num_hidden": "2", "no_bias": "True"}
    assert symbol.nodes[2].inputs == (Edge(1, 0), Edge(0, 0))
    assert symbol.heads == (Edge(2, 0),)
    assert symbol.version == VERSIONS.get(era, 800)


def test_oldest_era_joins_both_kinds_of_attributes(tmp_path: Path) -> None:
    symbol = small("0.8")
    symbol["nodes"][2]["attr"] = {"lr_mult": "2"}
    assert read_symbol(saved(tmp_path, json.dumps(symbol))).nodes[2].attributes["lr_mult"] == "2"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("nodes", None, "'nodes' is not a list"),
        ("nodes", [3], "node 0 is not an object"),
        ("nodes", [{"name": "x", "inputs": []}], "node 0, 'op' is not a string"),
        ("nodes", [{"op": "null", "name": 7, "inputs": []}], "node 0, 'name' is not a string"),
        ("nodes", [{"op": "null", "name": "\ud800", "inputs": []}], "not valid Unicode"),
        ("nodes", [{"op": "null", "name": "x", "inputs": {}}], "node 0, 'inputs' is not a list"),
        ("nodes", [{"op": "null", "name": "x", "attrs": {"a": 1}}], "node 0, 'attrs', 'a' is not a string"),
        ("nodes", [{"op": "a", "name": "x", "inputs": [[0, 0, 0]]}], "refers to node 0, which does not come before"),
        ("nodes", [{"op": "a", "name": "x", "inputs": [[1, 0, 0]]}], "refers to node 1, which does not come before"),
        ("nodes", [{"op": "a", "name": "x", "inputs": [[-1, 0, 0]]}], "has the edge [-1, 0, 0]"),
        ("nodes", [{"op": "a", "name": "x", "inputs": [[True, 0]]}], "has the edge [True, 0]"),
        ("nodes", [{"op": "a", "name": "x", "inputs": [[0.5, 0]]}], "has the edge [0.5, 0]"),
        ("nodes", [{"op": "a", "name": "x", "inputs": [[0]]}], "has the edge [0]"),
        ("heads", None, "'heads' is not a list"),
        ("heads", [], "'heads' is empty"),
        ("heads", [[3, 0, 0]], "refers to node 3, which does not come before"),
    ],
)
def test_what_is_no_symbol(tmp_path: Path, key: str, value: object, message: str) -> None:
    path = saved(tmp_path, json.dumps(small("1.x") | {key: value}))
    with pytest.raises(BadInput) as caught:
        read_symbol(path)
    assert message in caught.value.what
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "7", '{"nodes"', "[" * 200000, '{"a":' * 100000, "9" * 100000, b"\xff\xfe\x00", b'{"nodes": "\xff"}'],
    ids=["empty", "list", "number", "cut", "deep-list", "deep-object", "long-number", "utf16", "not-utf8"],
)
def test_what_is_no_json_object(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(BadInput):
        read_symbol(saved(tmp_path, content))


def test_size_is_limited(tmp_path: Path) -> None:
    path = saved(tmp_path, "")
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(BadInput, match="larger than 64 MiB"):
        read_symbol(path)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2**40),
    st.text(max_size=6),
    st.sampled_from(
        ["(1, 1)", "(0, 0)", "(2147483647, 1)", "(-1, 2)", "1000000007", "nan", "None", "()", "full", "-1"]
    ),
    st.lists(st.integers(-1, 9), max_size=3),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where everything is in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, item in items for place in places(item, (*path, key))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(case=st.sampled_from(CASES), data=st.data())
def test_no_symbol_escapes(tmp_path: Path, case: Case, data: st.DataObject) -> None:
    symbol = copy.deepcopy(case.symbol)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, key = data.draw(st.sampled_from(places(symbol)))
        holder: Any = symbol
        for step in way:
            holder = holder[step]
        holder[key] = data.draw(VALUES)
    graph, weights = write(tmp_path, symbol, case.params, case.records)
    shapes = {name: ("batch", *value.shape[1:]) for name, value in case.inputs.items()}
    ir = tmp_path / "ir"
    assert (
        refusal(lambda: converter.save(converter.parse("mxnet", graph=graph, weights=weights, inputs=shapes), ir))
        < 25
    )


def refusal(function: Callable[[], None]) -> int:
    """Lines of the refusal that ``function`` ends with; 0 if with none. Nothing else may escape."""
    try:
        function()
    except TransshipError as error:
        return len(str(error).splitlines())
    return 0
