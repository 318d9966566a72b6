"""Files below a server's folder: from wherever they can be had, trusted once, and never mistaken for others."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import mirrors
from tasks.action import Digest
from tasks.errors import StepFailed
from tasks.index import DownloadError
from tasks.lock import NAME, Lock
from tasks.manifest import File, Source
from tasks.mirrors import MIRROR, fetch
from tasks.session import Session, Step
from tests.support.site import Site

SYMBOL = json.dumps({"nodes": [{"op": "null", "name": "data"}]}).encode()
PARAMS = (0x112).to_bytes(8, "little") + bytes(100)
OTHERS = PARAMS[:-1] + b"x"
SYMBOL_PATH, PARAMS_PATH = "net/50-layers/net-50-symbol.json", "net/50-layers/net-50-0000.params"
S, P = Path(SYMBOL_PATH).name, Path(PARAMS_PATH).name


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "private folder"
    path.mkdir()
    return path


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    root = tmp_path / "a project"
    (root / "models").mkdir(parents=True)
    opened = Session(root, tmp_path / "cache")
    yield opened
    opened.close()


def source(*base: str, params: Digest | None = None) -> Source:
    files = (File("graph", S, None, path=SYMBOL_PATH), File("weights", P, params, path=PARAMS_PATH))
    return Source(files, base=base, model="a-model", has_variant=True)


def served(site: Site, below: str = "/", params: bytes = PARAMS) -> str:
    site.files |= {below + SYMBOL_PATH: SYMBOL, below + PARAMS_PATH: params}
    return site.url(below)


def put(folder: Path, *, paths: bool = True) -> Path:
    """A mirror on this machine."""
    for name, content in {SYMBOL_PATH: SYMBOL, PARAMS_PATH: PARAMS}.items():
        path = folder / name if paths else folder / "a-model" / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def contents(got: dict[str, mirrors.Found]) -> dict[str, bytes]:
    return {name: found.path.read_bytes() for name, found in got.items()}


def refused(folder: Path, wanted: Source, own: Path | None = None, **known: Digest) -> DownloadError:
    """The error of a download that has to fail and leave nothing."""
    with pytest.raises(DownloadError) as caught:
        fetch(wanted, {S: known["symbol"]} if known else {}, folder, own)
    assert list(folder.iterdir()) == []
    assert len(str(caught.value).splitlines()) == 3
    return caught.value


# --- places


def test_files_are_looked_for_below_each_base(site: Site, folder: Path) -> None:
    got = fetch(source(site.url("/gone/"), served(site)), {}, folder, None)
    assert contents(got) == {S: SYMBOL, P: PARAMS}
    assert got[S] == mirrors.Found(folder / S, site.url(f"/{SYMBOL_PATH}"), is_local=False)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_is_asked_first(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, slash: str) -> None:
    monkeypatch.setenv(MIRROR, served(site, "/mirror/").removesuffix("/") + slash)
    fetch(source(site.url("/")), {}, folder, None)
    assert site.requests == [f"/mirror/{SYMBOL_PATH}", f"/mirror/{PARAMS_PATH}"]


@pytest.mark.parametrize("paths", [True, False])
@pytest.mark.parametrize("form", ["absolute", "relative", "url"])
def test_a_mirror_is_a_folder(
    site: Site, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: bool, form: str
) -> None:
    mirror = put(tmp_path / "a mirror", paths=paths)
    monkeypatch.chdir(tmp_path)
    named = {"absolute": str(mirror), "relative": mirror.name, "url": mirror.as_uri()}
    monkeypatch.setenv(MIRROR, named[form])
    got = fetch(source(site.url("/")), {}, folder, None)
    assert contents(got) == {S: SYMBOL, P: PARAMS}
    assert all(found.is_local for found in got.values())
    assert site.requests == []


def test_a_file_without_its_folder_is_another_model_s(
    site: Site, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / S).write_bytes(SYMBOL)
    monkeypatch.setenv(MIRROR, str(tmp_path))
    error = refused(folder, source(site.url("/")))
    assert error.what == f"{S} of a-model cannot be had from any of 2 places"
    assert "there is no such file" in error.where


def test_a_mirror_need_not_have_everything(
    site: Site, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = served(site)
    (put(tmp_path / "mirror") / PARAMS_PATH).unlink()
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    got = fetch(source(base), {}, folder, None)
    assert [got[name].is_local for name in (S, P)] == [True, False]


@pytest.mark.parametrize("named", ["/no/such/folder", "file:///no/such/folder", "ftp://a.example/", "http:///x"])
def test_a_mirror_that_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(MIRROR, named)
    with pytest.raises(DownloadError) as caught:
        fetch(source("http://127.0.0.1:9/"), {}, folder, None)
    assert caught.value.what.startswith(f"{MIRROR} is {named!r}, which ")


def test_when_nobody_has_it_all_are_named_and_what_to_do(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, site.url("/mirror"))
    error = refused(folder, source(site.url("/"), "http://127.0.0.1:9/"))
    assert error.what == f"{S} of a-model cannot be had from any of 3 places"
    for base in (site.url("/mirror/"), site.url("/"), "http://127.0.0.1:9/"):
        assert f"{base}{SYMBOL_PATH}: {S} cannot be downloaded: " in error.where
    assert MIRROR in error.fix
    assert "build/a-model/source/" in error.fix
    assert "weights=seeded makes another model of the same structure" in error.fix


def test_what_cannot_be_had_with_seeded_weights_is_not_offered(site: Site, folder: Path) -> None:
    files = source().files
    assert "seeded" not in refused(folder, Source(files, base=(site.url("/"),), model="a-model")).fix


# --- what comes for the first time


@pytest.mark.parametrize(
    ("content", "instead"),
    [
        (b"<!DOCTYPE html><title>Moved</title>", "a page of HTML or XML"),
        (b"\n <html>", "a page of HTML or XML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x1f\x8b\x08", "compressed by gzip"),
        (b"", "empty"),
        (b"\x1b[2Jhello", r"something that begins with b'\x1b[2Jhello'"),
        (b"[1, 2]", "something that begins with b'[1, 2]'"),
    ],
)
def test_what_is_no_model_is_not_taken_for_one(site: Site, folder: Path, content: bytes, instead: str) -> None:
    base = served(site)
    site.files[f"/{SYMBOL_PATH}"] = content
    assert f"{S} is not a symbol of MXNet but {instead}" in refused(folder, source(base)).where
    site.files |= {f"/{SYMBOL_PATH}": SYMBOL, f"/{PARAMS_PATH}": content}
    assert f"{P} is not a params file of MXNet but {instead}" in refused(folder, source(base)).where


@pytest.mark.parametrize("symbol", [b"{}", b'{"nodes": []}', b'{"nodes": 5}', b"[" * 100_000, b'{"nodes": [{}'])
def test_a_symbol_has_nodes(site: Site, folder: Path, symbol: bytes) -> None:
    base = served(site)
    site.files[f"/{SYMBOL_PATH}"] = symbol
    assert "is not a symbol of MXNet" in refused(folder, source(base)).where


def test_the_next_place_may_have_the_model(site: Site, folder: Path) -> None:
    site.files[f"/page/{SYMBOL_PATH}"] = b"<html>"
    assert contents(fetch(source(site.url("/page/"), served(site)), {}, folder, None))[S] == SYMBOL


def test_a_file_of_unknown_size_has_a_limit(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "LARGEST_SYMBOL", len(SYMBOL) - 1)
    assert f"has more than {len(SYMBOL) - 1} bytes" in refused(folder, source(served(site))).where


def test_another_file_than_the_known_one_is_refused(site: Site, folder: Path) -> None:
    known = Digest.of(b'{"nodes": [1]}')
    error = refused(folder, source(served(site)), symbol=known)
    assert error.what.startswith(f"{S} is not the file that models.lock has on record: ")
    assert known.hash in error.what
    assert site.url(f"/{SYMBOL_PATH}") in error.where
    assert "find out who changed it" in error.fix
    assert "models/models.lock" in error.fix


def test_the_manifest_s_digest_is_not_the_lock_file_s(site: Site, folder: Path) -> None:
    wanted = source(served(site), params=Digest.of(OTHERS))
    with pytest.raises(DownloadError) as caught:
        fetch(wanted, wanted.tree, folder, None)
    assert f"{P} is not the file that the manifest describes" in caught.value.what
    assert "models.lock" not in caught.value.fix


# --- the user's own


def test_a_user_s_own_files_are_taken(folder: Path, tmp_path: Path) -> None:
    put(tmp_path, paths=False)
    got = fetch(source("http://127.0.0.1:9/"), {}, folder, tmp_path / "a-model")
    assert contents(got) == {S: SYMBOL, P: PARAMS}
    assert all(found.is_local for found in got.values())


@pytest.mark.parametrize("content", [b"<html>", SYMBOL + b" "])
def test_a_user_s_wrong_file_is_an_error_and_stays(site: Site, folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / S).write_bytes(content)
    known = {"symbol": Digest.of(SYMBOL)} if content.startswith(b"{") else {}
    error = refused(folder, source(served(site)), tmp_path, **known)
    assert error.where == str(tmp_path / S)
    assert "remove it to have it downloaded" in error.fix
    assert (tmp_path / S).read_bytes() == content
    assert site.requests == []


# --- a whole step


def step(wanted: Source) -> Step:
    return Step("download:a-model", lambda get: get.download(wanted), Path("a-model", "source"), shared=True)


def test_the_first_download_is_recorded_and_said_and_the_second_is_held_to_it(
    site: Site, session: Session, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = step(source(served(site)))
    assert not session.is_current(wanted)
    session.realise(wanted)
    said = capfd.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"{P} of a-model", f"{S} of a-model"]
    assert all("nobody ever published its checksum" in line and "models/models.lock" in line for line in said)
    assert hashlib.sha256(PARAMS).hexdigest()[:12] in said[0]
    assert (session.build / "a-model" / "source" / S).read_bytes() == SYMBOL
    assert session.is_current(wanted)
    assert session.done == {wanted.name: "up to date"}

    other = Session(session.root, session.cache.with_name("another machine's"))
    os.rename(session.build / "a-model" / "source", session.build / "moved")
    served(site, params=OTHERS)
    with pytest.raises(DownloadError) as caught:
        other.realise(wanted)
    assert f"{P} is not the file that models.lock has on record" in caught.value.what
    assert not (session.build / "a-model" / "source").exists()
    served(site)
    capfd.readouterr()
    other.realise(wanted)
    assert capfd.readouterr().err == ""
    other.close()


def test_what_fails_records_nothing(site: Site, session: Session) -> None:
    base = served(site)
    del site.files[f"/{PARAMS_PATH}"]
    with pytest.raises(DownloadError):
        session.realise(step(source(base)))
    assert not (session.root / "models" / NAME).exists()
    assert not (session.build / "a-model").exists()


def test_no_path_of_this_machine_is_recorded(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, str(put(tmp_path / "mirror")))
    session.realise(step(source("http://127.0.0.1:9/")))
    text = (session.root / "models" / NAME).read_text()
    assert text.count('seen = "a local file"') == 2
    assert str(tmp_path) not in text


def test_what_a_user_put_there_is_neither_lost_nor_written_anew(site: Site, session: Session) -> None:
    own = session.build / "a-model" / "source"
    own.mkdir(parents=True)
    (own / S).write_bytes(SYMBOL)
    with pytest.raises(DownloadError):
        session.realise(step(source(site.url("/"))))
    assert [path.name for path in own.iterdir()] == [S]
    (own / P).write_bytes(PARAMS)
    before = {path.name: path.stat().st_ino for path in own.iterdir()}
    session.realise(step(source(site.url("/"))))
    assert {path.name: path.stat().st_ino for path in own.iterdir()} == before
    assert set(Lock(session.root / "models" / NAME).known(source())) == {S, P}


@pytest.mark.parametrize(("name", "content"), [(P, OTHERS), ("notes.txt", b"mine"), ("old/x", b"mine")])
def test_nothing_of_a_user_s_makes_room_for_what_is_on_record(
    site: Site, session: Session, name: str, content: bytes
) -> None:
    wanted = step(source(served(site)))
    session.realise(wanted)
    path = session.build / "a-model" / "source" / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    assert not session.is_current(wanted)
    with pytest.raises(StepFailed) as caught:
        session.realise(wanted)
    assert caught.value.what.startswith(f"{name} would be lost")
    assert path.read_bytes() == content
    path.rename(session.root / "elsewhere")
    session.realise(wanted)
    assert (session.build / "a-model" / "source" / P).read_bytes() == PARAMS


def test_a_user_s_link_is_followed(session: Session, tmp_path: Path) -> None:
    own = session.build / "a-model" / "source"
    own.mkdir(parents=True)
    put(tmp_path)
    (own / S).symlink_to(tmp_path / SYMBOL_PATH)
    (own / P).symlink_to(tmp_path / PARAMS_PATH)
    wanted = step(source("http://127.0.0.1:9/"))
    session.realise(wanted)
    assert session.is_current(wanted)
    assert (tmp_path / PARAMS_PATH).read_bytes() == PARAMS


def test_a_damaged_record_is_an_error_before_anything_is_fetched(site: Site, session: Session) -> None:
    (session.root / "models" / NAME).write_text("<<<<<<< ours\n")
    wanted = step(source(served(site)))
    assert not session.is_current(wanted)
    with pytest.raises(Exception, match="is damaged"):
        session.realise(wanted)
    assert site.requests == []
