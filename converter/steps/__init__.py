"""The steps that need no framework, as programs: ``python -m converter.steps.<step>``.

A step reads ``in/params.json`` and the other files below ``in/``, writes its declared outputs below ``out/``
(both relative to the working folder) and says nothing. A refusal is printed to stderr as the user will read it
and ends with exit code 65 (``EX_DATAERR`` of sysexits.h); any other failure is a defect and shows its traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from converter.errors import TransshipError
from converter.postponed import postpone

REFUSED = 65

postpone()


def run(step: Callable[[dict[str, Any], Path, Path], None]) -> None:
    """Run ``step(params, in_folder, out_folder)`` as the program described in this package's docstring."""
    source, target = Path("in"), Path("out")
    params = json.loads((source / "params.json").read_text())
    try:
        step(params, source, target)
    except TransshipError as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(REFUSED) from None
