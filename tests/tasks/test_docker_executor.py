"""Steps in containers: what they can reach, how they end, and that nothing is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks import engine, images
from tasks.action import Action, Image
from tasks.errors import EngineError, ImageError, StepFailed
from tasks.executors import docker as executor
from tasks.executors.docker import RUN_LABEL, Box, DockerExecutor, remove_leftovers, run

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.container
REPOSITORY = Path(__file__).parents[2]
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    """The engine."""
    connected = engine.connect()
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def image(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> images.Identity:
    """A small image with Python."""
    return images.ensure("base-bookworm", tmp_path_factory.mktemp("records"), client)


@dataclass(frozen=True)
class Desk:
    """A working folder, and an engine to run things in it.

    Attributes:
        client: The engine.
        image: Name of the image.
        folder: Has ``in/`` and ``out/``; its name has a space, a colon and a comma.
        run_id: Label of this test's containers.
    """

    client: docker.DockerClient
    image: images.Identity
    folder: Path
    run_id: str

    @property
    def log(self) -> Path:
        """The step's output."""
        return self.folder / "log"

    def box(self, *argv: str, timeout: int = 60, memory: int = 512 * MEBIBYTE, **env: str) -> Box:
        """What to start."""
        return Box(
            image=self.image.tag,
            argv=argv,
            inputs=self.folder / "in",
            outputs=self.folder / "out",
            timeout=timeout,
            user=engine.facts(self.client).user,
            memory=memory,
            env=env,
            labels={RUN_LABEL: self.run_id},
        )

    def left(self) -> int:
        """How many containers of this test the engine has."""
        return len(self.client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={self.run_id}"}))


@pytest.fixture
def desk(client: docker.DockerClient, image: images.Identity, tmp_path: Path) -> Iterator[Desk]:
    """A working folder; no test leaves a container behind."""
    folder = tmp_path / "a b:c,d"
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    made = Desk(client, image, folder, uuid.uuid4().hex)
    yield made
    assert made.left() == 0


PROBE = """
import json, os, pathlib, socket
def refused(action):
    try: action()
    except OSError as error: return error.strerror
    return "allowed"
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "cwd": os.getcwd(), "uid": os.getuid(), "gid": os.getgid(),
    "env": {k: v for k, v in os.environ.items() if k not in ("PATH", "HOSTNAME", "HOME", "LC_CTYPE")},
    "in": pathlib.Path("in/x").read_text(),
    "write in": refused(lambda: open("/in/x", "w")), "write root": refused(lambda: open("/x", "w")),
    "write tmp": refused(lambda: open("/tmp/x", "w")), "write out": refused(lambda: open("out/y", "w")),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "capabilities": status["CapEff"].strip() + status["CapBnd"].strip(),
    "no new privileges": status["NoNewPrivs"].strip(),
    "root": sorted(os.listdir("/")),
}))
"""


def test_a_step_sees_its_inputs_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    (desk.folder / "in" / "x").write_text("input")
    assert run(desk.client, desk.box("python3", "-c", PROBE, DECLARED="1"), desk.log) == 0
    seen = json.loads(desk.log.read_text())
    assert seen["cwd"] == "/"
    assert (seen["uid"], seen["gid"]) == (os.getuid(), os.getgid())
    assert seen["env"] == {"DECLARED": "1"}
    assert seen["in"] == "input"
    assert (seen["write in"], seen["write root"]) == ("Read-only file system", "Read-only file system")
    assert (seen["write tmp"], seen["write out"]) == ("allowed", "allowed")
    assert seen["interfaces"] == ["lo"]
    assert set(seen["capabilities"]) == {"0"}
    assert seen["no new privileges"] == "1"
    assert "work" not in seen["root"]
    assert (desk.folder / "out" / "y").stat().st_uid == os.getuid()
    assert (desk.folder / "in" / "x").read_text() == "input"


def test_another_user_than_root_owns_what_it_writes(desk: Desk) -> None:
    (desk.folder / "out").chmod(0o777)
    box = desk.box("sh", "-c", "touch out/y && id -u && id -g")
    box = Box(**{**box.__dict__, "user": "4321:1234"})
    assert run(desk.client, box, desk.log) == 0
    assert desk.log.read_text() == "4321\n1234\n"
    assert (desk.folder / "out" / "y").stat().st_uid == 4321


def test_an_exit_code_and_all_output_come_back(desk: Desk) -> None:
    assert run(desk.client, desk.box("sh", "-c", "echo out; echo err >&2; exit 65"), desk.log) == 65
    assert sorted(desk.log.read_text().split()) == ["err", "out"]


def test_much_output_is_complete_up_to_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("python3", "-c", "print('x' * 5_000_000)")
    assert run(desk.client, desk.box(*command), desk.log) == 0
    assert desk.log.stat().st_size == 5_000_001
    monkeypatch.setattr(executor, "LOG_LIMIT", 1000)
    assert run(desk.client, desk.box(*command), desk.log) == 0
    assert desk.log.read_bytes() == b"x" * 1000 + b"\n[the rest of the output was dropped]\n"


def test_the_executor_runs_an_action(desk: Desk) -> None:
    (desk.folder / "in" / "x").write_text("input")
    action = Action(
        argv=("sh", "-c", "cp in/x out/x; echo $A"),
        image=Image("base-bookworm", desk.image.identity),
        inputs=(),
        outputs=("x",),
        env=(("A", "b"),),
    )
    assert DockerExecutor(desk.client, desk.run_id).run(action, desk.folder, desk.log) == 0
    assert (desk.folder / "out" / "x").read_text() == "input"
    assert desk.log.read_text() == "b\n"


def test_a_step_that_takes_too_long_is_stopped(desk: Desk) -> None:
    with pytest.raises(StepFailed, match="stopped after 1 s"):
        run(desk.client, desk.box("sh", "-c", "echo begun; trap '' TERM; sleep 60", timeout=1), desk.log)
    assert desk.log.read_text() == "begun\n"


def test_running_out_of_memory_is_told_from_failing(desk: Desk) -> None:
    hungry = ("python3", "-c", "x = b'x' * (1 << 30)")
    with pytest.raises(StepFailed, match="ran out of memory"):
        run(desk.client, desk.box(*hungry, memory=64 * MEBIBYTE), desk.log)


def test_a_fork_bomb_runs_into_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "PIDS", 32)
    bomb = (
        "import os, signal\ntry:\n  while os.fork(): pass\n  signal.pause()\n"
        "except OSError: print('limited', flush=True); os._exit(7)"
    )
    assert run(desk.client, desk.box("python3", "-c", bomb), desk.log) == 7
    assert "limited" in desk.log.read_text()


