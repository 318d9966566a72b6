"""Files from the package index, by name, version and sha256.

The index is whatever the user's pip is configured for: ``index-url``, ``extra-index-url``, ``find-links``,
certificates, proxy and credentials are read with ``pip config list``, so that mirrors and private certificate
authorities work. Nothing that is downloaded is ever executed or unpacked: an sdist is a file like any other.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from converter.errors import TransshipError

if TYPE_CHECKING:
    import ssl

    from unearth import PackageFinder
    from unearth.evaluator import Package

__all__ = ["DownloadError", "Pin", "Progress", "Target", "fetch", "read_lock"]

ATTEMPTS = 4
PIP_SECTIONS = ("global", "install", "download", ":env:")
GIBIBYTE = 1 << 30

_OWN_INDEX = (
    "builds with a label (+cpu) are published by their project, not on the common index: "
    "add the project's own to pip's `extra-index-url`, or a folder with the file to `find-links`"
)

# A source that has no page for a package is a normal answer, kept in `_Session.problems`; not a warning to print.
logging.getLogger("unearth").addHandler(logging.NullHandler())


class DownloadError(TransshipError):
    """A file cannot be had, or is not the one that was asked for."""


class Progress(Protocol):
    """Told how far a download is."""

    def __call__(self, done: int, total: int | None) -> None:
        """``done`` bytes of ``total`` have arrived; ``total`` is None where the server does not say."""


@dataclass(frozen=True)
class Target:
    """The Python that a wheel is for, where it is not the one that runs.

    Attributes:
        python: Major and minor version, ``(3, 9)``.
        glibc: Version of the target's C library, ``(2, 31)``.
        machine: Machine name as in wheel tags.
    """

    python: tuple[int, int]
    glibc: tuple[int, int]
    machine: str = "x86_64"

    def platforms(self) -> list[str]:
        """Platform tags that such a machine accepts, best first (PEP 600 and the names it replaced)."""
        legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
        tags = []
        for minor in range(self.glibc[1], 4, -1):
            tags.append(f"manylinux_{self.glibc[0]}_{minor}_{self.machine}")
            if minor in legacy:
                tags.append(f"{legacy[minor]}_{self.machine}")
        return [*tags, f"linux_{self.machine}"]


@dataclass(frozen=True)
class Pin:
    """One package of a lock file.

    Attributes:
        name: Name as in the lock.
        version: The exact version.
        sha256: The files that may serve as it.
    """

    name: str
    version: str
    sha256: frozenset[str]

    @property
    def requirement(self) -> str:
        """The pin as ``name==version``."""
        return f"{self.name}=={self.version}"


def fetch(
    requirement: str,
    sha256: Collection[str],
    folder: Path,
    *,
    target: Target | None = None,
    limit: int = 4 * GIBIBYTE,
    progress: Progress | None = None,
) -> Path:
    """Download the file of ``name==version`` that has one of the given sha256 digests.

    A file of that digest that already is in ``folder`` is used as it is. The file appears under its final name
    only when it is complete and verified; an interrupted or wrong download leaves nothing behind.

    Args:
        requirement: ``name==version``, nothing else.
        sha256: The acceptable digests, in hex.
        folder: Where the file goes; made if missing.
        target: The Python that a wheel has to fit. Without it the digest alone decides (sdists, ``py3-none-any``).
        limit: Most bytes to accept.
        progress: Called while bytes arrive.

    Returns:
        The path of the file, named as in the index.

    Raises:
        DownloadError: The index cannot be reached, has no such file, or served other bytes.
    """
    name, version = _split(requirement)
    folder.mkdir(parents=True, exist_ok=True)
    session = _session()
    offered: list[str] = []
    for finder in _finders(session, target):
        for package in _candidates(finder, session, name, requirement):
            listed = (package.link.hashes or {}).get("sha256") or _fragment_hash(package)
            if listed and listed not in sha256:
                offered.append(f"{package.link.filename} sha256:{listed}")
                continue
            if listed and (kept := _kept(folder / _file_name(package), sha256)):
                return kept
            return _download(session, package, sha256, folder, limit=limit, progress=progress)
    raise _nothing_found(requirement, version, sha256, offered, session.problems)


def ask(requirement: str) -> None:
    """See that the package index, as pip is configured, can be asked and has ``name==version``; fetch nothing.

    Raises:
        DownloadError: It cannot be reached, or has none.
    """
    name, version = _split(requirement)
    session = _session()
    if not any(_candidates(finder, session, name, requirement) for finder in _finders(session, None)):
        raise _nothing_found(requirement, version, (), [], session.problems)


def read_lock(text: str, where: str = "requirements.lock") -> tuple[Pin, ...]:
    """Read a lock file as ``uv pip compile --generate-hashes`` or ``pip-compile`` write it.

    Args:
        text: The file's text.
        where: Its name, for messages.

    Raises:
        DownloadError: A line is not ``name==version`` followed by sha256 hashes. Environment markers are refused
            too: they would be evaluated on another Python than the one that the lock is for.
    """
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        hashes = [word.removeprefix("--hash=sha256:") for word in words[1:]]
        if not hashes or not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes):
            raise DownloadError(f"{words[0]} is not followed by sha256 hashes alone", where=where)
        name, version = _split(words[0])
        pins.append(Pin(name, version, frozenset(hashes)))
    return tuple(pins)


def _split(requirement: str) -> tuple[str, str]:
    """``name==version`` as a pair."""
    match = re.fullmatch(r"([A-Za-z0-9][\w.-]*)==([\w.!+-]+)", requirement)
    if not match:
        raise DownloadError(f"{requirement!r} is not of the form name==version")
    return match[1], match[2]


def _settings() -> dict[str, str]:
    """What ``pip download`` would go by: settings of files first, then of ``PIP_*``."""
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(("PIP_", "XDG_", "HOME"))))
    return dict(_pip_config(environment))


@functools.lru_cache(maxsize=8)
def _pip_config(environment: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:  # noqa: ARG001 - the memo's key
    """Ask pip for its configuration; once for each state of the environment."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if answer.returncode:
        raise DownloadError(
            "pip does not tell which package index it uses",
            where=(answer.stderr.strip().splitlines() or ["no message"])[-1],
            fix="repair pip's configuration, or run `make setup`",
        )
    return tuple(parse_settings(answer.stdout).items())


