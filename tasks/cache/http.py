"""A cache that speaks HTTP: any server that answers GET, HEAD and PUT, as nginx with WebDAV and bazel-remote do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import requests
import requests.exceptions
import urllib3.exceptions

from tasks.action import Digest
from tasks.cache import TierError

CONNECT, READ = 5.0, 20.0
"""Seconds without an answer, and without another byte of it, after which a server counts as gone."""

_CHUNK = 1 << 20
_CONNECTIONS = 16
_ABSENT = (404, 410)
_FAILURE = 400


class Http:
    """See :class:`tasks.cache.Tier`; for use by several threads."""

    def __init__(self, url: str, user: tuple[str, str] | None = None, token: str = "") -> None:
        """Args: the address above ``ac/`` and ``cas/``, and what to prove oneself with."""
        parts = urlsplit(url)
        self.title = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        self._base = url.rstrip("/")
        self._user = user
        self._token = token
        self._own = threading.local()

    def read(self, name: str, most: int) -> bytes | None:
        """See :class:`tasks.cache.Tier`."""
        with self._asked("GET", name, stream=True) as response:
            if response is None:
                return None
            content = b"".join(_chunks(response, most + 1))
            return content if len(content) <= most else None

    def fetch(self, digest: Digest, writer: BinaryIO) -> Digest | None:
        """See :class:`tasks.cache.Tier`."""
        with self._asked("GET", f"cas/{digest.hash}", stream=True) as response:
            if response is None:
                return None
            sha, size = hashlib.sha256(), 0
            for chunk in _chunks(response, digest.size + 1):
                sha.update(chunk)
                writer.write(chunk)
                size += len(chunk)
            return Digest(sha.hexdigest(), size)

    def has(self, name: str) -> bool:
        """See :class:`tasks.cache.Tier`."""
        with self._asked("HEAD", name) as response:
            return response is not None

    def write(self, name: str, content: bytes) -> None:
        """See :class:`tasks.cache.Tier`."""
        with self._asked("PUT", name, data=content) as response:
            _accepted(response)

    def send(self, digest: Digest, path: Path) -> None:
        """See :class:`tasks.cache.Tier`."""
        with path.open("rb") as reader, self._asked("PUT", f"cas/{digest.hash}", data=reader) as response:
            _accepted(response)

    @contextmanager
    def _asked(self, method: str, name: str, **options: Any) -> Iterator[requests.Response | None]:
        """The server's answer; None where it has no such thing."""
        try:
            response = self._session.request(
                method,
                f"{self._base}/{name}",
                timeout=(CONNECT, READ),
                allow_redirects=False,
                headers={"Accept-Encoding": "identity"},
                **options,
            )
            with response:
                if response.status_code in _ABSENT:
                    yield None
                elif response.status_code >= _FAILURE or response.is_redirect:
                    raise TierError(f"it answers {response.status_code} {response.reason} to {method}")
                else:
                    yield response
        except requests.exceptions.Timeout as error:
            raise TierError("it does not answer in time") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise TierError(_first(error)) from error

    @property
    def _session(self) -> requests.Session:
        """This thread's connections. Nothing of the user's ``.netrc`` goes to the server; proxies are respected."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.auth = self._prove
            session.mount(self._base, requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS))
            self._own.session = session
        return session

    def _prove(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        elif self._user:
            requests.auth.HTTPBasicAuth(*self._user)(request)
        return request


def _chunks(response: requests.Response, most: int) -> Iterator[bytes]:
    """The body as it comes, of which no more than ``most`` bytes are read; one that is cut off is an error."""
    while most > 0 and (chunk := response.raw.read(min(_CHUNK, most))):
        yield chunk
        most -= len(chunk)


def _accepted(response: requests.Response | None) -> None:
    if response is None:
        raise TierError("it does not take files")


def _first(error: BaseException) -> str:
    """What went wrong, as the innermost error says it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
