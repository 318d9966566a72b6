"""Toolchains: what their images are made of, as the folders below ``images/`` say.

A toolchain is one folder. The Debian releases that toolchains stand on are the tables of
``images/base/toolchain.toml``, and toolchains themselves: ``base-<suite>``. A toolchain's *definition* is a digest of
all that determines its build (Dockerfile, locks, sources, the image below it), known without an engine.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tasks.errors import ImageError
from tasks.index import Pin, Target, read_lock

ROOT = Path(__file__).resolve().parent.parent / "images"
BASE = "base"
SCHEMA = 1


@dataclass(frozen=True)
class Debian:
    """A Debian release as a base for toolchains.

    Attributes:
        suite: Its code name.
        registry: Where a container registry has it, by digest.
        target: Python and C library, to choose wheels by.
        packages: Debian packages that every toolchain on it gets.
    """

    suite: str
    registry: str
    target: Target
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Toolchain:
    """One image, as described by its folder.

    Attributes:
        name: ``mxnet``, ``base-bullseye``.
        debian: The release it stands on.
        dockerfile: The recipe's text.
        parent: The toolchain that ``BASE`` names in the recipe; None for a ``base-<suite>``.
        python: The Python that runs its steps, ``(3, 9)``; the release's own where the folder names no other.
        wheels: Python packages for it, installed from a lock.
        tools: Python packages that the build itself uses (pip).
        sources: Files of the package index that the recipe compiles.
    """

    name: str
    debian: Debian
    dockerfile: str
    python: tuple[int, int]
    parent: str | None = None
    wheels: tuple[Pin, ...] = ()
    tools: tuple[Pin, ...] = ()
    sources: tuple[Pin, ...] = ()

    @property
    def interpreter(self) -> str:
        """The program that runs its steps."""
        return "python3" if self.python == self.debian.target.python else f"python{self.python[0]}.{self.python[1]}"

    @property
    def target(self) -> Target:
        """The machine that its wheels are for."""
        return replace(self.debian.target, python=self.python)


def toolchains(root: Path = ROOT) -> list[str]:
    """Every toolchain: the bases that are used, and the folders below ``images/``."""
    names = sorted(path.parent.name for path in root.glob("*/toolchain.toml") if path.parent.name != BASE)
    bases = {describe(name, root).parent for name in names}
    return sorted(base for base in bases if base) + names


def describe(toolchain: str, root: Path = ROOT) -> Toolchain:
    """Read a toolchain's folder.

    Raises:
        ImageError: There is no such toolchain, or its description is not understood.
    """
    bases = _toml(root / BASE / "toolchain.toml")
    if toolchain.startswith(f"{BASE}-"):
        debian = _debian(toolchain.removeprefix(f"{BASE}-"), bases, root)
        return Toolchain(toolchain, debian, _text(root / BASE / "Dockerfile"), debian.target.python)
    folder = root / toolchain
    data = _toml(folder / "toolchain.toml")
    if unknown := sorted(data.keys() - {"base", "python", "sources"}):
        raise ImageError(f"{', '.join(unknown)}: no such key", where=str(folder / "toolchain.toml"))
    debian = _debian(str(data.get("base")), bases, folder)
    wheels = _pins(folder / "requirements.lock")
    return Toolchain(
        toolchain,
        debian,
        _text(folder / "Dockerfile"),
        _version(data["python"], folder / "toolchain.toml") if "python" in data else debian.target.python,
        parent=f"{BASE}-{debian.suite}",
        wheels=wheels,
        tools=_pins(root / BASE / "requirements.lock") if wheels else (),
        sources=tuple(_source(item, folder) for item in sorted(data.get("sources", {}).items())),
    )


@cache
def interpreter(toolchain: str, root: Path) -> str:
    """The program that runs a toolchain's steps; a process that asks again gets the answer of the first time."""
    return describe(toolchain, root).interpreter


def definition(toolchain: str, root: Path = ROOT) -> str:
    """Digest of everything that determines the build of a toolchain's image. Reads files, asks no engine.

    Comments and blank lines of the description do not count; step scripts beside it are no part of the image.
    """
    described = describe(toolchain, root)
    pins = {
        kind: {pin.requirement: sorted(pin.sha256) for pin in getattr(described, kind)}
        for kind in ("wheels", "tools", "sources")
    }
    return digest_of(
        {
            "schema": SCHEMA,
            "base": [described.debian.suite, described.debian.registry, list(described.debian.packages)],
            "recipe": recipe(described, root),
            **({} if described.python == described.debian.target.python else {"python": list(described.python)}),
            **pins,
        }
    )


def recipe(described: Toolchain, root: Path = ROOT) -> str:
    """Digest of a toolchain's build instructions, those of the image below it included."""
    lines = [line.rstrip() for line in described.dockerfile.splitlines()]
    below = recipe(describe(described.parent, root), root) if described.parent else ""
    return digest_of([below, [line for line in lines if line and not line.startswith("#")]])


_PINNED = re.compile(r"[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}")


def _debian(suite: str, bases: Mapping[str, Any], where: Path) -> Debian:
    """The release of that name from ``images/base/toolchain.toml``."""
    try:
        data = bases[suite]
        python, glibc = (tuple(int(part) for part in data[key].split(".")) for key in ("python", "glibc"))
        target = Target((python[0], python[1]), (glibc[0], glibc[1]))
        registry, packages = str(data["registry"]), tuple(data["packages"])
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        fix = f"use one of {', '.join(bases)}, or describe it in images/{BASE}/toolchain.toml"
        raise ImageError(f"{suite!r} is not a described Debian release", where=str(where), fix=fix) from error
    if not _PINNED.fullmatch(registry):
        fix = "name it by digest: debian:bookworm-slim@sha256:..."
        what = f"the image {registry!r} is not pinned: a tag is another image tomorrow"
        raise ImageError(what, where=str(where), fix=fix)
    return Debian(suite, registry, target, packages)


def _version(text: object, where: Path) -> tuple[int, int]:
    """``"2.7"`` as numbers."""
    try:
        major, minor = (int(part) for part in str(text).split("."))
    except ValueError as error:
        raise ImageError(f"{text!r} is no version of Python", where=str(where), fix='write it as "2.7"') from error
    return major, minor


def _source(item: tuple[str, str], folder: Path) -> Pin:
    """One line of ``[sources]``."""
    requirement, sha256 = item
    (pin,) = read_lock(f"{requirement} --hash=sha256:{sha256}", str(folder / "toolchain.toml"))
    return pin


def _pins(lock: Path) -> tuple[Pin, ...]:
    """A lock file's pins; none where there is no lock file."""
    return read_lock(lock.read_text(), str(lock)) if lock.is_file() else ()


def _toml(path: Path) -> dict[str, Any]:
    """Parse a description."""
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ImageError(f"not TOML: {error}", where=str(path)) from error


def _text(path: Path) -> str:
    """Read a file of a toolchain's folder."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(folder.parent.name for folder in path.parent.parent.glob("*/toolchain.toml")))
        raise ImageError(
            f"{path.parent.name} is not a toolchain: {path.name} cannot be read",
            where=str(path),
            fix=f"known: {known}",
        ) from error


def digest_of(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
