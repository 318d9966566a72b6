"""Every target on the whole corpus, executed in its own image, against onnxruntime's answers for the IR."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tasks.targets import TARGETS
from tests.emitters.cases import CASES
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import agree, execute
from tests.emitters.refusals import recorded
from tests.emitters.targets import tolerance
from tests.parsers import cases as parsed

pytestmark = pytest.mark.container

EXECUTED = [
    (target, f"{form}{name}")
    for target in TARGETS
    for form in ("", *(f"{form}:" for form in TARGETS[target].forms))
    for name in (*(case.name for case in CASES), *(f"mxnet-{case.id}" for case in parsed.CASES))
    if name not in recorded(target)
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
        self[target] = execute(target, self._subjects.values(), self._folders.mktemp(target))
        return self[target]


@pytest.mark.parametrize(("target", "case"), EXECUTED)
def test_the_target_computes_what_the_ir_computes(
    target: str,
    case: str,
    subjects: Mapping[str, Subject],
    answers: Mapping[str, Mapping[str, Outputs | str]],
) -> None:
    subject = subjects[case.rpartition(":")[2]]
    agree(subject, answers[target][case], tolerance(target, case, subject.tolerance))


@pytest.mark.parametrize("target", TARGETS)
def test_intermediate_values_can_be_asked_for(
    target: str, subjects: Mapping[str, Subject], answers: Mapping[str, Mapping[str, Outputs | str]]
) -> None:
    found = answers[target]["residual"]
    assert not isinstance(found, str)
    assert len(set(found) - set(subjects["residual"].outputs)) >= 3
