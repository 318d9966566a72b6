"""One small network for each operator and each of its variants, as data: a module for each family, with ``cases()``.

They are parsed, run in onnxruntime and compared with what MXNet answered, which is kept in ``../answers``
(test_operators.py), and, where containers run, with what MXNet answers now.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.parsers.case import Case

FAMILIES: dict[str, tuple[Case, ...]] = {
    module.name: tuple(importlib.import_module(f"{__name__}.{module.name}").cases())
    for module in pkgutil.iter_modules(__path__)
}
CASES: tuple[Case, ...] = tuple(case for family in FAMILIES.values() for case in family)
