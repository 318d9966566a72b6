"""What reading a network imports, and what it does not: most of the time it takes would go there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.parsers.files import Net, write

ROOT = Path(__file__).parents[1]
READ = """
import json, sys
from converter.__main__ import main
assert main() == 0
print(json.dumps(sorted(sys.modules)))
"""
OPERATORS = "converter.parsers.mxnet.operators."


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a process that has read a network of one convolution."""
    folder = tmp_path_factory.mktemp("imports")
    net = Net()
    weight = net.arg("w", np.ones((4, 3, 3, 3), np.float32))
    net.node("Convolution", "conv", [net.variable("data"), weight], kernel="(3, 3)", num_filter="4", no_bias="True")
    graph, weights = write(folder, net.symbol(), net.params)
    files = ["--graph", graph, "--weights", weights, "--input", "data:batch,3,6,6", "-o", folder / "ir"]
    command = [sys.executable, "-c", READ, "ir", *files]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_sympy_is_not_loaded(modules: set[str]) -> None:
    assert "onnx_ir" in modules
    assert not {name for name in modules if name.startswith("sympy.")}


def test_only_the_operators_that_are_there(modules: set[str]) -> None:
    found = {name.removeprefix(OPERATORS) for name in modules if name.startswith(OPERATORS)}
    assert "convolution" in found
    assert "pooling" not in found


def test_neither_framework_nor_build_system(modules: set[str]) -> None:
    assert not modules & {"mxnet", "torch", "tasks", "docker", "doit", "PIL"}


def test_what_is_postponed_still_works() -> None:
    code = "import converter.steps, onnx_ir; print(onnx_ir.SymbolicDim('n') * 2 + 1)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2*n + 1\n"
