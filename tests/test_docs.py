"""Documents that are generated say what is so."""

from __future__ import annotations

from converter import catalogue
from tests.support.project import ROOT


def test_the_table_of_operators_is_current() -> None:
    text = (ROOT / "docs" / "operators.md").read_text()
    assert text == catalogue.render(), "run `python -m converter.catalogue > docs/operators.md`"
