"""Manifests: what is right is read, everything that is wrong is named."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converter.errors import BadInput
from converter.inputs import read_inputs
from tasks import manifest, table
from tasks.action import Digest
from tasks.manifest import (
    OWN,
    PRETRAINED,
    ROLES,
    SEEDED,
    Architecture,
    Archive,
    File,
    Gluon,
    Source,
    load,
    load_all,
    load_source,
)
from tasks.targets import SOURCES

ROOT = Path(manifest.__file__).parents[1]
A, B, C = "a" * 64, "b" * 64, "c" * 64

PACKAGED: dict[str, Any] = {
    "title": "A model",
    "framework": "mxnet",
    "licence": "Apache-2.0",
    "reference": "https://example.org/paper",
    "source": {
        "package": "thing==1.0",
        "sha256": A,
        "size": 100,
        "files": {
            "graph": {"path": "thing/x-symbol.json", "sha256": B, "size": 10},
            "weights": {"path": "thing/x-0000.params", "sha256": C, "size": 20},
        },
    },
    "inputs": {
        "data": {
            "shape": ["batch", 3, 48, 48],
            "range": [-1, 1.0],
            "preprocess": {"channels": "BGR", "mean": 127.5, "scale": 0.0078125},
        }
    },
    "outputs": {"prob_output": {"labels": ["not a face", "face"]}},
    "targets": {"caffe": {"options": {"merge_bn": True}, "expect": {"verdict": "close", "reason": "rounds"}}},
}
URLS: dict[str, Any] = {
    **PACKAGED,
    "source": {
        "files": {
            "graph": {"urls": ["https://a.example/x-symbol.json?v=1", "file:///x.json"], "sha256": B, "size": 10},
            "weights": {"urls": ["http://a.example/get/7"], "name": "x.params", "sha256": C, "size": 20},
        }
    },
}
BELOW: dict[str, Any] = {
    **PACKAGED,
    "source": {
        "base": ["https://a.example/models/", "file:///mnt/a%20disk/"],
        "files": {
            "graph": {"path": "net/50-layers/x-symbol.json"},
            "weights": {"path": "x-0000.params", "sha256": C, "size": 20},
        },
    },
}
GLUON: dict[str, Any] = {
    **PACKAGED,
    "title": "A network, seeded weights",
    "source": {
        "kind": "gluon",
        "name": "resnet50_v1",
        "zoo": "gluoncv",
        "weights": "seeded",
        "options": {"classes": ["a", "b"], "thumbnail": True, "deep": {"scale": 0.5}},
        "classes": ["mask", "no mask"],
        "gain": 1.5,
    },
}
OWNED: dict[str, Any] = {
    **PACKAGED,
    "source": {
        "kind": "gluon",
        "name": "resnet50_v1",
        "files": {"parameters": {"urls": ["file:///x.params"], "sha256": B, "size": 10}},
    },
}


def toml(table: Mapping[str, Any]) -> str:
    """The table as TOML, on one line a key."""
    return "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def written(folder: Path, table: Mapping[str, Any], name: str = "a-model.toml") -> Path:
    path = folder / name
    path.write_text(toml(table))
    return path


def changed(table: Mapping[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with ``value`` at ``place``; without the key if that is None."""
    result = copy.deepcopy(dict(table))
    *parents, last = place.split("/")
    below = result
    for key in parents:
        below = below[key]
    if value is None:
        del below[last]
    else:
        below[last] = value
    return result


def refusal(folder: Path, table: Mapping[str, Any], name: str = "a-model.toml") -> str:
    with pytest.raises(BadInput) as caught:
        load(written(folder, table, name))
    assert name in str(caught.value)
    return caught.value.what


def test_all_fields_of_a_packaged_model(tmp_path: Path) -> None:
    read = load(written(tmp_path, PACKAGED))
    assert (read.name, read.title, read.framework, read.licence) == ("a-model", "A model", "mxnet", "Apache-2.0")
    assert read.reference == "https://example.org/paper"
    assert isinstance(read.source, Source)
    assert read.source.archive == Archive("thing==1.0", Digest(A, 100))
    assert read.source.files == (
        File("graph", "x-symbol.json", Digest(B, 10), path="thing/x-symbol.json"),
        File("weights", "x-0000.params", Digest(C, 20), path="thing/x-0000.params"),
    )
    assert read.source.tree == {"x-symbol.json": Digest(B, 10), "x-0000.params": Digest(C, 20)}
    assert read.inputs["data"].shape == ("batch", 3, 48, 48)
    assert read.inputs["data"].range == (-1.0, 1.0)
    assert read.inputs["data"].preprocess == {"channels": "BGR", "mean": 127.5, "scale": 0.0078125}
    assert read.outputs["prob_output"].labels == ("not a face", "face")
    assert read.targets["caffe"].options == {"merge_bn": True}
    assert read.targets["caffe"].expect == {"verdict": "close", "reason": "rounds"}


