"""Builds images: the Debian base, the build context, and the conversation with the engine's builder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import textwrap
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Self

import docker.errors
import requests.exceptions
from rich.console import Console
from rich.text import Text

from tasks import engine, terminal
from tasks.errors import EngineError, ImageError
from tasks.index import Pin, fetch

if TYPE_CHECKING:
    import docker

    from tasks.toolchains import Debian, Toolchain

DEFINITION = "transship.definition"
FILES = "transship.files"
"""Labels of an image: what it was built from, and the sha256 of each file of the package index that went in."""
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
REGISTRY_PATIENCE = 15
TAIL = 15

SLIM = (
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
)
"""What Debian's own slim images leave out as well."""

CENSUS = r"""
import importlib.metadata, json, os, pathlib, platform, re, subprocess, sys
query = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n"]
rows = [line.split() for line in subprocess.check_output(query).decode().splitlines()]
debian = {row[0]: row[1] for row in rows if row[2] == "ii"}
path = [*os.environ.get("PYTHONPATH", "").split(":"), *sys.path]
python = {re.sub("[-_.]+", "-", d.metadata["Name"]).lower(): d.version
          for d in reversed(list(importlib.metadata.distributions(path=path))) if d.metadata["Name"]}
compiled = pathlib.Path("/opt/transship/build-packages")
build = dict(line.split() for line in compiled.read_text().splitlines()) if compiled.exists() else {}
print(json.dumps({"architecture": platform.machine(), "debian": debian, "python": python, "build": build}))
"""
"""Runs in an image and prints what it holds. The first of two packages of one name on the path is the one in use.

What is on ``PYTHONPATH`` may be for another Python than the one that runs this: it is looked at, and not imported."""


class Progress:
    """One line a finished build step; on a terminal also a live line on the running one.

    Use as a context manager around a build, or pass to :func:`tasks.images.ensure`.
    """

    HEARTBEAT = 60.0

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or (Console(quiet=True) if quiet else terminal.console())
        self._status = self._console.status("") if self._console.is_terminal and not quiet else None
        self._label = ""
        self._started = self._spoken = time.monotonic()

    def step(self, label: str) -> None:
        """The step before is done; ``label`` begins."""
        self.done()
        self._label, self._started = label, time.monotonic()
        self._spoken = self._started
        if self._status:
            self._status.start()
        self.detail("")

    def detail(self, line: str) -> None:
        """The running step's latest line of output."""
        now = time.monotonic()
        if self._status:
            width = max(self._console.width - len(self._label) - 12, 0)
            self._status.update(Text(f"{self._label}  {_seconds(now - self._started)}  {line[:width]}"))
        elif line and now - self._spoken > self.HEARTBEAT:
            self._spoken = now
            self._console.print(Text(f"  ... {_seconds(now - self._started)}: {line}"), soft_wrap=True)

    def note(self, line: str) -> None:
        """Something worth a line of its own."""
        self._console.print(Text(line), soft_wrap=True)

    def done(self) -> None:
        """Nothing is running any more."""
        if self._status:
            self._status.stop()
        if self._label:
            took = _seconds(time.monotonic() - self._started)
            self._console.print(Text(f"{self._label}  {took}"), soft_wrap=True)
        self._label = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self._label = ""
        self.done()


@dataclass(frozen=True)
class Site:
    """Where a build happens.

    Attributes:
        client: The engine.
        files: Folder where downloaded wheels and sources are kept.
        log: Gets the full output.
        progress: Where steps are shown.
    """

    client: docker.DockerClient
    files: Path
    log: Path
    progress: Progress


def has(client: docker.DockerClient, image: str) -> bool:
    """Whether the engine has an image of that id or name."""
    try:
        with _talking():
            client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def find(client: docker.DockerClient, toolchain: str, definition: str) -> str | None:
    """Id of an image that was built from a definition, though nobody kept the record."""
    with _talking():
        found = client.api.images(f"transship/{toolchain}", filters={"label": [f"{DEFINITION}={definition}"]})
    return str(found[0]["Id"]) if found else None


def tag(client: docker.DockerClient, image: str, name: str) -> None:
    """Give an image a name."""
    repository, _, version = name.rpartition(":")
    with _talking():
        client.api.tag(image, repository, version)


def build(site: Site, toolchain: Toolchain, definition: str, parent: str | None) -> str:
    """Build a toolchain's image.

    Args:
        site: The engine, and where files, log and progress go.
        toolchain: What to build.
        definition: Its digest; becomes a label of the image.
        parent: Id of the image below it (a name could mean a registry's); None where that is a bare Debian.

    Returns:
        The image's id.

    Raises:
        ImageError: An instruction fails; shows the end of its output.
        DownloadError: A wheel or source cannot be had.
    """
    with site.progress, _talking():
        fetched = _fetch(toolchain, site.files, site.progress)
        below = parent or _debian(site, toolchain.debian)
        arguments = {"BASE": below} if parent else {"DEBIAN": below, "PACKAGES": " ".join(toolchain.debian.packages)}
        with tempfile.TemporaryFile() as context:
            _pack(context, toolchain, fetched)
            context.seek(0)
            events = site.client.api.build(
                fileobj=context,
                custom_context=True,
                buildargs={**_proxies(), **arguments},
                labels={DEFINITION: definition, FILES: _digests(fetched)},
                network_mode="host",
                decode=True,
                rm=True,
                forcerm=True,
                platform=None if engine.native(site.client) else "linux/amd64",
            )
            return _follow(site, toolchain.name, events)


