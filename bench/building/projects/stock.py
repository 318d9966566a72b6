"""The same 10,000 tasks as doit alone has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHAINS, LENGTH, FILES = 100, 100, 3
DOIT_CONFIG = {"default_tasks": ["make"], "backend": "sqlite3", "verbosity": 0}


def join(dependencies: list[str], targets: list[str]) -> None:
    """What a task does."""
    Path(targets[0]).write_bytes(b"".join(Path(path).read_bytes() for path in sorted(dependencies))[-64:])


def task_make() -> Iterator[dict[str, Any]]:
    """All tasks."""
    for chain in range(CHAINS):
        for number in range(LENGTH):
            before = [f"out/{chain}-{number - 1}"] if number else []
            yield {
                "name": f"{chain}-{number}",
                "file_dep": [f"sources/{chain}-{number}-{each}" for each in range(FILES)] + before,
                "targets": [f"out/{chain}-{number}"],
                "actions": [join],
            }
