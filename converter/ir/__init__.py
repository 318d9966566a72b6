"""The IR: an ONNX graph at one pinned opset, its parameters inside a safetensors file.

A saved IR is a folder of three files. ``model.onnx`` is the structure: any ONNX tool reads and runs it where it
lies. ``weights.safetensors`` holds the parameters, which the structure refers to by offset. ``model.json`` is the
structure again, to be read by people.
"""

from __future__ import annotations

from converter.ir.check import check, dims, validate
from converter.ir.files import MODEL, SUMMARY, WEIGHTS, load, save
from converter.ir.spec import BATCH, DOMAIN, IR_VERSION, LABELS, OPSET, PREPROCESS, SOURCE, Absent, Dim, is_external

__all__ = [
    "BATCH",
    "DOMAIN",
    "IR_VERSION",
    "LABELS",
    "MODEL",
    "OPSET",
    "PREPROCESS",
    "SOURCE",
    "SUMMARY",
    "WEIGHTS",
    "Absent",
    "Dim",
    "check",
    "dims",
    "is_external",
    "load",
    "save",
    "validate",
]
