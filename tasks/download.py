"""Fetches files: from the package index, from URLs or from a model zoo, each checked before anybody sees it."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tasks import index, terminal
from tasks.action import Digest
from tasks.index import DownloadError
from tasks.manifest import PARAMETERS, SEEDED, Archive, File, Source
from tasks.published import Published
from tasks.store import Readable, copy

if TYPE_CHECKING:
    from requests import Response
    from requests.exceptions import RequestException

RETRIES = 2
CHUNK = 1 << 20
TIMEOUT = (10, 60)
"""Seconds to connect, and between two pieces of an answer."""

PATIENCE = 1.0
"""Seconds after which a download is worth showing."""

REPOSITORY = "MXNET_GLUON_REPO"
"""The environment variable that names a mirror of Gluon's model zoos, to MXNet itself as well."""

LARGEST = 1 << 31
"""Most bytes of a model zoo's file, packed or unpacked: their sizes are not published."""

_REDIRECTS = 10
_SPARE = 64 << 20
_RATIO = 50
"""A compressed archive that grows more than this, and by more than ``_SPARE`` bytes, is not read further."""

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_ENDS = frozenset({"content-length", "transfer-encoding"})
"""Headers by which urllib3 knows where a body ends, and fails if it ends earlier."""

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
)
"""What the standard library raises for archives that are damaged, encrypted or compressed in an unknown way."""

DISTRUST = "nothing was kept; find out who changed it before you trust it"
_ELSEWHERE = (
    f"name a mirror in {REPOSITORY}, or your own copy of the file in the manifest (source.files.{PARAMETERS}); "
    f'weights = "{SEEDED}" makes another model of the same structure'
)


T = TypeVar("T")


class Changed(DownloadError):
    """What came is not the file whose digest is known."""


@dataclass(frozen=True)
class Wanted:
    """What a transfer is to bring.

    Attributes:
        name: Of the file.
        digest: Its content, if it is known.
        witness: What says so.
        limit: Bytes that it can have if its content is not known; None for ``LARGEST``.
    """

    name: str
    digest: Digest | None = None
    witness: str = "the manifest describes"
    limit: int | None = None

    @property
    def most(self) -> int:
        """Bytes that it can have."""
        return self.digest.size if self.digest else self.limit or LARGEST


def fetch(source: Source, folder: Path, archives: Path) -> dict[str, Path]:
    """Get every file of ``source``.

    Args:
        source: What to get.
        folder: An empty, private folder; on success it holds the files, on an error or an interruption none.
        archives: Where wheels and sdists are kept for the next model in the same one; checked each time.

    Returns:
        Path by file name, content checked against the manifest.

    Raises:
        DownloadError: A file cannot be had or is not the one described. Both digests are in the message.
        OSError: ``folder`` or ``archives`` cannot be written to.
    """
    archive = _archive(source.archive, folder, archives) if source.archive else None
    fetched: dict[str, Path] = {}
    try:
        for file in source.files:
            target = folder / file.name
            fetched[file.name] = _member(archive, file, target) if archive else _from_urls(file, target)
    except BaseException:
        for path in fetched.values():
            path.unlink(missing_ok=True)
        raise
    return fetched


