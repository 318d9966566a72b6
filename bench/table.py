"""The benchmark's table: from measurements to Markdown, and into ``README.md``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

BEGIN, END = "<!-- last run -->", "<!-- end of last run -->"

MMTOIR, EXPORT, OURS, WORK, COPY, BARE = (
    "mmtoir",
    "export_model",
    "converter ir",
    "parse and save",
    "cp",
    "bare Python",
)
"""Programs that are measured: MMdnn's, MXNet's, ours as a whole process and without starting and importing, the copy
of the params file, the interpreter that does nothing."""


@dataclass(frozen=True)
class Measured:
    """One run of a program: wall time, and peak resident memory in bytes."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Result:
    """All runs of all programs on one network, and the size of its params file in bytes."""

    network: str
    size: int
    runs: Mapping[str, Sequence[Measured]]

    def seconds(self, program: str) -> float:
        """The median of a program's wall times."""
        return median(run.seconds for run in self.runs[program])

    def megabytes(self, program: str) -> float:
        """The median of a program's peak memory."""
        return median(run.memory for run in self.runs[program]) / 1e6


ROWS: Mapping[str, tuple[str, Callable[[Result], str]]] = {
    f"`{MMTOIR}` takes, times ours": ("at least 10", lambda r: f"{r.seconds(MMTOIR) / r.seconds(OURS):.1f}"),
    f"`{EXPORT}` takes, times ours": ("", lambda r: f"{r.seconds(EXPORT) / r.seconds(OURS):.1f}"),
    f"ours takes without start and imports, times `{COPY}`": (
        "at most 2",
        lambda r: f"{r.seconds(WORK) / r.seconds(COPY):.2f}",
    ),
    "ours: peak memory above bare Python's": (
        "under 200 MB",
        lambda r: f"{r.megabytes(OURS) - r.megabytes(BARE):.0f} MB",
    ),
    f"`{MMTOIR}`: peak memory, times ours": ("", lambda r: f"{r.megabytes(MMTOIR) / r.megabytes(OURS):.1f}"),
    f"`{EXPORT}`: peak memory, times ours": ("", lambda r: f"{r.megabytes(EXPORT) / r.megabytes(OURS):.1f}"),
}
"""The ratios: what, the goal, and the cell for a network."""


def ratios(results: Sequence[Result]) -> str:
    """The table of ratios, one column a network."""
    lines = [["", "goal", *(result.network for result in results)]]
    lines += [[name, goal, *(cell(result) for result in results)] for name, (goal, cell) in ROWS.items()]
    return markdown(lines)


def medians(results: Sequence[Result]) -> str:
    """The table of what was measured: median wall time with the shortest and longest, median peak memory."""
    lines = [["", *(f"{result.network}, {result.size / 1e6:.0f} MB of parameters" for result in results)]]
    lines += [
        [program, *(_cell(r, program) for r in results)] for program in (MMTOIR, EXPORT, OURS, WORK, COPY, BARE)
    ]
    return markdown(lines)


def _cell(result: Result, program: str) -> str:
    times = [run.seconds for run in result.runs[program]]
    time = f"{result.seconds(program):.3f} s ({min(times):.3f} to {max(times):.3f})"
    return time if program in (WORK, COPY) else f"{time}, {result.megabytes(program):.0f} MB"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def replaced(text: str, report: str) -> str:
    """``text`` with ``report`` in the place of what stands between the markers.

    Raises:
        ValueError: The markers are not there, once each and in this order.
    """
    made, count = re.subn(
        f"({BEGIN}\n).*?({END}\n)", lambda found: found[1] + report + found[2], text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{count} places between {BEGIN} and {END}, not one")
    return made
