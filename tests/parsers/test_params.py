"""Params files: every era of records, and files that are not what they should be."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.errors import BadInput, TransshipError, Unsupported
from converter.parsers.mxnet.params import read_params
from tests.parsers.files import MAGICS, container, params_file, record

ARRAYS = {
    "arg:fc_weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "aux:bn_moving_mean": np.array([1.5], np.float32),
}
BUDGET = 256 << 10
"""Bytes of memory that reading a file of a few hundred bytes may take, whatever it claims."""


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "net.params"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("era", ["V0", "V1", "V2", "V3"])
def test_reads_every_era(tmp_path: Path, era: str) -> None:
    found = read_params(saved(tmp_path, params_file(ARRAYS, era)))
    assert list(found) == ["fc_weight", "bn_moving_mean"]
    for stored, array in zip(found.values(), ARRAYS.values(), strict=True):
        assert stored is not None
        np.testing.assert_array_equal(stored.array(), array, strict=True)


@pytest.mark.parametrize("era", ["V0", "V1", "V2", "V3"])
def test_array_without_value_is_none(tmp_path: Path, era: str) -> None:
    arrays = {"arg:none": None, "arg:w": np.zeros(2, np.float32)}
    found = read_params(saved(tmp_path, params_file(arrays, era)))
    assert found["none"] is None
    assert found["w"] is not None


def test_scalar_of_numpy_semantics(tmp_path: Path) -> None:
    found = read_params(saved(tmp_path, params_file({"w": np.array(2.5, np.float32)}, "V3")))
    assert found["w"] is not None
    assert found["w"].shape == ()


@pytest.mark.parametrize("name", ["float64", "float16", "uint8", "int8", "int32", "int64", "bool"])
def test_reads_every_element_type(tmp_path: Path, name: str) -> None:
    array = np.array([0, 1, 1], name)
    found = read_params(saved(tmp_path, params_file({"arg:w": array})))["w"]
    assert found is not None
    np.testing.assert_array_equal(found.array(), array, strict=True)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
def test_converts_other_widths_to_float32(tmp_path: Path, dtype: type) -> None:
    array = np.array([0.1, -2.5, 1e-3]).astype(dtype)
    found = read_params(saved(tmp_path, params_file({"arg:w": array})))["w"]
    assert found is not None
    tensor = found.tensor("w", (3, 1))
    np.testing.assert_array_equal(tensor.numpy(), array.astype(np.float32).reshape(3, 1), strict=True)


def test_names_without_prefix_stay(tmp_path: Path) -> None:
    assert list(read_params(saved(tmp_path, params_file({"features.0.weight": np.zeros(1, np.float32)})))) == [
        "features.0.weight"
    ]


@pytest.mark.parametrize("era", ["V0", "V1", "V2", "V3"])
def test_truncation_at_every_byte_is_bad_input(tmp_path: Path, era: str) -> None:
    content = params_file(ARRAYS, era)
    for length in range(len(content)):
        with pytest.raises(BadInput, match="the params file") as caught:
            read_params(saved(tmp_path, content[:length]))
        assert f"{tmp_path}/net.params, byte " in str(caught.value)


def test_truncation_says_where_and_what(tmp_path: Path) -> None:
    content = params_file(ARRAYS)
    with pytest.raises(BadInput) as caught:
        read_params(saved(tmp_path, content[:80]))
    assert "ends after 16 of the 24 bytes of an array of shape (2, 3), float32" in caught.value.what
    assert caught.value.where.endswith("byte 64")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends after 0 of the 16 bytes of its header"),
        (b"\x0a\x06caffe_net_and_so_on", "begins with 0x"),
        (struct.pack("<QQQ", 0x112, 0, 2**63), "claims 9223372036854775808 arrays"),
        (struct.pack("<QQQ", 0x112, 0, 1) + struct.pack("<I", 2**31) + b"\0" * 60, "has an array of 2147483648 dim"),
        (container([struct.pack("<Ii", MAGICS["V1"], -5) + b"\0" * 60], ["w"]), "has an array of -5 dimensions"),
        (container([struct.pack("<Iiq", MAGICS["V1"], 1, -3) + b"\0" * 60], ["w"]), "of the shape (-3,)"),
        (
            container([struct.pack("<IiqqIIi", MAGICS["V1"], 2, 2**62, 2**62, 1, 0, 0)], ["w"]),
            f"of the {2**126} bytes",
        ),
        (container([struct.pack("<Iii", MAGICS["V2"], 7, 1) + b"\0" * 60], ["w"]), "unknown storage type 7"),
        (container([struct.pack("<IiqIIi", MAGICS["V1"], 1, 1, 1, 0, 99) + b"\0" * 60], ["w"]), "element type 99"),
        (container([record(ARRAYS["arg:fc_weight"])], []), "has 1 arrays but 0 names"),
        (container([], [])[:-8] + struct.pack("<Q", 2**40), "claims 1099511627776 names"),
        (container([record(None)], ["x" * 70000]), "has a name of 70000 bytes"),
        (params_file(ARRAYS) + b"\0", "goes on for 1 bytes after its end"),
    ],
)
def test_malformed_file_is_bad_input(tmp_path: Path, content: bytes, message: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(BadInput) as caught:
        read_params(path)
    assert message in caught.value.what


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    content = params_file({"arg:abc": np.zeros(1, np.float32)}).replace(b"arg:abc", b"arg:\xff\xfe\xfd")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_params(saved(tmp_path, content))


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    both = {"arg:w": np.zeros(1, np.float32), "aux:w": np.zeros(1, np.float32)}
    with pytest.raises(BadInput, match="two arrays called 'w'"):
        read_params(saved(tmp_path, params_file(both)))


def sparse(storage: int) -> bytes:
    """A sparse record: stored shape, shape, device, dtype, index dtypes and shapes, data, indices."""
    head = struct.pack("<Ii", MAGICS["V2"], storage) + struct.pack("<iqq", 2, 1, 3) + struct.pack("<iqq", 2, 4, 3)
    auxiliary = struct.pack("<iiq", 6, 1, 1) * storage
    return head + struct.pack("<iii", 1, 0, 0) + auxiliary + b"\0" * (12 + 8 * storage)


def test_sparse_arrays_are_refused_by_name(tmp_path: Path) -> None:
    content = container([sparse(1), record(ARRAYS["arg:fc_weight"]), sparse(2)], ["arg:emb", "arg:w", "arg:csr"])
    with pytest.raises(Unsupported) as caught:
        read_params(saved(tmp_path, content))
    assert "emb (row_sparse), arg:csr (csr)" in caught.value.what


def test_mxnet_2_archive_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", w=np.zeros(3))
    with pytest.raises(Unsupported, match="MXNet 2"):
        read_params(tmp_path / "net.npz")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_params(tmp_path / "absent.params")


MANGLED = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 400), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("cut"), st.integers(0, 400), st.binary(max_size=0)),
    st.tuples(st.just("insert"), st.integers(0, 400), st.binary(min_size=1, max_size=8)),
)


def mangle(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, at, piece in changes:
        if kind == "cut":
            content = content[:at]
        else:
            content = content[:at] + piece + content[at + len(piece) * (kind == "set") :]
    return content


@given(era=st.sampled_from(["V0", "V1", "V2", "V3"]), changes=st.lists(MANGLED, min_size=1, max_size=4))
def test_no_file_escapes_or_takes_memory(
    tmp_path_factory: pytest.TempPathFactory, era: str, changes: list[tuple[str, int, bytes]]
) -> None:
    path = saved(tmp_path_factory.mktemp("fuzz"), mangle(params_file(ARRAYS, era), changes))
    tracemalloc.start()
    try:
        found = read_params(path)
    except TransshipError:
        found = {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BUDGET
    for stored in found.values():
        if stored is not None:
            assert stored.array().nbytes <= path.stat().st_size
