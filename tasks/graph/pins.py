"""Toolchains whose images two machines could build differently: a base by tag, a package without a hash.

That every line of a lock file has its hashes, and every source its own, is seen to where these are read
(:mod:`tasks.toolchains`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tasks.toolchains import BASE

_PINNED = re.compile(r"@sha256:[0-9a-f]{64}\Z")
_GIVEN = {"${BASE}", "$BASE", "${DEBIAN}", "$DEBIAN"}
"""The images that the build names by what they hold."""

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_COPIED = re.compile(r"--(?:from|mount=\S*?\bfrom)=([^\s,]+)")
_PIP = re.compile(r"\bpip[\d.]*\s+(?:-\S+\s+)*(?:install|download|wheel)\b")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def unpinned(images: Path) -> Iterator[str]:
    """What is not pinned in the toolchains below the folder ``images``, each as a sentence."""
    bases = images / BASE / "toolchain.toml"
    for suite, release in (tomllib.loads(bases.read_text("utf-8")) if bases.is_file() else {}).items():
        if not _PINNED.search(str(release["registry"])):
            yield f"images/{BASE}/toolchain.toml: [{suite}] names {release['registry']} without @sha256:<digest>"
    for toolchain in sorted(path.parent for path in images.glob("*/toolchain.toml")):
        place = f"images/{toolchain.name}"
        yield from (
            f"{place}/Dockerfile: {what}" for what in _in_recipe((toolchain / "Dockerfile").read_text("utf-8"))
        )
        yield from (f"{place}/requirements.in: {what}" for what in _not_locked(toolchain))


def _in_recipe(text: str) -> Iterator[str]:
    """What a Dockerfile takes that is not pinned."""
    stages = {"scratch"}
    for line in _instructions(text):
        if image := _FROM.match(line):
            yield from _by_tag(image[1], stages)
            stages.add(str(image[2]).lower())
        for copied in _COPIED.findall(line):
            yield from () if copied.isdigit() else _by_tag(copied, stages)
        for command in re.split(r"[;&|]+", line):
            if _PIP.search(command) and "--require-hashes" not in command:
                yield f"pip installs without --require-hashes: {command.strip():.60}"


def _instructions(text: str) -> Iterator[str]:
    """The instructions of a Dockerfile, each on one line, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    yield from re.sub(r"\\\s*\n", " ", "\n".join(lines)).splitlines()


def _by_tag(image: str, stages: set[str]) -> Iterator[str]:
    """``image``, where it is neither given by the build nor a stage nor pinned."""
    if image not in _GIVEN and image.lower() not in stages and not _PINNED.search(image):
        yield f"the image {image} is not pinned by @sha256:<digest>, nor ${{BASE}}"


def _not_locked(toolchain: Path) -> Iterator[str]:
    """The packages that ``requirements.in`` asks for and the lock beside it does not have."""
    wanted, lock = toolchain / "requirements.in", toolchain / "requirements.lock"
    locked = _names(lock)
    for key, name in _names(wanted).items():
        if key not in locked:
            yield f"{name} is not in requirements.lock, and so not pinned by hash"


def _names(requirements: Path) -> dict[str, str]:
    """The packages that a file of requirements names at the beginning of a line, by their normal names (PEP 503)."""
    if not requirements.is_file():
        return {}
    found = (_NAME.match(line) for line in requirements.read_text("utf-8").splitlines())
    return {re.sub(r"[-_.]+", "-", name[0]).lower(): name[0] for name in found if name}
