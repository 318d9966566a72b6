"""What look-ups, orders, sequences, products and recurrent layers refuse, and how they say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parsers.files import Array
from tests.parsers.refusal import refusal_of

MATRIX, CUBE, VECTOR = (np.zeros(shape, np.float32) for shape in ((2, 3), (2, 3, 4), (3,)))
WHOLE = np.zeros((2, 3), np.int32)
SQUARE = np.zeros((3, 3), np.float32)
GRU = {"state_size": "4", "num_layers": "1", "mode": "gru"}


@pytest.mark.parametrize(
    ("op", "arrays", "attributes", "message"),
    [
        ("take", [MATRIX, VECTOR], {"axis": "2"}, "its input of 2 dimensions has no axis 2"),
        ("take", [MATRIX, VECTOR], {"mode": "nearest"}, "supported: only clip, wrap, raise"),
        ("Embedding", [MATRIX, MATRIX], {"input_dim": "5", "output_dim": "3"}, "'in1' is 2x3 in the graph"),
        ("Embedding", [MATRIX, MATRIX], {"input_dim": "2", "output_dim": "3", "dtype": "float16"}, "only float32"),
        ("batch_take", [CUBE, VECTOR], {}, "an input of 3 dimensions; supported: 2"),
        ("pick", [MATRIX, VECTOR], {}, "indices of 3 do not fit an input of 2x3 without its axis 1"),
        ("pick", [MATRIX, VECTOR], {"axis": "None"}, "supported: a whole number"),
        ("gather_nd", [MATRIX, CUBE.reshape(3, 8)], {}, "indices of 3x8 address more than the 2 axes there are"),
        ("gather_nd", [MATRIX, VECTOR[:2]], {}, "indices of one dimension"),
        ("scatter_nd", [VECTOR, MATRIX], {"shape": "(0, 3)"}, "shape=0; the least is 1"),
        ("scatter_nd", [VECTOR, MATRIX], {"shape": "(4,)"}, "indices of 2x3 address more than the 1 axes there are"),
        ("one_hot", [VECTOR], {"depth": "0"}, "depth=0; the least is 1"),
        ("one_hot", [VECTOR], {"depth": "2", "dtype": "float16"}, "supported: only float32"),
        ("_ravel_multi_index", [MATRIX], {"shape": "(4, 5, 6)"}, "coordinates of 2x3 for a shape of 3 dimensions"),
        ("_unravel_index", [MATRIX], {"shape": "(4, 5)"}, "an input of 2 dimensions; supported: 1"),
        ("_unravel_index", [VECTOR], {"shape": "()"}, "number of dimensions=0; the least is 1"),
        ("_contrib_boolean_mask", [MATRIX, VECTOR[:2]], {}, "depends on the values of its input"),
        ("topk", [MATRIX], {"k": "4"}, "k=4 of an axis of 3"),
        ("topk", [MATRIX], {"dtype": "float64"}, "supported: only float32, int32, int64, uint8"),
        ("argsort", [MATRIX], {"axis": "-3"}, "its input of 2 dimensions has no axis -3"),
        ("cumsum", [MATRIX], {"axis": "-1"}, "axis=-1; MXNet counts it from the front only"),
        ("SequenceMask", [VECTOR], {}, "axis=0 of an input 3"),
        ("SequenceLast", [CUBE], {"axis": "2"}, "axis=2 of an input 2x3x4"),
        ("SequenceReverse", [CUBE], {"axis": "1"}, "axis=1; MXNet takes 0 only"),
        ("SequenceLast", [CUBE], {"use_sequence_length": "True"}, "its sequence_length is none; it must be 3"),
        (
            "SequenceMask",
            [CUBE, VECTOR[:2]],
            {"use_sequence_length": "True"},
            "its sequence_length is 2; it must be 3",
        ),
        ("dot", [VECTOR, VECTOR], {"transpose_a": "True"}, "a vector cannot be transposed"),
        ("dot", [MATRIX, MATRIX], {}, "its inputs 2x3, 2x3 do not fit each other"),
        ("dot", [WHOLE, WHOLE], {"transpose_b": "True"}, "an input of whole numbers"),
        ("batch_dot", [MATRIX, MATRIX], {}, "its inputs 2x3 and 2x3 are not matrices in axes that are alike"),
        ("batch_dot", [CUBE, CUBE[:1]], {}, "its inputs 2x3x4 and 1x3x4 are not matrices in axes that are alike"),
        ("_linalg_gemm2", [CUBE, CUBE], {"axis": "-1"}, "axis=-1 cannot be the rows of its input 2x3x4"),
        ("_linalg_gemm2", [CUBE, MATRIX], {}, "its input 2x3 must have 3 dimensions as the first"),
        ("_linalg_trmm", [MATRIX, MATRIX], {}, "its input 2x3 is not of square matrices"),
        ("_linalg_extractdiag", [SQUARE], {"offset": "3"}, "offset=3 lies outside of its matrices"),
        ("_linalg_makediag", [VECTOR], {"offset": "9999999"}, "matrices of 10000002 rows; 1024 at most"),
        ("_linalg_maketrian", [CUBE], {}, "4 elements do not fill a triangle"),
        ("khatri_rao", [MATRIX, CUBE[0]], {}, "its inputs must have as many columns as the first"),
        (
            "_contrib_interleaved_matmul_selfatt_qk",
            [CUBE],
            {"heads": "2"},
            "4 features are not 3 for each of 2 heads",
        ),
        (
            "RNN",
            [CUBE, VECTOR, CUBE],
            {**GRU, "projection_size": "2"},
            "RNN.projection_size='2'; supported: only None",
        ),
        ("RNN", [CUBE, VECTOR, CUBE], {**GRU, "use_sequence_length": "True"}, "supported: only False"),
        ("RNN", [CUBE, VECTOR, CUBE], {**GRU, "lstm_state_clip_max": "9.0"}, "supported: only None"),
        ("RNN", [CUBE, VECTOR, CUBE], {**GRU, "num_layers": "99999"}, "num_layers=99999; 256 at most"),
        ("RNN", [MATRIX, VECTOR, CUBE], GRU, "an input of 2 dimensions; supported: 3"),
        ("RNN", [CUBE, VECTOR, CUBE], GRU, "parameter 'in1' is 3 in the graph, but RNN 'node' needs 120"),
        ("RNN", [CUBE, np.zeros(120, np.float32), CUBE], GRU, "its state is 2x3x4; it must be 1x3x4"),
        ("RNN", [CUBE, np.zeros(160, np.float32), CUBE[:1]], {**GRU, "mode": "lstm"}, "its state_cell is absent"),
    ],
)
def test_refusals(tmp_path: Path, op: str, arrays: list[Array], attributes: dict[str, str], message: str) -> None:
    assert message in refusal_of(tmp_path, op, arrays, attributes)


@pytest.mark.parametrize(
    ("op", "arrays", "attributes"),
    [
        ("sort", [MATRIX], {"axis": "None"}),
        ("dot", [CUBE, CUBE], {"transpose_a": "True"}),
        ("khatri_rao", [MATRIX, MATRIX], {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_needs_the_batch(tmp_path: Path, op: str, arrays: list[Array], attributes: dict[str, str]) -> None:
    said = refusal_of(tmp_path, op, arrays, attributes, batch=True)
    assert "give the batch a number" in said