def parse_settings(listing: str) -> dict[str, str]:
    """Merge the output of ``pip config list``; later sections win, as in pip.

    Returns:
        Setting names without section, in pip's spelling (``index-url``), to their text.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in PIP_SECTIONS}
    for line in listing.splitlines():
        name, separator, value = line.partition("=")
        section, dot, key = name.rpartition(".")
        if separator and dot and section in found:
            found[section][key] = str(ast.literal_eval(value))
    return {key: value for section in PIP_SECTIONS for key, value in found[section].items()}


def _session() -> Any:
    """An HTTP client with the user's certificates, proxy, credentials; retries what may be transient."""
    import httpx2
    from unearth.auth import MultiDomainBasicAuth
    from unearth.fetchers import PyPIClient

    class Session(PyPIClient):
        """Follows redirects, retries, and remembers what went wrong in ``problems``."""

        problems: list[str]

        def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            """Send, up to ``ATTEMPTS`` times while the network or the server stumbles."""
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    response = super().send(request, **options)
                except httpx2.TransportError as error:
                    if attempt == ATTEMPTS or isinstance(error, httpx2.UnsupportedProtocol):
                        self.problems.append(f"{_shown(request.url)}: {_reason(error)}")
                        raise
                else:
                    if response.status_code < 400:
                        return response
                    if attempt == ATTEMPTS or not _transient(response.status_code):
                        self.problems.append(f"{_shown(request.url)}: HTTP {response.status_code}")
                        return response
                    response.close()
                time.sleep(0.5 * 2**attempt)
            raise AssertionError

    settings = _settings()
    session = Session(
        trusted_hosts=settings.get("trusted-host", "").split(),
        verify=_certificates(settings),
        timeout=float(settings.get("timeout") or settings.get("default-timeout") or 15),
        follow_redirects=True,
        proxy=settings.get("proxy") or None,
    )
    session.auth = MultiDomainBasicAuth(prompting=False, index_urls=_index_urls(settings))
    session.problems = []
    return session


def _transient(status: int) -> bool:
    """Whether an HTTP status may be another one a moment later."""
    return status in {408, 429} or status >= 500


def _certificates(settings: Mapping[str, str]) -> ssl.SSLContext | bool:
    """What to trust: pip's ``cert`` (or the variables that pip honours), else the system's store."""
    path = settings.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not path and not settings.get("client-cert"):
        return True
    folder = path if path and os.path.isdir(path) else None
    import ssl

    try:
        context = ssl.create_default_context(cafile=None if folder else path, capath=folder)
        if client := settings.get("client-cert"):
            context.load_cert_chain(client)
    except OSError as error:
        raise DownloadError(
            f"pip's certificate file cannot be read: {error}", where=path or "client-cert", fix="repair pip's `cert`"
        ) from error
    return context


def _index_urls(settings: Mapping[str, str]) -> list[str]:
    """The configured indexes; empty stands for the default one."""
    return [*settings.get("index-url", "").split(), *settings.get("extra-index-url", "").split()]


def _finders(session: Any, target: Target | None) -> Iterator[PackageFinder]:
    """One finder a source: a digest decides which file is right, so that the first source that has it will do."""
    from unearth import PackageFinder, TargetPython

    settings = _settings()
    options: dict[str, Any] = {"session": session, "ignore_compatibility": target is None}
    if target:
        abi = f"cp{target.python[0]}{target.python[1]}{'mu' if target.python[0] == 2 else ''}"
        options["only_binary"] = [":all:"]
        options["target_python"] = TargetPython(target.python, [abi, "abi3"], "cp", target.platforms())
    for place in settings.get("find-links", "").split():
        expanded = os.path.expanduser(place)
        if "://" in expanded or os.path.exists(expanded):
            yield PackageFinder(find_links=[expanded], **options)
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        return
    if not settings.get("index-url"):
        yield PackageFinder(**options)  # no source at all means the same default index as pip's
    for url in _index_urls(settings):
        yield PackageFinder(index_urls=[url], **options)


