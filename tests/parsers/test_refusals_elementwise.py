"""What arithmetic and reductions refuse, and how they say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parsers.files import Array
from tests.parsers.refusal import refusal_of

FLOATS, BYTES, WHOLE = (np.zeros((2, 3), kind) for kind in (np.float32, np.uint8, np.int32))
TRUTHS = np.zeros((2, 3), np.bool_)


@pytest.mark.parametrize(
    ("op", "arrays", "attributes", "message"),
    [
        ("elemwise_add", [FLOATS, FLOATS[:1]], {}, "its inputs are 2x3 and 1x3; they must be alike"),
        ("elemwise_add", [FLOATS, WHOLE], {}, "inputs of different types, FLOAT and INT32"),
        ("elemwise_add", [TRUTHS, TRUTHS], {}, "an input of truth values"),
        ("broadcast_add", [FLOATS, FLOATS[:, :2]], {}, "its inputs are 2x3 and 2x2; they cannot be broadcast"),
        ("_power", [BYTES, BYTES], {}, "a power of UINT8"),
        ("_hypot", [WHOLE, WHOLE], {}, "an input of whole numbers"),
        ("_plus_scalar", [BYTES], {"scalar": "300"}, "scalar=300 is not in the range of UINT8"),
        ("_div_scalar", [WHOLE], {"scalar": "0.5"}, "scalar=0.5 divides whole numbers by 0"),
        ("_mul_scalar", [FLOATS], {"scalar": "inf"}, "supported: a finite number"),
        ("clip", [FLOATS], {"a_min": "2", "a_max": "1"}, "a_min=2 is not below a_max=1"),
        ("clip", [FLOATS], {"a_min": "nan", "a_max": "1"}, "supported: a finite number"),
        ("clip", [BYTES], {"a_min": "300", "a_max": "400"}, "a_min=300 and a_max=400 for an input of UINT8"),
        ("smooth_l1", [FLOATS], {"scalar": "0"}, "scalar=0, whose square is not a float32"),
        ("add_n", [FLOATS, FLOATS, FLOATS[0]], {"num_args": "3"}, "its inputs are 2x3 and 3; they must be alike"),
        ("where", [FLOATS[0], FLOATS, FLOATS], {}, "its condition is 3, which does not fit 2x3"),
        ("where", [FLOATS[:1], FLOATS, FLOATS], {}, "its condition is 1x3, which does not fit 2x3"),
        ("where", [FLOATS[..., None], FLOATS, FLOATS], {}, "its condition is 2x3x1, which does not fit 2x3"),
        ("exp", [WHOLE], {}, "an input of whole numbers"),
        ("gammaln", [WHOLE], {}, "an input of whole numbers"),
        ("abs", [TRUTHS], {}, "an input of truth values"),
        ("sum", [FLOATS], {"axis": "(0, -2)"}, "axis=(0, -2) has an axis twice"),
        ("sum", [FLOATS], {"axis": "2"}, "its input of 2 dimensions has no axis 2"),
        ("mean", [BYTES], {}, "an input of UINT8"),
        ("max", [TRUTHS], {}, "an input of BOOL"),
        ("norm", [WHOLE], {}, "an input of whole numbers"),
        ("norm", [FLOATS], {"ord": "3"}, "supported: only 1, 2"),
        ("norm", [FLOATS], {"out_dtype": "float64"}, "supported: only float32"),
        ("argmax", [TRUTHS], {"axis": "1"}, "an input of truth values"),
        ("argmax_channel", [FLOATS[0]], {}, "its input of 1 dimensions has no axis 1"),
    ],
)
def test_refusals(tmp_path: Path, op: str, arrays: list[Array], attributes: dict[str, str], message: str) -> None:
    assert message in refusal_of(tmp_path, op, arrays, attributes)


def test_an_open_batch_meets_a_number(tmp_path: Path) -> None:
    arrays = [np.zeros((2, 3, 4), np.float32), np.zeros((2, 4), np.float32)]
    said = refusal_of(tmp_path, "broadcast_add", arrays, {}, batch=True)
    assert "broadcasts the open batch dimension to a number; give the batch a number" in said


def test_a_place_in_all_elements_needs_the_batch(tmp_path: Path) -> None:
    assert "give the batch a number" in refusal_of(tmp_path, "argmax", [FLOATS], {}, batch=True)
