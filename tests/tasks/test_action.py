"""Actions: canonical, hermetic, and in the shape of the Remote Execution API."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import reapi
from tasks.action import WHATEVER, Action, Digest, Image, Result, decode_result, encode, encode_result, inputs

EMPTY = Digest.of(b"")
BASE = Action(
    argv=("python3", "in/step/run.py"),
    image=Image("caffe-ssd", "0" * 64),
    inputs=inputs({"step/run.py": Digest.of(b"run"), "params.json": Digest.of(b"{}")}),
    outputs=("outputs.npz",),
    env=(("LANG", "C"),),
)


@pytest.mark.parametrize(
    "change",
    [
        {"argv": ("python3", "in/step/other.py")},
        {"image": Image("caffe-ssd", "1" * 64)},
        {"inputs": inputs({"step/run.py": Digest.of(b"ran"), "params.json": Digest.of(b"{}")})},
        {"inputs": inputs({"step/run2.py": Digest.of(b"run"), "params.json": Digest.of(b"{}")})},
        {"outputs": ("outputs.npz", "runtime.json")},
        {"env": (("LANG", "C.UTF-8"),)},
        {"timeout": 601},
    ],
)
def test_every_component_is_in_the_key(change: dict[str, object]) -> None:
    assert encode(dataclasses.replace(BASE, **change)).key != encode(BASE).key


def test_names_for_people_are_not_in_the_key() -> None:
    renamed = dataclasses.replace(BASE, image=Image("another-name", BASE.image.identity))
    assert encode(renamed).key == encode(BASE).key


def test_the_key_is_pinned() -> None:
    """A change of encoding would orphan every cache: it has to be meant, with a new salt."""
    assert encode(BASE).key.hash == "ea7e42b98c290c7f5fb556cb40daf3ec818c3a44628f5fef7b8357f53799abd6"


def test_an_encoded_action_is_a_merkle_tree_of_its_blobs() -> None:
    encoded = encode(BASE)
    action = reapi.Action.FromString(encoded.blobs[encoded.key])
    blobs = {digest.hash: data for digest, data in encoded.blobs.items()}
    root = reapi.Directory.FromString(blobs[action.input_root_digest.hash])
    assert [folder.name for folder in root.directories] == ["in"]
    content = reapi.Directory.FromString(blobs[root.directories[0].digest.hash])
    assert [file.name for file in content.files] == ["params.json"]
    assert [folder.name for folder in content.directories] == ["step"]
    command = reapi.Command.FromString(blobs[action.command_digest.hash])
    assert list(command.output_paths) == ["out/outputs.npz"]


@given(st.permutations(["a", "b/c", "b/d", "e/f/g"]))
def test_order_of_inputs_does_not_matter(names: list[str]) -> None:
    shuffled = dataclasses.replace(BASE, inputs=inputs({name: Digest.of(name.encode()) for name in names}))
    ordered = dataclasses.replace(BASE, inputs=inputs({name: Digest.of(name.encode()) for name in sorted(names)}))
    assert encode(shuffled).key == encode(ordered).key


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../b", "", ".", "a//b", "a/./b"])
def test_paths_cannot_leave_the_working_folder(path: str) -> None:
    with pytest.raises(ValueError, match="not a plain relative path"):
        dataclasses.replace(BASE, inputs=((path, EMPTY),))
    with pytest.raises(ValueError, match="not a plain relative path"):
        dataclasses.replace(BASE, outputs=(path, "b"))


def test_a_step_may_decide_itself_what_it_writes() -> None:
    encoded = encode(dataclasses.replace(BASE, outputs=(WHATEVER,)))
    action = reapi.Action.FromString(encoded.blobs[encoded.key])
    blobs = {digest.hash: data for digest, data in encoded.blobs.items()}
    assert list(reapi.Command.FromString(blobs[action.command_digest.hash]).output_paths) == ["out"]


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary()))
def test_results_survive_encoding(content: dict[str, bytes]) -> None:
    tree = {path: Digest.of(data) for path, data in content.items()}
    for result in (Result(tree), Result(tree, 1_700_000_000_123_456_789, 1_700_000_002_623_456_789)):
        assert decode_result(encode_result(result)) == result


def test_a_result_without_times_has_the_bytes_that_it_always_had() -> None:
    timed = encode_result(Result({}, 1_000_000_002, 3_000_000_004))
    assert encode_result(Result({})) == b""
    assert timed == b"\x4a\x0c\x3a\x04\x08\x01\x10\x02\x42\x04\x08\x03\x10\x04"
    assert decode_result(timed).took == pytest.approx(2.000000002)
    assert decode_result(b"").took is None
