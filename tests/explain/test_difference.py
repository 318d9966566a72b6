"""What differs between two actions is found, part by part, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.action import Action, Digest, Image, decode, encode, inputs
from tasks.explain.difference import Change, changes

BLOBS: dict[Digest, bytes] = {}


def put(content: bytes) -> Digest:
    digest = Digest.of(content)
    BLOBS[digest] = content
    return digest


ACTION = Action(
    argv=("python", "-m", "emit"),
    image=Image("host", "a" * 64),
    inputs=inputs(
        {
            "params.json": put(b'{"target": "caffe", "options": {"profile": "ssd"}, "gone": 1}'),
            "converter/emit.py": put(b"one\ntwo\n"),
            "ir/model.onnx": put(b"\0model"),
        }
    ),
    outputs=(".",),
    env=(("LANG", "C"),),
)


def with_input(path: str, content: bytes | None) -> Action:
    files = dict(ACTION.inputs)
    files.pop(path, None)
    return replace(ACTION, inputs=inputs(files | ({} if content is None else {path: put(content)})))


CASES: dict[str, tuple[Action, Change]] = {
    "argument": (
        replace(ACTION, argv=("python", "-m", "parse")),
        Change("command", "", "python -m emit", "python -m parse"),
    ),
    "variable": (replace(ACTION, env=(("LANG", "D"),)), Change("environment", "LANG", "C", "D")),
    "new variable": (replace(ACTION, env=(("LANG", "C"), ("X", "1"))), Change("environment", "X", "", "1")),
    "timeout": (replace(ACTION, timeout=30), Change("timeout", "", "600 s", "30 s")),
    "parameter": (
        with_input("params.json", b'{"target": "caffe", "options": {"profile": "bvlc"}, "gone": 1}'),
        Change("parameter", "options.profile", '"ssd"', '"bvlc"'),
    ),
    "parameter gone": (
        with_input("params.json", b'{"target": "caffe", "options": {"profile": "ssd"}}'),
        Change("parameter", "gone", "1", ""),
    ),
    "input": (
        with_input("ir/model.onnx", b"other"),
        Change("input file", "ir/model.onnx", "32b51b26ba90, 6 bytes", "d9298a10d1b0, 5 bytes"),
    ),
    "new input": (with_input("x", b"other"), Change("input file", "x", "", "d9298a10d1b0, 5 bytes")),
    "code gone": (
        with_input("converter/emit.py", None),
        Change("code", "converter/emit.py", "a0e8bd50ad72, 8 bytes", ""),
    ),
}


def found(after: Action, before: Action = ACTION) -> list[Change]:
    return changes(before, after, BLOBS.get, lambda old, new: [f"debian: libc6 {old[:1]} -> {new[:1]}"])


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_named_with_what_was_and_what_is(case: str) -> None:
    after, expected = CASES[case]
    (change,) = found(after)
    if case in ("input", "code gone"):
        path = expected.name
        expected = replace(expected, before=_shown(dict(ACTION.inputs)[path]))
    assert change == expected


def _shown(digest: Digest) -> str:
    return f"{digest.hash[:12]}, {digest.size} bytes"


def test_edited_code_says_how_many_lines() -> None:
    (change,) = found(with_input("converter/emit.py", b"one\n2\n3\n"))
    assert change.component == "code"
    assert change.after.endswith("8 bytes (+2 -1 lines)")


def test_an_image_says_which_packages() -> None:
    identity, package = found(replace(ACTION, image=Image("host", "b" * 64)))
    assert (identity.component, identity.before, identity.after) == ("image", "a" * 12, "b" * 12)
    assert str(package) == "image debian: libc6 a -> b"


def test_content_that_is_gone_is_no_hindrance() -> None:
    (change,) = changes(ACTION, with_input("converter/emit.py", b"x"), lambda _: None, lambda *_: [])
    assert "lines" not in change.after


def test_equal_actions_do_not_differ() -> None:
    assert found(ACTION) == []


names = st.text("ab/", min_size=1, max_size=5).filter(lambda path: all(path.split("/")))
files = st.dictionaries(names, st.binary(max_size=3)).filter(
    lambda tree: not any(other.startswith(f"{path}/") for path in tree for other in tree)
)


@given(
    files, st.lists(st.text("xy", min_size=1), min_size=1, max_size=3), st.dictionaries(st.text("LM"), st.text("CD"))
)
def test_an_action_is_read_back_from_its_messages(
    tree: dict[str, bytes], argv: list[str], env: dict[str, Any]
) -> None:
    action = Action(
        argv=tuple(argv),
        image=Image("", "1" * 64),
        inputs=inputs({path: Digest.of(content) for path, content in tree.items()}),
        outputs=("a", "b"),
        env=tuple(sorted(env.items())),
        timeout=7,
    )
    encoded = encode(action)
    assert decode(encoded.key, encoded.blobs.__getitem__) == action
