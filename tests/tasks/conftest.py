"""Fixtures of the build system's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pooch.core
import pytest

from tests.support.site import Site, serving


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server with one model's files; nothing waits between attempts."""
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    with serving() as made:
        yield made
