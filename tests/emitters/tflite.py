"""What of the corpus TensorFlow Lite does not compute: ``refused/tensorflow-tflite.txt``, a case a line.

    python -m tests.emitters.tflite

runs the corpus in TensorFlow's image and brings the record up to date. On it are the cases that the target refuses
once its checkpoint is built, unless ``tflite=False`` asks for the SavedModel alone, and those that TensorFlow Lite
computes otherwise.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.emitters.corpus import Outputs, Subject, corpus
from tests.emitters.executed import agree, execute
from tests.emitters.refusals import FOLDER
from tests.emitters.targets import tolerance

RECORD = FOLDER / "tensorflow-tflite.txt"
_REFUSED = re.compile(r"^TensorFlow Lite (?:cannot|does not) .*$", re.MULTILINE)


def without(subjects: Mapping[str, Subject], answers: Mapping[str, Outputs | str]) -> dict[str, str]:
    """The cases of ``answers`` that TensorFlow Lite does not compute, and why."""
    found = {}
    for name, answer in answers.items():
        if name.startswith("tflite:"):
            continue
        if isinstance(answer, str):
            said = _REFUSED.search(answer)
            found[name] = said[0] if said else answer.strip().rpartition("\n")[2]
        elif problem := _problem(subjects[name], answers[f"tflite:{name}"]):
            found[name] = f"TensorFlow Lite computes otherwise: {problem}"
    return found


def _problem(subject: Subject, answer: Outputs | str) -> str:
    try:
        agree(subject, answer, tolerance("tensorflow", f"tflite:{subject.id}", subject.tolerance))
    except AssertionError as error:
        return " ".join(str(error).split()[:12])
    return ""


def main() -> None:
    """Write the record."""
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    try:
        subjects = corpus(folder / "corpus")
        answers = execute("tensorflow", subjects.values(), folder / "work", trace=False)
        found = without(subjects, answers)
        RECORD.write_text("".join(f"{name}: {reason}\n" for name, reason in found.items()), encoding="utf-8")
        print(f"tflite: {len(found)} of {len(subjects)} are not computed")  # noqa: T201
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
