"""Inlining: functions of the domain ``transship`` become the standard ONNX that they are made of."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir
import pytest

import converter
from converter.ir import DOMAIN, dims
from converter.passes.inline import inline
from tests.parsers.case import Case, digest
from tests.parsers.cases import CASES
from tests.parsers.test_operators import ANSWERS, agree, read, run

NAMES = ("box-nms", "multibox-detection", "adaptive-pooling", "gamma")
CALLING = [case for case in CASES if case.id.startswith(NAMES)]


def load(case: Case, folder: Path) -> ir.Model:
    return converter.ir.load(read(case, folder))


@pytest.mark.parametrize("case", CALLING, ids=lambda case: case.id)
def test_an_inlined_model_computes_the_same(case: Case, tmp_path: Path) -> None:
    model = inline(load(case, tmp_path))
    assert not model.functions
    assert not any(node.domain == DOMAIN for node in model.graph)
    assert all(dims(value) is not None and value.dtype for node in model.graph for value in node.outputs)
    converter.save(model, tmp_path / "inlined")
    agree(case, ANSWERS[digest(case)], run(tmp_path / "inlined", case.inputs))


def test_what_is_to_be_kept_is_kept_and_the_model_is_not_changed(tmp_path: Path) -> None:
    model = load(next(case for case in CALLING if case.id == "box-nms"), tmp_path)
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    kept = inline(model, lambda name: name == "BoxNms")
    assert {node.op_type for node in kept.graph if node.domain == DOMAIN} == {"BoxNms"}
    inline(model)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before
