"""Every operator, in every variant, computes what MXNet computes: the IR in onnxruntime against recorded answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnxruntime
import pytest

import converter
from converter.errors import Unsupported
from converter.parsers.mxnet.registry import operators
from tests.parsers.answers import Outputs, recorded
from tests.parsers.case import Case, digest
from tests.parsers.cases import CASES, FAMILIES
from tests.parsers.files import write

ANSWERS: dict[str, Outputs] = {key: value for family in FAMILIES for key, value in recorded(family).items()}


def shapes_of(case: Case) -> dict[str, tuple[int | str, ...]]:
    """The inputs' shapes, the batch open unless the case depends on it."""
    return {name: value.shape if case.fixed else ("batch", *value.shape[1:]) for name, value in case.inputs.items()}


def read(case: Case, folder: Path, *, weights: bool = True) -> Path:
    """Parse ``case`` and save its IR; return where."""
    graph, params = write(folder, case.symbol, case.params, case.records)
    model = converter.parse("mxnet", graph=graph, weights=params if weights else None, inputs=shapes_of(case))
    place = folder / ("ir" if weights else "structure")
    converter.save(model, place)
    return place


def run(model: Path, inputs: dict[str, np.ndarray]) -> Outputs:
    """Run an IR in onnxruntime, unoptimised, on one thread."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model / "model.onnx", options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def agree(case: Case, reference: Outputs | str, found: Outputs | str) -> None:
    """Same names in the same order, same shapes and types, same numbers within the case's tolerance."""
    assert not isinstance(reference, str), reference
    assert not isinstance(found, str), found
    assert list(found) == list(reference)
    for name, wanted in reference.items():
        assert found[name].shape == wanted.shape
        assert found[name].dtype == wanted.dtype
        if wanted.dtype.kind != "f":
            np.testing.assert_array_equal(found[name], wanted)
            continue
        finite = np.isfinite(wanted)
        np.testing.assert_array_equal(found[name][~finite], wanted[~finite])
        error = np.abs(found[name][finite] - wanted[finite]).max(initial=0)
        assert error <= case.tolerance * np.abs(wanted[finite]).max(initial=0), case.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_computes_what_mxnet_computes(case: Case, tmp_path: Path) -> None:
    answer = ANSWERS.get(digest(case), "not recorded: run python -m tests.parsers.answers")
    agree(case, answer, run(read(case, tmp_path), case.inputs))


@pytest.mark.filterwarnings("ignore::converter.StructureOnly")
@pytest.mark.parametrize("case", [case for case in CASES if case.params], ids=lambda case: case.id)
def test_the_structure_alone_is_the_same(case: Case, tmp_path: Path) -> None:
    full = read(case, tmp_path)
    try:
        alone = read(case, tmp_path, weights=False)
    except Unsupported as error:
        assert "cannot be inferred; give the params file" in str(error)  # noqa: PT017
        return
    assert (alone / "model.onnx").read_bytes() == (full / "model.onnx").read_bytes()
    assert not (alone / "weights.safetensors").exists()


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
    missing = {
        (operator.names[0], name)
        for operator in operators()
        for name, attribute in operator.attributes.items()
        if not is_fixed(attribute.annotation) and not any(name in given.get(op, ()) for op in operator.names)
    }
    assert missing == set()


def is_fixed(annotation: Any) -> bool:
    """Whether a type allows one value only, so that all others are refused: ``Literal[False]``."""
    choices = [choice for kind in get_args(annotation) for choice in (get_args(kind) or [kind])]
    return len([choice for choice in choices if choice is not type(None)]) == 1
