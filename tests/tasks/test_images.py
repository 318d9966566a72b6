"""Toolchains: what counts for their definition and identity, and how builds talk."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tasks import builder, engine, images, toolchains
from tasks.errors import ImageError
from tasks.index import Pin

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of ``images/`` to change."""
    return Path(shutil.copytree(REPOSITORY / "images", tmp_path / "images"))


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in a file, which has to be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_every_folder_is_a_toolchain_on_a_base_that_exists() -> None:
    names = toolchains.toolchains()
    assert {"mxnet", "caffe-ssd", "onnx", "base-bullseye", "base-bookworm"} <= set(names)
    for name in names:
        described = toolchains.describe(name)
        assert described.parent is None or described.parent in names


@pytest.mark.parametrize("toolchain", toolchains.toolchains())
def test_a_definition_is_the_same_every_time_and_for_every_copy(toolchain: str, root: Path) -> None:
    assert toolchains.definition(toolchain) == toolchains.definition(toolchain, root)


def test_definitions_differ() -> None:
    names = toolchains.toolchains()
    assert len({toolchains.definition(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mxnet/Dockerfile", "libgomp1", "libgomp1 file"),
        ("mxnet/requirements.lock", "mxnet==1.9.1", "mxnet==1.9.0"),
        ("base/Dockerfile", "-q ${PACKAGES}", "-qq ${PACKAGES}"),
        ("base/toolchain.toml", '"python3-distutils"', '"python3-distutils", "file"'),
        ("base/toolchain.toml", "bullseye-slim@sha256:f", "bullseye-slim@sha256:0"),
        ("base/requirements.lock", "pip==24.0", "pip==24.1"),
    ],
)
def test_what_changes_the_build_changes_the_definition(root: Path, file: str, old: str, new: str) -> None:
    before, other = toolchains.definition("mxnet", root), toolchains.definition("onnx", root)
    edit(root / file, old, new)
    assert toolchains.definition("mxnet", root) != before
    shared = file in {"base/Dockerfile", "base/requirements.lock"}
    assert (toolchains.definition("onnx", root) != other) == shared


def test_comments_and_step_scripts_do_not_change_the_definition(root: Path) -> None:
    before = toolchains.definition("caffe-ssd", root)
    (root / "caffe-ssd" / "run.py").write_text("changed\n")
    for name in ("caffe-ssd/Dockerfile", "caffe-ssd/toolchain.toml", "base/Dockerfile", "base/toolchain.toml"):
        path = root / name
        path.write_text(f"# another comment\n\n{path.read_text()}")
    assert toolchains.definition("caffe-ssd", root) == before


def test_sources_are_pinned(root: Path) -> None:
    (pin,) = toolchains.describe("caffe-ssd", root).sources
    assert pin.requirement == "brocolli-caffe==9.0.2"
    before = toolchains.definition("caffe-ssd", root)
    edit(root / "caffe-ssd" / "toolchain.toml", "c6410cc6", "c6410cc7")
    assert toolchains.definition("caffe-ssd", root) != before


@pytest.mark.parametrize("written", ["debian:bookworm-slim", "debian:bookworm-slim@sha256:96e3", "debian@md5:96e3"])
def test_an_image_that_is_not_pinned_is_refused(root: Path, written: str) -> None:
    path = root / "base" / "toolchain.toml"
    path.write_text(re.sub(r"debian:bookworm-slim@sha256:\w+", written, path.read_text()))
    with pytest.raises(ImageError, match="is not pinned"):
        toolchains.describe("onnx", root)


def test_a_toolchain_may_run_on_another_python_than_its_base(root: Path) -> None:
    assert toolchains.describe("mxnet", root).interpreter == "python3"
    described, before = toolchains.describe("cntk", root), toolchains.definition("cntk", root)
    assert (described.interpreter, described.target.python) == ("python2.7", (2, 7))
    assert described.debian.target.python == (3, 9), "pip, which only unpacks, runs on the base's own"
    edit(root / "cntk" / "toolchain.toml", "2.7", "3.6")
    assert toolchains.definition("cntk", root) != before
    edit(root / "cntk" / "toolchain.toml", "3.6", "newest")
    with pytest.raises(ImageError, match="'newest' is no version of Python"):
        toolchains.describe("cntk", root)


def test_an_unknown_toolchain_or_base_is_refused_with_those_that_exist(root: Path) -> None:
    with pytest.raises(
        ImageError,
        match="browser, caffe-bvlc, caffe-ssd, cntk, coreml, gluon, mxnet, ncnn, onnx, pytorch, tensorflow",
    ):
        toolchains.describe("nonsense", root)
    with pytest.raises(ImageError, match="bullseye, bookworm"):
        toolchains.describe("base-sarge", root)
    edit(root / "mxnet" / "toolchain.toml", "bullseye", "sarge")
    with pytest.raises(ImageError, match="'sarge' is not a described Debian release"):
        toolchains.describe("mxnet", root)


def test_a_misspelt_key_and_broken_toml_are_refused(root: Path) -> None:
    (root / "onnx" / "toolchain.toml").write_text('base = "bookworm"\nsorces = {}\n')
    with pytest.raises(ImageError, match="sorces: no such key"):
        toolchains.describe("onnx", root)
    (root / "onnx" / "toolchain.toml").write_text("base = \n")
    with pytest.raises(ImageError, match="not TOML"):
        toolchains.describe("onnx", root)


def record(records: Path, contents: dict[str, Any], /, **changes: Any) -> Path:
    """Write a record of the mxnet image as it is described now."""
    name = toolchains.definition("mxnet")
    found = images.Identity("mxnet", name, toolchains.digest_of(contents), contents, "sha256:1")
    records.mkdir(exist_ok=True)
    images._write(records / f"{name}.json", found)
    path = records / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_identity_is_read_back_from_a_record(tmp_path: Path) -> None:
    assert images.identity("mxnet", tmp_path) is None
    record(tmp_path, {"debian": {"libc6": "2.31"}})
    known = images.identity("mxnet", tmp_path)
    assert known is not None
    assert known.contents == {"debian": {"libc6": "2.31"}}
    assert known.tag == f"transship/mxnet:{known.identity[:12]}"


def test_a_record_that_does_not_agree_with_itself_is_no_record(tmp_path: Path) -> None:
    path = record(tmp_path, {"debian": {"libc6": "2.31"}}, contents={"debian": {"libc6": "2.32"}})
    assert images.identity("mxnet", tmp_path) is None
    path.write_text("{")
    assert images.identity("mxnet", tmp_path) is None
    path.write_text("[]")
    assert images.identity("mxnet", tmp_path) is None


def test_identity_depends_on_contents_and_not_on_the_engines_id(tmp_path: Path) -> None:
    record(tmp_path / "a", {"debian": {"libc6": "2.31"}})
    record(tmp_path / "b", {"debian": {"libc6": "2.31"}}, image="sha256:2")
    a, b = images.identity("mxnet", tmp_path / "a"), images.identity("mxnet", tmp_path / "b")
    assert a is not None
    assert b is not None
    assert (a.identity, a.image != b.image) == (b.identity, True)


def test_difference_reads_as_a_list_of_changes() -> None:
    old = {"base": "debian bullseye", "debian": {"a": "1", "b": "1", "c": "1"}, "recipe": "x"}
    new = {"base": "debian bullseye", "debian": {"a": "1", "b": "2", "d": "1"}, "recipe": "y"}
    assert images.difference(old, new) == [
        "debian: b 1 -> 2",
        "debian: c removed (was 1)",
        "debian: d added (1)",
        "recipe x -> y",
    ]
    assert images.difference(old, old) == []


def console() -> Console:
    """A console as it is when output is piped."""
    return Console(record=True, force_terminal=False, width=200, quiet=False, file=open("/dev/null", "w"))


def site(tmp_path: Path, shown: Console) -> builder.Site:
    """A build site without an engine."""
    return builder.Site(None, tmp_path, tmp_path / "log", builder.Progress(shown))  # type: ignore[arg-type]


def test_a_build_shows_one_line_a_step_and_logs_everything(tmp_path: Path) -> None:
    shown = console()
    there = site(tmp_path, shown)
    events = [
        {"stream": "Step 1/2 : FROM x\n"},
        {"stream": "\n"},
        {"stream": "Step 2/2 : RUN make\n"},
        {"stream": "\x1b[32mcompiling\x1b[0m\n"},
        {"aux": {"ID": "sha256:1"}},
    ]
    with there.progress:
        assert builder._follow(there, "toy", events) == "sha256:1"
    assert [line.rsplit("  ", 1)[0] for line in shown.export_text().splitlines()] == [
        "image toy  1/2 FROM x",
        "image toy  2/2 RUN make",
    ]
    assert "compiling" in there.log.read_text()


def test_a_failed_build_names_the_instruction_the_last_lines_and_the_log(tmp_path: Path) -> None:
    there = site(tmp_path, console())
    output = [{"stream": f"line {number}\n"} for number in range(100)]
    events = [{"stream": "Step 1/1 : RUN make\n"}, *output, {"error": "returned a non-zero code: 2"}]
    with pytest.raises(ImageError) as caught, there.progress:
        builder._follow(there, "toy", events)
    text = str(caught.value)
    assert "non-zero code: 2" in text
    assert "line 99" in text
    assert "line 1\n" not in text
    assert "RUN make" in text
    assert str(there.log) in text


def test_a_build_context_is_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    described = toolchains.describe("mxnet")
    packed = []
    for number, name in enumerate(("a", "b")):
        wheel = tmp_path / name / "mxnet.whl"
        wheel.parent.mkdir()
        wheel.write_bytes(b"wheel")
        wheel.chmod(0o600 if number else 0o644)
        fetched: dict[Pin, Path] = {described.wheels[0]: wheel}
        with (tmp_path / f"{name}.tar").open("wb") as file:
            builder._pack(file, described, fetched)
        packed.append((tmp_path / f"{name}.tar").read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert tar.getnames() == ["Dockerfile", "wheels/requirements.lock", "wheels/mxnet.whl"]


def test_proxies_are_handed_to_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in builder.PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert builder._proxies() == {}
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert builder._proxies() == {"https_proxy": "http://proxy:3128", "HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.container
def test_an_image_is_built_once_and_recognised_without_its_record(tmp_path: Path) -> None:
    client = engine.connect()
    first = images.ensure("base-bookworm", tmp_path / "a", client)
    assert first.contents["base"] == "debian bookworm"
    assert first.contents["debian"]["python3"].startswith("3.11")
    assert images.identity("base-bookworm", tmp_path / "a") == first
    again = images.ensure("base-bookworm", tmp_path / "b", client)
    assert again == first
    assert not (tmp_path / "b" / "base-bookworm.log").exists()
    assert builder.has(client, first.tag)
    client.close()


@pytest.mark.container
def test_a_rebuilt_image_that_holds_something_else_replaces_the_record_and_says_what(tmp_path: Path) -> None:
    client = engine.connect()
    real = images.ensure("base-bookworm", tmp_path, client)
    path = tmp_path / f"{real.definition}.json"
    older = {**real.contents, "debian": {**real.contents["debian"], "python3": "3.11.0"}}
    data = {"identity": toolchains.digest_of(older), "contents": older, "image": "sha256:gone"}
    path.write_text(json.dumps(data))
    shown = console()
    assert images.ensure("base-bookworm", tmp_path, client, builder.Progress(shown)) == real
    assert f"debian: python3 3.11.0 -> {real.contents['debian']['python3']}" in shown.export_text()
    assert images.contents(tmp_path, str(data["identity"])) == older
    assert images.contents(tmp_path, real.identity) == real.contents
    client.close()


@pytest.mark.container
def test_a_new_toolchain_is_one_folder_and_a_broken_one_says_where(root: Path, tmp_path: Path) -> None:
    folder = root / "toy"
    folder.mkdir()
    (folder / "toolchain.toml").write_text('base = "bookworm"\n')
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN echo made > /toy\n")
    client = engine.connect()
    found = images.ensure("toy", tmp_path / "records", client, root=root)
    try:
        assert "toy" in toolchains.toolchains(root)
        assert client.containers.run(found.image, ["cat", "/toy"], remove=True, network_mode="none") == b"made\n"
        (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN echo oh dear && exit 3\n")
        with pytest.raises(ImageError, match="oh dear") as caught:
            images.ensure("toy", tmp_path / "records", client, root=root)
        assert "exit 3" in caught.value.where
        assert "toy.log" in caught.value.fix
        assert images.identity("toy", tmp_path / "records", root) is None
    finally:
        client.images.remove(found.tag, force=True)
        client.close()
