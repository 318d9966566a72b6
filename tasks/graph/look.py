"""How a picture shows what would become of a step: never by its colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.graph.model import State
from tasks.terminal import harmless


@dataclass(frozen=True)
class Look:
    """The look of a state.

    Attributes:
        sign: A character that stands for it.
        meaning: What it says, for a legend.
        dashes: The outline: lengths of its dashes and gaps in pixels; none for a line.
        light: Its colours on white: of the outline, and of what is inside.
        dark: Its colours on black.
    """

    sign: str
    meaning: str
    dashes: str
    light: tuple[str, str]
    dark: tuple[str, str]


INK = ("#1a1f24", "#e4e8eb")
"""The colour of words, in a light and in a dark picture."""

LOOKS: Mapping[State, Look] = {
    State.UP_TO_DATE: Look(
        sign="\N{CHECK MARK}",
        meaning="is in build/ as it is to be",
        dashes="",
        light=("#04614f", "#eaf6f2"),
        dark=("#6fd3b8", "#142a26"),
    ),
    State.RESTORED: Look(
        sign="\N{DOWNWARDS ARROW}",
        meaning="is on record, and would be put into build/",
        dashes="8 3",
        light=("#0a5aa8", "#e8f1fa"),
        dark=("#7db8f2", "#13263a"),
    ),
    State.UNKNOWN: Look(
        sign="?",
        meaning="is seen only when it is its turn",
        dashes="1 4",
        light=("#59636c", "#f6f7f8"),
        dark=("#a0aab3", "#1c2024"),
    ),
    State.TO_RUN: Look(
        sign="\N{BLACK RIGHT-POINTING TRIANGLE}",
        meaning="has to run, or waits for what has to",
        dashes="14 3 2 3",
        light=("#7a4a00", "#fdf1d6"),
        dark=("#f0c063", "#382b10"),
    ),
}


def shown(text: str) -> str:
    """``text`` on one line, without what would steer a terminal or is no character."""
    return " ".join(harmless(text).split())
