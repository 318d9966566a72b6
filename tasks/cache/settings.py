"""Which cache beyond the disk is to be used: what the environment says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from converter.errors import BadInput
from tasks.cache import Tier
from tasks.session import URL
from tasks.strict import similar

MODE, TOKEN = f"{URL}_MODE", f"{URL}_TOKEN"
READ_ONLY, READ_WRITE = "read-only", "read-write"

_STORES = ("s3", "gs", "gcs", "az", "abfs", "file", "memory")


@dataclass(frozen=True)
class Remote:
    """A cache beyond the disk.

    Attributes:
        tier: How it is reached.
        writes: Whether results are put there, too.
    """

    tier: Tier
    writes: bool


def remote(environment: Mapping[str, str]) -> Remote | None:
    """The cache that the environment names; None where it names none.

    Raises:
        BadInput: It cannot be used as it is named.
    """
    if not (url := environment.get(URL, "").strip()):
        return None
    mode = environment.get(MODE, "").strip() or READ_ONLY
    if mode not in (READ_ONLY, READ_WRITE):
        raise BadInput(f"{MODE} is {mode!r}{similar(mode, (READ_ONLY, READ_WRITE))}")
    return Remote(_tier(url, environment.get(TOKEN, "").strip()), mode == READ_WRITE)


def _tier(url: str, token: str) -> Tier:
    parts = urlsplit(url)
    if parts.scheme in _STORES:
        from tasks.cache.objects import Objects

        return Objects(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{URL} is no address of a cache", fix="https://host/path, or s3://bucket/path")
    if (parts.password or token) and not _is_private(parts):
        fix = "use https://, or leave the password out"
        raise BadInput(f"{URL} would send a password that anybody on the way can read", where=parts.hostname, fix=fix)
    from tasks.cache.http import Http

    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    host = parts.netloc.rpartition("@")[2]
    return Http(urlunsplit((parts.scheme, host, parts.path, "", "")), user, token)


def _is_private(parts: SplitResult) -> bool:
    """Whether nobody on the way can read along: TLS, or no way at all."""
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
