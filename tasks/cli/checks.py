"""Whether this machine, this Python, this clone and the cache are as transship needs them: one finding a check."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError
from packaging.requirements import Requirement

from converter.errors import TransshipError
from tasks import lock, manifest, photographs, toolchains
from tasks.action import decode_result
from tasks.cli.listing import sized
from tasks.manifest import Source
from tasks.terminal import harmless

OK, MISSING, BROKEN = "ok", "missing", "broken"
"""It works; it is not there and most works without it, or it is made when needed; it stands in the way."""

PATIENCE: Final = 20.0
"""Seconds that a check may take."""

CACHE_SPACE, IMAGES_SPACE = 10e9, 10e9
"""Bytes, by estimate, that a model of 0.6 GB like VGG-19 takes on all targets, and all images with their making."""

MEMORY: Final = 4e9
"""Bytes below which, by estimate, a model of 0.6 GB is not sure to be converted by TensorFlow."""

PARTS = ("converter", "images", "models", "tasks", "dodo.py", "requirements.lock")
"""What a clone has."""

_MOST_FILES: Final = 100_000
_NAMED: Final = 3


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        name: Of the check.
        state: ``OK``, ``MISSING`` or ``BROKEN``.
        said: What it means, a line.
        fix: What to do; empty where nothing is to be done.
        details: More, a line each.
    """

    name: str
    state: str
    said: str
    fix: str = ""
    details: tuple[str, ...] = ()


def bounded(name: str, check: Callable[[], Finding], patience: float = PATIENCE) -> Finding:
    """What ``check`` finds; that it does not end in time, or fails itself, is a finding, too."""
    found: list[Finding] = []

    def look() -> None:
        try:
            found.append(check())
        except TransshipError as error:
            where = f" ({error.where})" if error.where else ""
            found.append(Finding(name, BROKEN, f"{error.what}{where}", error.fix))
        except Exception as error:
            found.append(Finding(name, BROKEN, f"it cannot be told: {type(error).__name__}: {error}"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(patience)
    hangs = Finding(name, BROKEN, f"no answer in {patience:.0f} s", "see what hangs: a disk, a server, the engine")
    return next(iter(found), hangs)


def machine(
    system: str = platform.system(), processor: str = platform.machine(), meminfo: Path = Path("/proc/meminfo")
) -> Finding:
    """System, processor and memory."""
    name = "machine"
    if system != "Linux" or processor not in ("x86_64", "AMD64"):
        return Finding(name, BROKEN, f"{system} on {processor}", "use Linux on x86-64: the images are made for it")
    memory = _memory(meminfo)
    said = f"{system} on {processor}, {len(os.sched_getaffinity(0))} processors, {sized(memory)} of memory"
    if memory < MEMORY:
        return Finding(name, MISSING, said, f"convert large networks where there is more than {sized(MEMORY)}")
    return Finding(name, OK, said)


def python(wanted: Path, installed: Callable[[str], str] = version) -> Finding:
    """This Python's packages, and what is ``wanted``: a lock file."""
    name, said = "python", f"Python {platform.python_version()}, {sys.prefix}"
    missing, others = [], []
    requirements = list(_requirements(wanted))
    for requirement in requirements:
        try:
            found = installed(requirement.name)
        except PackageNotFoundError:
            missing.append(str(requirement.name))
            continue
        if found not in requirement.specifier:
            others.append(f"{requirement.name} {found}, not {str(requirement.specifier).lstrip('=')}")
    if others or missing:
        said += f": {len(others)} packages are of other versions than {wanted.name} says, {len(missing)} not there"
        return Finding(name, BROKEN if others else MISSING, said, "make setup", (*others, *missing))
    return Finding(name, OK, f"{said}: all {len(requirements)} packages as {wanted.name} says")


def clone(root: Path) -> Finding:
    """The project's folder: toolchains, models and photographs can be read."""
    name, fix = "clone", "get it again: it is not complete"
    if gone := [part for part in PARTS if not (root / part).exists()]:
        return Finding(name, BROKEN, f"{root} has no {', '.join(gone)}", fix)
    described = toolchains.toolchains(root / "images")
    for toolchain in described:
        toolchains.definition(toolchain, root / "images")
    models = manifest.load_all(root / "models")
    records = lock.Lock(root / "models" / lock.NAME)
    for model in models.values():
        if isinstance(model.source, Source):
            records.known(model.source)
    photographs.usual()
    written = [model for model in models.values() if not model.variant_of]
    return Finding(name, OK, f"{root}: {len(described)} toolchains, {len(written)} models")


def cache(folder: Path) -> Finding:
    """The cache: can be written to, and what it holds."""
    name, fix = "cache", "name another folder in TRANSSHIP_CACHE"
    there = existing(folder)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"transship")
            file.flush()
    except OSError as error:
        return Finding(name, BROKEN, f"{there} cannot be written to: {error.strerror}", fix)
    if there != folder:
        return Finding(name, OK, f"{folder}: not there yet, is made when needed")
    sizes = [size for _, size in islice(_files(folder), _MOST_FILES)]
    records = [path for path, _ in islice(_files(folder / "ac"), _MOST_FILES)]
    more = "more than " if len(sizes) == _MOST_FILES else ""
    said = (
        f"{folder}: {more}{sized(sum(sizes))}, {len(records)} records; nothing limits it, it may be removed any time"
    )
    if damaged := [path for path in records if _is_damaged(path)]:
        shown = tuple(map(str, damaged))
        return Finding(name, MISSING, f"{said}; {len(damaged)} records are damaged: their steps run again", "", shown)
    return Finding(name, OK, said)


def disk(
    places: Sequence[tuple[str, Path, float]],
    free: Callable[[Path], float] = lambda path: shutil.disk_usage(path).free,
) -> Finding:
    """Whether each of ``places`` has the space that is needed: what it is for, where, how many bytes."""
    name = "disk"
    said, short = [], []
    for what, path, needed in places:
        try:
            has = free(existing(path))
        except PermissionError:
            said.append(f"what the {what} has cannot be seen from here: {path}")
            continue
        wanted = f", {sized(needed)} needed for large models" if needed else ""
        said.append(f"{sized(has)} free for the {what}{wanted}")
        short += [str(path)] if has < needed else []
    if short:
        return Finding(name, BROKEN, "; ".join(said), f"free some at {', '.join(short)}")
    return Finding(name, OK, "; ".join(said))


def existing(path: Path) -> Path:
    """``path``, or the first folder above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists() or place == place.parent)


def listed(names: Sequence[str]) -> str:
    """The first few of ``names``, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return harmless(", ".join(names[:_NAMED]) + more)


def _memory(meminfo: Path) -> float:
    fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    return int(fields["MemTotal"].split()[0]) * 1024.0


def _requirements(path: Path) -> Iterator[Requirement]:
    """Those of a lock file that are for this Python."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file below ``folder`` and its size; what goes while one looks is not there."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            try:
                yield path, path.lstat().st_size
            except OSError:
                continue


def _is_damaged(record: Path) -> bool:
    try:
        decode_result(record.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, DecodeError, ValueError):
        return True
    return False
