"""Work shared out to several machines, so that they end at about the same time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """What one machine does.

    Attributes:
        tasks: Names of tasks.
        seconds: How long that is expected to take.
    """

    tasks: tuple[str, ...]
    seconds: float


def shared_out(seconds: Mapping[str, float], subject: Mapping[str, str], count: int) -> list[Shard]:
    """Tasks of one subject together, the longest subjects first, each to who has least (Graham, 1969).

    Args:
        seconds: How long each task is expected to take.
        subject: What each is of: conversions of one model share its download, IR and reference.
        count: Machines; fewer get something where there are fewer subjects.
    """
    groups: dict[str, list[str]] = {}
    for task in seconds:
        groups.setdefault(subject[task], []).append(task)
    whole = {name: sum(seconds[task] for task in tasks) for name, tasks in groups.items()}
    heap: list[tuple[float, int, list[str]]] = [(0.0, number, []) for number in range(min(count, len(groups)))]
    for name in sorted(groups, key=lambda name: (-whole[name], name)):
        least, number, tasks = heapq.heappop(heap)
        heapq.heappush(heap, (least + whole[name], number, tasks + groups[name]))
    return [_shard(tasks, total) for total, _, tasks in sorted(heap, key=lambda entry: entry[1])]


def _shard(tasks: Sequence[str], seconds: float) -> Shard:
    return Shard(tuple(tasks), round(seconds, 1))
