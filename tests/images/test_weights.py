"""The reader of weights and plans that every image shares."""

from __future__ import annotations

import ast
import importlib.util
import json
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from safetensors.numpy import save

SCRIPT = Path(__file__).parents[2] / "images/base/weights.py"
_spec = importlib.util.spec_from_file_location("weights", SCRIPT)
assert _spec
assert _spec.loader
weights = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(weights)


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "kernel": generator.normal(size=(4, 3, 2, 2)).astype(np.float32),
        "gamma": generator.uniform(0.5, 2, 4).astype(np.float32),
        "beta": generator.normal(size=4).astype(np.float32),
        "mean": generator.normal(size=4).astype(np.float32),
        "var": generator.uniform(0, 2, 4).astype(np.float32),
        "half": np.arange(3, dtype=np.float16),
        "index": np.arange(3, dtype=np.int64),
        "scalar": np.array(2.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
    }


@pytest.fixture
def path(tensors: dict[str, np.ndarray], tmp_path: Path) -> Path:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(save(tensors, {"made": "by hand"}))
    return file


def test_reads_what_safetensors_writes(path: Path, tensors: dict[str, np.ndarray]) -> None:
    read = weights.Weights(str(path))
    assert list(read) == sorted(tensors)
    for name, array in tensors.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_the_file_is_mapped_not_copied(path: Path) -> None:
    read = weights.Weights(str(path))
    array = read["kernel"]
    while isinstance(array.base, np.ndarray):
        array = array.base
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        read["kernel"][...] = 0


def test_a_name_that_is_not_there(path: Path) -> None:
    with pytest.raises(ValueError, match="no tensor 'other'"):
        weights.Weights(str(path))["other"]


def header(**entries: Any) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "has no header"),
        (b"\0" * 7, "has no header"),
        (struct.pack("<Q", 2**63) + b"{}", "claims a header"),
        (struct.pack("<Q", 3) + b"{}", "claims a header"),
        (struct.pack("<Q", 2) + b"[]", "no JSON object"),
        (struct.pack("<Q", 2) + b"{]", "Expecting"),
        (struct.pack("<Q", 2) + b"\xff\xff", "utf-8"),
        (struct.pack("<Q", 15) + b'{"a":1,"a":{} }' + bytes(8), "twice"),
        (header(a=ENTRY), "does not lie within"),
        (header(a=ENTRY) + bytes(7), "does not lie within"),
        (header(a={**ENTRY, "shape": [3]}) + bytes(8), "does not lie within"),
        (header(a={**ENTRY, "shape": [-2]}) + bytes(8), "does not lie within"),
        (header(a={**ENTRY, "shape": [-2, -1]}) + bytes(8), "does not lie within"),
        (header(a={**ENTRY, "data_offsets": [-8, 0]}) + bytes(8), "does not lie within"),
        (header(a={**ENTRY, "data_offsets": [8, 0]}) + bytes(8), "does not lie within"),
        (header(a={**ENTRY, "dtype": "F13"}) + bytes(8), "does not describe"),
        (header(a={**ENTRY, "shape": 2}) + bytes(8), "does not describe"),
        (header(a={"dtype": "F32"}) + bytes(8), "does not describe"),
        (header(a=3) + bytes(8), "does not describe"),
    ],
)
def test_malformed_files_are_refused(data: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=words):
        weights.Weights(str(file))


@given(st.binary(max_size=60))
def test_noise_is_refused(data: bytes) -> None:
    """With ValueError and nothing else, whatever the file holds; only a file without tensors is none."""
    assume(data.strip() != b"{}")
    entry = header(a=ENTRY)
    for content in (data, struct.pack("<Q", len(data)) + data, entry + data[:7], entry[: len(data)]):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            with pytest.raises(ValueError):  # noqa: PT011 - json has words of its own
                weights.Weights(file.name)


