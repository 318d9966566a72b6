"""How much of a result is shown, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*", group="What is shown")
@dataclass(frozen=True)
class Showing:
    """What is shown.

    Attributes:
        json: Write the result to standard output as JSON.
        quiet: Show failures only.
        verbose: Show every number.
    """

    json: Annotated[bool, Parameter(negative=())] = False
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative=())] = False
    verbose: Annotated[bool, Parameter(name=("--verbose", "-v"), negative=())] = False
