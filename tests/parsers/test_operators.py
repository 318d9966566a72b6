"""Every operator, in every variant, computes what MXNet computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import converter
from converter.parsers.mxnet.registry import operators
from tests.parsers.cases import CASES, Case
from tests.parsers.files import write
from tests.parsers.semantics import evaluate


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_computes_what_mxnet_computes(case: Case, tmp_path: Path) -> None:
    graph, weights = write(tmp_path, case.symbol, case.params, case.records)
    shapes = {name: value.shape if case.fixed else ("batch", *value.shape[1:]) for name, value in case.inputs.items()}
    converter.save(converter.parse("mxnet", graph=graph, weights=weights, inputs=shapes), tmp_path / "ir")
    session = ReferenceEvaluator(onnx.load(tmp_path / "ir" / "model.onnx"))
    expected = evaluate(case.symbol, case.params, case.inputs)
    assert session.output_names == list(expected)
    for found, wanted in zip(session.run(None, case.inputs), expected.values(), strict=True):
        assert found.shape == wanted.shape
        assert found.dtype == np.float32
        assert np.abs(found - wanted).max() <= case.tolerance * np.abs(wanted).max(), case.reason


def test_cases_have_names_of_their_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


def test_every_name_of_every_operator_has_a_case() -> None:
    used = {node["op"] for case in CASES for node in case.symbol["nodes"]}
    assert {name for operator in operators() for name in operator.names} - used == set()


def test_every_attribute_has_a_case_that_sets_it() -> None:
    given: dict[str, set[str]] = {}
    for case in CASES:
        for node in case.symbol["nodes"]:
            attributes = node.get("attrs") or node.get("attr") or node.get("param") or {}
            given.setdefault(node["op"], set()).update(attributes)
    refused_only = {"keep_highest", "target_shape", "output_mean_var", "use_length", "dtype", "mode"}
    for operator in operators():
        found = set().union(*(given.get(name, set()) for name in operator.names))
        missing = set(operator.attributes) - found - refused_only
        assert missing == set(), operator.names
