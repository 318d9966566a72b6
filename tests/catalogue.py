"""``docs/operators.md``: what can be read, from the registry and from the cases.

``python -m tests.catalogue > docs/operators.md`` brings it up to date; a test sees that it is. What an operator
becomes is observed, not declared: it is what the parser made of the cases that tests run.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import onnx_ir

import converter
from converter.ir import DOMAIN
from converter.parsers.mxnet.attributes import Attribute, spell
from converter.parsers.mxnet.registry import Operator, operators, refused
from tests.parsers.case import Case
from tests.parsers.cases import CASES
from tests.parsers.files import write

_HEAD = """# Operators that are read

Generated from the registry and the tests' cases by `python -m tests.catalogue`; not to be edited.

What is not here is refused by name, all of it at once, before anything is written. So are values that a signature
does not list, and combinations that nothing expresses exactly; the notes say which.

What targets can express is in [targets/](targets).

## Read from MXNet

*Becomes* lists the ONNX operators that the cases of the tests turn into; **bold** is a function of the domain
`transship`, whose body is standard ONNX. *Cases* is the number of variants that are compared with MXNet itself.
"""
_REFUSED = """## Not read from MXNet

An asterisk stands for any text.
"""


@dataclass
class Observed:
    """What the cases show of an operator: the ONNX operators that it became, and how many cases have it."""

    becomes: set[str] = field(default_factory=set)
    cases: int = 0


def render(observed: Mapping[str, Observed]) -> str:
    """The whole document, as Markdown."""
    rows = [(_names(names), because) for because, names in _by_reason().items()]
    return "\n".join([_HEAD, *_families(observed), _REFUSED, table(("operator", "reason"), rows)])


def observe() -> dict[str, Observed]:
    """Read every case; by operator name."""
    found: dict[str, Observed] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            _look(case, Path(folder), found)
    return found


def _look(case: Case, folder: Path, found: dict[str, Observed]) -> None:
    graph, weights = write(folder, case.symbol, case.params, case.records)
    shapes = {name: value.shape for name, value in case.inputs.items()}
    model = converter.parse("mxnet", graph=graph, weights=weights, inputs=shapes)
    sources = {node["name"]: node["op"] for node in case.symbol["nodes"] if node["op"] != "null"}
    for operator in set(sources.values()):
        found.setdefault(operator, Observed()).cases += 1
    for node in model.graph:
        found[sources[_source(str(node.name), sources)]].becomes.add(_spelled(node))


def _source(name: str, sources: Mapping[str, str]) -> str:
    """The MXNet node that an ONNX node was made for: ``node``, ``node/role``, ``node/role/2``."""
    parts = name.split("/")
    ends = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next(end for end in ends if end in sources)


def _spelled(node: onnx_ir.Node) -> str:
    return f"**{node.op_type}**" if node.domain == DOMAIN else node.op_type


def _families(observed: Mapping[str, Observed]) -> Iterable[str]:
    head = ("operator", "becomes", "attributes and their defaults", "notes", "cases")
    for family, members in groupby(operators(), key=lambda operator: operator.family):
        yield f"### {family.capitalize()}\n"
        yield table(head, [_row(operator, observed) for operator in members])


def _row(operator: Operator, observed: Mapping[str, Observed]) -> tuple[str, ...]:
    seen = [observed[name] for name in operator.names if name in observed]
    return (
        _names(operator.names),
        ", ".join(sorted(set().union(*(each.becomes for each in seen)), key=lambda text: text.strip("*"))),
        _attributes(operator.attributes.values()),
        _note(operator),
        str(sum(each.cases for each in seen)),
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _note(operator: Operator) -> str:
    """The docstring's first paragraph, on one line."""
    text = inspect.getdoc(operator.function) or ""
    return _escaped(" ".join(text.partition("\n\n")[0].split())).replace("``", "`")


def _by_reason() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, because in sorted(refused().items()):
        found.setdefault(because, []).append(name)
    return found


def _attributes(attributes: Iterable[Attribute]) -> str:
    return ", ".join(
        f"{attribute.name}: {_escaped(spell(attribute.annotation))}"
        + ("" if attribute.required else f" = {attribute.default}")
        for attribute in attributes
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render(observe()))
