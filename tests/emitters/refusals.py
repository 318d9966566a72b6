"""What each target refuses of the corpus, kept so that a change shows: ``refused/<target>.txt``, a case a line.

    python -m tests.emitters.refusals [target ...]

brings them up to date, and what changed is to be read before it is committed. Each line says the reason in the
emitter's own words. A case that starts to pass, or to be refused for another reason, fails a test.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import converter
from converter.errors import Unsupported
from tasks.targets import TARGETS
from tests.emitters.corpus import Subject, corpus

FOLDER = Path(__file__).parent / "refused"


def emit(subject: Subject, target: str, **options: Any) -> dict[str, bytes] | str:
    """The target's files, or why it refuses."""
    try:
        return converter.emit(subject.load(), target, **options)
    except Unsupported as error:
        return f"{error.what}: {error.where}"


def refused(subjects: Iterable[Subject], target: str) -> dict[str, str]:
    """The subjects that ``target`` refuses, with the reason on one line."""
    said = {subject.id: emit(subject, target) for subject in subjects}
    return {name: " ".join(reason.split()) for name, reason in said.items() if isinstance(reason, str)}


def recorded(target: str) -> dict[str, str]:
    """What is on record."""
    path = FOLDER / f"{target}.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: reason for name, _, reason in (line.partition(": ") for line in lines)}


def main(targets: Iterable[str]) -> None:
    """Write what ``targets`` refuse."""
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    try:
        subjects = corpus(folder)
        for target in targets:
            found = refused(subjects.values(), target)
            lines = [f"{name}: {reason}\n" for name, reason in found.items()]
            (FOLDER / f"{target}.txt").write_text("".join(lines), encoding="utf-8")
            print(f"{target}: {len(found)} of {len(subjects)} refused")  # noqa: T201
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1:] or TARGETS)
