"""What each target refuses of the corpus, kept so that a change shows: ``refused/<target>.txt``, a case a line.

    python -m tests.emitters.refusals [target ...]

brings them up to date, and what changed is to be read before it is committed. Each line says the reason in the
emitter's own words. A case that starts to pass, or to be refused for another reason, fails a test. What a target
refuses only with other options, those of its variants, is in ``refused/<target>-<variant>.txt``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import converter
from converter.errors import Unsupported
from tasks.targets import TARGETS
from tests.emitters.corpus import Subject, corpus
from tests.emitters.targets import variants

FOLDER = Path(__file__).parent / "refused"


def emit(subject: Subject, target: str, **options: Any) -> dict[str, bytes] | str:
    """The target's files, or why it refuses."""
    try:
        return converter.emit(subject.load(), target, **options)
    except Unsupported as error:
        return f"{error.what}: {error.where}"


def refused(subjects: Iterable[Subject], target: str, **options: Any) -> dict[str, str]:
    """The subjects that ``target`` refuses, with the reason on one line."""
    said = {subject.id: emit(subject, target, **options) for subject in subjects}
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
            _record(target, found, len(subjects))
            others = [subject for subject in subjects.values() if subject.id not in found]
            for variant, options in variants(target).items():
                _record(f"{target}-{variant}", refused(others, target, **options), len(others))
    finally:
        shutil.rmtree(folder)


def _record(name: str, found: Mapping[str, str], total: int) -> None:
    path = FOLDER / f"{name}.txt"
    if found:
        path.write_text("".join(f"{case}: {reason}\n" for case, reason in found.items()), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
    print(f"{name}: {len(found)} of {total} refused")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:] or TARGETS)