def _candidates(finder: PackageFinder, session: Any, name: str, requirement: str) -> list[Package]:
    """What a source offers for the requirement, best fit first; nothing where the source cannot be reached."""
    import httpx2

    try:
        return list(finder.find_matches(requirement, allow_yanked=True, allow_prereleases=True))
    except httpx2.TransportError:
        return []
    except (ValueError, OSError) as error:
        session.problems.append(f"{name}: {error}")
        return []


def _fragment_hash(package: Package) -> str | None:
    """The sha256 that a simple page's link carries in its fragment."""
    return package.link.hash if package.link.hash_name == "sha256" else None


def _file_name(package: Package) -> str:
    """The name to keep the file under; a link can not lead out of the folder."""
    name = Path(package.link.filename).name
    if not re.fullmatch(r"[\w.!+-]+", name) or name.startswith("."):
        raise DownloadError(f"the index offers a file of the unusable name {name!r}")
    return name


def _kept(path: Path, sha256: Collection[str]) -> Path | None:
    """The path, if a file of one of the digests is there already."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return path if hashlib.file_digest(file, "sha256").hexdigest() in sha256 else None


def _download(
    session: Any,
    package: Package,
    sha256: Collection[str],
    folder: Path,
    *,
    limit: int,
    progress: Progress | None,
) -> Path:
    """Download one file, again if the connection breaks, and keep it if its digest is right."""
    import httpx2

    name = _file_name(package)
    for attempt in range(1, ATTEMPTS + 1):
        descriptor, part = tempfile.mkstemp(prefix=f"{name}.", suffix=".part", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                digest = _receive(session, package, file, limit, progress)
            if digest not in sha256:
                raise DownloadError(
                    f"{name} is not the file that was pinned: sha256 {digest}, expected {_listed(sha256)}",
                    where=_shown(package.link.redacted),
                    fix="find out who changed it before you trust it; nothing was kept",
                )
            os.chmod(part, 0o644)
            os.replace(part, folder / name)
            return folder / name
        except (httpx2.TransportError, httpx2.HTTPStatusError) as error:
            if attempt == ATTEMPTS or isinstance(error, httpx2.HTTPStatusError):
                problem = f"{_shown(package.link.redacted)}: {_reason(error)}"
                raise _unreachable(name, [problem]) from error
            time.sleep(0.5 * 2**attempt)
        finally:
            Path(part).unlink(missing_ok=True)
    raise AssertionError


def _receive(session: Any, package: Package, file: Any, limit: int, progress: Progress | None) -> str:
    """Stream a file to disk; the sha256 of what arrived."""
    digest = hashlib.sha256()
    done = 0
    with session.get_stream(package.link.url_without_fragment) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        for chunk in response.iter_bytes(1 << 20):
            done += len(chunk)
            if max(done, total or 0) > limit:
                raise DownloadError(f"{package.link.filename} is larger than the {limit} bytes allowed")
            digest.update(chunk)
            file.write(chunk)
            if progress:
                progress(done, total)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    """One line on what a request died of; the status alone where there is one."""
    response = getattr(error, "response", None)
    return f"HTTP {response.status_code}" if response else (str(error) or type(error).__name__)


def _shown(url: object) -> str:
    """A URL without credentials, query and fragment."""
    return re.sub(r"//[^/@]*@", "//", str(url)).split("?")[0].split("#")[0]


def _listed(sha256: Collection[str]) -> str:
    """The digests for a message."""
    some = sorted(sha256)
    return some[0] if len(some) == 1 else f"one of {len(some)} ({some[0]}, ...)"


def _unreachable(what: str, problems: list[str]) -> DownloadError:
    """The error for a network that does not work."""
    return DownloadError(
        f"{what} cannot be downloaded",
        where="; ".join(dict.fromkeys(problems)),
        fix="check the network, proxy and `pip config list`, then run the same command again",
    )


def _nothing_found(
    requirement: str, version: str, sha256: Collection[str], offered: list[str], problems: list[str]
) -> DownloadError:
    """Why no source had the file: other bytes, no such version, or no answer."""
    if offered:
        return DownloadError(
            f"no file of {requirement} on the package index has sha256 {_listed(sha256)}",
            where=f"the index lists {'; '.join(offered[:3])}{' ...' if len(offered) > 3 else ''}",
            fix="correct the pinned sha256 if you trust the index, else find out who changed the file",
        )
    answered = [problem for problem in problems if problem.endswith("HTTP 404")]
    if len(answered) < len(problems):
        return _unreachable(requirement, [problem for problem in problems if problem not in answered])
    return DownloadError(
        f"the package index has no version {version} of {_split(requirement)[0]} that fits",
        where="; ".join(dict.fromkeys(problems)) or "pip's configured index",
        fix=_OWN_INDEX if "+" in version else "check the name and version, and that your mirror carries it",
    )
