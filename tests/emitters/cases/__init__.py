"""Small models, one operator or one idiom each, with inputs: what every target has to compute or to refuse.

A module for each family, with ``CASES``. Together with what the parser makes of its own cases
(``tests/parsers/cases``) they are the corpus that all targets are tested on.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.emitters.cases.common import Case

__all__ = ["CASES", "Case"]

CASES: tuple[Case, ...] = tuple(
    case
    for module in pkgutil.iter_modules(__path__)
    for case in importlib.import_module(f"{__name__}.{module.name}").CASES
)
