"""Set-up on machines where things are missing: the programs it would call are replaced by ones of our own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import engine, setup
from tasks.errors import EngineError

REPOSITORY = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "sha256sum", "cat", "id", "rm", "mv", "chmod", "mkdir", "flock")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone in a folder with a space in its name, and ``bin/`` with the few programs that every machine has."""
    clone = tmp_path / "a b"
    (clone / "setup").mkdir(parents=True)
    shutil.copy(REPOSITORY / "setup" / "environment.sh", clone / "setup")
    (clone / "requirements.lock").write_text("# nothing\n")
    programs = clone / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or "/nonexistent")
    program(clone, "id", "echo 1000")
    return clone


def program(clone: Path, name: str, text: str) -> None:
    """Put a program on the path of the bare machine."""
    path = clone / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def environment(clone: Path) -> subprocess.CompletedProcess[str]:
    """Run the first part of the set-up."""
    command = ["/bin/sh", str(clone / "setup" / "environment.sh")]
    return subprocess.run(
        command, env={"PATH": str(clone / "bin")}, cwd="/", capture_output=True, text=True, check=False, timeout=120
    )


OLD = 'case "$*" in *"(3, 11)"*) exit 1;; esac; exit 0'
NO_VENV = 'case "$*" in *ensurepip*) exit 1;; *3.%d-venv*|*python%d*) echo python3.11-venv;; esac; exit 0'


def test_no_python_says_which_one_to_install(bare: Path) -> None:
    done = environment(bare)
    assert done.returncode == 1
    assert "no Python 3.11 or newer was found" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_an_old_python_is_not_taken_and_a_newer_one_beside_it_is(bare: Path) -> None:
    program(bare, "python3", OLD)
    assert "no Python 3.11" in environment(bare).stderr
    program(bare, "python3.12", NO_VENV)
    assert "python3.12 cannot make virtual environments" in environment(bare).stderr


def test_a_user_is_told_the_exact_command(bare: Path) -> None:
    program(bare, "python3", NO_VENV)
    program(bare, "apt-get", "echo apt was called; exit 1")
    done = environment(bare)
    assert done.returncode == 1
    assert "to do: sudo apt-get install python3.11-venv" in done.stderr
    assert "apt was called" not in done.stdout + done.stderr


def test_root_gets_what_is_missing_installed_and_reads_about_it(bare: Path) -> None:
    program(bare, "id", "echo 0")
    program(bare, "python3", NO_VENV)
    program(bare, "apt-get", f'echo "$@" >> "{bare}/apt"')
    done = environment(bare)
    assert "set-up: apt-get install python3.11-venv" in done.stdout
    assert "install -y -q --no-install-recommends python3.11-venv" in (bare / "apt").read_text()


def test_package_lists_are_fetched_only_if_installing_does_not_work_without(bare: Path) -> None:
    program(bare, "id", "echo 0")
    program(bare, "python3", NO_VENV)
    program(bare, "apt-get", f'echo "$1" >> "{bare}/apt"; [ "$1" = update ]')
    done = environment(bare)
    assert (bare / "apt").read_text().split() == ["install", "update", "install"]
    assert done.returncode == 1
    assert "python3.11-venv cannot be installed" in done.stderr


@pytest.mark.slow  # makes environments, which fetches and installs
def test_an_environment_is_made_once_and_again_when_the_lock_or_the_folder_changes(bare: Path) -> None:
    program(bare, "python3", f'exec "{sys.executable}" "$@"')
    first = environment(bare)
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stdout
    assert environment(bare).stdout == ""
    doit = (bare / ".venv" / "bin" / "doit").read_text()
    assert "-m doit" in doit
    for name, module in (("transship", "tasks.cli"), ("mmtoir", "tasks.cli.mmdnn mmtoir")):
        script = (bare / ".venv" / "bin" / name).read_text()
        assert f"PYTHONPATH='{bare}' exec '{bare}'/.venv/bin/python -P -m {module} " in script
    (bare / "requirements.lock").write_text("# something else\n")
    assert "making .venv" in environment(bare).stdout
    assert environment(bare).stdout == ""
    moved = bare.rename(bare.with_name("c d"))
    assert "making .venv" in environment(moved).stdout
    assert str(moved) in (moved / ".venv" / "bin" / "pip").read_text()


