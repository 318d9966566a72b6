"""Names and Python source made of what a stranger's model says."""

from __future__ import annotations

import ast
import json
import keyword
import math
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.emitters import python
from converter.emitters.about import about
from converter.emitters.names import Names, class_name, file_stem, identifier
from converter.ir import PREPROCESS
from tests.emitters.models import Builder

ANY = st.text() | st.sampled_from(
    ["", "class", "match", '"""', "\\", "a\nb", "é", "1x", "_", "../x", ".x", "None", "None_"]
)
SINGLE = st.floats(width=32, allow_nan=False)
LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | SINGLE | ANY,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(ANY, inner),
    max_leaves=10,
)


@given(ANY)
def test_identifiers_are_identifiers(text: str) -> None:
    for name in (identifier(text), class_name(text)):
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
    assert not keyword.issoftkeyword(identifier(text))


@given(ANY)
def test_a_file_stem_stays_in_its_folder(text: str) -> None:
    stem = file_stem(text)
    assert PurePosixPath(stem).name == stem
    assert stem[0] not in ".-"
    assert len(stem) <= 100


@pytest.mark.parametrize(
    ("text", "name", "cls"),
    [
        ("stage1/conv-1", "stage1_conv_1", "Stage1Conv1"),
        ("mtcnn-onet", "mtcnn_onet", "MtcnnOnet"),
        ("mobilenet0.25-seeded", "mobilenet0_25_seeded", "Mobilenet025Seeded"),
        ("101net", "_101net", "Model101net"),
        ("lambda", "lambda_", "Lambda"),
        ("", "value", "Model"),
    ],
)
def test_names_that_people_read(text: str, name: str, cls: str) -> None:
    assert (identifier(text), class_name(text)) == (name, cls)


@given(st.lists(st.sampled_from(["a", "a_2", "b", "self"]), max_size=20))
def test_no_name_is_given_twice(wanted: list[str]) -> None:
    names = Names("self")
    given_out = [names.take(name) for name in wanted]
    assert len(set(given_out)) == len(given_out)
    assert "self" not in given_out


@given(LITERALS)
def test_a_literal_is_what_it_stands_for(value: Any) -> None:
    text = python.literal(value)
    assert text.isascii()
    assert "\n" not in text
    assert _same(eval(text, {"float": float, "__builtins__": {}}), value)


def _same(found: Any, value: Any) -> bool:
    if isinstance(value, float):
        return isinstance(found, float) and np.float32(found) == np.float32(value)
    if isinstance(value, list | tuple):
        return type(found) is type(value) and len(found) == len(value) and all(map(_same, found, value))
    if isinstance(value, dict):
        return list(found) == list(value) and all(_same(found[key], value[key]) for key in value)
    return bool(found == value) and type(found) is type(value)


def test_numbers_are_the_shortest() -> None:
    numbers = {
        0.1: "0.1",
        1.0: "1.0",
        1e-5: "1e-05",
        127.5: "127.5",
        math.inf: 'float("inf")',
        -math.inf: 'float("-inf")',
    }
    assert {value: python.number(value) for value in numbers} == numbers
    assert (python.number(np.float32(0.1)), python.number(math.nan)) == ("0.1", 'float("nan")')
    with pytest.raises(TypeError):
        python.literal(object())


@given(st.lists(ANY, min_size=1), st.sampled_from([0, 4]))
def test_a_docstring_is_nothing_but_a_docstring(paragraphs: list[str], indent: int) -> None:
    source = python.docstring(paragraphs, indent=indent)
    head = "def f():\n" if indent else ""
    module = ast.parse(f"{head}{' ' * indent}{source.lstrip()}\n")
    body = module.body[0].body if indent else module.body  # type: ignore[attr-defined]
    assert len(body) == 1
    assert isinstance(body[0].value.value, str)


def test_a_docstring_is_filled_and_says_what_it_was_given() -> None:
    text = python.docstring(["word " * 40, 'a "quoted\\" line'])
    assert all(len(line) <= python.WIDTH for line in text.splitlines())
    assert ast.literal_eval(text).split() == ["word"] * 40 + ["a", '"quoted\\"', "line"]


def test_long_statements_are_wrapped() -> None:
    assert python.statement("x", "f", ["a", "b=1"], indent=4) == "    x = f(a, b=1)"
    middle = python.statement("x" * 30, "f", ["a" * 40, "b" * 40])
    assert middle.splitlines() == [f"{'x' * 30} = f(", f"    {'a' * 40}, {'b' * 40}", ")"]
    long = python.statement("", "f", ["a" * 60, "b" * 60])
    assert long.splitlines() == ["f(", f"    {'a' * 60},", f"    {'b' * 60},", ")"]


def test_what_a_user_has_to_know_of_a_model() -> None:
    net = Builder()
    data = net.input('da"ta', ("batch", 3, 4))
    preprocess = {'da"ta': {"channels": "BGR", "mean": 127.5}, "resize": "bilinear"}
    model = net.model(net.node("Relu", "relu", data), metadata={PREPROCESS: json.dumps(preprocess)})
    assert about(model) == [
        'Input "da\\"ta": batch x 3 x 4, float32.',
        'Output "relu_output": batch x 3 x 4, float32.',
        'Preprocessing of "da\\"ta":',
        '  channels: "BGR"',
        "  mean: 127.5",
        'Preprocessing, resize: "bilinear"',
    ]
