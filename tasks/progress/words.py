"""Durations and counts as a person reads them."""

from __future__ import annotations

from collections.abc import Collection

OUTCOMES = ("ran", "restored", "up to date", "failed", "not run")
"""What can become of a step, in the order in which they are counted."""

_MANY_SECONDS = 100

_WORTH_SAYING = 1.0
"""Seconds saved that are too few to be told."""


def clock(seconds: float) -> str:
    """A time that runs: ``0:07``, ``12:31``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def about(seconds: float) -> str:
    """A duration that nobody needs to the second: ``14 s``, ``41 min``, ``2 h 05 min``."""
    if round(seconds) < _MANY_SECONDS:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def count(outcomes: Collection[str], saved: float, fetched: int = 0) -> str:
    """The last line of a run: ``648 steps: 12 ran, 600 restored, 36 up to date; 41 min saved``.

    Args:
        outcomes: What became of each step.
        saved: Seconds of work that were not done again.
        fetched: Results that came from a cache that others share.
    """
    there = list(outcomes)
    counts = [f"{there.count(word)} {word}" for word in OUTCOMES if word in there]
    told = f"; {about(saved)} saved" if saved >= _WORTH_SAYING else ""
    shared = f"; {fetched} result{'s' * (fetched != 1)} from the shared cache" if fetched else ""
    return f"{len(there)} step{'s' * (len(there) != 1)}: {', '.join(counts)}{told}{shared}"
