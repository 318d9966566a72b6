"""The chain of steps that a run had to wait for: what to make faster first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.events.log import StepEvent


@dataclass(frozen=True)
class Link:
    """A step of the chain.

    Attributes:
        step: Its name.
        seconds: How long it took.
        gain: How many seconds shorter the chain would be, did it take no time: another chain may then be the longest.
    """

    step: str
    seconds: float
    gain: float


def critical_path(steps: Sequence[StepEvent]) -> list[Link]:
    """The steps that took longest together, each of which came after the one before; first to last."""
    took = {event.step: (event.ended - event.started) / 1e9 for event in steps}
    after = {event.step: [each for each in event.after if each in took] for event in steps}
    whole, chain = _longest(took, after)
    return [Link(name, took[name], whole - _longest({**took, name: 0.0}, after)[0]) for name in chain]


def _longest(took: dict[str, float], after: dict[str, list[str]]) -> tuple[float, list[str]]:
    """Length of the longest chain, and the chain. Steps are in the order in which they ended."""
    length: dict[str, float] = {}
    before: dict[str, str] = {}
    for name, seconds in took.items():
        known = [each for each in after[name] if each in length]
        if known:
            before[name] = max(known, key=length.__getitem__)
        length[name] = seconds + (length[before[name]] if name in before else 0.0)
    if not length:
        return 0.0, []
    chain = [max(length, key=length.__getitem__)]
    while chain[-1] in before:
        chain.append(before[chain[-1]])
    return length[chain[0]], chain[::-1]
