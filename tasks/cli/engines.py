"""Whether the container engine answers, has the images, and can start containers that see this machine's folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks import engine, images, toolchains
from tasks.cli.checks import BROKEN, MISSING, OK, Finding, listed
from tasks.cli.listing import sized
from tasks.errors import EngineError
from tasks.images import Identity

if TYPE_CHECKING:
    import docker

ANSWER: Final = 10
"""Seconds that the engine may take for an answer."""

_MEMORY: Final = 256 << 20
_ASKED: Final = b"transship"


@dataclass(frozen=True)
class Built:
    """An image of a toolchain.

    Attributes:
        toolchain: Its name.
        known: What is on record of it; None where nothing is.
        size: Bytes in the engine; None where it has none, or cannot be asked.
    """

    toolchain: str
    known: Identity | None
    size: int | None


def answering() -> Finding:
    """The engine that this machine has."""
    name = "engine"
    if wrong := engine.problem(os.environ):
        return Finding(name, BROKEN, f"{wrong.what} ({wrong.where})" if wrong.where else wrong.what, wrong.fix)
    with _connected() as client:
        told, info, note = client.version(), client.info(), engine.note(client)
    options = [str(each) for each in info.get("SecurityOptions") or []]
    rights = "rootless" if any("name=rootless" in each for each in options) else "as root"
    parts = [str(part.get("Name", "")) for part in told.get("Components") or []]
    kind = "Podman" if any("Podman" in part for part in parts) else "Docker"
    said = f"{kind} {told.get('Version', '')}, {rights}, {told.get('Os', '')}/{told.get('Arch', '')}"
    more = (f"looked for at {', '.join(engine.candidates(os.environ))}", f"{sized(info['MemTotal'])} of memory")
    return Finding(name, OK, f"{said}; {note}" if note else said, details=more)


def built(root: Path, records: Path) -> list[Built]:
    """What of each toolchain of ``root`` is on record and in the engine.

    Raises:
        EngineError: There is no engine, or it went away.
        ImageError: A toolchain is not described as it has to be.
    """
    with _connected() as client:
        return [
            Built(name, known, _size(client, known) if known else None)
            for name in toolchains.toolchains(root)
            for known in [images.identity(name, records, root)]
        ]


def complete(found: Sequence[Built]) -> Finding:
    """Which images are there; those that are not are built when they are needed."""
    there = [each for each in found if each.size is not None]
    said = f"{len(there)} of {len(found)} built, {sized(sum(each.size or 0 for each in there))}"
    details = tuple(f"{each.toolchain}: {_told(each)}" for each in found)
    if missing := [each.toolchain for each in found if each.size is None]:
        fix = f"nothing: they are built when needed; or now: make images, or one: doit image:{missing[0]}"
        return Finding("images", MISSING, f"{said}; not {listed(missing)}", fix, details)
    return Finding("images", OK, said, details=details)


def starting(found: Sequence[Built]) -> Finding:
    """Whether a container starts, and sees folders of this machine, as every step has to."""
    from tasks.executors.docker import Box, run

    name = "containers"
    there = sorted((each.size, each.known.tag, each.toolchain) for each in found if each.size and each.known)
    if not there:
        return Finding(name, MISSING, "not tried, as there is no image yet", "make images, then ask again")
    with _connected() as client, tempfile.TemporaryDirectory(prefix="transship-") as scratch:
        facts = engine.facts(client)
        inputs, outputs, log = (Path(scratch, part) for part in ("in", "out", "log"))
        inputs.mkdir()
        outputs.mkdir()
        (inputs / "asked").write_bytes(_ASKED)
        argv = ("cp", "/in/asked", "/out/answer")
        box = Box(there[0][1], argv, inputs, outputs, ANSWER, facts.user, _MEMORY, userns=facts.userns)
        code = run(client, box, log)
        if code or (outputs / "answer").read_bytes() != _ASKED:
            return Finding(name, BROKEN, f"a container ended with {code}: {log.read_text(errors='replace')}")
    return Finding(name, OK, f"one of {there[0][2]} started, read a folder of this machine and wrote to another")


def folder() -> Path:
    """Where the engine keeps its images.

    Raises:
        EngineError: There is no engine.
    """
    with _connected() as client:
        return Path(client.info().get("DockerRootDir") or "/")


@contextmanager
def _connected() -> Iterator[docker.DockerClient]:
    """The engine, which may be one that answers a ping and no more."""
    import docker.errors
    from requests.exceptions import RequestException

    try:
        client = engine.connect(ANSWER)
        try:
            yield client
        finally:
            client.close()
    except (docker.errors.DockerException, RequestException) as error:
        raise EngineError(f"the container engine does not answer as one does: {error}", fix=engine.START) from error


def _size(client: docker.DockerClient, known: Identity) -> int | None:
    import docker.errors

    try:
        return int(client.images.get(known.image).attrs["Size"])
    except docker.errors.ImageNotFound:
        return None


def _told(each: Built) -> str:
    if each.known is None:
        return "never built here, or from another description"
    return f"{each.known.tag}, {sized(each.size)}" if each.size else f"{each.known.tag} is gone from the engine"
