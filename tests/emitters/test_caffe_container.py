"""Every case, in Caffe itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import converter
from converter.emitters.caffe import FILES
from tests.emitters.cases.common import CASES, Case
from tests.support.containers import run_step, stage_scripts

STEPS = (
    "images/caffe-ssd/checkpoint.py",
    "images/caffe-ssd/run.py",
    "tests/support/batch.py",
)
VARIANTS = {"plain": {}, "merged": {"merge_bn": True}}
RUNS = [
    (variant, case)
    for variant in VARIANTS
    for case in CASES
    if variant == "plain" or b"BatchNorm" in converter.emit(case.build(), "caffe")[FILES[0]]
]

pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the outputs of all runs are, each of which is traced."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    stage_scripts(inputs / "step", *STEPS)
    for variant, case in RUNS:
        stage(case, variant, inputs / "cases" / f"{variant}-{case.name}")
    (outputs / "cases").mkdir()
    run_step("caffe-ssd", ["python3", "in/step/batch.py", "checkpoint", "run"], inputs, outputs)
    return outputs / "cases"


def stage(case: Case, variant: str, folder: Path) -> None:
    """Write what the steps find below ``in/``."""
    model = case.build()
    converter.save(model, folder / "ir")
    (folder / "code").mkdir()
    for name, content in converter.emit(model, "caffe", **VARIANTS[variant]).items():
        (folder / "code" / name).write_bytes(content)
    (folder / "params.json").write_text(json.dumps({"trace": True}))
    arrays = {f"case/{name}": array for name, array in case.inputs().items()}
    arrays |= {f"single/{name}": array for name, array in case.inputs(rows=1).items()}
    np.savez(folder / "inputs.npz", **arrays)


def expected(case: Case, folder: Path, rows: int) -> dict[str, np.ndarray]:
    """Every value of the model, as ONNX's own reference implementation computes it."""
    converter.save(case.build(), folder)
    model = onnx.load(str(folder / "model.onnx"))
    del model.graph.output[:]
    values = [name for node in model.graph.node for name in node.output]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in values)
    return dict(zip(values, ReferenceEvaluator(model).run(None, case.inputs(rows)), strict=True))


@pytest.mark.parametrize(("variant", "case"), RUNS, ids=[f"{variant}-{case.name}" for variant, case in RUNS])
def test_caffe_computes_what_the_model_does(variant: str, case: Case, results: Path, tmp_path: Path) -> None:
    folder = results / f"{variant}-{case.name}"
    assert not (folder / "error.txt").exists(), (folder / "error.txt").read_text() + (folder / "log.txt").read_text()
    outputs = {str(value.name) for value in case.build().graph.outputs}
    with np.load(folder / "run" / "outputs.npz", allow_pickle=False) as arrays:
        for prefix, rows in (("case", 2), ("single", 1)):
            wanted = expected(case, tmp_path / prefix, rows) | case.inputs(rows)
            got = {
                key.removeprefix(f"{prefix}/"): arrays[key] for key in arrays.files if key.startswith(f"{prefix}/")
            }
            assert outputs <= got.keys() <= wanted.keys()
            for name, array in got.items():
                assert array.dtype == np.float32
                assert array.shape == wanted[name].shape, name
                limit = case.tolerance * np.abs(wanted[name]).max()
                assert np.abs(array - wanted[name]).max() <= limit, (name, case.reason)