def test_a_manifest_is_read_from_what_was_written_of_it(tmp_path: Path) -> None:
    whole = load(written(tmp_path, URLS))
    assert isinstance(whole.source, Source)
    graph = replace(whole.source, files=whole.source.files[:1])
    for model in (whole, replace(whole, name="A_model", framework="onnx", source=graph, inputs={}, outputs={})):
        assert manifest.read(json.loads(json.dumps(manifest.write(model))), tmp_path / "x.json") == model


@pytest.mark.parametrize("table", [PACKAGED, BELOW, GLUON])
def test_what_has_no_urls_of_its_own_cannot_be_written(tmp_path: Path, table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a-model"):
        manifest.write(load(written(tmp_path, table)))


def test_what_was_written_may_have_been_changed(tmp_path: Path) -> None:
    table = manifest.write(load(written(tmp_path, URLS)))
    with pytest.raises(BadInput, match=r"x.json is not right: name .*source.files.graph.sha256"):
        manifest.read(changed(table, "source/files/graph/sha256", "no") | {"name": "../x"}, tmp_path / "x.json")


def test_files_of_their_own_take_their_name_from_the_first_url(tmp_path: Path) -> None:
    source = load(written(tmp_path, URLS)).source
    assert isinstance(source, Source)
    graph, weights = source.files
    assert (graph.name, graph.urls) == ("x-symbol.json", ("https://a.example/x-symbol.json?v=1", "file:///x.json"))
    assert (weights.name, weights.path) == ("x.params", "")


def test_files_below_a_folder_need_no_digests(tmp_path: Path) -> None:
    source = load(written(tmp_path, BELOW)).source
    assert source == Source(
        (
            File("graph", "x-symbol.json", None, path="net/50-layers/x-symbol.json"),
            File("weights", "x-0000.params", Digest(C, 20), path="x-0000.params"),
        ),
        base=("https://a.example/models/", "file:///mnt/a%20disk/"),
        model="a-model",
    )
    assert source.tree == {"x-0000.params": Digest(C, 20)}


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("source/base", [], "source.base is to be a list of texts"),
        ("source/base", "https://a.example/", "source.base is to be a list, not 'https://a.example/'"),
        ("source/base", ["https://a.example/models"], "which is no folder: let it end with /"),
        (
            "source/base",
            ["ftp://a.example/"],
            "source.base[0] is 'ftp://a.example/', which is not of http",
        ),
        ("source/base", ["https:///models/"], "which names no host"),
        ("source/files/graph/path", "../x-symbol.json", "which is no plain path below base"),
        ("source/files/graph/path", "/x-symbol.json", "which is no plain path below base"),
        ("source/files/graph/path", "a//x-symbol.json", "which is no plain path below base"),
        ("source/files/graph/path", "https://b.example/x", "which is no plain path below base"),
        ("source/files/graph/path", "x?y", "which is no plain path below base"),
        ("source/files/graph/path", "net/x-0000.params", "two files have the same name"),
        ("source/files/graph/path", None, "source.files.graph.path is missing"),
        ("source/files/graph/size", 5, "source.files.graph.sha256 is missing"),
        ("source/files/weights/size", None, "source.files.weights.size is missing"),
        ("source/files/weights/urls", ["file:///x"], "source.files.weights.urls is not known"),
        ("source/package", "thing==1.0", "source.base is not known"),
    ],
)
def test_what_is_wrong_with_files_below_a_folder(tmp_path: Path, place: str, value: object, problem: str) -> None:
    assert problem in refusal(tmp_path, changed(BELOW, place, value))


def test_only_a_model_s_files_can_do_without_digests(tmp_path: Path) -> None:
    table = changed(OWNED, "source/files/parameters", {"path": "x.params"})
    problem = refusal(tmp_path, changed(table, "source/base", ["https://a.example/"]))
    assert "source.files.parameters.sha256 is missing" in problem


