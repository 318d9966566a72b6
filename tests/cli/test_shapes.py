"""Shapes as they are typed."""

from __future__ import annotations

import pytest

from converter.errors import BadInput
from tasks.cli.shapes import Shape, read_shapes

ONE = {"data": None}
TWO = {"data": None, "mask": (1, 4)}


@pytest.mark.parametrize(
    ("words", "inputs", "wanted"),
    [
        (["3,224,224"], ONE, {"data": ("batch", 3, 224, 224)}),
        (["1,3,224,224"], ONE, {"data": (1, 3, 224, 224)}),
        (["batch,3,224,224"], ONE, {"data": ("batch", 3, 224, 224)}),
        (["3x48x48"], ONE, {"data": ("batch", 3, 48, 48)}),
        (["128"], ONE, {"data": ("batch", 128)}),
        (["2,3,8,8"], ONE, {"data": ("batch", 2, 3, 8, 8)}),
        (["data:2,3,8,8"], ONE, {"data": (2, 3, 8, 8)}),
        (["data:1, 3, 8, 8"], TWO, {"data": (1, 3, 8, 8), "mask": (1, 4)}),
        (["mask:batch,4", "data:1,3,8,8"], TWO, {"data": (1, 3, 8, 8), "mask": ("batch", 4)}),
        (["a:b:1,2"], {"a:b": None}, {"a:b": (1, 2)}),
        ([], {"data": (1, 3, 8, 8)}, {"data": (1, 3, 8, 8)}),
    ],
)
def test_what_is_read(words: list[str], inputs: dict[str, Shape | None], wanted: dict[str, Shape]) -> None:
    assert read_shapes(words, inputs) == wanted


@pytest.mark.parametrize(
    ("words", "inputs", "what"),
    [
        (["3,-1,4"], ONE, "is no shape"),
        (["3,0,4"], ONE, "is no shape"),
        ([""], ONE, "is no shape"),
        (["data:"], ONE, "is no shape"),
        (["3 224 224"], ONE, "is no shape"),
        (["3,224,99999999999"], ONE, "is no shape"),
        (["3,batch,4"], ONE, "another place than the first"),
        (["3,8,8"], TWO, "does not say which input"),
        (["dat:1,3,8,8"], ONE, "no input 'dat'"),
        (["mask:1,4"], TWO, "do not tell the shape of 'data'"),
        (["3,8,8", "3,9,9"], ONE, "two shapes"),
        ([], ONE, "do not tell the shape of 'data'"),
    ],
)
def test_what_is_not(words: list[str], inputs: dict[str, Shape | None], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        read_shapes(words, inputs)
