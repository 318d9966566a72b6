"""The step ``parse`` as the program it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from converter import ir
from converter.steps import REFUSED
from tests.parsers.cases import CASES
from tests.parsers.files import write

ROOT = Path(__file__).parents[2]
(CASE,) = (case for case in CASES if case.id == "convolution-0.8")


def run(folder: Path, **changes: object) -> subprocess.CompletedProcess[str]:
    (folder / "in" / "source").mkdir(parents=True)
    (folder / "out").mkdir()
    write(folder / "in" / "source", CASE.symbol, CASE.params, CASE.records)
    params: dict[str, Any] = {
        "framework": "mxnet",
        "name": "small",
        "graph": "net-symbol.json",
        "weights": "net-0000.params",
        "inputs": {"data": ["batch", 3, 7, 6]},
        "preprocess": {"scale": 1},
    }
    (folder / "in" / "params.json").write_text(json.dumps(params | changes))
    command = [sys.executable, "-m", "converter.steps.parse"]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )


def test_writes_the_ir_and_says_nothing(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {ir.MODEL, ir.WEIGHTS, ir.SUMMARY}
    assert ir.load(tmp_path / "out").graph.name == "small"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {"image": [1, 3, 7, 6]}}, "the network has no input 'image'\n  to do: the inputs are: 'data'\n"),
        ({"framework": "mxnets"}, "unknown framework 'mxnets'\n  to do: use one of: mxnet\n"),
    ],
)
def test_refusal_is_exit_65_and_writes_nothing(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    done = run(tmp_path, **changes)
    assert (done.returncode, done.stdout, done.stderr) == (REFUSED, "", message)
    assert list((tmp_path / "out").iterdir()) == []
