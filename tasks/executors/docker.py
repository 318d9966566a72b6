"""Runs an action in a container of its own: hardened, without network, gone when the action ends."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import docker.errors
import requests.exceptions
from docker.types import LogConfig, Mount

from tasks import engine
from tasks.errors import EngineError, ImageError, StepFailed

if TYPE_CHECKING:
    import docker

    from tasks.action import Action

RUN_LABEL = "transship.run"
LOG_LIMIT = 64 << 20
PIDS = 1024
TMPFS = "rw,noexec,nosuid,nodev,size=1g,mode=1777"
MEMORY_SHARE = 0.75
"""Of the engine's memory, for one container: the rest is for the engine and this process."""

GRACE = 5.0


@dataclass(frozen=True)
class Box:
    """What a container is started with.

    Attributes:
        image: Name or id of an image in the engine.
        argv: The command; runs in ``/``.
        inputs: Host folder to mount at ``/in``, read-only.
        outputs: Host folder to mount at ``/out``; the only one that can be written to, apart from a small ``/tmp``.
        env: Variables, besides those that the image itself declares.
        timeout: Seconds until it is killed.
        user: ``uid:gid``.
        memory: Bytes, swap included.
        labels: Labels of the container.
        userns: The engine's name of a user namespace mode; empty for its default.
    """

    image: str
    argv: Sequence[str]
    inputs: Path
    outputs: Path
    timeout: int
    user: str
    memory: int
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    userns: str = ""


class DockerExecutor:
    """Runs actions in an engine's containers; see :class:`tasks.executors.Executor`."""

    def __init__(self, client: docker.DockerClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id

    @cached_property
    def _user(self) -> tuple[str, str, int]:
        """Who steps run as, in which user namespace, with how much memory."""
        with _talking():
            facts = engine.facts(self._client)
        return facts.user, facts.userns, int(facts.memory * MEMORY_SHARE)

    def run(self, action: Action, folder: Path, log: Path) -> int:
        """Run ``action``; its ``in`` and ``out`` are the folders of these names in ``folder``.

        Raises:
            StepFailed: It took longer than its timeout, or more memory than the machine has to give.
            ImageError: The engine does not have the image, or the image not the command.
            EngineError: The engine went away.
        """
        user, userns, memory = self._user
        box = Box(
            image=f"transship/{action.image.toolchain}:{action.image.identity[:12]}",
            argv=action.argv,
            inputs=(folder / "in").absolute(),
            outputs=(folder / "out").absolute(),
            timeout=action.timeout,
            user=user,
            memory=memory,
            env=dict(action.env),
            labels={RUN_LABEL: self._run_id},
            userns=userns,
        )
        return run(self._client, box, log)


def run(client: docker.DockerClient, box: Box, log: Path) -> int:
    """Start a container, wait for its end, remove it.

    However this function is left, by a signal too, the container is gone afterwards if the engine still answers.

    Args:
        client: The engine.
        box: What to start.
        log: Gets standard output and error, as they come; at most ``LOG_LIMIT`` bytes.

    Returns:
        The exit code.

    Raises:
        StepFailed: Timeout or out of memory; the container was killed.
        ImageError: There is no such image or command.
        EngineError: The engine went away.
    """
    name = f"transship-{uuid.uuid4().hex}"
    with _terminable(), _talking(log), log.open("wb") as file:
        try:
            _create(client, name, box)
            output = client.api.attach(name, stdout=True, stderr=True, stream=True)
            copier = threading.Thread(target=_copy, args=(output, file.fileno()), daemon=True)
            copier.start()
            client.api.start(name)
            code = _wait(client, name, box, log)
            copier.join(GRACE)
            if code and client.api.inspect_container(name)["State"]["OOMKilled"]:
                what = f"the step ran out of memory: it may use {box.memory / (1 << 30):.1f} GiB"
                raise StepFailed(what, where=f"full output in {log}", fix="run it on a machine with more memory")
            return code
        finally:
            _remove(client, name)


def remove_leftovers(client: docker.DockerClient, run_id: str) -> int:
    """Remove the containers that a dead run left behind.

    Returns:
        How many there were.

    Raises:
        EngineError: The engine went away.
    """
    with _talking():
        left = client.api.containers(all=True, quiet=True, filters={"label": f"{RUN_LABEL}={run_id}"})
        for container in left:
            _remove(client, container["Id"])
    return len(left)


def _create(client: docker.DockerClient, name: str, box: Box) -> None:
    """Have the engine make the container, locked down."""
    host = client.api.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        pids_limit=PIDS,
        mem_limit=box.memory,
        memswap_limit=box.memory,
        tmpfs={"/tmp": TMPFS},  # noqa: S108 - inside the container
        mounts=[
            Mount("/in", str(box.inputs), type="bind", read_only=True),
            Mount("/out", str(box.outputs), type="bind"),
        ],
        log_config=LogConfig(type="none"),
        userns_mode=box.userns or None,
    )
    try:
        client.api.create_container(
            box.image,
            list(box.argv),
            name=name,
            hostname="transship",
            user=box.user,
            environment=dict(box.env),
            working_dir="/",
            labels=dict(box.labels),
            host_config=host,
        )
    except docker.errors.ImageNotFound as error:
        what = f"the engine does not have the image {box.image}"
        raise ImageError(what, fix="somebody removed it: run the same command again and it will be built") from error


def _wait(client: docker.DockerClient, name: str, box: Box, log: Path) -> int:
    """Exit code of a container, or :class:`StepFailed` when its time is up."""
    deadline = time.monotonic() + box.timeout
    try:
        return int(client.api.wait(name, timeout=box.timeout)["StatusCode"])
    except requests.exceptions.RequestException as error:
        if time.monotonic() < deadline:
            raise
        what = f"the step was stopped after {box.timeout} s"
        raise StepFailed(what, where=f"full output in {log}") from error


def _copy(output: Iterable[bytes], file: int) -> None:
    """Write a container's output to its log until it ends or the log is full; then just drain it."""
    room = LOG_LIMIT
    with contextlib.suppress(
        OSError, requests.exceptions.RequestException, docker.errors.DockerException, ValueError
    ):
        for chunk in output:
            if room > 0:
                os.write(file, chunk[:room])
                room -= len(chunk)
                if room <= 0:
                    os.write(file, b"\n[the rest of the output was dropped]\n")


def _remove(client: docker.DockerClient, name: str) -> None:
    """Kill and remove a container, if it and the engine are there."""
    with contextlib.suppress(docker.errors.APIError, requests.exceptions.RequestException, OSError):
        client.api.remove_container(name, v=True, force=True)


@contextlib.contextmanager
def _talking(log: Path | None = None) -> Iterator[None]:
    """Turn what goes wrong between us and the engine into errors that say so."""
    try:
        yield
    except docker.errors.APIError as error:
        explanation = str(error.explanation or error)
        if "executable file not found" in explanation or "no such file or directory" in explanation:
            raise ImageError(f"the image does not have the step's command: {explanation}") from error
        raise EngineError(f"the container engine refuses: {explanation}") from error
    except requests.exceptions.RequestException as error:
        raise EngineError(
            "the container engine went away while a step ran",
            where=f"{error}; the step's output until then is in {log}" if log else str(error),
            fix="start it again (`make engine`) and run the same command; finished steps are kept",
        ) from error


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise, so that it cleans up like Ctrl-C, unless the program handles it in its own way."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
