"""``make engine``: have a container engine that answers, installing and starting one where that is possible.

Needs nothing but the standard library, and is silent where nothing is to be done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from converter.errors import TransshipError
from tasks import engine
from tasks.errors import EngineError

ENGINE_PACKAGES = ("docker.io",)
BOOTSTRAP_PACKAGES = ("mmdebstrap", "debian-archive-keyring", "ca-certificates")
"""What makes a Debian base where no image registry can be reached."""

DAEMON = ("dockerd", "--bridge=none", "--iptables=false", "--ip-masq=false")
"""Steps have no network and builds use the host's, so that the engine needs none of its own."""

LOG = Path("/var/log/transship-dockerd.log")
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
PATIENCE = 60


def main() -> int:
    """Have an engine, or say what to do; the exit code."""
    try:
        have_engine()
    except TransshipError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def have_engine() -> None:
    """Return once an engine answers.

    Raises:
        EngineError: None does, and this user on this machine cannot change that.
    """
    problem = engine.problem(os.environ)
    if problem:
        if os.environ.get("DOCKER_HOST") or engine.refused(os.environ):
            raise problem
        _install_engine()
        _start_engine()
    if not _which("mmdebstrap") and _can_install():
        _install(BOOTSTRAP_PACKAGES)


def _install_engine() -> None:
    """Install Docker, if it is not there."""
    if _which("dockerd"):
        return
    if not _can_install():
        by_hand = "sudo apt-get install --no-install-recommends docker.io mmdebstrap && sudo make engine"
        fix = f"install one, on Debian or Ubuntu: `{by_hand}`; elsewhere Docker or Podman as your system has it"
        raise EngineError("there is no container engine on this machine", fix=fix)
    missing = [] if _which("mmdebstrap") else BOOTSTRAP_PACKAGES
    _install((*ENGINE_PACKAGES, *missing))


def _start_engine() -> None:
    """Start Docker and wait until it answers."""
    if _answers_within(2):
        return
    systemd = Path("/run/systemd/system").is_dir()
    by_hand = "sudo systemctl start docker" if systemd else "sudo make engine"
    if os.geteuid() != 0:
        raise EngineError("the container engine is not running", fix=f"start it: `{by_hand}`")
    if systemd:
        _say("starting Docker: systemctl start docker")
        _run(("systemctl", "start", "docker"))
        if not _answers_within(PATIENCE):
            raise EngineError("Docker does not start", fix="see `journalctl -u docker`")
        return
    _start_daemon()


def _start_daemon() -> None:
    """Start Docker where no init system does: detached, so that it outlives this process and its terminal."""
    program = _which(DAEMON[0]) or DAEMON[0]
    _say(f"starting Docker: {' '.join(DAEMON)} (log: {LOG})")
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            [program, *DAEMON[1:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"},
        )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if _answers_within(0.5):
            return
        if process.poll() is not None:
            break
    end = LOG.read_text(errors="replace").splitlines()[-5:]
    raise EngineError(
        "Docker does not start", where="\n    ".join([str(LOG), *end]), fix="see the log; is this a container?"
    )


def _answers_within(seconds: float) -> bool:
    """Whether an engine answers soon."""
    deadline = time.monotonic() + seconds
    while engine.problem(os.environ):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _can_install() -> bool:
    """Whether packages can be installed: root, with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(packages: Sequence[str]) -> None:
    """Install Debian packages; fetches the package lists only where it does not work without."""
    command = (
        "apt-get",
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
        *packages,
    )
    _say(f"apt-get install {' '.join(packages)}")
    if not _runs(command):
        _run(("apt-get", "update", "-q"))
        _run(command)


def _run(command: Sequence[str]) -> None:
    """Run a command that has to succeed."""
    if not _runs(command, show=True):
        raise EngineError(
            f"this failed: {' '.join(command)}", fix="see its message above, then run the same command again"
        )


def _runs(command: Sequence[str], *, show: bool = False) -> bool:
    """Whether a command succeeds; ``show`` prints what it says where it does not."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        check=False,
    )
    if done.returncode and show:
        sys.stderr.write(done.stdout.decode(errors="replace"))
    return done.returncode == 0


def _which(program: str) -> str | None:
    """Where a program is, a system's daemon included."""
    return shutil.which(program) or shutil.which(program, path=SYSTEM_PATH)


def _say(what: str) -> None:
    """Tell what is being done."""
    print(f"set-up: {what}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
