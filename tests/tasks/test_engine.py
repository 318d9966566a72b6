"""Finding an engine: with sockets of our own that answer as engines do, or do not."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks import engine
from tasks.errors import EngineError

Listen = Callable[[str, bytes], Path]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Makes a socket that gives every caller the same answer."""
    servers = []

    def make(name: str, answer: bytes) -> Path:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.recv(1024)
                self.request.sendall(answer)

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return path

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


OK = b"HTTP/1.0 200 OK\r\n\r\nOK"


def test_docker_host_is_the_only_candidate_if_set() -> None:
    assert engine.candidates({"DOCKER_HOST": "unix:///some/where"}) == ["unix:///some/where"]


@pytest.mark.parametrize("host", ["tcp://elsewhere:2375", "ssh://elsewhere", "https://elsewhere", "fd://"])
def test_an_engine_that_cannot_see_our_folders_is_refused(host: str) -> None:
    with pytest.raises(EngineError, match="may not see this machine's folders") as caught:
        engine.candidates({"DOCKER_HOST": host})
    assert host in str(caught.value)
    assert engine.problem({"DOCKER_HOST": host}) is not None


def test_sockets_are_tried_in_order_docker_before_podman(listen: Listen, tmp_path: Path) -> None:
    podman, docker = listen("podman/podman.sock", OK), listen("docker.sock", OK)
    urls = engine.candidates({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert urls.index(f"unix://{docker}") < urls.index(f"unix://{podman}")


def test_a_file_that_is_no_socket_is_no_candidate(tmp_path: Path) -> None:
    (tmp_path / "docker.sock").write_text("")
    assert f"unix://{tmp_path}/docker.sock" not in engine.candidates({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_an_engine_that_answers_is_no_problem(listen: Listen) -> None:
    assert engine.problem({"DOCKER_HOST": f"unix://{listen('s', OK)}"}) is None


@pytest.mark.parametrize("answer", [b"HTTP/1.0 500 Oh\r\n\r\n", b"SSH-2.0\r\n", b""])
def test_a_socket_that_is_no_engine_is_a_problem(listen: Listen, answer: bytes) -> None:
    problem = engine.problem({"DOCKER_HOST": f"unix://{listen('s', answer)}"})
    assert problem is not None
    assert "no container engine answers" in str(problem)
    assert "make engine" in str(problem)


def test_no_socket_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(EngineError) as caught:
        engine.connect()
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "/nonexistent/docker.sock" in lines[1]
    assert "unset DOCKER_HOST" in lines[2]


def test_a_socket_that_we_may_not_use_says_who_can_change_that(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = listen("s", b"")
    monkeypatch.setattr(engine.os, "access", lambda *_: False)
    problem = engine.problem({"DOCKER_HOST": f"unix://{path}"})
    assert problem is not None
    assert "may not use" in str(problem)
    assert str(path) in str(problem)
    assert "usermod" in str(problem)


@pytest.mark.parametrize(
    ("options", "user", "userns"),
    [
        (["name=seccomp,profile=default", "name=rootless"], "0:0", ""),
        (["name=seccomp,profile=default"], "12:34", ""),
        (["name=userns"], "12:34", "host"),
        (None, "12:34", ""),
    ],
)
def test_a_step_runs_as_whoever_owns_its_files_outside(
    monkeypatch: pytest.MonkeyPatch, options: list[str] | None, user: str, userns: str
) -> None:
    monkeypatch.setattr(engine.os, "getuid", lambda: 12)
    monkeypatch.setattr(engine.os, "getgid", lambda: 34)
    client = SimpleNamespace(info=lambda: {"SecurityOptions": options, "MemTotal": 8})
    assert engine.facts(client) == engine.Facts(user, userns, 8)


def test_emulation_is_mentioned_and_only_that() -> None:
    assert engine.note(SimpleNamespace(version=lambda: {"Arch": "amd64"})) == ""
    assert "arm64" in engine.note(SimpleNamespace(version=lambda: {"Arch": "arm64"}))


@pytest.mark.container
def test_the_engine_of_this_machine_answers() -> None:
    client = engine.connect()
    assert client.ping()
    assert engine.facts(client).memory > 0
    client.close()
