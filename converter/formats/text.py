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


def _xml(pattern: str) -> Callable[[Sample], bool]:
    """Whether it is XML in which there is ``pattern``."""
    expression = re.compile(pattern, re.IGNORECASE)
    return lambda sample: sample.statement.startswith("<?xml") and bool(expression.search(sample.text))


_has_nodes, _has_operators = _json(r'"nodes"\s*:\s*\[\s*(\{|\Z)'), _json(r'"op"\s*:|\[\s*\Z')


def _is_symbol(sample: Sample) -> bool:
    """A list of nodes that have operators, or the beginning of one; many a graph has nodes that have none."""
    return _has_nodes(sample) and _has_operators(sample)


_begins_as_net = _begins(
    r"""(name|input)\s*:\s*["']|(input_dim|force_backward)\s*:|(layers?|input_shape|state)\s*(:\s*)?\{"""
)
_has_layers = re.compile(r"\b(layers?|input_shape)\s*(:\s*)?\{|\binput_dim\s*:")


def _is_prototxt(sample: Sample) -> bool:
    """A network of Caffe's; its name alone is YAML as well."""
    return _begins_as_net(sample) and bool(_has_layers.search(sample.text))


_begins_as_code = _begins(r'"""|import |from ')
_imports = re.compile(
    r"^ *(import|from) (torch|tensorflow|keras|mxnet|cntk|coremltools|onnxscript|onnx|ncnn)\b", re.M
)

RULES: tuple[Rule, ...] = (
    (
        _json(r'\A\s*\{\s*"name".*\n?\s*"source"\s*:'),
        Format("ir-summary", "transship's IR, to be read", fix="give the folder that it is in"),
    ),
    (_is_symbol, Format("mxnet-symbol", "MXNet symbol", "mxnet", "network")),
    (_json(r'"class_name"\s*:\s*"(Model|Sequential|Functional)"'), Format("keras-json", "Keras network", "keras")),
    (_json(""), Format("json", "JSON, but of no network", fix=_NOT_HERE)),
    (_begins(r"version https://git-lfs\.github\.com/spec/"), Format("git-lfs", "Git LFS pointer", fix=_LFS)),
    (
        _begins(r"<(!doctype html|html|head|body|title|meta|script|error)\b|<!--"),
        Format("html", "web page", fix=_AGAIN),
    ),
    (_xml(r"<(!doctype html|html|error)\b"), Format("html", "web page", fix=_AGAIN)),
    (_xml(r"<net\b"), Format("openvino", "OpenVINO network")),
    (_xml(""), Format("xml", "XML, but of no network", fix=_NOT_HERE)),
    (_begins(r"7767517\b"), Format("ncnn-param", "ncnn network", "ncnn")),
    (_begins(r"node\s*\{"), Format("graphdef-text", "TensorFlow graph as text", "tensorflow")),
    (_begins(r"\[(net|network)\]"), Format("darknet", "Darknet network", fix=_NOT_HERE)),
    (
        _is_prototxt,
        Format("prototxt", "Caffe network", "caffe"),
    ),
    (
        lambda sample: _begins_as_code(sample) and bool(_imports.search(sample.text)),
        Format("python", "Python code of a network", fix=_NOT_HERE),
    ),
)