def test_what_may_be_left_out(tmp_path: Path) -> None:
    table = changed(changed(changed(PACKAGED, "targets", None), "reference", None), "inputs/data/preprocess", None)
    read = load(written(tmp_path, table))
    assert (read.targets, read.reference, read.inputs["data"].preprocess) == ({}, "", None)


def test_a_network_of_a_model_zoo(tmp_path: Path) -> None:
    source = load(written(tmp_path, GLUON)).source
    options = {"classes": ["a", "b"], "thumbnail": True, "deep": {"scale": 0.5}}
    assert source == Gluon("resnet50_v1", SEEDED, "gluoncv", options, ("mask", "no mask"), 1.5)


def test_a_network_s_own_weights_are_its_zoo_s(tmp_path: Path) -> None:
    source = load(written(tmp_path, changed(PACKAGED, "source", {"kind": "gluon", "name": "alexnet"}))).source
    assert source == Gluon("alexnet", PRETRAINED)


def test_a_network_takes_a_user_s_file(tmp_path: Path) -> None:
    source = load(written(tmp_path, OWNED)).source
    parameters = File("parameters", "x.params", Digest(B, 10), urls=("file:///x.params",))
    assert source == Gluon("resnet50_v1", OWN, parameters=Source((parameters,)))


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("source/kind", "gloun", "source.kind is 'gloun', which is not known (did you mean gluon?)"),
        ("source/kind", "files", "source.files is missing"),
        ("source/name", None, "source.name is missing"),
        ("source/name", "../x", "source.name is to be the name of a network in a model zoo, not '../x'"),
        ("source/zoo", "gluncv", "source.zoo is 'gluncv', which is not known (did you mean gluoncv?)"),
        ("source/weights", "seded", "source.weights is 'seded', which is not known (did you mean seeded?)"),
        ("source/weights", "file", "source.weights is 'file', which is not known"),
        ("source/weights", "pretrained", "source.gain is for seeded weights"),
        ("title", "A network", 'source.weights is "seeded", which the title has to say too'),
        ("title", "A \x1b[31mnetwork, seeded", "title has control characters"),
        ("source/gain", 0, "source.gain is to be a number above 0, not 0"),
        ("source/gain", True, "source.gain is to be a number above 0, not True"),
        ("source/gain", "much", "source.gain is to be a number above 0, not 'much'"),
        ("source/classes", "mask", "source.classes is to be a list, not 'mask'"),
        ("source/classes", ["a", "b", "a"], "source.classes names a class twice"),
        ("source/options", 5, "source.options is to be a table, not 5"),
        ("source/options", {"x": [float("nan")]}, "source.options is to hold texts, finite numbers"),
        ("source/sha256", A, "source.sha256 is not known"),
        ("source/files", {"parameters": {"urls": ["file:///x"], "sha256": B, "size": 1}}, "source.weights is for a"),
        ("framework", "mxnte", "framework is 'mxnte', which is not known"),
    ],
)
def test_what_is_wrong_with_a_network_is_named(tmp_path: Path, place: str, value: Any, problem: str) -> None:
    assert problem in refusal(tmp_path, changed(GLUON, place, value))


