"""``docs/operators.md``: what can be read and what can be written, from the registries themselves.

``python -m converter.catalogue > docs/operators.md`` brings it up to date; a test sees that it is.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable

from converter import emitters
from converter.parsers.mxnet.attributes import Attribute, spell
from converter.parsers.mxnet.registry import operators

_HEAD = """# Operators

Generated from the registries by `python -m converter.catalogue`; not to be edited.

What is not here is refused by name, all of it at once, before anything is written. So are values that a signature
does not list, and combinations that nothing expresses exactly; the docstring of each operator's function says which.
"""


def render() -> str:
    """The whole document, as Markdown."""
    targets = sorted(module.name for module in pkgutil.iter_modules(emitters.__path__) if module.ispkg)
    parts = [_HEAD, "## Read from MXNet\n", *_mxnet(), *(line for target in targets for line in _written(target))]
    return "\n".join(parts)


def _mxnet() -> Iterable[str]:
    rows = [
        (operator.names[0], ", ".join(operator.names[1:]), operator.family, _attributes(operator.attributes.values()))
        for operator in operators()
    ]
    yield _table(("operator", "also called", "family", "attributes and their defaults"), rows)


def _written(target: str) -> Iterable[str]:
    importlib.import_module(f"converter.emitters.{target}")
    yield f"## Written to {target}\n"
    rows = [
        (operator, emitter.function.__module__.rpartition(".")[2], ", ".join(sorted(emitter.attributes)))
        for operator, emitter in emitters.emitters(target).items()
    ]
    yield _table(("ONNX operator", "family", "attributes"), rows)


def _attributes(attributes: Iterable[Attribute]) -> str:
    return ", ".join(
        f"{attribute.name}: {_escaped(spell(attribute.annotation))}"
        + ("" if attribute.required else f" = {attribute.default}")
        for attribute in attributes
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
