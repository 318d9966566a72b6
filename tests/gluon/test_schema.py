"""Our part of Caffe's schema: what it reads, and that nothing of what the emitter writes is missing in it."""

from __future__ import annotations

import ast
import re

import pytest
from google.protobuf import text_format

from converter.gluon.schema import message, read
from tests.support.project import ROOT

EMITTER = ROOT / "converter/emitters/caffe"
SAMPLES = sorted((ROOT / "tests/emitters/golden").rglob("*.prototxt"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_what_is_generated_is_read_and_written_the_same(path: object) -> None:
    text = path.read_text()  # type: ignore[attr-defined]
    net = text_format.Parse(text, message("NetParameter")())
    again = text_format.Parse(text_format.MessageToString(net), message("NetParameter")())
    assert again == net
    assert message("NetParameter").FromString(net.SerializeToString()) == net


def test_every_message_that_the_emitter_names_is_there() -> None:
    named = {
        node.value
        for path in EMITTER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z_0-9]+_param", node.value)
    }
    fields = {field.name for field in message("LayerParameter").DESCRIPTOR.fields}
    fields |= {field.name for field in message("DetectionOutputParameter").DESCRIPTOR.fields}
    assert named
    assert named <= fields


def test_defaults_are_caffe_s() -> None:
    assert message("PriorBoxParameter")().flip is True
    assert message("DetectionOutputParameter")().code_type == 1
    assert message("PoolingParameter")().pool == 0
    assert message("ScaleParameter")().num_axes == 1


def test_the_pool_is_not_the_one_that_caffe_registers_itself_in() -> None:
    from google.protobuf import descriptor_pool

    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter")
    assert message("NetParameter").DESCRIPTOR.full_name == "caffe.NetParameter"


@pytest.mark.parametrize(
    "line",
    ["message A {", "optional float x = 1;", "}", "map<string, int32> m = 2;", "oneof a {", "required float x = 1;"][
        3:
    ],
)
def test_more_than_it_knows_is_not_read(line: str) -> None:
    with pytest.raises(ValueError, match="not read: "):
        read("message A {\n" + line + "\n}")
