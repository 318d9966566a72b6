"""Collect everything that stands in the way, to say it all at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from converter.errors import BadInput, Unsupported
from converter.parsers.mxnet.attributes import spell
from converter.parsers.mxnet.registry import Operator, reason
from converter.parsers.mxnet.symbol import SymbolNode

SHOWN = 3
LINES = 20
# What Module, Gluon and the graph passes of MXNet attach to nodes; none of it changes a result
# (src/c_api/c_api_common.h, kHiddenKeys). They also occur as suffixes: weight_lr_mult.
HIDDEN = ("ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage")


class Refused(Unsupported):
    """What one node asks for cannot be expressed; alike refusals of several nodes are one line of the final error.

    Attributes:
        node: The node.
        reason: What it asks for.
    """

    def __init__(self, node: SymbolNode, reason: str) -> None:
        super().__init__(f"{node.op} {node.name!r}: {reason}")
        self.node = node
        self.reason = reason


@dataclass
class Problems:
    """Refusals by their text, each with the nodes it concerns."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, text: str, node: str = "") -> None:
        """Note that ``text`` is true of ``node``."""
        nodes = self.found.setdefault(text, [])
        if node:
            nodes.append(node)

    def refused(self, error: Unsupported) -> None:
        """Note what an operator's function refused."""
        if isinstance(error, Refused):
            self.add(f"{error.node.op}: {error.reason}", error.node.name)
        else:
            self.add(error.what)

    def unknown(self, node: SymbolNode, known: Mapping[str, Operator]) -> None:
        """Note an operator that is not registered: what is known of it, or else the most similar one that is."""
        because = reason(node.op)
        if because is not None:
            custom = f" of the type {node.attributes.get('op_type', '?')!r}" if node.op == "Custom" else ""
            self.add(f"operator {node.op}{custom}: {because}", node.name)
            return
        near = difflib.get_close_matches(node.op, known, n=1)
        hint = f" (similar, and supported: {near[0]})" if near else ""
        self.add(f"unknown operator {node.op}{hint}", node.name)

    def error(self, name: str) -> Unsupported:
        """One error with a line for each refusal, or with the refusal itself if there is only one."""
        lines = [_line(text, nodes) for text, nodes in self.found.items()]
        if len(lines) == 1:
            return Unsupported(f"{name} cannot be read exactly: {lines[0]}")
        more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
        rows = "".join(f"\n  - {line}" for line in lines[:LINES] + more)
        return Unsupported(f"{name} cannot be read exactly, for {len(lines)} reasons:{rows}")


def _line(text: str, nodes: list[str]) -> str:
    if not nodes:
        return text
    names = ", ".join(nodes[:SHOWN]) + (", ..." if len(nodes) > SHOWN else "")
    return f"{text}: {len(nodes)} node{'s' * (len(nodes) > 1)} ({names})"


def read_attributes(node: SymbolNode, operator: Operator, problems: Problems) -> dict[str, object] | None:
    """Convert a node's attributes by the operator's signature; note what cannot be, and return None then."""
    values: dict[str, object] = {}
    good = True
    for name, text in node.attributes.items():
        if name in operator.ignores or is_hidden(name):
            continue
        attribute = operator.attributes.get(name)
        try:
            if attribute is None:
                near = difflib.get_close_matches(name, operator.attributes, n=1)
                raise _UnknownError(f" (similar: {near[0]})" if near else "")
            values[name] = attribute.read(text)
        except _UnknownError as hint:
            good = False
            problems.add(f"unknown attribute {node.op}.{name}={text[:40]!r}{hint}", node.name)
        except ValueError as error:
            good = False
            problems.add(f"unsupported attribute {node.op}.{name}={text[:40]!r}; supported: {error}", node.name)
    missing = [a.name for a in operator.attributes.values() if a.required and a.name not in values]
    if missing and good:
        kinds = ", ".join(f"{name} ({spell(operator.attributes[name].annotation)})" for name in missing)
        raise BadInput(f"{node.op} {node.name!r} lacks the attribute {kinds}")
    return values if good else None


def is_hidden(name: str) -> bool:
    """Whether an attribute is a remark to MXNet itself: ``__shape__``, ``lr_mult``, ``weight_lr_mult``, ..."""
    return (name.startswith("__") and name.endswith("__")) or name.endswith(HIDDEN)


class _UnknownError(Exception):
    """An attribute the operator does not have; the text is a hint."""
