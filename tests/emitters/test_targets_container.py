"""Every target on the whole corpus, executed in its own image, against onnxruntime's answers for the IR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.targets import TARGETS
from tests.emitters import tflite
from tests.emitters.cases import CASES
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import agree, execute
from tests.emitters.refusals import emit, recorded
from tests.emitters.targets import deviations, tolerance, variants
from tests.parsers import cases as parsed

pytestmark = pytest.mark.container

NAMES = (*(case.name for case in CASES), *(f"mxnet-{case.id}" for case in parsed.CASES))
EXECUTED = [
    (target, f"{form}:{name}".lstrip(":"))
    for target in TARGETS
    for form in ("", *TARGETS[target].forms)
    for name in NAMES
    if name not in recorded(target) and not (form and name in recorded(f"{target}-{form}"))
]


@pytest.fixture(scope="module")
def answers(
    subjects: Mapping[str, Subject], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Mapping[str, Outputs | str]]:
    """What each target computes, by target and case; a target is run when it is first asked for."""
    return _Answers(subjects, tmp_path_factory)


class _Answers(dict[str, Mapping[str, Outputs | str]]):
    def __init__(self, subjects: Mapping[str, Subject], folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._subjects, self._folders = subjects, folders

    def __missing__(self, target: str) -> Mapping[str, Outputs | str]:
        forms = TARGETS[target].forms
        lacking = {name for form in forms for name in recorded(f"{target}-{form}")}
        parts = [subject for subject in self._subjects.values() if subject.id not in lacking]
        found = execute(target, parts, self._folders.mktemp(target))
        if lacking:
            rest = [self._subjects[name] for name in lacking]
            found |= execute(target, rest, self._folders.mktemp(target), **dict.fromkeys(forms, False))
        self[target] = found
        return found


@pytest.mark.parametrize(("target", "case"), EXECUTED)
def test_the_target_computes_what_the_ir_computes(
    target: str,
    case: str,
    subjects: Mapping[str, Subject],
    answers: Mapping[str, Mapping[str, Outputs | str]],
) -> None:
    subject = subjects[case.rpartition(":")[2]]
    if case in deviations(target):
        with pytest.raises(AssertionError):
            agree(subject, answers[target][case], tolerance(target, case, subject.tolerance))
    else:
        agree(subject, answers[target][case], tolerance(target, case, subject.tolerance))


@pytest.mark.parametrize("target", TARGETS)
def test_intermediate_values_can_be_asked_for(
    target: str, subjects: Mapping[str, Subject], answers: Mapping[str, Mapping[str, Outputs | str]]
) -> None:
    found = answers[target]["residual"]
    assert not isinstance(found, str)
    assert len(set(found) - set(subjects["residual"].outputs)) >= 3


@pytest.mark.parametrize(
    ("target", "variant"), [(target, variant) for target in TARGETS for variant in variants(target)]
)
def test_with_other_options_it_computes_the_same(
    target: str, variant: str, subjects: Mapping[str, Subject], tmp_path: Path
) -> None:
    options = variants(target)[variant]
    known = [subject for subject in subjects.values() if subject.id not in recorded(target)]
    others = [subject for subject in known if _code(emit(subject, target, **options)) != _code(emit(subject, target))]
    found = execute(target, others, tmp_path, **options)
    assert len(found) > 100
    assert {subject.id for subject in others} - set(found) == set(recorded(f"{target}-{variant}"))
    problems = {name: _problem(target, subjects[name], answer) for name, answer in found.items()}
    assert {name: problem for name, problem in problems.items() if problem} == {}


def _code(files: Mapping[str, bytes] | str) -> object:
    """What a target runs, without the weight plan."""
    return files if isinstance(files, str) else {name: files[name] for name in files if not name.endswith(".json")}


def _problem(target: str, subject: Subject, answer: Outputs | str) -> str:
    try:
        agree(subject, answer, tolerance(target, subject.id, subject.tolerance))
    except AssertionError as error:
        return str(error)[-500:]
    return ""


def test_what_tensorflow_lite_lacks_is_on_record(subjects: Mapping[str, Subject], tmp_path: Path) -> None:
    lacking = set(recorded("tensorflow-tflite"))
    found = execute("tensorflow", [subjects[name] for name in lacking], tmp_path, trace=False)
    assert set(tflite.without(subjects, found)) == lacking, "python -m tests.emitters.tflite"
