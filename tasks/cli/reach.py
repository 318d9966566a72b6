"""Whether the servers that files come from can be reached; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tasks import index, mirrors
from tasks.action import Digest
from tasks.cache import TierError
from tasks.cache.settings import remote
from tasks.cli.checks import BROKEN, MISSING, OK, Finding, listed
from tasks.download import public
from tasks.manifest import Manifest, Source
from tasks.session import URL
from tasks.toolchains import BASE

CONNECT: Final = 5
"""Seconds to connect, and to wait for an answer."""

_AT_ONCE: Final = 8


def servers(models: Iterable[Manifest]) -> dict[str, str]:
    """An address of each server that files of ``models`` are on, by its name."""
    sources = [model.source for model in models if isinstance(model.source, Source)]
    urls = [url for source in sources for url in (*source.base, *(url for file in source.files for url in file.urls))]
    found = {urlsplit(url).hostname: url for url in reversed(urls) if not url.startswith("file:")}
    return {host: found[host] for host in sorted(filter(None, found))}


def answering(hosts: dict[str, str], ask: Callable[[str], str] | None = None) -> Finding:
    """Which of the servers answer: anything at all, as only their files say whether they have them."""
    name = "servers"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        problems = dict(zip(hosts, pool.map(ask or trouble, hosts.values()), strict=True))
    details = tuple(f"{host}: {problem or 'answers'}" for host, problem in problems.items())
    if silent := [host for host, problem in problems.items() if problem]:
        said = f"{len(silent)} of {len(hosts)} model servers cannot be reached: {listed(silent)}"
        fix = f"check the network and proxy, name a mirror in {mirrors.MIRROR}, or use --weights seeded"
        return Finding(name, MISSING, said, fix, details)
    return Finding(name, OK, f"{len(hosts)} model servers answer", details=details)


def mirror(ask: Callable[[str], str] | None = None) -> Finding:
    """The mirror that the environment names.

    Raises:
        DownloadError: It is neither a folder nor a URL.
    """
    name = "mirror"
    url = mirrors.named()
    if not url:
        return Finding(name, OK, f"{mirrors.MIRROR} names none")
    if not url.startswith("file:") and (problem := (ask or trouble)(url)):
        fix = f"start it, correct {mirrors.MIRROR}, or unset it"
        return Finding(name, BROKEN, f"{public(url)}: {problem}", fix)
    return Finding(name, OK, f"{public(url)} is asked first")


def shared_cache(environment: Mapping[str, str], *, network: bool) -> Finding:
    """The cache beyond the disk that the environment names, and whether it answers where it may be asked.

    Raises:
        BadInput: It cannot be used as it is named.
    """
    name = "shared cache"
    found = remote(environment)
    if found is None:
        return Finding(name, OK, f"{URL} names none")
    use = "read and written" if found.writes else "only read"
    try:
        if network:
            found.tier.has(f"cas/{Digest.of(b'').hash}")
    except TierError as error:
        fix = f"correct {URL}, or unset it; without it everything is built here"
        return Finding(name, BROKEN, f"{found.tier.title} fails: {error}", fix)
    return Finding(name, OK, f"{found.tier.title}, {use}{', answers' if network else ''}")


def packages(images: Path) -> Finding:
    """The package index, as pip is configured: images and some models come from there.

    Raises:
        DownloadError: It cannot be reached.
    """
    pins = index.read_lock((images / BASE / "requirements.lock").read_text(encoding="utf-8"))
    index.ask(pins[0].requirement)
    return Finding("package index", OK, f"answers, as pip is configured: has {pins[0].requirement}")


def trouble(url: str) -> str:
    """Why a server cannot be reached; empty where it answers."""
    import requests

    try:
        requests.head(url, timeout=CONNECT, allow_redirects=False)
    except requests.exceptions.ProxyError:
        return "the proxy does not let it be reached"
    except requests.exceptions.SSLError:
        return "its certificate is not accepted"
    except requests.exceptions.Timeout:
        return f"no answer in {CONNECT} s"
    except requests.exceptions.RequestException:
        return "it cannot be reached"
    return ""
