"""Run a target on many subjects: code here, checkpoint and answers in the target's own image, in one container."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tasks.targets import TARGETS
from tasks.toolchains import describe
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.refusals import emit
from tests.support.containers import run_step, stage_scripts

STEPS = ("checkpoint", "run")
TOGETHER = 300
"""How many subjects are run in one container, which has not forever."""


def execute(
    target: str, subjects: Iterable[Subject], folder: Path, *, trace: bool = True, **options: Any
) -> dict[str, Outputs | str]:
    """Answers by subject, of those that ``target`` does not refuse: arrays by name, or what failed said.

    Those of another form of the checkpoint are under ``<form>:<subject>``; an option of its name leaves it out.

    Args:
        target: Its name.
        subjects: What to run.
        folder: An empty one to work in.
        trace: Whether intermediate values are asked for too.
        options: For the emitter.
    """
    found: dict[str, Outputs | str] = {}
    pending = list(subjects)
    for number, start in enumerate(range(0, len(pending), TOGETHER)):
        place = folder / str(number)
        part = pending[start : start + TOGETHER]
        staged = [subject.id for subject in part if stage(target, subject, place, trace=trace, **options)]
        if staged:
            found |= _run(target, staged, place, [form for form in TARGETS[target].forms if options.get(form, True)])
    return found


def _run(target: str, staged: Iterable[str], folder: Path, forms: Iterable[str]) -> dict[str, Outputs | str]:
    images, prefix = f"images/{TARGETS[target].toolchain}", TARGETS[target].prefix
    scripts = (*(f"{images}/{prefix}{step}.py" for step in STEPS), "tests/support/batch.py")
    stage_scripts(folder / "in" / "step", *scripts)
    (folder / "out" / "cases").mkdir(parents=True)
    command = [
        describe(TARGETS[target].toolchain).interpreter,
        "in/step/batch.py",
        *(f"{prefix}{step}={step}" for step in STEPS),
    ]
    run_step(TARGETS[target].toolchain, command, folder / "in", folder / "out")
    found = {}
    for name in staged:
        place = folder / "out" / "cases" / name
        found[name] = _answer(place, f"{prefix}run/outputs.npz")
        found |= {f"{form}:{name}": _answer(place, f"{prefix}run/{form}.npz") for form in forms}
    return found


def stage(target: str, subject: Subject, folder: Path, *, trace: bool = True, **options: Any) -> bool:
    """Lay out what the steps of ``target`` need for ``subject`` in ``folder``; False where it is refused."""
    files = emit(subject, target, **options)
    if isinstance(files, str):
        return False
    place = folder / "in" / "cases" / subject.id
    (place / "code").mkdir(parents=True)
    for name, content in files.items():
        (place / "code" / name).write_bytes(content)
    (place / "ir").mkdir()
    _link(subject.folder / "ir" / "weights.safetensors", place / "ir" / "weights.safetensors")
    (place / "params.json").write_text(json.dumps({"trace": trace}))
    np.savez(place / "inputs.npz", **{f"case/{name}": array for name, array in subject.inputs.items()})
    return True


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _answer(place: Path, file: str) -> Outputs | str:
    if (place / "error.txt").exists():
        return (place / "error.txt").read_text() + (place / "log.txt").read_text()
    with np.load(place / file, allow_pickle=False) as arrays:
        return {name.removeprefix("case/"): arrays[name] for name in arrays.files}


def agree(subject: Subject, found: Outputs | str, tolerance: float) -> None:
    """Every output is there; it and every other value of the model have its shape, type and numbers."""
    assert not isinstance(found, str), found
    assert set(subject.outputs) <= set(found)
    assert set(found) <= set(subject.expected)
    for name, array in found.items():
        _agree(name, subject.expected[name], array, tolerance)


def _agree(name: str, wanted: np.ndarray, array: np.ndarray, tolerance: float) -> None:
    assert array.shape == wanted.shape, name
    assert array.dtype == wanted.dtype, name
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(array, wanted, err_msg=name)
        return
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(array[~finite], wanted[~finite], err_msg=name)
    error = np.abs(array[finite].astype(np.float64) - wanted[finite]).max(initial=0)
    largest = np.abs(wanted[finite]).max(initial=0)
    assert error <= tolerance * largest, f"{name}: off by {error:.3g} of {largest:.3g}"
