"""Targets: what the table says is what their folders hold."""

from __future__ import annotations

import importlib
from pathlib import PurePosixPath

import pytest

from converter.steps import REFUSED
from tasks.manifest import ROLES
from tasks.modules import closure
from tasks.targets import IR_TOOLCHAIN, SOURCES, TARGETS
from tests.support.project import ROOT


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_its_emitter_and_its_steps(target: str) -> None:
    assert callable(importlib.import_module(f"converter.emitters.{target}").emit)
    for step in ("checkpoint", "run"):
        assert (ROOT / "images" / TARGETS[target].toolchain / f"{step}.py").is_file()


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_s_code_depends_on_no_other_emitter(target: str) -> None:
    files = closure(ROOT, ("converter.steps.emit", f"converter.emitters.{target}"))
    packages = {PurePosixPath(file).parts[2] for file in files if file.startswith("converter/emitters/")}
    assert packages & TARGETS.keys() == {target}
    assert not any(file.startswith("converter/parsers/") for file in files)


@pytest.mark.parametrize("framework", SOURCES)
def test_a_source_has_its_parser_its_roles_and_its_step(framework: str) -> None:
    importlib.import_module(f"converter.parsers.{framework}")
    assert ROLES[framework]
    assert (ROOT / "images" / SOURCES[framework] / "reference.py").is_file()


def test_the_ir_has_its_step() -> None:
    assert (ROOT / "images" / IR_TOOLCHAIN / "run.py").is_file()


def test_both_sides_of_the_container_refuse_with_the_same_code() -> None:
    assert f"REFUSED = {REFUSED}\n" in (ROOT / "images" / "base" / "cases.py").read_text()
