"""Every operator, in every variant, in the containers: MXNet itself, and the IR in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parsers.answers import Outputs, ask_mxnet, run_cases, stage_case
from tests.parsers.case import Case, digest
from tests.parsers.cases import CASES
from tests.parsers.test_operators import ANSWERS, agree, read

pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def mxnet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """What MXNet computes."""
    return ask_mxnet(CASES, tmp_path_factory.mktemp("mxnet"))


@pytest.fixture(scope="module")
def onnxruntime(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs | str]:
    """What the IR computes."""
    folder = tmp_path_factory.mktemp("onnx")
    for case in CASES:
        place = folder / "in" / "cases" / case.id
        place.mkdir(parents=True)
        read(case, place)
        stage_case(place, case, {"trace": False})
    return run_cases("onnx", "images/onnx/run.py", CASES, folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_ir_computes_what_mxnet_computes(
    case: Case, mxnet: dict[str, Outputs | str], onnxruntime: dict[str, Outputs | str]
) -> None:
    agree(case, mxnet[case.id], onnxruntime[case.id])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_mxnet_still_answers_what_was_recorded(case: Case, mxnet: dict[str, Outputs | str]) -> None:
    agree(case, ANSWERS[digest(case)], mxnet[case.id])


def test_mxnet_lacks_the_operators_for_which_others_stand_in(mxnet: dict[str, Outputs | str], tmp_path: Path) -> None:
    cases = [case for case in CASES if case.runs_as]
    bare = [Case(case.id, case.symbol, case.params, case.inputs) for case in cases]
    for said in ask_mxnet(bare, tmp_path).values():
        assert "is not registered" in str(said), "it runs now: let it run as itself"