def fetch_published(file: Published, folder: Path) -> Path:
    """Get a file of a model zoo, from its publisher or the mirror that the environment names.

    Args:
        file: What to get.
        folder: A private folder; on an error or an interruption nothing is left in it.

    Raises:
        DownloadError: It cannot be had, or is not the file of that SHA-1.
    """
    base = os.environ.get(REPOSITORY) or file.base
    if urlsplit(base).scheme not in ("http", "https", "file"):
        raise DownloadError(
            f"{REPOSITORY} is {base!r:.80}, which is no URL", fix="let it begin with https://, http:// or file:///"
        )
    url = f"{base.removesuffix('/')}/{file.path}"
    archive = folder / Path(file.path).name
    try:
        from_url(Wanted(archive.name), url, archive)
        return _unpacked(file, archive, url)
    except DownloadError as error:
        raise DownloadError(
            f"the trained weights {file.name} cannot be had: {error.what}", where=error.where, fix=_ELSEWHERE
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _unpacked(file: Published, archive: Path, url: str) -> Path:
    """The published file, taken out of the archive that was got from ``url``."""
    target = archive.with_name(file.name)
    try:
        with _open_zip(archive, file.name) as reader, _fresh(target) as writer:
            if copy(_Bounded(reader, LARGEST), writer).size > LARGEST:
                raise DownloadError(f"{file.name} has more than {LARGEST} bytes", where=public(url))
    except (KeyError, NotAFileError):
        raise DownloadError(f"{archive.name} has no file {file.name}", where=public(url)) from None
    except _DAMAGED as error:
        raise DownloadError(f"{archive.name} cannot be unpacked: {error}", where=public(url)) from error
    with target.open("rb") as reader:
        found = hashlib.file_digest(reader, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    if found != file.sha1:
        target.unlink()
        raise DownloadError(f"it has sha1 {found}, expected {file.sha1}", where=public(url))
    return target


def _archive(archive: Archive, folder: Path, archives: Path) -> Path:
    """The archive from ``archives``, without asking anybody, or through ``folder`` from the package index."""
    archives.mkdir(parents=True, exist_ok=True)
    for path in sorted(archives.iterdir()):
        if path.is_file() and path.stat().st_size == archive.digest.size:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == archive.digest.hash:
                    return path
    with shown(archive.requirement, archive.digest.size) as progress:
        path = index.fetch(
            archive.requirement, [archive.digest.hash], folder, limit=archive.digest.size, progress=progress
        )
    size = path.stat().st_size
    if size != archive.digest.size:
        path.unlink()
        raise DownloadError(
            f"{path.name} has {size} bytes, the manifest says {archive.digest.size}",
            where=str(path),
            fix="correct the size in the manifest",
        )
    return path.rename(archives / path.name)


def _member(archive: Path, file: File, target: Path) -> Path:
    """Extract one member, by its exact name, as a regular file of the declared size."""
    wanted = Wanted(file.name, file.digest)
    try:
        with _open(archive, file.path) as reader, _fresh(target) as writer:
            found = copy(_Bounded(reader, wanted.most), writer)
            _check(wanted, found, f"{archive.name}: {file.path}")
    except (KeyError, NotAFileError):
        raise DownloadError(
            f"{archive.name} has no file {file.path}", where=str(archive), fix="correct the path in the manifest"
        ) from None
    except _DAMAGED as error:
        raise DownloadError(
            f"{archive.name} cannot be unpacked: {error}", where=f"{archive}: {file.path}", fix=DISTRUST
        ) from error
    return target


class NotAFileError(Exception):
    """The member is a folder, a link or a device."""


def _open(archive: Path, member: str) -> AbstractContextManager[IO[bytes]]:
    if archive.name.endswith((".tar.gz", ".tgz")):
        return _open_tar(archive, member)
    return _open_zip(archive, member)


@contextmanager
def _open_zip(archive: Path, member: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo(member)
        if info.is_dir() or stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise NotAFileError
        with opened.open(info) as reader:
            yield reader


@contextmanager
def _open_tar(archive: Path, member: str) -> Iterator[IO[bytes]]:
    most = archive.stat().st_size * _RATIO + _SPARE
    with gzip.open(archive) as unpacked:
        stream = cast(IO[bytes], _Metered(unpacked, most))
        with tarfile.open(fileobj=stream, mode="r|") as opened:
            info = next((info for info in opened if info.name == member), None)
            reader = opened.extractfile(info) if info and info.isreg() else None
            if reader is None:
                raise NotAFileError
            with reader:
                yield reader


class _Bounded:
    """A stream that gives at most one byte more than ``limit``: enough to see that there are too many."""

    def __init__(self, reader: Readable, limit: int) -> None:
        self._reader = reader
        self._left = limit + 1

    def read(self, size: int) -> bytes:
        data = self._reader.read(min(size, self._left))
        self._left -= len(data)
        return data


class _Metered(_Bounded):
    """A stream that fails beyond ``limit``."""

    def read(self, size: int) -> bytes:
        data = super().read(size)
        if not self._left:
            raise tarfile.ReadError("it unpacks to far more than an archive of models does")
        return data


@contextmanager
def _fresh(target: Path) -> Iterator[BinaryIO]:
    """A new file, removed again if what it was opened for fails."""
    with target.open("xb") as writer:
        try:
            yield writer
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _from_urls(file: File, target: Path) -> Path:
    """The file from the first of its URLs that has it; what was wrong with each of them if none does."""
    wanted = Wanted(file.name, file.digest)
    found = first(file.urls, lambda url: from_url(wanted, url, target))
    if isinstance(found, Path):
        return found
    if len(found) == 1:
        raise found[0]
    raise nowhere(file.name, found, "check the network, or add a mirror to the manifest's urls")


def first(urls: Sequence[str], take: Callable[[str], T]) -> T | list[DownloadError]:
    """What ``take`` gets from the first of ``urls`` that it gets anything from, else what was wrong with each."""
    failures: list[DownloadError] = []
    for place, url in enumerate(urls):
        try:
            return take(url)
        except DownloadError as error:
            failures.append(error)
            for following in urls[place + 1 : place + 2]:
                say(f"{error.what} ({error.where}); trying {public(following)}")
    return failures


def nowhere(name: str, failures: Sequence[DownloadError], fix: str) -> DownloadError:
    """The error for a file that no place has."""
    places = f"any of {len(failures)} places" if len(failures) > 1 else "the only place that is known"
    return DownloadError(
        f"{name} cannot be had from {places}",
        where="; ".join(f"{error.where}: {error.what}" for error in failures),
        fix=fix,
    )


def from_url(file: Wanted, url: str, target: Path) -> Path:
    """What ``url`` leads to, as the new file ``target``.

    Raises:
        DownloadError: It cannot be had, or is not the file that is wanted; there is no file ``target`` then.
    """
    return _from_file(file, url, target) if urlsplit(url).scheme == "file" else _from_web(file, url, target)


def _from_file(file: Wanted, url: str, target: Path) -> Path:
    path = Path(url2pathname(urlsplit(url).path))
    if not path.is_file():
        raise DownloadError(f"{file.name} cannot be had: there is no such file", where=url, fix="correct the address")
    with path.open("rb") as reader, _fresh(target) as writer:
        _check(file, copy(_Bounded(reader, file.most), writer), url)
    return target


def _from_web(file: Wanted, url: str, target: Path) -> Path:
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("ERROR")
    with shown(file.name, file.digest.size if file.digest else None) as progress:
        keeper = pooch.create(
            target.parent,
            base_url="",
            registry={target.name: f"sha256:{file.digest.hash}" if file.digest else None},
            urls={target.name: url},
            retry_if_failed=RETRIES,
        )
        try:
            keeper.fetch(target.name, downloader=_Downloader(file, progress))
        except RequestException as error:
            raise _unavailable(file, url, error) from error
    return target


@dataclass(frozen=True)
class _Downloader:
    """Streams one URL for pooch, which calls it again after a ``RequestException`` and renames what is complete.

    Attributes:
        file: What is expected.
        progress: Told how far it is.
    """

    file: Wanted
    progress: index.Progress

    def __call__(self, url: str, target: str, keeper: Any) -> None:  # noqa: ARG002 - pooch's signature
        import requests

        with requests.Session() as session:
            session.max_redirects = _REDIRECTS
            session.headers["Accept-Encoding"] = "identity"
            try:
                with session.get(url, stream=True, timeout=TIMEOUT) as answer, Path(target).open("wb") as writer:
                    answer.raise_for_status()
                    found = self._receive(answer, writer)
            except requests.RequestException as error:
                if _is_transient(error):
                    raise
                raise _unavailable(self.file, url, error) from error
        _check(self.file, found, public(url))

    def _receive(self, answer: Response, writer: BinaryIO) -> Digest:
        """Write the body, at most the first piece beyond the expected size; what came."""
        import requests

        expected = self.file.digest.size if self.file.digest else _told(answer)
        sha, size = hashlib.sha256(), 0
        for piece in answer.iter_content(CHUNK):
            size += len(piece)
            if size > self.file.most:
                return Digest("", size)
            sha.update(piece)
            writer.write(piece)
            self.progress(size, expected)
        if size < (expected or 0) and not _ENDS.intersection(name.lower() for name in answer.headers):
            raise requests.ConnectionError(f"the answer ended after {size} bytes")
        return Digest(sha.hexdigest(), size)


def _told(answer: Response) -> int | None:
    """The size that an answer says its body has."""
    size = answer.headers.get("Content-Length", "")
    return int(size) if size.isdecimal() else None


def _check(file: Wanted, found: Digest, where: str) -> None:
    if found.size > file.most and file.digest is None:
        raise DownloadError(f"{file.name} has more than {file.most} bytes", where=where, fix=DISTRUST)
    if file.digest and found != file.digest:
        bytes_expected = f"{file.digest.size} bytes"
        larger = found.size > file.digest.size
        what = f"more than {bytes_expected}" if larger else f"sha256 {found.hash}, {found.size} bytes"
        raise Changed(
            f"{file.name} is not the file that {file.witness}: {what}, "
            f"expected sha256 {file.digest.hash}, {bytes_expected}",
            where=where,
            fix=DISTRUST,
        )


def _is_transient(error: RequestException) -> bool:
    """Whether the same request may succeed a moment later."""
    import requests

    if error.response is not None:
        return error.response.status_code in _TRANSIENT
    lasting = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, passing) and not isinstance(error, lasting)


def _unavailable(file: Wanted, url: str, error: RequestException) -> DownloadError:
    return DownloadError(
        f"{file.name} cannot be downloaded: {_reason(error)}",
        where=public(url),
        fix="check the network and the address, then run the same command again",
    )


def _reason(error: RequestException) -> str:
    """What a request died of, without the URL that requests and urllib3 wrap around it."""
    import requests

    causes = list(_causes(error))
    if isinstance(error, requests.TooManyRedirects):
        return f"more than {_REDIRECTS} redirects"
    if error.response is not None:
        return terminal.harmless(f"HTTP {error.response.status_code} {error.response.reason}".strip())
    if isinstance(error, requests.exceptions.InvalidSchema):
        return "it redirects to what is neither http nor https"
    if isinstance(error, requests.Timeout) or any(isinstance(cause, TimeoutError) for cause in causes):
        return "the server does not answer"
    told = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return told[-1] if told else "the connection broke off"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__


def public(url: str) -> str:
    """``url`` without credentials, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def say(line: str) -> None:
    """Tell the user, beside what is made."""
    sys.stderr.write(f"{terminal.harmless(line)}\n")


@contextmanager
def shown(what: str, size: int | None) -> Iterator[index.Progress]:
    """Show how far a transfer is, if it lasts: a bar on a terminal, else a line at its end.

    Args:
        what: Of what.
        size: Bytes in all; None where that is not known yet.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = terminal.console()
    started = time.monotonic()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(f"download {what}", total=size)
    came = 0

    def tell(done: int, total: int | None) -> None:
        nonlocal came
        came = done
        bar.update(task, completed=done, total=total or size)
        if console.is_terminal and not bar.live.is_started and time.monotonic() - started > PATIENCE:
            bar.start()

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()
    took = time.monotonic() - started
    if not console.is_terminal and took > PATIENCE:
        say(f"download {what}  {came / 1e6:.1f} MB, {took:.0f} s")
