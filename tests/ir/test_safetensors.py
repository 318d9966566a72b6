"""The weights file: what is copied from the source, what is converted on the way, what the model itself holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir
import pytest
from safetensors.numpy import load_file

import converter
from converter import BadInput, ir
from converter.ir import safetensors
from converter.parsers.mxnet import params
from tests.parsers.files import Net, write

SEED = np.random.default_rng(11)


def parsed(folder: Path, dtype: Any = np.float32) -> tuple[onnx_ir.Model, dict[str, np.ndarray[Any, Any]]]:
    """A network of matrices whose sizes are no multiples of anything, and their values as the IR has them."""
    net = Net()
    data = net.variable("data")
    for index, width in enumerate([3, 17, 5, 1]):
        weight = net.arg(f"w{index}", SEED.normal(size=(width, [4, 3, 17, 5][index])).astype(dtype))
        data = net.node("FullyConnected", f"fc{index}", [data, weight], num_hidden=str(width), no_bias="True")
    graph, weights = write(folder, net.symbol(), net.params)
    values = {name.removeprefix("arg:"): array.astype(np.float32) for name, array in net.params.items()}
    return converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": (1, 4)}), values


def check(folder: Path, values: dict[str, np.ndarray[Any, Any]]) -> None:
    saved = load_file(folder / ir.WEIGHTS)
    assert saved.keys() == values.keys()
    for name, array in values.items():
        np.testing.assert_array_equal(saved[name], array, strict=True)


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
def test_blocks_of_any_size_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(safetensors, "BLOCK", block)
    model, values = parsed(tmp_path)
    converter.save(model, tmp_path / "ir")
    check(tmp_path / "ir", values)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
def test_converts_by_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Any, chunk: int) -> None:
    monkeypatch.setattr(params, "CHUNK", chunk)
    model, values = parsed(tmp_path, dtype)
    converter.save(model, tmp_path / "ir")
    check(tmp_path / "ir", values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_source_that_shrinks_is_bad_input(tmp_path: Path, dtype: Any) -> None:
    model, _ = parsed(tmp_path, dtype)
    source = tmp_path / "net-0000.params"
    source.write_bytes(source.read_bytes()[:100])
    with pytest.raises(BadInput, match="shrank while it was read"):
        converter.save(model, tmp_path / "ir")
    assert list((tmp_path / "ir").iterdir()) == []


def test_arrays_of_the_model_itself(tmp_path: Path) -> None:
    model, values = parsed(tmp_path)
    values["w1"] = np.asfortranarray(SEED.normal(size=(17, 3)).astype(np.float32))
    model.graph.initializers["w1"].const_value = onnx_ir.tensor(values["w1"], name="w1")
    converter.save(model, tmp_path / "ir")
    check(tmp_path / "ir", values)
