"""Toolchain images on this machine: whether they are built, and who they are.

Three names for an image, from cheap to certain:

- its *definition*, a digest of what it is to be made of: see :mod:`tasks.toolchains`;
- its *identity*, a digest of what it holds (Debian packages by version, Python packages by wheel, sources by hash,
  the recipe): equal on every machine that built the same. Part of every key;
- its id in the local engine: what a container is started from.

A *record* ties the three together on one machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.action import Digest
from tasks.toolchains import ROOT, definition, describe, digest_of, recipe

if TYPE_CHECKING:
    import docker

    from tasks.builder import Progress


IDENTITY = "identity.json"
"""The file by which a cache knows an image."""


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
    return known if known.identity == digest_of(known.contents) else None


def key(toolchain: str, root: Path = ROOT) -> Digest:
    """Under which a cache keeps the identity of a toolchain's image as now described."""
    return Digest.of(b"image " + definition(toolchain, root).encode())


def written(known: Identity) -> bytes:
    """What others are told of an image: not its id, which means something to one engine only."""
    data = {"toolchain": known.toolchain, "identity": known.identity, "contents": known.contents}
    return json.dumps(data, sort_keys=True).encode()


def read(content: bytes) -> str | None:
    """The identity in what others have written; None where it does not agree with itself."""
    try:
        data = json.loads(content)
        return str(data["identity"]) if data["identity"] == digest_of(data["contents"]) else None
    except (ValueError, KeyError, TypeError):
        return None


def contents(records: Path, identity: str) -> Mapping[str, Any] | None:
    """What an image of ``identity`` holds, whatever it was built from; None where no record of it is left."""
    for path in sorted(records.glob("*.json")):
        try:
            data = json.loads(path.read_text())
            if data["identity"] == identity == digest_of(data["contents"]):
                found: Mapping[str, Any] = data["contents"]
                return found
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


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
        found = Identity(toolchain, name, digest_of(contents), contents, image)
        builder.tag(client, found.image, found.tag)
        if known and known.identity != found.identity:
            _write(records / f"{known.identity}.json", known)
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
