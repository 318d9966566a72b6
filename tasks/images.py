"""Toolchain images: what they are made of, whether this machine has them, and who they are.

Three names for an image, from cheap to certain:

- its *definition*, a digest of all that determines the build (Dockerfile, locks, sources, the image below it): known
  without an engine;
- its *identity*, a digest of what it holds (Debian packages by version, Python packages by wheel, sources by hash,
  the recipe): equal on every machine that built the same. Part of every key;
- its id in the local engine: what a container is started from.

A *record* ties the three together on one machine. A toolchain is one folder below ``images/``; the Debian releases
that they build on are the tables of ``images/base/toolchain.toml``, as toolchains ``base-<suite>``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import ImageError
from tasks.index import Pin, Target, read_lock

if TYPE_CHECKING:
    import docker

    from tasks.builder import Progress

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
        wheels: Python packages, installed from a lock.
        tools: Python packages that the build itself uses (pip).
        sources: Files of the package index that the recipe compiles.
    """

    name: str
    debian: Debian
    dockerfile: str
    parent: str | None = None
    wheels: tuple[Pin, ...] = ()
    tools: tuple[Pin, ...] = ()
    sources: tuple[Pin, ...] = ()


@dataclass(frozen=True)
class Identity:
    """An image that this machine has built or has a record of.

    Attributes:
        toolchain: Its name.
        definition: Digest of the description that it was built from.
        identity: Digest of ``contents``: the image's part of a key.
        contents: ``base``, ``recipe``, ``architecture``, and version by name in ``debian``, ``python``, ``sources``,
            ``build`` (the Debian packages that compiled it).
        image: Its id in the engine that built it.
    """

    toolchain: str
    definition: str
    identity: str
    contents: Mapping[str, Any]
    image: str

    @property
    def tag(self) -> str:
        """The name that the engine shows it under."""
        return f"transship/{self.toolchain}:{self.identity[:12]}"


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
        return Toolchain(toolchain, debian, _text(root / BASE / "Dockerfile"))
    folder = root / toolchain
    data = _toml(folder / "toolchain.toml")
    if unknown := sorted(data.keys() - {"base", "sources"}):
        raise ImageError(f"{', '.join(unknown)}: no such key", where=str(folder / "toolchain.toml"))
    debian = _debian(str(data.get("base")), bases, folder)
    wheels = _pins(folder / "requirements.lock")
    return Toolchain(
        toolchain,
        debian,
        _text(folder / "Dockerfile"),
        parent=f"{BASE}-{debian.suite}",
        wheels=wheels,
        tools=_pins(root / BASE / "requirements.lock") if wheels else (),
        sources=tuple(_source(item, folder) for item in sorted(data.get("sources", {}).items())),
    )


def definition(toolchain: str, root: Path = ROOT) -> str:
    """Digest of everything that determines the build of a toolchain's image. Reads files, asks no engine.

    Comments and blank lines of the description do not count; step scripts beside it are no part of the image.
    """
    described = describe(toolchain, root)
    pins = {
        kind: {pin.requirement: sorted(pin.sha256) for pin in getattr(described, kind)}
        for kind in ("wheels", "tools", "sources")
    }
    return _digest(
        {
            "schema": SCHEMA,
            "base": [described.debian.suite, described.debian.registry, list(described.debian.packages)],
            "recipe": recipe(described, root),
            **pins,
        }
    )


def recipe(described: Toolchain, root: Path = ROOT) -> str:
    """Digest of a toolchain's build instructions, those of the image below it included."""
    lines = [line.rstrip() for line in described.dockerfile.splitlines()]
    below = recipe(describe(described.parent, root), root) if described.parent else ""
    return _digest([below, [line for line in lines if line and not line.startswith("#")]])


