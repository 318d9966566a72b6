"""The terminal, as far as steps share it: one console for all that moves, and text that cannot move it."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tabs and line ends, what turns the direction of text, and what is no character."""


@cache
def console() -> Console:
    """The console on standard error.

    All live displays are shown on this one: rich stacks those of one console, the later below the earlier, and
    refuses or garbles those of two.
    """
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def is_live() -> bool:
    """Whether a person looks at both streams, on a terminal whose cursor can be moved."""
    return sys.stdout.isatty() and sys.stderr.isatty() and console().is_interactive


def say(text: str) -> None:
    """Tell people something beside the results, above what moves."""
    from rich.text import Text

    console().print(Text(text), soft_wrap=True)


def harmless(text: str) -> str:
    """``text`` from a stranger's file or program, to be shown: what would steer a terminal is replaced."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
