"""Formats that are text."""

from __future__ import annotations

import re
from collections.abc import Callable

from converter.formats.binary import Rule
from converter.formats.format import Format
from converter.formats.sample import Sample

_AGAIN = "download it again; a server that does not have it sent a page instead"
_LFS = "fetch the file itself: git lfs pull"
_NOT_HERE = "give the files of an MXNet model: x-symbol.json and x-0000.params"


def _begins(pattern: str) -> Callable[[Sample], bool]:
    expression = re.compile(pattern, re.IGNORECASE)
    return lambda sample: bool(expression.match(sample.statement))


def _json(pattern: str) -> Callable[[Sample], bool]:
    """Whether it is an object in which there is ``pattern``."""
    expression = re.compile(pattern)
    return lambda sample: sample.statement[:1] == "{" and bool(expression.search(sample.text))


_begins_as_code = _begins(r'"""|import |from ')
_imports = re.compile(
    r"^ *(import|from) (torch|tensorflow|keras|mxnet|cntk|coremltools|onnxscript|onnx|ncnn)\b", re.M
)

RULES: tuple[Rule, ...] = (
    (
        _json(r'\A\s*\{\s*"name".*\n?\s*"source"\s*:'),
        Format("ir-summary", "transship's IR, to be read", fix="give the folder that it is in"),
    ),
    (_json(r'"nodes"\s*:\s*\['), Format("mxnet-symbol", "MXNet symbol", "mxnet", "network")),
    (_json(r'"class_name"\s*:\s*"(Model|Sequential|Functional)"'), Format("keras-json", "Keras network", "keras")),
    (_json(""), Format("json", "JSON, but of no network", fix=_NOT_HERE)),
    (_begins(r"version https://git-lfs\.github\.com/spec/"), Format("git-lfs", "Git LFS pointer", fix=_LFS)),
    (_begins(r"<(!doctype|html|head|\?xml|error)\b"), Format("html", "web page", fix=_AGAIN)),
    (_begins(r"7767517\b"), Format("ncnn-param", "ncnn network", "ncnn")),
    (_begins(r"\[(net|network)\]"), Format("darknet", "Darknet network", fix=_NOT_HERE)),
    (
        _begins(r"(name|input|input_dim|force_backward)\s*:|(layers?|input_shape|state)\s*(:\s*)?\{"),
        Format("prototxt", "Caffe network", "caffe"),
    ),
    (
        lambda sample: _begins_as_code(sample) and bool(_imports.search(sample.text)),
        Format("python", "Python code of a network", fix=_NOT_HERE),
    ),
)
