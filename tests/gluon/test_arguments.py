"""What a conversion of a live net refuses before it looks into the net."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import converter
from converter import convert_model, convert_ssd_model
from converter.errors import BadInput
from tests.support.project import ROOT


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({}, "this is no net of Gluon: object"),
        ({"target": "keras"}, "files for keras are written by keras itself"),
        ({"target": "kaffe"}, "unknown target 'kaffe'"),
        ({"input_shape": (1, 3, 0)}, "input_shape cannot be"),
        ({"input_shape": (1, "batch")}, "input_shape cannot be"),
        ({"input_shape": 224}, "input_shape cannot be"),
        ({"input_shape": ()}, "input_shape cannot be"),
        ({"input_shape": (True, 3)}, "input_shape cannot be"),
        ({"target": "onnx", "to_bgr": True}, "to_bgr is for Caffe alone"),
        ({"target": "ncnn", "softmax": True}, "softmax is for Caffe alone"),
    ],
)
def test_an_argument_is_refused(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(BadInput) as refusal:
        convert_model(object(), **arguments)
    assert what in refusal.value.what
    assert refusal.value.fix


def test_so_does_that_of_a_detector() -> None:
    with pytest.raises(BadInput, match="no net of Gluon"):
        convert_ssd_model(object())


def test_the_library_says_what_it_lacks() -> None:
    with pytest.raises(AttributeError, match="no attribute 'convert'"):
        converter.convert  # noqa: B018


def test_nothing_of_it_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, converter; assert 'converter.gluon' not in sys.modules; from converter import save_model; "
    code += "assert not {'mxnet', 'caffe', 'ncnn', 'tasks', 'docker'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, check=True)
