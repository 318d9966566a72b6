"""A store with a cache beyond it: nginx, a bucket, and servers that fail in every way."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from converter.errors import BadInput
from tasks.action import Digest, Result, encode_result
from tasks.cache import Tier, TierError, http
from tasks.cache.beyond import Beyond
from tasks.cache.http import Http
from tasks.cache.objects import Objects
from tasks.cache.settings import Remote, remote
from tasks.store import Missing, Store
from tests.support.servers import Answer, Server, answering, free_port

KEY = Digest.of(b"an action")
CONTENT = b"cargo" * 1000
DIGEST = Digest.of(CONTENT)
RESULT = encode_result(Result({"a": DIGEST}, 1_000, 2_000))


class Site:
    """A store with a tier beyond it; what it warned of."""

    def __init__(self, folder: Path, tier: Tier, *, writes: bool = True) -> None:
        self.warned: list[str] = []
        self.store = Store(folder, folder / "work", Beyond(Remote(tier, writes), self.warned.append))

    def make(self) -> None:
        """Record a result, and share it."""
        self.store.record(KEY, {"a": self.store.put(CONTENT)}, 1.5)
        self.store.share(KEY, [DIGEST])


@pytest.fixture(params=["nginx", "memory", "file"])
def tier(request: pytest.FixtureRequest, tmp_path: Path) -> Tier:
    if request.param == "nginx":
        server: Server = request.getfixturevalue("server")
        return Http(server.url)
    place = "memory://" if request.param == "memory" else f"file://{tmp_path}/"
    return Objects(f"{place}bucket-{tmp_path.name}/some prefix")


def test_what_one_machine_makes_another_has(tier: Tier, tmp_path: Path) -> None:
    one, other = Site(tmp_path / "one", tier), Site(tmp_path / "other", tier, writes=False)
    assert other.store.result(KEY) is None
    one.make()
    assert other.store.result(KEY) == {"a": DIGEST}
    assert not other.store.has(DIGEST)
    assert other.store.read(DIGEST) == CONTENT
    assert other.store.has(DIGEST)
    assert other.store.took(KEY) == pytest.approx(1.5)
    assert one.warned == other.warned == []
    assert other.store.beyond
    assert (other.store.beyond.counts.hits, other.store.beyond.counts.received) == (1, len(CONTENT))


def test_a_blob_is_fetched_when_it_is_first_used_and_only_then(server: Server, tmp_path: Path) -> None:
    Site(tmp_path / "one", Http(server.url)).make()
    other = Site(tmp_path / "other", Http(server.url), writes=False)
    other.store.result(KEY)
    assert f"GET /cache/cas/{DIGEST.hash}" not in server.requests()
    for number in range(2):
        other.store.extract(DIGEST, tmp_path / f"out-{number}")
    assert server.requests().count(f"GET /cache/cas/{DIGEST.hash}") == 1


def test_who_only_reads_writes_nothing(server: Server, tmp_path: Path) -> None:
    Site(tmp_path / "one", Http(server.url), writes=False).make()
    assert not [line for line in server.log.read_text().splitlines() if "PUT" in line]


def test_what_is_there_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    for name in ("one", "other"):
        Site(tmp_path / name, Http(server.url)).make()
    assert server.requests().count(f"PUT /cache/cas/{DIGEST.hash}") == 1


def test_the_empty_blob_is_everywhere(tier: Tier, tmp_path: Path) -> None:
    site = Site(tmp_path / "one", tier)
    assert site.store.available(Digest.of(b""))
    assert site.store.read(Digest.of(b"")) == b""


def test_a_blob_that_is_not_what_its_name_says_is_none(tier: Tier, tmp_path: Path) -> None:
    Site(tmp_path / "one", tier).make()
    tier.write(f"cas/{DIGEST.hash}", CONTENT[::-1])
    other = Site(tmp_path / "other", tier)
    assert other.store.result(KEY) == {"a": DIGEST}
    with pytest.raises(Missing):
        other.store.read(DIGEST)
    assert other.store.result(KEY) is None
    assert [line.partition(" has other bytes")[1] for line in other.warned] == [" has other bytes"]
    assert list((tmp_path / "other" / "work").iterdir()) == []


@pytest.mark.parametrize("content", [CONTENT + b"more", CONTENT[:-1], b""], ids=["longer", "shorter", "empty"])
def test_a_blob_of_another_length_is_none(content: bytes, server: Server, tmp_path: Path) -> None:
    Site(tmp_path / "one", Http(server.url)).make()
    server.blob(DIGEST).write_bytes(content)
    with pytest.raises(Missing):
        Site(tmp_path / "other", Http(server.url)).store.check(DIGEST)


def test_a_result_whose_blob_is_gone_is_none_once_that_is_known(tier: Tier, server: Server, tmp_path: Path) -> None:
    Site(tmp_path / "one", Http(server.url)).make()
    server.blob(DIGEST).unlink()
    other = Site(tmp_path / "other", Http(server.url))
    assert other.store.result(KEY) == {"a": DIGEST}
    with pytest.raises(Missing):
        other.store.place(DIGEST, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert other.store.result(KEY) is None
    assert other.warned == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xff garbage",
        RESULT[:10],
        encode_result(Result({"../x": DIGEST}, 1, 2)),
        encode_result(Result({"/etc/x": DIGEST}, 1, 2)),
        b"\x00" * ((16 << 20) + 1),
    ],
    ids=["empty", "garbage", "cut off", "outside", "absolute", "too large"],
)
def test_a_result_that_is_none(message: bytes, server: Server, tmp_path: Path) -> None:
    Http(server.url).write(f"ac/{KEY.hash}", message)
    site = Site(tmp_path / "one", Http(server.url))
    assert site.store.result(KEY) is None
    assert not (tmp_path / "one" / "ac").exists()


def status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        request.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def hang(request: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)
    status(200)(request)


def hang_on_the_way(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"x")
    request.wfile.flush()
    time.sleep(0.6)


FAULTS: dict[str, tuple[Answer, str]] = {
    "an error": (status(500), "it answers 500"),
    "not allowed": (status(403), "it answers 403"),
    "who are you": (status(401, {"WWW-Authenticate": "Basic"}), "it answers 401"),
    "elsewhere": (status(302, {"Location": "http://127.0.0.1:1/"}), "it answers 302"),
    "silence": (hang, "it does not answer in time"),
    "silence on the way": (hang_on_the_way, "timed out"),
    "cut off": (status(200, {"Content-Length": "1000"}, b"only this"), "IncompleteRead"),
    "no HTTP": (lambda request: request.wfile.write(b"\x00\x01garbage\r\n\r\n"), ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_is_a_warning_and_then_left_alone(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ", 0.2)
    answer, said = FAULTS[fault]
    asked: list[str] = []

    def noted(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        answer(request)

    with answering(noted) as url:
        site = Site(tmp_path / "one", Http(url))
        for number in range(6):
            assert site.store.result(Digest.of(bytes([number]))) is None
        assert site.store.read(site.store.put(CONTENT)) == CONTENT
        site.make()
        assert site.store.result(KEY) == {"a": DIGEST}
    assert len(asked) == 3
    assert len(site.warned) == 2
    assert all(line.startswith(f"the shared cache {url} fails: ") for line in site.warned)
    assert said in site.warned[0]
    assert site.warned[1].endswith("; it is not asked again")


def test_nobody_there(tmp_path: Path) -> None:
    site = Site(tmp_path / "one", Http(f"http://127.0.0.1:{free_port()}/cache"))
    site.make()
    assert site.store.result(KEY) == {"a": DIGEST}
    assert "Connection refused" in site.warned[0]


def test_a_failure_now_and_then_is_none_for_good(tmp_path: Path) -> None:
    turns = iter(range(100))

    def flaky(request: BaseHTTPRequestHandler) -> None:
        status(500 if next(turns) % 2 else 404)(request)

    with answering(flaky) as url:
        site = Site(tmp_path / "one", Http(url))
        for number in range(20):
            site.store.result(Digest.of(bytes([number])))
    assert next(turns) == 20
    assert len(site.warned) == 1


def test_a_result_is_not_shared_without_its_blobs(tmp_path: Path) -> None:
    asked: list[str] = []

    def refusing(request: BaseHTTPRequestHandler) -> None:
        asked.append(f"{request.command} {request.path}")
        status(404 if request.command == "HEAD" else 507)(request)

    with answering(refusing) as url:
        Site(tmp_path / "one", Http(url)).make()
    assert asked == [f"HEAD /cache/cas/{DIGEST.hash}", f"PUT /cache/cas/{DIGEST.hash}"]


def test_who_finds_a_blob_damaged_and_makes_it_again_puts_it_right(server: Server, tmp_path: Path) -> None:
    Site(tmp_path / "one", Http(server.url)).make()
    server.blob(DIGEST).write_bytes(CONTENT[::-1])
    other = Site(tmp_path / "other", Http(server.url))
    assert not other.store.available(DIGEST)
    other.make()
    assert server.blob(DIGEST).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [None, CONTENT[::-1]], ids=["gone", "damaged"])
def test_a_blob_that_is_not_whole_is_not_shared(content: bytes | None, server: Server, tmp_path: Path) -> None:
    site = Site(tmp_path / "one", Http(server.url))
    site.store.record(KEY, {"a": site.store.put(CONTENT)}, 1.5)
    path = site.store.path(DIGEST)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    site.store.share(KEY, [DIGEST])
    assert (server.names("cas"), server.names("ac"), site.warned) == (set(), set(), [])


def test_several_threads_at_once(server: Server, tmp_path: Path) -> None:
    site = Site(tmp_path / "one", Http(server.url))
    contents = [os.urandom(50_000) for _ in range(24)]
    digests = [site.store.put(content) for content in contents]
    site.store.share_blobs(digests)
    other = Site(tmp_path / "other", Http(server.url))
    found: dict[int, bytes] = {}

    def fetch(number: int) -> None:
        for each in range(number, 24, 4):
            found[each] = other.store.read(digests[each])

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[each] for each in range(24)] == contents
    assert other.warned == []


def test_a_password_goes_to_the_server_and_nowhere_else(tmp_path: Path) -> None:
    seen: list[str | None] = []

    def noted(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers.get("Authorization"))
        status(404)(request)

    with answering(noted) as url:
        secret = url.replace("http://", "http://hull:s%65cret@")
        found = remote({"TRANSSHIP_REMOTE_CACHE": secret})
        assert found
        assert found.tier.read("ac/x", 10) is None
        assert "cret" not in found.tier.title
        found = remote({"TRANSSHIP_REMOTE_CACHE": url, "TRANSSHIP_REMOTE_CACHE_TOKEN": "abc"})
        assert found
        found.tier.has("ac/x")
    assert seen == ["Basic aHVsbDpzZWNyZXQ=", "Bearer abc"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"": "ftp://host/x"}, "is no address of a cache"),
        ({"": "host/x"}, "is no address of a cache"),
        ({"": "http://host/x", "_MODE": "read-wirte"}, "did you mean read-write?"),
        ({"": "http://u:p@host/x"}, "anybody on the way can read"),
        ({"": "http://host/x", "_TOKEN": "t"}, "anybody on the way can read"),
        ({"": "s3://bucket/x"}, "cannot be reached"),
    ],
)
def test_settings_that_are_not_right(environment: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        remote({f"TRANSSHIP_REMOTE_CACHE{name}": value for name, value in environment.items()})
    assert said in str(caught.value)


def test_settings() -> None:
    assert remote({}) is None
    for environment, writes in (({}, False), ({"TRANSSHIP_REMOTE_CACHE_MODE": "read-write"}, True)):
        found = remote({"TRANSSHIP_REMOTE_CACHE": "https://u:p@host/x", **environment})
        assert found
        assert (found.tier.title, found.writes) == ("https://host/x", writes)


def test_a_tier_says_what_failed(tmp_path: Path) -> None:
    tier = Objects(f"file://{tmp_path}/bucket")
    (tmp_path / "bucket").write_text("no folder")
    with pytest.raises(TierError, match="bucket"):
        tier.write("ac/x", b"")
    with pytest.raises(TierError, match="Not a directory"):
        tier.fetch(DIGEST, io.BytesIO())


def test_what_was_cut_off_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, unlike a bucket, shows what is being written; nobody would send it again."""
    tier = Objects(f"file://{tmp_path}/bucket")

    def cut_off(self: object, source: str, target: str, **_: object) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:100])
        raise OSError("no space left on the device")

    monkeypatch.setattr(LocalFileSystem, "put_file", cut_off)
    (tmp_path / "file").write_bytes(CONTENT)
    with pytest.raises(TierError, match="no space"):
        tier.send(DIGEST, tmp_path / "file")
    assert not tier.has(f"cas/{DIGEST.hash}")
    assert not [path for path in (tmp_path / "bucket").rglob("*") if path.is_file()]
