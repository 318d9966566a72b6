"""Targets and their options, as they are typed."""

from __future__ import annotations

import pytest

from converter.errors import BadInput
from tasks.cli.emitting import Emitting, targets
from tasks.targets import TARGETS


def test_targets() -> None:
    assert targets(["caffe, ncnn", "caffe"]) == ["caffe", "ncnn"]
    assert targets(["caffe", "all"]) == list(TARGETS)
    with pytest.raises(BadInput, match="unknown target 'cafe'") as caught:
        targets(["cafe"])
    assert "caffe" in str(caught.value)


def test_options_are_of_what_they_look_like() -> None:
    assert Emitting(option=("ncnn:storage=fp16", "nms-top-k=per_class")).of(["ncnn", "caffe"]) == {
        "ncnn": {"storage": "fp16", "nms_top_k": "per_class"},
        "caffe": {"nms_top_k": "per_class"},
    }
    assert Emitting(option=("opset=18", "inline=true")).of(["onnx"]) == {"onnx": {"opset": 18, "inline": True}}
    assert Emitting(to_bgr=True, merge_bn=False).of(["caffe"]) == {"caffe": {"to_bgr": True, "merge_bn": False}}


@pytest.mark.parametrize(
    ("word", "what"),
    [("opset", "has no value"), ("=1", "has no value"), (":a=1", "has no value"), ("ncnn:a=1", "is not asked for")],
)
def test_options_that_are_none(word: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        Emitting(option=(word,)).of(["onnx"])