CLASSIC: dict[str, Any] = {
    **PACKAGED,
    "aliases": ["short", "shorter"],
    "seeded": {"architecture": "resnet", "options": {"layers": 50}, "gain": 0.9},
    "outputs": {"prob_output": {"labels": "animals"}},
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models as a project has one, with what manifests name."""
    for name, content in {
        "models/labels/animals.txt": "a cat\na dog\n",
        "images/mxnet/architectures/resnet.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path / "models"


def test_a_model_that_can_be_built_has_a_seeded_variant(models: Path) -> None:
    written(models, CLASSIC, "model.toml")
    found = load_all(models)
    assert list(found) == ["model", "model-seeded"]
    model, variant = found.values()
    assert (model.weights, model.aliases, model.variant_of) == (PRETRAINED, ("short", "shorter"), "")
    assert (variant.weights, variant.aliases) == (SEEDED, ("short-seeded", "shorter-seeded"))
    assert (variant.title, variant.variant_of) == ("A model, seeded weights", "model")
    assert variant.source == Architecture("resnet", {"layers": 50}, 0.9)
    assert variant.inputs == model.inputs
    assert variant.targets["caffe"].expect is None, "what is known of trained weights is not known of others"


def test_labels_can_be_the_lines_of_a_file(models: Path) -> None:
    assert load(written(models, CLASSIC)).outputs["prob_output"].labels == ("a cat", "a dog")


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("aliases", "short", "aliases is to be a list, not 'short'"),
        ("aliases", ["Short"], "aliases has 'Short', which is no name"),
        (
            "seeded/architecture",
            "resent",
            "seeded.architecture is 'resent', which is not known (did you mean resnet?)",
        ),
        ("seeded/architecture", None, "seeded.architecture is missing"),
        ("seeded/options", [], "seeded.options is to be a table"),
        ("seeded/options", {"x": float("inf")}, "seeded.options is to hold texts, finite numbers"),
        ("seeded/gain", -1, "seeded.gain is to be a number above 0, not -1"),
        ("seeded/weights", "seeded", "seeded.weights is not known"),
        ("outputs/prob_output/labels", "animal", "labels is 'animal', which is not known (did you mean animals?)"),
        ("outputs/prob_output/labels", "../x", "labels is '../x', which is not known"),
    ],
)
def test_what_is_wrong_with_a_classic_model_is_named(models: Path, place: str, value: Any, problem: str) -> None:
    assert problem in refusal(models, changed(CLASSIC, place, value))


@pytest.mark.parametrize("aliases", [["first"], ["first-seeded"], ["other"]])
def test_two_models_of_one_name_are_refused(models: Path, aliases: list[str]) -> None:
    written(models, {**CLASSIC, "aliases": ["other"]}, "first.toml")
    written(models, {**CLASSIC, "aliases": aliases}, "second.toml")
    with pytest.raises(BadInput, match=r"first\.toml and second\.toml both call a model"):
        load_all(models)


def test_a_date_is_no_option(tmp_path: Path) -> None:
    path = written(tmp_path, changed(GLUON, "source/options", {"x": "DATE"}))
    path.write_text(path.read_text().replace('"DATE"', "2023-09-01"))
    with pytest.raises(BadInput, match=r"source\.options is to hold texts"):
        load(path)


def test_a_user_s_file_has_one_role(tmp_path: Path) -> None:
    table = changed(OWNED, "source/files/weights", OWNED["source"]["files"]["parameters"])
    assert "source.files.weights is not known" in refusal(tmp_path, table)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("licence", None, "licence is missing"),
        ("title", "  ", "title is empty"),
        ("title", 5, "title is to be a text, not 5"),
        ("framework", "mxnte", "framework is 'mxnte', which is not known (did you mean mxnet?)"),
        ("licens", "MIT", "licens is not known"),
        ("source", "codemao", "source is to be a table, not 'codemao'"),
        ("source/package", "thing>=1.0", "source.package is to be name==version, not 'thing>=1.0'"),
        ("source/package", "--index-url=x==1", "source.package is to be name==version"),
        ("source/sha256", "A" * 64, "source.sha256 is to be 64 hexadecimal digits"),
        ("source/sha256", A + "\n", "source.sha256 is to be 64 hexadecimal digits"),
        ("source/size", -1, "source.size is no size in bytes: -1"),
        ("source/size", True, "source.size is no size in bytes: True"),
        ("source/files/graph", None, "source.files.graph is missing"),
        ("source/files/wieghts", {}, "source.files.wieghts is not known"),
        ("source/files/graph/path", None, "source.files.graph.path is missing"),
        ("source/files/graph/path", "../x.json", "source.files.graph.path is '../x.json', which is no place"),
        ("source/files/graph/path", "/etc/passwd", "source.files.graph.path is '/etc/passwd', which is no place"),
        ("source/files/graph/path", "a/-rf", "source.files.graph.path gives the file the name '-rf'"),
        ("source/files/graph/path", "a/x\n", "source.files.graph.path gives the file the name"),
        ("source/files/graph/path", "a/x-0000.params", "source.files two files have the same name"),
        ("source/files/graph/urls", ["https://a.example/x"], "source.files.graph.urls is not known"),
        ("inputs", {}, "inputs is empty"),
        ("inputs/data/shape", [], "inputs.data.shape is to be a list of whole numbers above 0"),
        ("inputs/data/shape", [0, 3], "inputs.data.shape is to be a list of whole numbers above 0"),
        ("inputs/data/shape", [1, "batch"], "inputs.data.shape is to be a list of whole numbers above 0"),
        ("inputs/data/shape", [True, 3], "inputs.data.shape is to be a list of whole numbers above 0"),
        ("inputs/data/shape", None, "inputs.data.shape is missing"),
        ("inputs/data/range", [1, -1], "inputs.data.range is to be [lowest, highest]"),
        ("inputs/data/range", [0, float("inf")], "inputs.data.range is to be [lowest, highest]"),
        ("inputs/data/range", [float("nan"), 1], "inputs.data.range is to be [lowest, highest]"),
        ("inputs/data/range", [0, 10**400], "inputs.data.range is to be [lowest, highest]"),
        ("inputs/data/range", [0], "inputs.data.range is to be [lowest, highest]"),
        ("inputs/data/preprocess", {}, "inputs.data.preprocess.channels is missing"),
        ("inputs/data/preprocess/men", 1, "inputs.data.preprocess.men is not known"),
        ("outputs/prob_output/labels", [], "outputs.prob_output.labels is to be a list of texts"),
        ("outputs/prob_output/labels", ["face", 1], "outputs.prob_output.labels is to be a list of texts"),
        ("outputs/prob_output/label", ["face"], "outputs.prob_output.label is not known"),
        ("targets/cafe", {}, "targets.cafe is not known"),
        ("targets/caffe/option", {}, "targets.caffe.option is not known"),
        ("targets/caffe/expect", {}, "targets.caffe.expect.verdict is missing"),
        ("targets/caffe/expect", {"verdict": "close"}, "targets.caffe.expect.reason is missing"),
        ("targets/caffe/expect/verdict", "exact", "targets.caffe.expect.verdict is to be close or differs"),
        ("targets/caffe/expect/reason", "", "targets.caffe.expect.reason is empty"),
        ("targets/caffe/expect/reason", 7, "targets.caffe.expect.reason is to be a text"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, place: str, value: Any, problem: str) -> None:
    assert problem in refusal(tmp_path, changed(PACKAGED, place, value))


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("graph/urls", [], "source.files.graph.urls is to be a list of texts"),
        ("graph/urls", "https://a.example/x", "source.files.graph.urls is to be a list"),
        ("graph/urls", ["https://a.example/x", "ftp://a.example/x"], "source.files.graph.urls[1] is 'ftp://"),
        ("graph/urls", ["https:///x"], "source.files.graph.urls[0] is 'https:///x', which names no host"),
        ("graph/urls", ["http://[::1/x"], "source.files.graph.urls[0] is 'http://[::1/x', which is no URL"),
        ("graph/urls", ["http://a:b/x"], "source.files.graph.urls[0] is 'http://a:b/x', which is no URL"),
        ("graph/urls", ["file://host/x"], "which is not of the form file:///path"),
        ("graph/urls", ["https://a.example/"], "source.files.graph.urls gives the file the name"),
        ("graph/name", ".hidden", "source.files.graph.name gives the file the name '.hidden'"),
        ("graph/path", "x", "source.files.graph.path is not known"),
    ],
)
def test_what_is_wrong_with_urls_is_named_with_its_place(
    tmp_path: Path, place: str, value: Any, problem: str
) -> None:
    assert problem in refusal(tmp_path, changed(URLS, f"source/files/{place}", value))


def test_a_typing_error_is_told_the_key_that_was_meant(tmp_path: Path) -> None:
    table = changed(changed(PACKAGED, "licence", None), "license", "MIT")
    assert refusal(tmp_path, table).endswith("license is not known (did you mean licence?)")


def test_everything_that_is_wrong_is_in_one_error_and_nothing_twice(tmp_path: Path) -> None:
    table = changed(changed(changed(PACKAGED, "title", 1), "source/sha256", "x"), "inputs/data/shape", None)
    what = refusal(tmp_path, table)
    places = ("title is to be", "source.sha256 is to be", "inputs.data.shape is missing")
    assert [what.count(place) for place in places] == [1, 1, 1]
    assert what.count(";") == 2


def test_what_follows_from_a_missing_table_is_not_listed(tmp_path: Path) -> None:
    assert refusal(tmp_path, changed(PACKAGED, "source", None)).endswith("not right: source is missing")


@pytest.mark.parametrize("name", ["A.toml", "-a.toml", "a=b.toml", "a:b.toml", "a b.toml", "_a.toml"])
def test_a_name_that_cannot_be_a_task_is_refused(tmp_path: Path, name: str) -> None:
    assert "is no name for a model" in refusal(tmp_path, PACKAGED, name)


@pytest.mark.parametrize("content", [b"title = ", b"\xff\xfe", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000])
def test_what_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.toml is not TOML"):
        load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        load(tmp_path / "a.toml")


def places(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The place of every key."""
    for key, value in table.items():
        yield f"{above}{key}"
        if isinstance(value, dict):
            yield from places(value, f"{above}{key}/")


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    where=st.sampled_from([(table, place) for table in (PACKAGED, URLS, GLUON, OWNED) for place in places(table)]),
    value=VALUES,
)
def test_any_value_anywhere_is_read_or_refused(
    tmp_path: Path, where: tuple[Mapping[str, Any], str], value: Any
) -> None:
    table, place = where
    path = written(tmp_path, changed(table, place, value))
    problem = ""
    try:
        load(path)
    except BadInput as error:
        problem = error.what
    assert not problem or place.split("/", maxsplit=1)[0] in problem


