"""Documents that are generated say what is so."""

from __future__ import annotations

import pytest

from converter.parsers.mxnet.registry import operators, refused
from tasks.manifest import VARIANT
from tasks.table import MODELS
from tasks.targets import TARGETS
from tests import catalogue, table
from tests.support.project import ROOT

OPERATORS = ROOT / "docs" / "operators.md"
README = ROOT / "README.md"


@pytest.mark.slow  # reads every case
def test_the_table_of_operators_is_current() -> None:
    text = OPERATORS.read_text()
    assert text == catalogue.render(catalogue.observe()), "run `python -m tests.catalogue > docs/operators.md`"


def test_every_operator_is_in_the_table() -> None:
    text = OPERATORS.read_text()
    names = {name for operator in operators() for name in operator.names} | set(refused())
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_the_readme_s_table_is_whole() -> None:
    rows = [line.strip("|").split("|") for line in table.section(README.read_text()).splitlines() if line[:1] == "|"]
    assert [name.strip() for name, *_ in rows[2:]] == [name + VARIANT for name in MODELS]
    assert [cell.partition("]")[0].strip(" [") for cell in rows[0][1:]] == [one.title for one in TARGETS.values()]
    assert {cell.split()[0] for _, *cells in rows[2:] for cell in cells} == {"√"}, "run `make table`"