def test_what_is_only_moved_keeps_its_bits(tensors: dict[str, np.ndarray]) -> None:
    tensors["kernel"].view(np.uint32)[0, 0, 0, 0] = 0x7FA00001  # a signalling NaN, which arithmetic would quieten
    kernel = {"tensor": "kernel"}
    same = weights.evaluate(kernel, tensors)
    assert same is tensors["kernel"]
    flat = weights.evaluate({"reshape": kernel, "shape": [4, 12]}, tensors)
    np.testing.assert_array_equal(flat.view(np.uint32), tensors["kernel"].reshape(4, 12).view(np.uint32))
    moved = weights.evaluate({"transpose": kernel, "perm": [2, 3, 1, 0]}, tensors)
    np.testing.assert_array_equal(
        moved.copy().view(np.uint32), tensors["kernel"].transpose(2, 3, 1, 0).copy().view(np.uint32)
    )
    assert np.shares_memory(moved, tensors["kernel"])


def test_arithmetic_is_done_in_double_precision(tensors: dict[str, np.ndarray]) -> None:
    gamma, var = {"tensor": "gamma"}, {"tensor": "var"}
    factor = {"mul": [gamma, {"rsqrt": var, "eps": 1e-3}]}
    expression = {"mul": [{"tensor": "kernel"}, {"reshape": factor, "shape": [4, 1, 1, 1]}]}
    value = weights.evaluate(expression, tensors)
    wide = {name: array.astype(np.float64) for name, array in tensors.items()}
    exact = wide["kernel"] * (wide["gamma"] / np.sqrt(wide["var"] + 1e-3)).reshape(4, 1, 1, 1)
    assert value.dtype == np.float32
    np.testing.assert_array_equal(value, exact.astype(np.float32))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"full": 0.1, "shape": [2, 1]}, [[0.1], [0.1]]),
        ({"full": 3.0, "shape": []}, 3.0),
        ({"add": [{"tensor": "scalar"}, {"full": 1.0, "shape": [2]}]}, [3.5, 3.5]),
        ({"sub": [{"tensor": "scalar"}, {"full": 1.0, "shape": [1]}]}, [1.5]),
        ({"mul": [{"tensor": "half"}, {"tensor": "scalar"}]}, [0.0, 2.5, 5.0]),
        ({"rsqrt": {"full": 0.0, "shape": [1]}, "eps": 0.25}, [2.0]),
        ({"tensor": "half"}, [0.0, 1.0, 2.0]),
    ],
)
def test_each_expression(expression: dict[str, Any], expected: object, tensors: dict[str, np.ndarray]) -> None:
    value = weights.evaluate(expression, tensors)
    assert value.dtype == np.float32
    np.testing.assert_array_equal(value, np.asarray(expected, np.float32))


def test_a_constant_is_not_rounded_before_the_arithmetic(tensors: dict[str, np.ndarray]) -> None:
    tenth = {"full": 0.1, "shape": []}
    product = weights.evaluate({"mul": [tenth, tenth]}, tensors)
    assert product == np.float32(0.1 * 0.1) != np.float32(0.1) * np.float32(0.1)


@pytest.mark.parametrize(
    "expression",
    [{}, {"neg": {"tensor": "mean"}}, {"rsqrt": {"tensor": "var"}}, {"full": 1.0}, {"tensor": "mean", "shape": [4]}],
)
def test_other_expressions_are_refused(expression: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="not an expression"):
        weights.evaluate(expression, tensors)


def test_it_is_python_2_too() -> None:
    """The images of frameworks that ended with Python 2 run this very file."""
    newer = (
        ast.JoinedStr,
        ast.AnnAssign,
        ast.Nonlocal,
        ast.YieldFrom,
        ast.NamedExpr,
        ast.AsyncFunctionDef,
        ast.Starred,
    )
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        assert not isinstance(node, newer), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            assert not node.returns
            assert not node.args.kwonlyargs + node.args.posonlyargs
            assert not any(argument.annotation for argument in node.args.args)
        if isinstance(node, ast.Raise):
            assert node.cause is None
        if isinstance(node, ast.ClassDef):
            assert node.bases
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("super", "print") or node.args
