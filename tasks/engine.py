"""Finds the container engine: Docker, or Podman through its Docker-compatible socket.

Finding one needs nothing but the standard library; docker-py is imported to talk to it.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import EngineError

if TYPE_CHECKING:
    import docker

NATIVE = {"x86_64", "amd64"}
PING_PATIENCE = 5
START = "run `make engine`, which starts one or says what to do"


def connect(timeout: int = 60) -> docker.DockerClient:
    """Connect to the container engine that this machine has.

    ``DOCKER_HOST`` decides, if set; else the first socket that answers of Docker's (system-wide, rootless) and
    Podman's (system-wide, rootless).

    Args:
        timeout: Seconds that the engine may take for an answer, later on.

    Raises:
        EngineError: No engine answers, the caller may not use it, or it cannot see this machine's folders.
    """
    import docker

    for url in candidates(os.environ):
        if _answers(url):
            return docker.DockerClient(base_url=url, timeout=timeout)
    raise problem(os.environ) or EngineError("the container engine went away", fix=START)


def problem(environment: Mapping[str, str]) -> EngineError | None:
    """Why no engine can be used; None where one can."""
    try:
        urls = candidates(environment)
    except EngineError as error:
        return error
    if any(_answers(url) for url in urls):
        return None
    if no := refused(environment):
        fix = "run as root, or join the group that owns it (as root: `usermod -aG docker NAME`) and log in again"
        return EngineError("you may not use the container engine's socket", where=", ".join(no), fix=fix)
    named = environment.get("DOCKER_HOST")
    fix = f"start the engine that DOCKER_HOST names; or unset DOCKER_HOST and {START}" if named else START
    return EngineError("no container engine answers", where=named or ", ".join(urls), fix=fix)


def refused(environment: Mapping[str, str]) -> list[str]:
    """Sockets that are there but that the caller may not talk to."""
    paths = [url.removeprefix("unix://") for url in candidates(environment)]
    return [path for path in paths if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK)]


def candidates(environment: Mapping[str, str]) -> list[str]:
    """Where an engine may listen, in the order of preference.

    Raises:
        EngineError: ``DOCKER_HOST`` names an engine on another machine: steps exchange files through folders that are
            mounted, and these would be the other machine's.
    """
    named = environment.get("DOCKER_HOST")
    if not named:
        return [f"unix://{path}" for path in _sockets(environment) if _is_socket(path)]
    if not named.startswith("unix://"):
        raise EngineError(
            "DOCKER_HOST names an engine that may not see this machine's folders",
            where=named,
            fix="unset DOCKER_HOST to use the local engine, or set it to unix:///path/of/its/socket",
        )
    return [named]


def native(client: docker.DockerClient) -> bool:
    """Whether the engine runs linux/amd64 images without emulation."""
    return str(client.version().get("Arch", "")).lower() in NATIVE


def note(client: docker.DockerClient) -> str:
    """What a user should know about the engine, one line; empty where all is as it should be."""
    if native(client):
        return ""
    machine = client.version().get("Arch")
    return f"the engine runs on {machine}; images are linux/amd64 and will be emulated, several times slower"


@dataclass(frozen=True)
class Facts:
    """What a container has to be told about the engine.

    Attributes:
        user: ``uid:gid`` to run as, so that files come back owned by the caller.
        userns: User namespace mode to ask for; empty for the default.
        memory: The engine's memory in bytes.
    """

    user: str
    userns: str
    memory: int


def facts(client: docker.DockerClient) -> Facts:
    """Ask the engine.

    In a rootless engine root is the caller, and every other user is somebody who has no name outside. An engine that
    maps users otherwise is asked not to.
    """
    info = client.info()
    options = [str(option) for option in info.get("SecurityOptions") or []]
    user = "0:0" if any("name=rootless" in option for option in options) else f"{os.getuid()}:{os.getgid()}"
    userns = "host" if any("name=userns" in option for option in options) else ""
    return Facts(user, userns, int(info["MemTotal"]))


def _answers(url: str) -> bool:
    """Whether an engine's socket answers a ping soon."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PING_PATIENCE)
            connection.connect(url.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    """The sockets that engines listen on."""
    runtime = environment.get("XDG_RUNTIME_DIR")
    yield Path("/var/run/docker.sock")
    if runtime:
        yield Path(runtime) / "docker.sock"
    yield Path("/run/podman/podman.sock")
    if runtime:
        yield Path(runtime) / "podman" / "podman.sock"


def _is_socket(path: Path) -> bool:
    """Whether there is a socket, whoever may use it."""
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return False