def contents(client: docker.DockerClient, toolchain: Toolchain, image: str) -> dict[str, Any]:
    """What an image holds, asked from inside it: see :class:`tasks.images.Identity`.

    A Python package from the lock is given with its wheel's digest, so that it counts what was installed and not
    just what it calls itself.

    Raises:
        ImageError: A package of the lock is not there in that version.
    """
    with _talking():
        output = client.containers.run(
            image, ["python3", "-I", "-c", CENSUS], network_mode="none", remove=True, read_only=True, cap_drop=["ALL"]
        )
        labels = client.images.get(image).labels
    found: dict[str, Any] = json.loads(output)
    files: dict[str, str] = json.loads(labels[FILES])
    for pin in toolchain.wheels:
        name = re.sub("[-_.]+", "-", pin.name).lower()
        version = found["python"].get(name, "nothing")
        if version != pin.version:
            raise ImageError(f"the image should hold {pin.requirement}, but has {version}", where=toolchain.name)
        found["python"][name] = f"{version} sha256:{files[pin.requirement]}"
    found["sources"] = {pin.requirement: f"sha256:{files[pin.requirement]}" for pin in toolchain.sources}
    found["base"] = f"debian {toolchain.debian.suite}"
    return found


def _fetch(toolchain: Toolchain, files: Path, progress: Progress) -> dict[Pin, Path]:
    """Download what the build copies in: on the host, where the user's index, proxy and certificates are."""
    pins = dict.fromkeys(toolchain.tools, toolchain.debian.target) | dict.fromkeys(toolchain.wheels, toolchain.target)
    fetched = {}
    for pin, target in [*pins.items(), *((pin, None) for pin in toolchain.sources)]:
        progress.step(f"image {toolchain.name}  download {pin.requirement}")

        def show(done: int, total: int | None) -> None:
            of = f" of {total / 1e6:.1f}" if total else ""
            progress.detail(f"{done / 1e6:.1f}{of} MB")

        fetched[pin] = fetch(pin.requirement, pin.sha256, files, target=target, progress=show)
    return fetched


def _digests(fetched: Mapping[Pin, Path]) -> str:
    """Digest of each fetched file by requirement, as JSON."""
    found = {}
    for pin, path in fetched.items():
        with path.open("rb") as file:
            found[pin.requirement] = hashlib.file_digest(file, "sha256").hexdigest()
    return json.dumps(found, sort_keys=True)


def _pack(context: BinaryIO, toolchain: Toolchain, fetched: Mapping[Pin, Path]) -> None:
    """Write the build context: Dockerfile, ``wheels/`` with a lock of exactly these files, ``sources/``."""
    hashes = {pin: " ".join(f"--hash=sha256:{digest}" for digest in sorted(pin.sha256)) for pin in toolchain.wheels}
    with tarfile.open(fileobj=context, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "Dockerfile", io.BytesIO(toolchain.dockerfile.encode()), len(toolchain.dockerfile.encode()))
        if toolchain.wheels:
            text = "".join(f"{pin.requirement} {options}\n" for pin, options in hashes.items()).encode()
            _add(tar, "wheels/requirements.lock", io.BytesIO(text), len(text))
        for pin, path in fetched.items():
            folder = "sources" if pin in toolchain.sources else "wheels"
            with path.open("rb") as file:
                _add(tar, f"{folder}/{path.name}", file, path.stat().st_size)


def _add(tar: tarfile.TarFile, name: str, file: IO[bytes], size: int) -> None:
    """Add a file that is the same on every machine: no owner, no time."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    tar.addfile(entry, file)


def _proxies() -> dict[str, str]:
    """The caller's proxy settings, for the build alone: the builder keeps these arguments out of the image."""
    found: dict[str, str] = {}
    for name in PROXIES:
        value = os.environ.get(name) or os.environ.get(name.upper())
        if value:
            found |= {name: value, name.upper(): value}
    return found


