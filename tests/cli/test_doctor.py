"""``transship doctor``: each check on what is right, odd and broken."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from converter.errors import BadInput
from tasks import cli, index
from tasks.action import Digest
from tasks.cli import checks, engines, reach
from tasks.cli.checks import BROKEN, MISSING, OK, Finding, bounded
from tasks.cli.engines import Built
from tasks.cli.workplace import known
from tasks.images import Identity
from tasks.index import DownloadError
from tasks.mirrors import MIRROR
from tasks.session import URL
from tasks.store import Store
from tests.support.project import ROOT, Project
from tests.support.site import serving

NOWHERE = "unix:///nonexistent/docker.sock"


@contextmanager
def engine(folder: Path, answers: int) -> Iterator[str]:
    """An engine that answers that many requests, as if to a ping, and then never again; where it is."""
    path = str(folder / "engine.sock")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    kept: list[socket.socket] = []

    def serve() -> None:
        for turn in range(100):
            try:
                connection, _ = server.accept()
            except OSError:
                return
            kept.append(connection)
            if turn < answers:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"unix://{path}"
    finally:
        server.close()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path fits into a socket's name."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No engine, and a cache that is not there yet."""
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setenv("TRANSSHIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_without_an_engine(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "broken   engine: no container engine answers" in said.out
    assert "make engine" in said.out
    assert "ok       clone: " in said.out
    assert ("\x1b" in said.out, said.err, nowhere.exists()) == (False, "", False)


def test_for_scripts(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    states = {each["name"]: each["state"] for each in found["findings"]}
    assert states["engine"] == BROKEN
    assert set(states) == {"machine", "python", "clone", "cache", "shared cache", "engine", "disk"}


def test_quietly_only_what_is_broken(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "-q"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["broken"]


def test_an_engine_that_hangs_after_the_ping(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "ANSWER", 1)
    for answers in (2, 3):
        folder = short / str(answers)
        folder.mkdir()
        with engine(folder, answers) as url:
            monkeypatch.setenv("DOCKER_HOST", url)
            started = time.monotonic()
            found = bounded("engine", engines.answering)
            assert (found.state, time.monotonic() - started < 10) == (BROKEN, True)
            assert "does not answer as one does" in found.said
            assert "make engine" in found.fix


def test_an_engine_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    found = engines.answering()
    assert (found.state, "may not see this machine's folders" in found.said) == (BROKEN, True)


def test_a_check_is_bounded() -> None:
    assert bounded("slow", lambda: Finding("slow", OK, "here"), 5) == Finding("slow", OK, "here")
    wait = threading.Event()

    def hang() -> Finding:
        wait.wait()
        raise AssertionError

    found = bounded("slow", hang, 0.05)
    wait.set()
    assert (found.name, found.state) == ("slow", BROKEN)
    assert "no answer" in found.said


def test_a_check_that_fails_is_a_finding() -> None:
    def fail() -> Finding:
        raise KeyError("what")

    def refuse() -> Finding:
        raise BadInput("it is not right", where="here", fix="repair it")

    assert bounded("odd", fail) == Finding("odd", BROKEN, "it cannot be told: KeyError: 'what'")
    assert bounded("odd", refuse) == Finding("odd", BROKEN, "it is not right (here)", "repair it")


@pytest.mark.parametrize(
    ("system", "processor", "kilobytes", "state"),
    [
        ("Linux", "x86_64", 8 << 20, OK),
        ("Linux", "x86_64", 1 << 20, MISSING),
        ("Linux", "aarch64", 8 << 20, BROKEN),
        ("Darwin", "x86_64", 8 << 20, BROKEN),
    ],
)
def test_machine(system: str, processor: str, kilobytes: int, state: str, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal:  {kilobytes} kB\nMemFree: 1 kB\n\n")
    assert checks.machine(system, processor, tmp_path / "meminfo").state == state


LOCK = """\
# made by a program
here==1.0 \\
    --hash=sha256:00 \\
    # via something
there==2.0+cpu ; python_full_version >= '3.11' \\
    --hash=sha256:00
elsewhere==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""


@pytest.mark.parametrize(
    ("installed", "state", "details"),
    [
        ({"here": "1.0", "there": "2.0+cpu"}, OK, ()),
        ({"here": "1.0", "there": "2.0+cpu", "elsewhere": "1"}, OK, ()),
        ({"here": "1.0"}, MISSING, ("there",)),
        ({"here": "1.1"}, BROKEN, ("here 1.1, not 1.0", "there")),
    ],
)
def test_packages(installed: dict[str, str], state: str, details: tuple[str, ...], tmp_path: Path) -> None:
    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    (tmp_path / "requirements.lock").write_text(LOCK)
    found = checks.python(tmp_path / "requirements.lock", version)
    assert (found.state, found.details) == (state, details)


def test_these_packages() -> None:
    assert checks.python(ROOT / "requirements.lock").state in (OK, BROKEN)
    assert bounded("python", lambda: checks.python(ROOT / "nothing.lock")).state == BROKEN


def test_a_clone(tmp_path: Path) -> None:
    assert checks.clone(ROOT).state == OK
    copy = Project(tmp_path / "copy", tmp_path / "cache").folder
    assert "requirements.lock" in checks.clone(copy).said
    (copy / "requirements.lock").touch()
    assert checks.clone(copy).state == OK
    for path, content in (
        ("models/models.lock", "damaged"),
        ("models/x.toml", "a = 1"),
        ("images/ncnn/Dockerfile", ""),
    ):
        before = (copy / path).read_text() if (copy / path).exists() else None
        (copy / path).write_text(content) if content else (copy / path).unlink()
        found = bounded("clone", lambda: checks.clone(copy))
        assert (found.state, Path(path).name in found.said or "ncnn" in found.said) == (BROKEN, True), path
        (copy / path).unlink(missing_ok=True)
        if before is not None:
            (copy / path).write_text(before)


def test_a_cache(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert "not there yet" in checks.cache(folder).said
    assert not folder.exists()
    store = Store(folder, folder / "work")
    blob = store.put(b"weights")
    for number in range(3):
        store.record(Digest.of(bytes([number])), {"out": blob}, 1.0)
    found = checks.cache(folder)
    assert (found.state, "3 records" in found.said) == (OK, True)
    record = next((folder / "ac").glob("*/*"))
    record.chmod(0o644)
    record.write_bytes(b"\xff\xff\xff")
    found = checks.cache(folder)
    assert (found.state, found.details) == (MISSING, (str(record),))
    assert "1 records are damaged" in found.said


def test_a_cache_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/cache")):
        found = checks.cache(folder)
        assert (found.state, "TRANSSHIP_CACHE" in found.fix) == (BROKEN, True)


def test_disk(tmp_path: Path) -> None:
    def refuse(_: Path) -> float:
        raise PermissionError

    places = [("cache", tmp_path / "not" / "yet", 3e9), ("engine", tmp_path, 0.0)]
    assert checks.disk(places, lambda _: 3e9).state == OK
    full = checks.disk(places, lambda _: 1e9)
    assert (full.state, "1.0 GB free for the cache" in full.said) == (BROKEN, True)
    assert full.fix.endswith(str(tmp_path / "not" / "yet")), "the engine needs no more"
    assert "cannot be seen" in checks.disk(places, refuse).said
    assert checks.disk(places).state in (OK, BROKEN)


def test_images() -> None:
    identity = Identity("ncnn", "d", "0123456789abcdef", {}, "sha256:0")
    built, gone, never = Built("ncnn", identity, 2 * 10**9), Built("onnx", identity, None), Built("mxnet", None, None)
    assert engines.complete([built]) == Finding(
        "images", OK, "1 of 1 built, 2.0 GB", details=("ncnn: transship/ncnn:0123456789ab, 2.0 GB",)
    )
    found = engines.complete([built, gone, never])
    assert (found.state, "make images" in found.fix, "image:onnx" in found.fix) == (MISSING, True, True)
    assert found.said == "1 of 3 built, 2.0 GB; not onnx, mxnet"
    assert "gone from the engine" in found.details[1]
    assert engines.starting([gone, never]).state == MISSING


def test_servers() -> None:
    hosts = reach.servers(known().values())
    assert all(url.startswith("http") for url in hosts.values())
    assert hosts
    with serving() as site:
        assert reach.trouble(site.url("/nothing")) == "", "an answer is one, whatever it says"
        assert reach.answering({"here": site.url("/")}).state == OK
    found = reach.answering({"here": site.url("/"), "there": site.url("/"), "far": "http://127.0.0.1:9/"})
    assert (found.state, "3 of 3" in found.said, len(found.details)) == (MISSING, True, 3)


def test_a_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    assert reach.mirror().state == OK
    monkeypatch.setenv(MIRROR, str(tmp_path))
    assert reach.mirror().state == OK
    monkeypatch.setenv(MIRROR, str(tmp_path / "nothing"))
    assert bounded("mirror", reach.mirror).state == BROKEN
    monkeypatch.setenv(MIRROR, "http://user:secret@127.0.0.1:9/")
    found = reach.mirror()
    assert (found.state, "secret" in found.said) == (BROKEN, False)


def test_a_shared_cache(tmp_path: Path) -> None:
    assert reach.shared_cache({}, network=True).state == OK
    there = reach.shared_cache({URL: f"file://{tmp_path}", f"{URL}_MODE": "read-write"}, network=True)
    assert (there.state, there.said) == (OK, f"file://{tmp_path}, read and written, answers")
    gone = {URL: "http://127.0.0.1:9/cache"}
    assert reach.shared_cache(gone, network=False).said == "http://127.0.0.1:9/cache, only read"
    found = reach.shared_cache(gone, network=True)
    assert (found.state, "127.0.0.1:9" in found.said, URL in found.fix) == (BROKEN, True, True)
    wrong = bounded("shared cache", lambda: reach.shared_cache({URL: "nonsense"}, network=False))
    assert wrong.state == BROKEN


def test_a_package_index_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(index, "ATTEMPTS", 1)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        reach.packages(ROOT / "images")