def test_an_interrupted_environment_is_not_taken_for_a_whole_one(bare: Path) -> None:
    broken = "mkdir -p .venv/bin && echo 'exit 1' > .venv/bin/python && chmod +x .venv/bin/python"
    program(bare, "python3", f'if [ "$2" = venv ]; then {broken}; fi')
    for _ in range(2):
        done = environment(bare)
        assert done.returncode == 1
        assert "cannot be installed" in done.stderr


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """A machine without an engine; ``said`` is what the set-up printed, ``ran`` the commands it called."""
    state: dict[str, object] = {"said": [], "ran": []}
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "_sockets", lambda _: iter(()))
    monkeypatch.setattr(setup, "_say", state["said"].append)  # type: ignore[attr-defined]
    monkeypatch.setattr(setup, "_which", lambda _: None)
    monkeypatch.setattr(setup, "_answers_within", lambda _: False)
    monkeypatch.setattr(setup, "LOG", tmp_path / "dockerd.log")

    def runs(command: tuple[str, ...], *, show: bool = False) -> bool:
        state["ran"].append(" ".join(command))  # type: ignore[attr-defined]
        return True

    monkeypatch.setattr(setup, "_runs", runs)
    return state


def test_without_engine_and_root_the_user_reads_what_to_install(
    machine: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError, match="no container engine on this machine") as caught:
        setup.have_engine()
    assert "sudo apt-get install --no-install-recommends docker.io mmdebstrap" in caught.value.fix
    assert machine["ran"] == []


def test_an_installed_engine_that_does_not_run_is_for_root_to_start(
    machine: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup, "_which", lambda name: f"/usr/sbin/{name}")
    with pytest.raises(EngineError, match="not running") as caught:
        setup.have_engine()
    assert re.search("sudo (make engine|systemctl start docker)", caught.value.fix)


def test_root_on_debian_gets_an_engine_installed_and_started(
    machine: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    started: list[list[str]] = []

    class Process:
        def __init__(self, command: list[str], **options: object) -> None:
            assert options["start_new_session"] is True
            started.append(command)

        def poll(self) -> None:
            return None

    monkeypatch.setattr(setup.os, "geteuid", lambda: 0)
    monkeypatch.setattr(setup.shutil, "which", lambda name, **_: f"/usr/bin/{name}" if name == "apt-get" else None)
    monkeypatch.setattr(setup, "_answers_within", lambda _: next(answers))
    monkeypatch.setattr(setup.subprocess, "Popen", Process)
    monkeypatch.setattr(setup.Path, "is_dir", lambda _: False)
    setup.have_engine()
    assert machine["ran"][0].startswith("apt-get install ")  # type: ignore[index]
    assert started == [list(setup.DAEMON)]
    assert any("docker.io mmdebstrap" in line for line in machine["said"])  # type: ignore[attr-defined]


def test_an_engine_that_dies_at_once_shows_its_last_words(
    machine: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dying = tmp_path / "dockerd"
    dying.write_text("#!/bin/sh\necho no cgroups here\nexit 1\n")
    dying.chmod(0o755)
    monkeypatch.setattr(setup, "_which", lambda _: str(dying))
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0)
    monkeypatch.setattr(setup.Path, "is_dir", lambda _: False)
    monkeypatch.setattr(setup, "_answers_within", lambda _: setup.time.sleep(0.1) or False)
    with pytest.raises(EngineError, match="Docker does not start") as caught:
        setup.have_engine()
    assert "no cgroups here" in caught.value.where


def test_an_engine_that_is_named_is_not_replaced_by_another(
    machine: dict[str, object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    assert setup.main() == 1
    assert "unset DOCKER_HOST" in capsys.readouterr().err
    assert machine["ran"] == []


def test_make_lists_every_target_with_its_purpose() -> None:
    make = shutil.which("make")
    assert make
    listed = subprocess.run([make, "-s", "-C", str(REPOSITORY)], capture_output=True, text=True, check=True).stdout
    targets = {line.split()[1] for line in listed.splitlines() if line.startswith("make ")}
    (phony,) = re.findall(r"^\.PHONY: (.*)", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert targets == set(phony.split()) >= {"demo", "test", "check"}


def test_ci_runs_what_the_readme_says() -> None:
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)
    assert "exec make test" in (REPOSITORY / ".ci" / "run").read_text()
    assert "make test" in (REPOSITORY / "README.md").read_text()
