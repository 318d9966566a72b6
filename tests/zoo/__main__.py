"""``python -m tests.zoo``: see the package."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from converter import nearest
from tests.zoo.measure import measure
from tests.zoo.nets import Net, nets
from tests.zoo.page import is_exact, load, store

WORKERS = 2
"""Containers at a time: each framework computes on one thread."""
TOGETHER = 4
"""Nets a container: enough to pay for starting it, few enough for the disk."""


def main(names: list[str]) -> int:
    """Measure the nets called ``names``, or all; return how many are not exact."""
    known = {net.name: net for net in nets()}
    if unknown := [name for name in names if name not in known]:
        sys.stderr.write(f"unknown network {unknown[0]!r}; similar: {', '.join(nearest(unknown[0], known)[:5])}\n")
        return 1
    chosen = [known[name] for name in names] or list(known.values())
    results, lock = load(), Lock()

    def work(some: tuple[Net, ...]) -> None:
        for result in measure(some):
            with lock:
                results[result.name] = result.row()
                store(results)
                shown = result.error or f"{result.max_rel:.1e}"
                sys.stdout.write(f"{'exact' if is_exact(result.row()) else 'NOT EXACT'}  {result.name}  {shown}\n")
                sys.stdout.flush()

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, _batches(chosen)))
    return sum(not is_exact(results[net.name]) for net in chosen)


def _batches(chosen: list[Net]) -> list[tuple[Net, ...]]:
    return [tuple(chosen[start : start + TOGETHER]) for start in range(0, len(chosen), TOGETHER)]


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
