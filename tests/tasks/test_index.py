"""Downloads from a package index: a small one of our own, with every fault that a real one can have."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks import index
from tasks.index import DownloadError, Pin, Target, fetch, parse_settings, read_lock

BYTES = b"wheel" * 1000
DIGEST = hashlib.sha256(BYTES).hexdigest()
OTHER = "0" * 64
WHEEL = "thing-1.0-py3-none-any.whl"


@dataclass
class Shop:
    """A package index.

    Attributes:
        files: What it serves, by name.
        listed: The sha256 that its page claims for a file; of its bytes where not given.
        faults: What goes wrong with the next requests: a status, or ``cut`` for a body that ends too early.
        requests: The paths that were asked for.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def page(self) -> bytes:
        """The simple page of the one project, with the digests of all files."""
        links = []
        for name, data in self.files.items():
            digest = self.listed.get(name, hashlib.sha256(data).hexdigest())
            links.append(f'<a href="/files/{name}#sha256={digest}">{name}</a>')
        return f"<html><body>{''.join(links)}</body></html>".encode()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Serve one request, or do what the next fault says."""
        self.requests.append(handler.path)
        fault = self.faults.pop(0) if self.faults else None
        name = handler.path.rpartition("/")[2]
        if isinstance(fault, int):
            handler.send_error(fault)
        elif handler.path == "/simple/thing/":
            self._send(handler, self.page(), "text/html")
        elif name in self.files:
            self._send(handler, self.files[name], "application/octet-stream", cut=fault == "cut")
        else:
            handler.send_error(404)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, body: bytes, kind: str, *, cut: bool = False) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if cut else body)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """An index with one wheel, and pip configured for it alone."""
    made = Shop({WHEEL: BYTES})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.answer(self)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pip(monkeypatch, PIP_INDEX_URL=f"http://127.0.0.1:{server.server_port}/simple")
    yield made
    server.shutdown()
    server.server_close()


def pip(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Configure pip by these variables and nothing else, and do not wait between attempts."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(index.time, "sleep", lambda _: None)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def test_fetch_saves_the_file_under_its_name_and_tells_how_far_it_is(shop: Shop, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch("thing==1.0", [DIGEST], tmp_path / "a b", progress=lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "a b" / WHEEL
    assert path.read_bytes() == BYTES
    assert seen[-1] == (len(BYTES), len(BYTES))


def test_a_file_that_is_there_is_not_downloaded_again(shop: Shop, tmp_path: Path) -> None:
    fetch("thing==1.0", [DIGEST], tmp_path)
    fetch("thing==1.0", [DIGEST], tmp_path)
    assert [path for path in shop.requests if path.startswith("/files")] == [f"/files/{WHEEL}"]


def test_a_damaged_file_that_is_there_is_replaced(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(b"damaged")
    assert fetch("thing==1.0", [DIGEST], tmp_path).read_bytes() == BYTES


def test_another_file_on_the_index_is_refused_with_both_digests(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch("thing==1.0", [OTHER], tmp_path)
    assert OTHER in str(caught.value)
    assert DIGEST in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_not_what_the_index_lists_are_not_kept(shop: Shop, tmp_path: Path) -> None:
    shop.listed[WHEEL] = OTHER
    with pytest.raises(DownloadError) as caught:
        fetch("thing==1.0", [OTHER], tmp_path)
    assert OTHER in str(caught.value)
    assert DIGEST in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_version_is_told_from_a_dead_network(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no version 2\.0 of thing"):
        fetch("thing==2.0", [DIGEST], tmp_path)
    with pytest.raises(DownloadError, match=r"no version 1\.0 of nothing"):
        fetch("nothing==1.0", [DIGEST], tmp_path)


def test_a_build_with_a_label_is_said_to_be_elsewhere(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"(?s)no version 1\.0\+cpu of thing.*project's own to pip's"):
        fetch("thing==1.0+cpu", [DIGEST], tmp_path)


def test_a_dead_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip(monkeypatch, PIP_INDEX_URL="http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(DownloadError, match="cannot be downloaded") as caught:
        fetch("thing==1.0", [DIGEST], tmp_path)
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("faults", [[503], [503, 429, 500], [0, "cut"], [0, 502, "cut"]])
def test_a_stumbling_server_is_asked_again(shop: Shop, tmp_path: Path, faults: list[int | str]) -> None:
    shop.faults = [fault or "" for fault in faults]
    assert fetch("thing==1.0", [DIGEST], tmp_path).read_bytes() == BYTES
    assert [path.name for path in tmp_path.iterdir()] == [WHEEL]


def test_a_server_that_stays_broken_is_an_error_that_names_it(shop: Shop, tmp_path: Path) -> None:
    shop.faults = [503] * 100
    with pytest.raises(DownloadError, match="HTTP 503"):
        fetch("thing==1.0", [DIGEST], tmp_path)


def test_a_file_above_the_limit_is_not_kept(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="larger than"):
        fetch("thing==1.0", [DIGEST], tmp_path, limit=len(BYTES) - 1)
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_of_the_target_is_chosen_among_pinned_ones(shop: Shop, tmp_path: Path) -> None:
    names = [
        f"thing-1.0-cp3{minor}-cp3{minor}-manylinux_2_{glibc}_x86_64.whl" for minor in (9, 11) for glibc in (17, 36)
    ]
    shop.files = {name: name.encode() for name in [*names, "thing-1.0.tar.gz"]}
    pins = [hashlib.sha256(data).hexdigest() for data in shop.files.values()]
    assert fetch("thing==1.0", pins, tmp_path, target=Target((3, 9), (2, 31))).name == names[0]
    assert fetch("thing==1.0", pins, tmp_path, target=Target((3, 11), (2, 36))).name == names[3]
    with pytest.raises(DownloadError, match="that fits"):
        fetch("thing==1.0", pins, tmp_path, target=Target((3, 12), (2, 36)))


def test_a_wheel_for_python_2_has_the_wide_characters_of_linux(shop: Shop, tmp_path: Path) -> None:
    names = [f"thing-1.0-cp27-cp27{kind}-manylinux1_x86_64.whl" for kind in ("m", "mu")]
    shop.files = {name: name.encode() for name in names}
    pins = [hashlib.sha256(data).hexdigest() for data in shop.files.values()]
    assert fetch("thing==1.0", pins, tmp_path, target=Target((2, 7), (2, 31))).name == names[1]


def test_an_sdist_is_downloaded_and_not_opened(shop: Shop, tmp_path: Path) -> None:
    shop.files = {"thing-1.0.tar.gz": b"not even an archive"}
    digest = hashlib.sha256(b"not even an archive").hexdigest()
    assert fetch("thing==1.0", [digest], tmp_path).read_bytes() == b"not even an archive"


def test_find_links_folders_are_sources_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / WHEEL).write_bytes(BYTES)
    pip(monkeypatch, PIP_FIND_LINKS=str(links), PIP_NO_INDEX="1")
    assert fetch("thing==1.0", [DIGEST], tmp_path / "out").read_bytes() == BYTES


@pytest.mark.parametrize(
    "text", ["thing", "thing>=1", "thing==1; python_version<'3'", "../thing==1", "thing==1 other==2"]
)
def test_only_exact_pins_are_requirements(text: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="not of the form name==version"):
        fetch(text, [DIGEST], tmp_path)


def test_read_lock_reads_what_uv_writes() -> None:
    text = (
        f"# made\nthing==1.0 \\\n    --hash=sha256:{DIGEST} \\\n    --hash=sha256:{OTHER}\n"
        f"    # via other\nb==2 --hash=sha256:{OTHER}\n"
    )
    assert read_lock(text) == (Pin("thing", "1.0", frozenset({DIGEST, OTHER})), Pin("b", "2", frozenset({OTHER})))


@pytest.mark.parametrize(
    "line",
    [
        "thing==1.0",
        f"thing==1.0 ; python_version < '3.9' --hash=sha256:{DIGEST}",
        "thing==1.0 --hash=md5:00",
        f"thing --hash=sha256:{DIGEST}",
        "--index-url http://localhost",
    ],
)
def test_read_lock_refuses_what_pins_nothing(line: str) -> None:
    with pytest.raises(DownloadError):
        read_lock(line)


def test_settings_of_the_environment_win_over_files() -> None:
    listing = (
        "global.index-url='http://a/simple'\nglobal.timeout='60'\ndownload.index-url='http://b/simple'\n"
        ":env:.extra-index-url='http://c/simple'\n:env:.timeout='5'\nwheel.index-url='http://d/simple'\n"
    )
    assert parse_settings(listing) == {
        "index-url": "http://b/simple",
        "extra-index-url": "http://c/simple",
        "timeout": "5",
    }


def test_platform_tags_go_from_new_to_old() -> None:
    tags = Target((3, 9), (2, 31)).platforms()
    assert tags[0] == "manylinux_2_31_x86_64"
    assert tags.index("manylinux_2_17_x86_64") < tags.index("manylinux2014_x86_64") < tags.index("manylinux1_x86_64")
    assert "manylinux_2_36_x86_64" not in tags
