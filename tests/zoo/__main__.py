"""``python -m tests.zoo``: see the package."""

from __future__ import annotations

import sys

from converter import nearest
from tests.zoo.measure import measure
from tests.zoo.nets import nets
from tests.zoo.page import is_exact, load, store

TOGETHER = 6
"""Nets a container: enough to pay for starting it, few enough for the disk."""


def main(names: list[str]) -> int:
    """Measure the nets called ``names``, or all; return how many are not exact."""
    known = {net.name: net for net in nets()}
    if unknown := [name for name in names if name not in known]:
        sys.stderr.write(f"unknown network {unknown[0]!r}; similar: {', '.join(nearest(unknown[0], known)[:5])}\n")
        return 1
    chosen = [known[name] for name in names] or list(known.values())
    results = load()
    for start in range(0, len(chosen), TOGETHER):
        for result in measure(chosen[start : start + TOGETHER]):
            row = result.row()
            results[result.name] = row
            shown = result.error or f"{result.max_rel:.1e}"
            sys.stdout.write(f"{'exact' if is_exact(row) else 'NOT EXACT'}  {result.name}  {shown}\n")
            sys.stdout.flush()
        store(results)
    return sum(not is_exact(results[net.name]) for net in chosen)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
