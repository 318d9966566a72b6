"""Documents that are generated say what is so."""

from __future__ import annotations

import pytest

from converter.parsers.mxnet.registry import operators, refused
from tests import catalogue
from tests.support.project import ROOT

OPERATORS = ROOT / "docs" / "operators.md"


@pytest.mark.slow  # reads every case
def test_the_table_of_operators_is_current() -> None:
    text = OPERATORS.read_text()
    assert text == catalogue.render(catalogue.observe()), "run `python -m tests.catalogue > docs/operators.md`"


def test_every_operator_is_in_the_table() -> None:
    text = OPERATORS.read_text()
    names = {name for operator in operators() for name in operator.names} | set(refused())
    assert {name for name in names if f"`{name}`" not in text} == set()
