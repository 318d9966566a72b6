"""Read symbol JSON of every era into one form.

Three spellings of a node's attributes exist: ``param`` (0.8, with ``attr`` beside it for what the user added),
``attr`` (0.9 to 0.11) and ``attrs`` (1.x). What has changed its meaning since is read as MXNet's own loader reads it
(src/nnvm/legacy_json_util.cc): files older than 0.9 leave out auxiliary states, which the builder adds, and in files
older than 0.9.5 the axis -1 of argmax and argmin means all axes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from converter.errors import BadInput

MAX_BYTES = 64 << 20
"""No published symbol comes near this size."""
_FIX = "give the file that Module or HybridBlock.export wrote as *-symbol.json"
VARIABLE = "null"
OLDEST = 800
ALL_AXES_ARE_NONE = 905
"""The version since which an axis of -1 is the last one."""


class Edge(NamedTuple):
    """Output ``output`` of the node at index ``node``."""

    node: int
    output: int


@dataclass(frozen=True)
class SymbolNode:
    """One node: a variable (``op`` is ``null``) or an operator, its attributes as the strings in the file."""

    op: str
    name: str
    inputs: tuple[Edge, ...]
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Symbol:
    """A network: ``nodes`` in topological order, ``heads`` its outputs, ``version`` such as 10901 for MXNet 1.9.1."""

    nodes: tuple[SymbolNode, ...]
    heads: tuple[Edge, ...]
    version: int


def read_symbol(path: Path) -> Symbol:
    """Read and check the symbol at ``path``.

    Raises:
        BadInput: The file cannot be read, is larger than :data:`MAX_BYTES`, is no JSON, or is no symbol: every edge
            must lead to an earlier node.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"the symbol is larger than {MAX_BYTES >> 20} MiB", where=str(path))
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read the symbol: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the symbol is not JSON: {error}", where=str(path), fix=_FIX) from error
    try:
        return _symbol(content)
    except _MalformedError as error:
        raise BadInput(f"not an MXNet symbol: {error}", where=str(path), fix=_FIX) from error


class _MalformedError(Exception):
    """What is wrong with the content; the caller knows the file."""


def _symbol(content: Any) -> Symbol:
    table = _typed(content, dict, "the file")
    rows = _typed(table.get("nodes"), list, "'nodes'")
    nodes = tuple(_node(row, index) for index, row in enumerate(rows))
    heads = tuple(_edge(head, len(nodes), "'heads'") for head in _typed(table.get("heads"), list, "'heads'"))
    if not heads:
        raise _MalformedError("'heads' is empty: the network has no output")
    version = _version(table)
    return Symbol(tuple(_upgraded(node, version) for node in nodes), heads, version)


def _upgraded(node: SymbolNode, version: int) -> SymbolNode:
    """``node`` as MXNet 1.x would have written it."""
    if version >= ALL_AXES_ARE_NONE or node.op not in ("argmax", "argmin") or node.attributes.get("axis") != "-1":
        return node
    return replace(node, attributes={key: value for key, value in node.attributes.items() if key != "axis"})


def _node(row: Any, index: int) -> SymbolNode:
    where = f"node {index}"
    table = _typed(row, dict, where)
    op = _text(table.get("op"), where, "op")
    name = _text(table.get("name"), where, "name")
    inputs = _typed(table.get("inputs", []), list, f"{where}, 'inputs'")
    attributes: dict[str, str] = {}
    for key in ("attr", "attrs", "param"):
        given = table.get(key)
        if given is not None:
            attributes |= _attributes(given, f"{where}, {key!r}")
    return SymbolNode(op, name, tuple(_edge(edge, index, where) for edge in inputs), attributes)


def _attributes(given: Any, where: str) -> dict[str, str]:
    return {_text(key, where): _text(value, where, key) for key, value in _typed(given, dict, where).items()}


def _edge(edge: Any, limit: int, where: str) -> Edge:
    """Read ``[node, output]`` or ``[node, output, version]``, where node is less than ``limit``."""
    numbers = _typed(edge, list, where)
    if len(numbers) not in (2, 3) or any(type(number) is not int or number < 0 for number in numbers):
        raise _MalformedError(f"{where} has the edge {str(edge)[:60]}, not [node, output]")
    if numbers[0] >= limit:
        raise _MalformedError(f"{where} refers to node {numbers[0]}, which does not come before it")
    return Edge(numbers[0], numbers[1])


def _version(table: dict[str, Any]) -> int:
    """The version that wrote the file; the oldest where it does not say, as MXNet assumes."""
    attributes = table.get("attrs", {})
    stored = attributes.get("mxnet_version") if isinstance(attributes, dict) else None
    if isinstance(stored, list) and len(stored) == 2 and type(stored[1]) is int:
        return stored[1]
    return OLDEST


def _typed(value: Any, kind: type[dict[str, Any]] | type[list[Any]], where: str) -> Any:
    if not isinstance(value, kind):
        raise _MalformedError(f"{where} is not {'an object' if kind is dict else 'a list'}")
    return value


def _text(value: Any, where: str, key: str | None = None) -> str:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _MalformedError(f"{_place(where, key)} is not valid Unicode") from error
        return value
    raise _MalformedError(f"{_place(where, key)} is not a string")


def _place(where: str, key: str | None) -> str:
    return where if key is None else f"{where}, {key!r}"
