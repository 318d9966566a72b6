"""Run a step in its toolchain's container, as the build does, from a test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tasks import engine, images
from tasks.executors.docker import Box, run
from tasks.session import default_cache

TIMEOUT = 600


@cache
def image_of(toolchain: str) -> str:
    """The image of ``toolchain``, built if the engine lacks it."""
    return images.ensure(toolchain, default_cache() / "images", engine.connect(timeout=TIMEOUT)).tag


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
