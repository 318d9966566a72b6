"""What users do with ncnn's files, in ncnn itself."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import converter
from converter.emitters.ncnn.literal import number
from converter.ir import PREPROCESS
from tests.emitters.cases.common import CASES, Case
from tests.emitters.cases.ncnn_layers import chain, conv
from tests.emitters.golden import representative
from tests.emitters.models import Builder
from tests.emitters.refusals import recorded
from tests.support.containers import run_step, stage_scripts, try_step

pytestmark = pytest.mark.container

HALF = 2e-3
"""Rounding to 11 bits is off by 2.4e-4 at most, and of a sum of products by less; several layers add up."""
NUMBERS = (1e-5, 0.1, 1.2345678e-4, -3.4028235e38, 1e-45, 123456.79, 16777216.0, 0.0078125, 1 / 3, 8.7654321e7, 1e-10)


def stage(model: Any, folder: Path, **options: str) -> None:
    """Write what ``checkpoint.py`` finds below ``in/``."""
    converter.save(model, folder / "ir")
    (folder / "code").mkdir()
    for name, content in converter.emit(model, "ncnn", **options).items():
        (folder / "code" / name).write_bytes(content)


def checkpoint(model: Any, folder: Path, **options: str) -> Path:
    """The folder of a checkpoint."""
    stage(model, folder / "in", **options)
    stage_scripts(folder / "in" / "step", "images/ncnn/checkpoint.py")
    (folder / "out").mkdir()
    run_step("ncnn", ["python3", "in/step/checkpoint.py"], folder / "in", folder / "out")
    return folder / "out"


def python(program: str, files: Path, folder: Path) -> Path:
    """Run ``program`` beside ``files``; the folder that it writes to."""
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    shutil.copytree(files, folder / "in" / "files")
    (folder / "in" / "program.py").write_text(textwrap.dedent(program))
    run_step("ncnn", ["python3", "in/program.py"], folder / "in", folder / "out")
    return folder / "out"


HALVES = [
    case
    for case in CASES
    if case.name.startswith(("conv", "dense", "residual")) and case.name not in recorded("ncnn")
]


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers of both storages."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    stage_scripts(inputs / "step", "images/ncnn/checkpoint.py", "images/ncnn/run.py", "tests/support/batch.py")
    for case in HALVES:
        for storage in ("fp16", "fp32"):
            folder = inputs / "cases" / f"{case.name}-{storage}"
            stage(case.build(), folder, storage=storage)
            (folder / "params.json").write_text(json.dumps({"trace": False}))
            np.savez(folder / "inputs.npz", **{f"case/{name}": array for name, array in case.inputs().items()})
    (outputs / "cases").mkdir()
    run_step("ncnn", ["python3", "in/step/batch.py", "checkpoint", "run"], inputs, outputs)
    return outputs / "cases"


@pytest.mark.parametrize("case", HALVES, ids=[case.name for case in HALVES])
def test_half_precision_storage_is_near_and_half_the_size(case: Case, halves: Path) -> None:
    found = {}
    for storage in ("fp16", "fp32"):
        folder = halves / f"{case.name}-{storage}"
        assert not (folder / "error.txt").exists(), (folder / "error.txt").read_text()
        with np.load(folder / "run" / "outputs.npz", allow_pickle=False) as arrays:
            found[storage] = {name: arrays[name] for name in arrays.files}
    assert found["fp16"].keys() == found["fp32"].keys()
    for name, wanted in found["fp32"].items():
        assert np.abs(found["fp16"][name] - wanted).max() <= HALF * np.abs(wanted).max(), name
    sizes = [
        (halves / f"{case.name}-{storage}" / "checkpoint" / "model.bin").stat().st_size
        for storage in ("fp16", "fp32")
    ]
    assert sizes[0] < sizes[1]


def test_the_format_of_a_checkpoint(tmp_path: Path) -> None:
    """A tag, the weight, the bias; half-precision weights are filled up to four bytes."""
    weight = Builder().parameter("conv_weight", (3, 1, 1, 3)).const_value
    bias = Builder().parameter("conv_bias", (3,)).const_value
    assert weight is not None
    assert bias is not None
    model = conv((1, 4, 5), (1, 3), filters=3)
    full = (checkpoint(model, tmp_path / "full") / "model.bin").read_bytes()
    assert full == bytes(4) + weight.numpy().tobytes() + bias.numpy().tobytes()
    half = (checkpoint(model, tmp_path / "half", storage="fp16") / "model.bin").read_bytes()
    halved = weight.numpy().astype(np.float16).tobytes()
    assert half == bytes.fromhex("476b3001") + halved + bytes(2) + bias.numpy().tobytes()


def test_a_checkpoint_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    first, second = (checkpoint(representative(), tmp_path / name, storage="fp16") for name in ("first", "second"))
    assert sorted(path.name for path in first.iterdir()) == ["example.cpp", "example.py", "model.bin", "model.param"]
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def refusal(model: Any, folder: Path, **options: str) -> list[str]:
    """What ``checkpoint.py`` says of a model that it refuses, line by line."""
    stage(model, folder / "in", **options)
    stage_scripts(folder / "in" / "step", "images/ncnn/checkpoint.py")
    (folder / "out").mkdir()
    status, said = try_step("ncnn", ["python3", "in/step/checkpoint.py"], folder / "in", folder / "out")
    assert status == 65
    return said.splitlines()


def test_numbers_that_half_precision_cannot_hold_are_refused(tmp_path: Path) -> None:
    net = Builder()
    weight = net.parameter("conv_weight", value=np.full((1, 3, 1, 1), 7e4))
    model = net.model(net.node("Conv", "conv", net.input("data", ("batch", 3, 4, 5)), weight))
    assert refusal(model, tmp_path, storage="fp16") == [
        "The weight conv[0] has numbers beyond 65504, which fp16 cannot hold",
        "  where: conv_weight",
        "  to do: Use storage fp32.",
    ]


def test_a_parameter_that_is_not_finite_is_refused_by_its_name(tmp_path: Path) -> None:
    net = Builder()
    weight = net.parameter("conv_weight", value=[[[[1]], [[np.nan]], [[-np.inf]]]])
    model = net.model(net.node("Conv", "conv", net.input("data", ("batch", 3, 4, 5)), weight))
    what, where, _ = refusal(model, tmp_path)
    assert what == "The parameter conv_weight holds NaN or infinity, with which ncnn does not compute"
    assert where == "  where: conv_weight, 2 of 3 numbers; it is in the weight conv[0]"


def test_a_division_by_a_parameter_that_is_0_is_refused(tmp_path: Path) -> None:
    net = Builder()
    value = net.node("Div", "scaled", net.input("data", ("batch", 3)), net.parameter("size", value=[1, 0, 2]))
    what, where, _ = refusal(net.model(value), tmp_path)
    assert what.startswith("The weight size/reciprocal[0] would be NaN or infinite: there is a division by zero")
    assert where == "  where: size"


def test_a_variance_without_a_root_is_refused(tmp_path: Path) -> None:
    net = Builder()
    rest = [net.parameter(name, (3,)) for name in ("gamma", "beta", "mean")]
    value = net.input("data", ("batch", 3, 4, 5))
    value = net.node("BatchNormalization", "bn", value, *rest, net.parameter("var", value=[1, 0, 2]), epsilon=0.0)
    assert refusal(net.model(value), tmp_path)[:2] == [
        "The layer bn divides by the root of a variance that is not positive",
        "  where: var, to which 0 is added",
    ]


@pytest.mark.parametrize(
    ("extra", "words"), [(b"", "does not load model.bin"), (bytes(8), "leaves 4 bytes of model.bin unread")]
)
def test_weights_that_the_network_does_not_read_are_an_error(extra: bytes, words: str, tmp_path: Path) -> None:
    files = checkpoint(conv((1, 4, 5), (1, 3), filters=3), tmp_path / "made")
    content = (files / "model.bin").read_bytes()
    (files / "model.bin").write_bytes(content[:-4] + extra)
    stage_scripts(files / "step", "images/ncnn/checkpoint.py")
    (tmp_path / "out").mkdir()
    load = "checkpoint.load('in/model.param', 'in/model.bin')"
    program = f"import sys; sys.path.insert(0, 'in/step'); import checkpoint; {load}"
    status, said = try_step("ncnn", ["python3", "-c", program], files, tmp_path / "out")
    assert status
    assert words in said


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    files = checkpoint(representative(), tmp_path / "made")
    program = """
        import os, subprocess, sys
        os.chdir("in/files")
        said = subprocess.run([sys.executable, "example.py"], check=True, capture_output=True, text=True).stdout
        open("../../out/said.txt", "w").write(said)
    """
    said = (python(program, files, tmp_path / "ran") / "said.txt").read_text()
    assert said == "prob1_output (2,)\nfc3_output (4,)\n"


def test_the_example_prepares_a_picture_and_computes_what_the_model_computes(tmp_path: Path) -> None:
    net = Builder()
    value = net.node("Relu", "relu", net.input("data", ("batch", 3, 4, 6)))
    settings = {"channels": "BGR", "mean": [10.0, 20.0, 30.0], "scale": [0.5, 0.25, 2.0]}
    files = checkpoint(net.model(value, metadata={PREPROCESS: json.dumps(settings)}), tmp_path / "made")
    program = """
        import os, sys
        import numpy as np
        os.chdir("in/files")
        sys.path.insert(0, ".")
        import example
        pixels = np.arange(72, dtype=np.uint8).reshape(4, 6, 3) * 3
        np.save("../../out/relu.npy", example.infer(example.load(), example.prepare0(pixels))["relu_output"])
    """
    found = np.load(python(program, files, tmp_path / "ran") / "relu.npy")
    pixels = (np.arange(72, dtype=np.uint8).reshape(4, 6, 3) * 3).astype(np.float32)[:, :, ::-1]
    wanted = (pixels - np.float32(settings["mean"])) * np.float32(settings["scale"])
    np.testing.assert_allclose(found, np.maximum(wanted, 0).transpose(2, 0, 1), rtol=1e-6, atol=1e-5)


def test_the_example_extracts_outputs_that_other_layers_read(tmp_path: Path) -> None:
    files = checkpoint(chain(), tmp_path / "made")
    program = """
        import os, subprocess, sys
        os.chdir("in/files")
        said = subprocess.run([sys.executable, "example.py"], check=True, capture_output=True, text=True).stdout
        open("../../out/said.txt", "w").write(said)
    """
    said = (python(program, files, tmp_path / "ran") / "said.txt").read_text()
    assert said.split("\n")[:3] == ["conv_output (3, 3, 4)", "conv2_output (2, 3, 4)", "last_output (2, 3, 4)"]


def test_ncnn_reads_numbers_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for index, value in enumerate(NUMBERS):
        text = f"7767517\n2 2\nInput d 0 1 d 0=1\nClip c 1 1 d o 0={number(value)} 1={number(value)}\n"
        (tmp_path / "files" / f"{index}.param").write_text(text)
    program = f"""
        import ncnn, numpy as np
        found = []
        for index in range({len(NUMBERS)}):
            net = ncnn.Net()
            net.load_param(f"in/files/{{index}}.param")
            net.load_model(ncnn.DataReaderFromEmpty())
            extractor = net.create_extractor()
            extractor.input("d", ncnn.Mat(np.zeros(1, np.float32)).clone())
            found.append(np.array(extractor.extract("o")[1])[0])
        np.save("out/found.npy", np.array(found))
    """
    found = np.load(python(program, tmp_path / "files", tmp_path / "ran") / "found.npy")
    np.testing.assert_array_equal(found, np.array(NUMBERS, np.float32))