def identity(toolchain: str, records: Path, root: Path = ROOT) -> Identity | None:
    """The identity of a toolchain's image as now described, if this machine knows it. Asks no engine.

    Args:
        toolchain: Its name.
        records: The folder of records, one JSON file a definition.
        root: The folder of toolchains.

    Returns:
        None where there is no record, or one that does not agree with itself.
    """
    name = definition(toolchain, root)
    try:
        data = json.loads((records / f"{name}.json").read_text())
        known = Identity(toolchain, name, data["identity"], data["contents"], data["image"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if known.identity == _digest(known.contents) else None


def ensure(
    toolchain: str,
    records: Path,
    client: docker.DockerClient,
    progress: Progress | None = None,
    root: Path = ROOT,
) -> Identity:
    """Have a toolchain's image in the engine: build it, and the one below it, where it is missing.

    Args:
        toolchain: Its name.
        records: The folder of records; made if missing. Its lock file keeps two builders of one image apart.
        client: The engine.
        progress: Where the build is shown; a quiet one if None.
        root: The folder of toolchains.

    Returns:
        The image's identity, recorded. Where a Debian mirror has moved on since an earlier record, it is another one,
        and ``progress`` tells what changed.

    Raises:
        ImageError: The build fails.
        DownloadError: A wheel or source cannot be had.
        EngineError: The engine went away.
    """
    from tasks import builder

    known = identity(toolchain, records, root)
    if known and builder.has(client, known.image):
        return known
    described = describe(toolchain, root)
    parent = ensure(described.parent, records, client, progress, root) if described.parent else None
    name, instructions = definition(toolchain, root), recipe(described, root)
    records.mkdir(parents=True, exist_ok=True)
    with _locked(records / f"{name}.lock"):
        known = identity(toolchain, records, root)
        if known and builder.has(client, known.image):
            return known
        shown = progress or builder.Progress(quiet=True)
        image = builder.find(client, toolchain, name)
        if not image:
            site = builder.Site(client, records / "files", records / f"{toolchain}.log", shown)
            image = builder.build(site, described, name, parent.image if parent else None)
        contents = {"recipe": instructions, **builder.contents(client, described, image)}
        found = Identity(toolchain, name, _digest(contents), contents, image)
        builder.tag(client, found.image, found.tag)
        _write(records / f"{name}.json", found)
        for line in difference(known.contents, found.contents) if known else ():
            shown.note(f"image {toolchain} is not what it was: {line}")
        return found


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What changed between two ``contents``, one readable line a change; empty where they are equal."""
    lines = []
    for part in sorted(old.keys() | new.keys()):
        before, after = old.get(part), new.get(part)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for name in sorted(before.keys() | after.keys()):
                lines += _change(f"{part}: {name}", before.get(name), after.get(name))
        else:
            lines += _change(part, before, after)
    return lines


def _change(what: str, before: object, after: object) -> list[str]:
    """One line on a value that is not the same any more."""
    if before == after:
        return []
    if before is None:
        return [f"{what} added ({after})"]
    if after is None:
        return [f"{what} removed (was {before})"]
    return [f"{what} {before} -> {after}"]


def _debian(suite: str, bases: Mapping[str, Any], where: Path) -> Debian:
    """The release of that name from ``images/base/toolchain.toml``."""
    try:
        data = bases[suite]
        python, glibc = (tuple(int(part) for part in data[key].split(".")) for key in ("python", "glibc"))
        target = Target((python[0], python[1]), (glibc[0], glibc[1]))
        return Debian(suite, data["registry"], target, tuple(data["packages"]))
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        fix = f"use one of {', '.join(bases)}, or describe it in images/{BASE}/toolchain.toml"
        raise ImageError(f"{suite!r} is not a described Debian release", where=str(where), fix=fix) from error


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


def _digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, found: Identity) -> None:
    """Keep a record: whole, or not at all."""
    data = {
        "toolchain": found.toolchain,
        "identity": found.identity,
        "image": found.image,
        "contents": found.contents,
    }
    descriptor, part = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, sort_keys=True)
        os.chmod(part, 0o644)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the system releases if this process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