@pytest.mark.parametrize("table", [PACKAGED, URLS, GLUON, OWNED])
def test_an_unknown_key_is_refused_in_every_table(tmp_path: Path, table: Mapping[str, Any]) -> None:
    tables = [place for place in places(table) if isinstance(_at(table, place), dict)]
    free = ("targets/caffe/options", "source/options")
    for place in ["", *(place for place in tables if not place.startswith(free))]:
        known = f"{place}/zzz" if place else "zzz"
        assert f"{known.replace('/', '.')} is" in refusal(tmp_path, changed(table, known, 1))


def _at(table: Mapping[str, Any], place: str) -> Any:
    value: Any = table
    for key in place.split("/"):
        value = value[key]
    return value


def test_a_folder_of_manifests_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml"):
        written(tmp_path, PACKAGED, name)
    (tmp_path / "notes.md").write_text("not a manifest")
    assert list(load_all(tmp_path)) == ["a", "b"]


CLASSICS = (
    "imagenet1k-inception-bn",
    *(f"imagenet1k-resnet-{layers}" for layers in (18, 34, 50, 101, 152)),
    *(f"imagenet1k-resnext-{kind}" for kind in ("50", "101", "101-64x4d")),
    "imagenet11k-resnet-152",
    *(f"imagenet11k-place365ch-resnet-{layers}" for layers in (50, 152)),
    "vgg16",
    "vgg19",
    "squeezenet_v1.0",
    "squeezenet_v1.1",
)
"""What ``mmdownload -f mxnet`` of MMdnn knows."""


