"""Run a step in its toolchain's container, as the build does, from a test."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tasks import engine, images
from tasks.executors.docker import Box, run
from tasks.modules import companions
from tasks.session import default_cache

ROOT = Path(__file__).parents[2]
TIMEOUT = 600


@cache
def image_of(toolchain: str) -> str:
    """The image of ``toolchain``, built if the engine lacks it."""
    return images.ensure(toolchain, default_cache() / "images", engine.connect(timeout=TIMEOUT)).tag


def stage_scripts(folder: Path, *scripts: str) -> None:
    """Put steps of ``images/``, each with the companions that it imports, and other scripts into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts:
        for name, path in companions(ROOT / script, ROOT / "images/base").items():
            shutil.copy(path, folder / name)


def run_step(toolchain: str, argv: Sequence[str], inputs: Path, outputs: Path) -> None:
    """Run ``argv`` with ``inputs`` at ``/in`` and ``outputs`` at ``/out``.

    Raises:
        AssertionError: The program failed. Says what it printed.
    """
    status, said = try_step(toolchain, argv, inputs, outputs)
    assert status == 0, f"{' '.join(argv)} ended with {status}:\n{said}"


def try_step(toolchain: str, argv: Sequence[str], inputs: Path, outputs: Path) -> tuple[int, str]:
    """Run ``argv`` likewise; its exit code and what it printed."""
    client = engine.connect(timeout=TIMEOUT)
    facts = engine.facts(client)
    log = outputs.with_name(f"{outputs.name}.log")
    box = Box(
        image=image_of(toolchain),
        argv=list(argv),
        inputs=inputs.resolve(),
        outputs=outputs.resolve(),
        timeout=TIMEOUT,
        user=facts.user,
        memory=facts.memory,
        userns=facts.userns,
    )
    status = run(client, box, log)
    return status, log.read_text(errors="replace")
