"""Files that lie below one folder of a server: from the user's own copies, from a mirror, from the server.

In a mirror that is a folder of this machine a file may lie at its path, as on the server, or as ``<model>/<file>``:
several models have files of the same names, so that a name alone says nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tasks import lock
from tasks.action import Digest, Tree
from tasks.download import DISTRUST, Changed, Wanted, first, from_url, nowhere, public
from tasks.index import DownloadError
from tasks.manifest import SEEDED, File, Source, fault

MIRROR = "TRANSSHIP_MIRROR"
"""The environment variable that names a mirror: a folder or a URL, asked before the servers of a manifest."""

LARGEST_SYMBOL = 16 << 20
"""Most bytes of a symbol whose size is not published; that of a network with 1000 layers has one million."""

_MAGIC = (0x112).to_bytes(8, "little")
"""What files of MXNet's ``nd.save`` begin with."""

_HEADS = {
    b"<": "a page of HTML or XML",
    b"version https://git-lfs": "a pointer of Git LFS",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "compressed by gzip",
}


@dataclass(frozen=True)
class Found:
    """A file that was got.

    Attributes:
        path: Where it is now.
        url: Where it was, without credentials.
        is_local: Whether that was on this machine.
    """

    path: Path
    url: str
    is_local: bool


def fetch(source: Source, known: Tree, folder: Path, own: Path | None) -> dict[str, Found]:
    """Get every file of ``source``, all or none.

    Args:
        source: What to get; its files lie below its ``base``.
        known: The digests of its files, as far as they are known. Of the others only the kind is checked.
        folder: An empty, private folder.
        own: Where the user may have put files already; they are copied.

    Returns:
        What was got, by file name.

    Raises:
        DownloadError: A file cannot be had or is another one; the environment names a mirror that is none.
        OSError: ``folder`` cannot be written to.
    """
    mirror = named()
    found: dict[str, Found] = {}
    try:
        for file in source.files:
            target = folder / file.name
            wanted = _wanted(file, known.get(file.name))
            found[file.name] = _own(file, wanted, target, own) or _elsewhere(source, file, wanted, target, mirror)
    except BaseException:
        for got in found.values():
            got.path.unlink(missing_ok=True)
        raise
    return found


def named() -> str:
    """The URL of the mirror that the environment names, with a slash at its end; empty where it names none.

    Raises:
        DownloadError: What it names is neither a folder nor a URL.
    """
    place = os.environ.get(MIRROR, "")
    if not place:
        return ""
    is_url = "://" in place
    if wrong := fault(place) if is_url else "":
        raise DownloadError(f"{MIRROR} is {place!r:.80}, {wrong}", fix="name a folder, or a URL of http or https")
    if is_url and urlsplit(place).scheme != "file":
        return f"{place.removesuffix('/')}/"
    folder = Path(url2pathname(urlsplit(place).path)) if is_url else Path(place).expanduser().absolute()
    if not folder.is_dir():
        raise DownloadError(
            f"{MIRROR} is {place!r:.80}, which is no folder", where=repr(str(folder)), fix="name one, or a URL"
        )
    return f"{folder.as_uri().removesuffix('/')}/"


def _wanted(file: File, digest: Digest | None) -> Wanted:
    witness = "the manifest describes" if file.digest else f"{lock.NAME} has on record"
    return Wanted(file.name, digest, witness, LARGEST_SYMBOL if file.role == "graph" else None)


def _own(file: File, wanted: Wanted, target: Path, own: Path | None) -> Found | None:
    """The user's own copy, if there is one; a wrong one is an error, for it would be lost if another came instead."""
    if own is None or not (own / file.name).is_file():
        return None
    try:
        return _take(file, wanted, (own / file.name).absolute().as_uri(), target)
    except DownloadError as error:
        is_recorded = isinstance(error, Changed) and file.digest is None
        trusted = f"; if you trust it, remove its entry from models/{lock.NAME}" if is_recorded else ""
        fix = f"put the right one there, or remove it to have it downloaded{trusted}"
        raise DownloadError(error.what, where=str(own / file.name), fix=fix) from error


def _elsewhere(source: Source, file: File, wanted: Wanted, target: Path, mirror: str) -> Found:
    urls = [_mirrored(source, file, mirror)] if mirror else []
    urls += [base + file.path for base in source.base]
    found = first(urls, lambda url: _take(file, wanted, url, target))
    if isinstance(found, Found):
        return found
    failure = nowhere(f"{file.name} of {source.model}" if source.model else file.name, found, _advice(source))
    changed = next((error for error in found if isinstance(error, Changed)), None)
    if changed is None:
        raise failure
    remove = "" if file.digest else f"; once you do, remove its entry from models/{lock.NAME}"
    raise DownloadError(changed.what, where=failure.where, fix=f"{DISTRUST}{remove}") from changed


def _mirrored(source: Source, file: File, mirror: str) -> str:
    """Where a mirror has ``file``, if it does."""
    url = mirror + file.path
    if not mirror.startswith("file:") or not source.model:
        return url
    folder = Path(url2pathname(urlsplit(mirror).path))
    other = Path(source.model, file.name)
    return mirror + other.as_posix() if not (folder / file.path).exists() and (folder / other).exists() else url


def _advice(source: Source) -> str:
    own = f", or put it into build/{source.model}/source/" if source.model else ""
    seeded = f"; weights={SEEDED} makes another model of the same structure" if source.has_variant else ""
    return f"name a folder or URL that has it in {MIRROR}{own}{seeded}"


def _take(file: File, wanted: Wanted, url: str, target: Path) -> Found:
    path = from_url(wanted, url, target)
    try:
        if wanted.digest is None:
            _check_kind(file, path, url)
    except BaseException:
        path.unlink()
        raise
    return Found(path, public(url), urlsplit(url).scheme == "file")


def _check_kind(file: File, path: Path, url: str) -> None:
    what, is_one = _KINDS.get(file.role, ("", None))
    if is_one and not is_one(path):
        raise DownloadError(f"{file.name} is not {what} but {_instead(path)}", where=public(url))


def _is_symbol(path: Path) -> bool:
    try:
        symbol = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(symbol, dict) and isinstance(symbol.get("nodes"), list) and bool(symbol["nodes"])


def _is_params(path: Path) -> bool:
    return _head(path).startswith(_MAGIC)


_KINDS: dict[str, tuple[str, Callable[[Path], bool]]] = {
    "graph": ("a symbol of MXNet", _is_symbol),
    "weights": ("a params file of MXNet", _is_params),
}
"""By role: what a file is to be, and whether it is."""


def _head(path: Path) -> bytes:
    with path.open("rb") as reader:
        return reader.read(64)


def _instead(path: Path) -> str:
    """What a file is, to be read behind "is"."""
    head = _head(path)
    if not head:
        return "empty"
    known = next((what for start, what in _HEADS.items() if head.lstrip().startswith(start)), None)
    return known or f"something that begins with {head[:16]!r}"