def test_every_model_is_right_as_the_inputs_step_reads_it_too() -> None:
    models = load_all(ROOT / "models")
    assert models.keys() >= {
        "mtcnn-pnet",
        "mtcnn-rnet",
        "mtcnn-onet",
        "mtcnn-lnet",
        "gender-age",
        "mobilenet0.25-seeded",
        *CLASSICS,
        *(f"{name}-seeded" for name in CLASSICS),
    }
    assert set(table.MODELS) < set(CLASSICS)
    aliases = {alias for model in models.values() for alias in model.aliases}
    assert aliases >= {"resnet50", "resnet18", "resnet152", "resnext50", "resnext101", "inception-bn", "squeezenet"}
    for model in models.values():
        read_inputs(
            {
                name: {"shape": list(spec.shape), "range": list(spec.range), "preprocess": spec.preprocess}
                for name, spec in model.inputs.items()
            }
        )
        if isinstance(model.source, Source):
            assert {file.role for file in model.source.files} == set(ROLES[model.framework])


def test_the_photographs_are_at_least_the_two_that_the_gate_needs() -> None:
    assert load_source(ROOT / "tasks" / "photographs.toml").tree.keys() >= {"astronaut.png", "chelsea.png"}


def test_the_frameworks_are_those_that_have_a_toolchain() -> None:
    assert ROLES.keys() == SOURCES.keys()


def test_reading_manifests_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'onnx_ir', 'PIL', 'pooch', 'requests', 'rich', 'docker', 'unearth'}"
    program = f"import sys, tasks.manifest; print(sorted({heavy} & sys.modules.keys()))"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
