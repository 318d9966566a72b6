"""Every target on the whole corpus, without its framework."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from converter.emitters import emitters
from tasks.targets import TARGETS
from tests import target_docs
from tests.emitters.corpus import Subject, operators_for
from tests.emitters.refusals import emit, recorded, refused
from tests.emitters.targets import tolerances, variants

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_target_refuses_is_on_record(target: str, subjects: Mapping[str, Subject]) -> None:
    found = refused(subjects.values(), target)
    assert found == recorded(target), f"python -m tests.emitters.refusals {target}"
    others = [subject for subject in subjects.values() if subject.id not in found]
    for variant, options in variants(target).items():
        assert refused(others, target, **options) == recorded(f"{target}-{variant}"), variant


@pytest.mark.parametrize("target", TARGETS)
def test_every_operator_has_a_case(target: str, subjects: Mapping[str, Subject]) -> None:
    without = recorded(target)
    executed = (subject for subject in subjects.values() if subject.id not in without)
    used = set().union(*(operators_for(subject, target) for subject in executed))
    assert set(emitters(target)) - used == set()


@pytest.mark.parametrize("target", TARGETS)
def test_emission_is_deterministic_and_leaves_the_model_alone(target: str, subjects: Mapping[str, Subject]) -> None:
    for name in list(subjects)[::17]:
        model = subjects[name].load()
        names = [[node.name, *(value.name for value in node.outputs)] for node in model.graph]
        first = emit(subjects[name], target)
        assert first == emit(subjects[name], target)
        assert names == [[node.name, *(value.name for value in node.outputs)] for node in model.graph]


@pytest.mark.parametrize("target", TARGETS)
def test_every_tolerance_is_of_a_case(target: str, subjects: Mapping[str, Subject]) -> None:
    for pattern, (_, reason) in tolerances(target).items():
        forms = ("", *(f"{form}:" for form in TARGETS[target].forms))
        assert any(fnmatchcase(f"{form}{name}", pattern) for form in forms for name in subjects), pattern
        assert reason


@pytest.mark.parametrize("target", TARGETS)
def test_the_page_of_a_target_is_current(target: str, subjects: Mapping[str, Subject]) -> None:
    text = (target_docs.FOLDER / f"{target}.md").read_text(encoding="utf-8")
    assert text == target_docs.render(target, subjects.values()), "python -m tests.target_docs"