def test_a_missing_command_or_image_is_an_error_about_the_image(desk: Desk) -> None:
    with pytest.raises(ImageError, match="nonsense"):
        run(desk.client, desk.box("nonsense"), desk.log)
    box = Box(**{**desk.box("true").__dict__, "image": "transship/nonsense:0"})
    with pytest.raises(ImageError, match="does not have the image"):
        run(desk.client, box, desk.log)


def test_a_missing_input_folder_is_not_made(desk: Desk) -> None:
    box = Box(**{**desk.box("true").__dict__, "inputs": desk.folder / "nothing"})
    with pytest.raises(EngineError):
        run(desk.client, box, desk.log)
    assert not (desk.folder / "nothing").exists()


SIGNALLED = """
import sys
from pathlib import Path
from tasks import engine
from tasks.executors.docker import Box, run
image, folder, run_id = sys.argv[1:]
folder = Path(folder)
box = Box(image, ["sh", "-c", "echo begun; sleep 60"], folder / "in", folder / "out", 60, "0:0", 1 << 28,
          labels={"transship.run": run_id})
run(engine.connect(), box, folder / "log")
"""


def started(desk: Desk) -> subprocess.Popen[bytes]:
    """Another process whose step has begun."""
    command = [sys.executable, "-c", SIGNALLED, desk.image.tag, str(desk.folder), desk.run_id]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    until(lambda: desk.log.exists() and desk.log.read_text() == "begun\n")
    return process


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_removes_the_container(desk: Desk, number: signal.Signals, code: int) -> None:
    process = started(desk)
    process.send_signal(number)
    assert process.wait(20) == code
    assert desk.left() == 0


def test_what_a_killed_run_left_is_removed_by_the_next(desk: Desk) -> None:
    process = started(desk)
    process.kill()
    process.wait(20)
    assert desk.left() == 1
    assert remove_leftovers(desk.client, "some other run") == 0
    assert remove_leftovers(desk.client, desk.run_id) == 1
    assert desk.left() == 0


class Relay:
    """A socket that passes everything on to the engine, until it dies."""

    def __init__(self, path: Path, target: str) -> None:
        self.path, self._target = path, target
        self._open: list[socket.socket] = []
        self._lock, self._dead = threading.Lock(), False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                with self._lock:
                    self._open += [near, far]
                    if self._dead:
                        self._drop()
                        return
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def die(self) -> None:
        """Drop every connection and accept no more."""
        self.path.unlink()
        with self._lock:
            self._dead = True
            self._drop()

    def _drop(self) -> None:
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def test_an_engine_that_dies_while_a_step_runs_is_named_as_the_cause(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.candidates(os.environ)[0].removeprefix("unix://")
    relay = Relay(tmp_path / "s", real)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{relay.path}")
    client = engine.connect()
    killer = threading.Thread(
        target=lambda: (until(lambda: desk.log.exists() and b"begun" in desk.log.read_bytes()), relay.die())
    )
    killer.start()
    with pytest.raises(EngineError, match="went away while a step ran") as caught:
        run(client, desk.box("sh", "-c", "echo begun; sleep 60"), desk.log)
    killer.join()
    assert "make engine" in caught.value.fix
    assert str(desk.log) in caught.value.where
    assert remove_leftovers(desk.client, desk.run_id) == 1
