"""The picture of a running course: a table of models and targets, or the running step alone.

It is drawn anew several times a second by rich's own thread, while a step blocks the main one.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tasks.progress.course import FAILED, NOT_RUN, WAITING, Course, Pair
from tasks.progress.words import about, clock
from tasks.report import COLOURS, SYMBOLS
from tasks.targets import TARGETS

Expected = Callable[[str], float | None]

_MARKS = {
    WAITING: ("·", "dim"),
    FAILED: ("!", "bold red"),
    NOT_RUN: ("-", "yellow"),
    **{verdict: (symbol, COLOURS[verdict]) for verdict, symbol in SYMBOLS.items()},
}
_AT_WORK, _BEGUN = "▸", "▪"
"""What stands for a step that is being done, or that was the last of its conversion, where words do not fit."""

_STAGE = len("checkpoint")
_GAP = 2
_LETTERS = 2
"""How many letters tell all targets apart."""

_ROWS = 2
"""Fewer than these are not worth a table."""

_LINES = 8
"""Tasks that are shown being done, at most."""

_BESIDES = 7
"""Lines that the rows leave free: the heading, those below the table, and what a download or a build adds."""


class Display:
    """The picture on a terminal, from :meth:`start` to :meth:`stop`.

    Attributes:
        course: What is shown.
    """

    def __init__(self, course: Course, expected: Expected, console: Console) -> None:
        self.course = course
        self._expected = expected
        self._console = console
        self._has_ended = False
        self._live: Live | None = None
        atexit.register(self.stop)

    def start(self) -> None:
        """Show it, if it is not shown; what is printed meanwhile appears above."""
        if self._live:
            return
        self._live = Live(get_renderable=self._draw, console=self._console, transient=not self.course.conversions)
        self._live.start(refresh=True)

    @property
    def is_shown(self) -> bool:
        """Whether the terminal is taken."""
        return self._live is not None

    def say(self, text: str) -> None:
        """Print a line above the picture."""
        self._console.print(Text(text), soft_wrap=True)

    def stop(self, *, leave: bool = True) -> None:
        """Give the terminal back.

        Args:
            leave: Whether the last state of the table stays.
        """
        if self._live:
            self._has_ended = True
            self._live.transient |= not leave
            self._live.stop()
            self._live = None

    def _draw(self) -> RenderableType:
        if not self.course.conversions:
            return running(self.course, self._expected)
        if self._has_ended:
            return Group(table(self.course, self._console.width), _legend())
        lines = Group(running(self.course, self._expected), whole(self.course, self._expected))
        height = self._console.height - max(min(len(self.course.running), _LINES) - 1, 0)
        if height < _BESIDES + _ROWS:
            return lines
        return Group(table(self.course, self._console.width, height), Text(), lines, _legend())


def running(course: Course, expected: Expected) -> Text:
    """The lines on what is being done, the time first: names are cut off where the terminal is narrow."""
    lines = [_line(course.now() - since, name, expected) for name, since in tuple(course.running.items())]
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines[:_LINES])


def _line(seconds: float, name: str, expected: Expected) -> Text:
    line = Text(f"{clock(seconds)}  {name}")
    usual = expected(name) or 0
    return line.append(f"  usually {about(usual)}" if usual >= 1 else "", "dim")


def whole(course: Course, expected: Expected) -> Text:
    """The line on how far all of it is, the more important parts first."""
    left = course.left(expected)
    parts = [f"{course.finished} of {len(course.steps)} steps", clock(course.elapsed)]
    if left.seconds >= 1:
        parts.append(f"at most {about(left.seconds)} to go")
        parts += [f"{left.unknown} steps not counted"] * bool(left.unknown)
    return Text("  ".join([*parts, f"{course.cached} from the cache"]), no_wrap=True, overflow="ellipsis")


def table(course: Course, width: int, height: int | None = None) -> RenderableType:
    """Models and targets, as much as fits.

    Args:
        course: What is shown.
        width: Columns of the terminal. Where stages in words do not fit, signs stand for them; where the names of
            the targets do not fit either, their first letters do.
        height: Lines of the terminal; None for all rows. Where they do not fit, the rows at work and those still to
            come go first, and those that are over are counted.
    """
    models = list(dict.fromkeys(pair.model for pair in course.conversions))
    asked = {pair.target for pair in course.conversions}
    targets = [target for target in TARGETS if target in asked]
    shown, hidden = _rows(course, models, height)
    longest = max(map(len, models))
    with_words = longest + sum(max(len(target), _STAGE) + _GAP for target in targets) <= width
    with_names = longest + sum(len(target) + _GAP for target in targets) <= width
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP if with_names else 1, 0, 0), header_style="dim")
    drawn.add_column("", no_wrap=True, overflow="ellipsis", min_width=4)
    for target in targets:
        heading = target if with_names else target[:_LETTERS]
        drawn.add_column(heading, no_wrap=True, min_width=max(len(heading), _STAGE * with_words))
    for model in shown:
        drawn.add_row(model, *(_mark(course, Pair(model, target), with_words=with_words) for target in targets))
    if not hidden:
        return drawn
    return Group(drawn, Text(f"and {hidden} more", "dim"))


def _rows(course: Course, models: Sequence[str], height: int | None) -> tuple[list[str], int]:
    """The models that fit, in order, and how many do not."""
    if height is None or len(models) <= height - _BESIDES:
        return list(models), 0
    room = max(height - _BESIDES - 1, 0)
    chosen = set(sorted(models, key=partial(_dullness, course))[:room])
    return [model for model in models if model in chosen], len(models) - len(chosen)


def _dullness(course: Course, model: str) -> int:
    """0 for a row with something at work, 1 for one that is not over, 2 for one that is."""
    pairs = [pair for pair in course.conversions if pair.model == model]
    if any(map(course.is_at_work, pairs)):
        return 0
    return 2 if all(pair in course.settled for pair in pairs) else 1


def _mark(course: Course, pair: Pair, *, with_words: bool) -> Text:
    if pair not in course.conversions:
        return Text()
    stage = course.stage(pair)
    if stage not in _MARKS:
        is_at_work = course.is_at_work(pair)
        sign = _AT_WORK if is_at_work else _BEGUN
        return Text(stage if with_words else sign, "bold" if is_at_work else "dim")
    sign, style = _MARKS[stage]
    is_cached = stage in SYMBOLS and course.is_cached(pair)
    return Text(f"{sign} cached" if is_cached and with_words else sign, f"dim {style}" if is_cached else style)


def _legend() -> Text:
    return Text("√ exact  o close  ✗ differs  ! failed  - not run  dim: from the cache", "dim", no_wrap=True)
