"""The report's page in Debian's Chromium: what ``checks.py`` says has to be so."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.page import render
from tests.page import sample
from tests.support.containers import run_step

pytestmark = pytest.mark.container

HERE = Path(__file__).parent
CHECKS = [node.name for node in ast.parse((HERE / "checks.py").read_text()).body if isinstance(node, ast.FunctionDef)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What is wrong, by check: all of them are made in one browser."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    for name in ("browser.py", "checks.py"):
        shutil.copy(HERE / name, inputs)
    (inputs / "index.html").write_text(render(sample.document()), encoding="utf-8")
    (inputs / "large.html").write_text(render(sample.large()), encoding="utf-8")
    (inputs / "params.json").write_text(json.dumps({"checks": CHECKS}))
    run_step("browser", ["python3", "/in/browser.py"], inputs, outputs)
    found: Mapping[str, str] = json.loads((outputs / "results.json").read_text())
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_in_the_browser(results: Mapping[str, str], check: str) -> None:
    assert results[check] == "", results[check]
