"""Graphs in which a value is read twice again and again: what looks back through them must not double its work."""

from __future__ import annotations

from contextlib import suppress

import onnx_ir as ir
import pytest

import converter
from converter.emitters.memo import visiting_once
from converter.errors import Unsupported
from tasks.targets import TARGETS
from tests.emitters.models import Builder

LENGTH = 40


def test_each_argument_is_computed_once_within_a_call_and_again_in_the_next() -> None:
    calls = []

    @visiting_once
    def paths(number: int) -> int:
        calls.append(number)
        return 1 if number == 0 else paths(number - 1) + paths(number - 1)

    assert paths(LENGTH) == 2**LENGTH
    assert len(calls) == LENGTH + 1
    assert paths(1) == 2
    assert calls[-2:] == [1, 0]


def test_nothing_is_kept_after_a_failure() -> None:
    @visiting_once
    def failing(number: int) -> int:
        if number == 0:
            raise ValueError("none")
        return failing(number - 1)

    for _ in range(2):
        with pytest.raises(ValueError, match="none"):
            failing(2)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("operator", ["Add", "Max"])
def test_a_doubling_chain_takes_no_time(target: str, whole: bool, operator: str) -> None:
    net = Builder()
    value = net.input("data", ("batch", 3))
    kind, shape = (ir.DataType.INT64, ("batch", 1)) if whole else (ir.DataType.FLOAT, ("batch", 3))
    if whole:
        value = net.node("ArgMax", "first", value, axis=1)
        value.dtype, value.shape = kind, ir.Shape(shape)
    for number in range(LENGTH):
        value = net.node(operator, f"op{number}", value, value)
        value.dtype, value.shape = kind, ir.Shape(shape)
    value = net.node("Cast", "last", value, to=1) if whole else net.node("Log", "last", value)
    value.dtype, value.shape = ir.DataType.FLOAT, ir.Shape(shape)
    with suppress(Unsupported):
        assert converter.emit(net.model(value), target)