def _follow(site: Site, toolchain: str, events: Iterable[dict[str, Any]]) -> str:
    """Show and log a build's events; the image's id at its end."""
    image, tail, step = "", deque[str](maxlen=TAIL), ""
    with site.log.open("w", encoding="utf-8") as file:
        for event in events:
            if "error" in event:
                end = "\n".join(f"    {line}" for line in tail)
                what = f"image {toolchain} does not build: {event['error'].strip()}\n{end}"
                raise ImageError(what, where=step, fix=f"read the full output in {site.log}")
            image = event.get("aux", {}).get("ID", image)
            text = str(event.get("stream") or event.get("status") or "")
            file.write(text)
            file.flush()
            for line in filter(None, map(_plain, re.split(r"[\r\n]+", text))):
                tail.append(line)
                if match := re.match(r"(?i)step (\d+/\d+) ?: (.*)", line):
                    step = match[2]
                    site.progress.step(
                        f"image {toolchain}  {match[1]} {textwrap.shorten(step, 70, placeholder=' ...')}"
                    )
                else:
                    site.progress.detail(line)
    if not image:
        raise ImageError(f"the engine built no image for {toolchain}", fix=f"read the full output in {site.log}")
    return image


def _plain(line: str) -> str:
    """A line of output without colours and control characters."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f]", "", line).strip()


def _debian(site: Site, debian: Debian) -> str:
    """Id of the bare release in the engine: there already, pulled by digest, or made of Debian's packages."""
    name = f"transship/debian:{debian.suite}-{debian.registry.rpartition(':')[2][:12]}"
    if not has(site.client, name):
        site.progress.step(f"image base-{debian.suite}  pull {debian.registry}")
        if _registry_has(debian.registry):
            _pull(site, debian.registry)
            tag(site.client, debian.registry, name)
        else:
            site.progress.step(f"image base-{debian.suite}  no registry answers: bootstrap from Debian's packages")
            _bootstrap(site, debian.suite, name)
    return str(site.client.images.get(name).id)


def _registry_has(reference: str) -> bool:
    """Whether the engine can reach a registry that has this image."""
    client = engine.connect(timeout=REGISTRY_PATIENCE)
    try:
        client.images.get_registry_data(reference)
    except (docker.errors.APIError, requests.exceptions.RequestException):
        return False
    finally:
        client.close()
    return True


def _pull(site: Site, reference: str) -> None:
    """Pull an image."""
    repository, _, version = reference.partition(":")
    for event in site.client.api.pull(repository, version, stream=True, decode=True, platform="linux/amd64"):
        if "error" in event:
            raise ImageError(f"{reference} cannot be pulled: {event['error']}")
        site.progress.detail(f"{event.get('status', '')} {event.get('progress', '')}")


def _bootstrap(site: Site, suite: str, name: str) -> None:
    """Make the bare release with mmdebstrap, which checks Debian's signatures, and import it."""
    if not shutil.which("mmdebstrap"):
        fix = "install it (as root: apt-get install mmdebstrap debian-archive-keyring), or run `make engine` as root"
        raise ImageError(f"Debian {suite}: no image registry answers, and mmdebstrap is not installed", fix=fix)
    with tempfile.TemporaryDirectory(prefix="transship-") as scratch:
        archive = Path(scratch) / "debian.tar"
        command = ["mmdebstrap", "--variant=minbase", "--architectures=amd64", *SLIM, suite, str(archive)]
        tail = deque[str](maxlen=TAIL)
        with (
            site.log.open("w", encoding="utf-8") as file,
            subprocess.Popen(command, stdout=-1, stderr=-2, text=True, errors="replace") as run,
        ):
            try:
                for line in run.stdout or ():
                    file.write(line)
                    tail.append(line.rstrip())
                    site.progress.detail(line.rstrip())
            except BaseException:
                run.terminate()
                raise
        if run.returncode:
            end = "\n".join(f"    {line}" for line in tail)
            fix = "it needs root, or a kernel that lets users make namespaces, and a Debian mirror; full output: "
            raise ImageError(
                f"Debian {suite} cannot be bootstrapped\n{end}", where=" ".join(command), fix=f"{fix}{site.log}"
            )
        site.progress.step(f"image base-{suite}  import")
        answer = site.client.api.import_image_from_file(str(archive))
    imported = re.findall(r"\b[0-9a-f]{64}\b", answer)
    if not imported:
        raise EngineError(f"the container engine does not import Debian {suite}: {answer.strip()}")
    tag(site.client, imported[-1], name)


@contextmanager
def _talking() -> Iterator[None]:
    """Turn what goes wrong between us and the engine into errors that say so."""
    try:
        yield
    except docker.errors.ImageNotFound:
        raise
    except docker.errors.ContainerError as error:
        raise ImageError(f"the image does not tell what it holds: {error}") from error
    except docker.errors.APIError as error:
        raise EngineError(f"the container engine refuses: {error.explanation or error}") from error
    except (requests.exceptions.RequestException, OSError) as error:
        fix = "start it again (`make engine`) and run the same command; finished work is kept"
        raise EngineError(f"the container engine went away: {error}", fix=fix) from error


def _seconds(duration: float) -> str:
    """A duration to read."""
    minutes, seconds = divmod(round(duration), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
