"""Reports to show: one with everything in it that a page has to cope with, and one that is large."""

from __future__ import annotations

import base64
import io
import math
import random
from collections.abc import Sequence
from typing import Any

from PIL import Image

TITLES = {
    "caffe": "Caffe",
    "cntk": "CNTK",
    "coreml": "Core ML",
    "keras": "Keras",
    "mxnet": "MXNet",
    "ncnn": "ncnn",
    "onnx": "ONNX",
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
CLOSING = "</script><!--<script>\u2028\u202e\ud800\"'&amp;"
JAVASCRIPT = "javascript:alert(3)"
LONG = "a label without any place to break it" + "_that_goes_on" * 20
LIMITS = {
    "exact": {"max_rel": 1e-4, "sensitivity": 1e-3, "constant": 1e-6},
    "close": {"max_rel": 1e-2, "sensitivity": 5e-2, "constant": 1e-5},
    "reason": "",
}
MODELS = (
    ("resnet-18-seeded", "ResNet-18 v1", "seeded", ["resnet18"]),
    ("resnet-18", "ResNet-18 v1", "pretrained", ["resnet18"]),
    ("squeezenet-1.1-seeded", "SqueezeNet 1.1", "seeded", ["squeezenet"]),
    ("vgg-19-seeded", "VGG-19", "seeded", ["vgg19"]),
    ("missing", "Never verified", "pretrained", []),
    ("hostile", HOSTILE, "seeded", [CLOSING]),
)


def document() -> dict[str, Any]:
    """The report that the checks of ``browser.py`` know."""
    cells = [_cell(model, target, number) for number, (model, target) in enumerate(_pairs())]
    found = {(cell["model"], cell["target"]): cell for cell in cells}
    _make_close(found["squeezenet-1.1-seeded", "ncnn"])
    _make_differ(found["vgg-19-seeded", "caffe"])
    _make_hostile(found["hostile", "caffe"])
    found["resnet-18-seeded", "keras"]["layers"] = None
    found["resnet-18-seeded", "keras"]["detections"] = [
        {
            "outputs": ["ids", "scores", "boxes"],
            "verdict": "exact",
            "reference": 400,
            "candidate": 401,
            "matched": 399,
            "max_score_error": 1.25e-6,
            "min_iou": 0.99731,
            "moves": True,
        }
    ]
    found["resnet-18-seeded", "keras"]["top"] = {}
    return {
        "generated": "2026-11-22",
        "version": "0.1.0",
        "targets": _targets(),
        "models": [_model(*row) for row in MODELS],
        "photographs": {"astronaut": _photograph((90, 120, 160)), "coffee": _photograph((150, 100, 60))},
        "cells": cells,
    }


def large(models: int = 100, layers: int = 700) -> dict[str, Any]:
    """A report of ``models`` on nine targets with ``layers`` values each."""
    names = [f"model-{number}" for number in range(models)]
    cells = [_cell(name, target, number, layers) for number, name in enumerate(names) for target in TITLES]
    rows = [_model(name, name.title(), "seeded", []) for name in names]
    return {"generated": "2026-11-22", "version": "0.1.0", "targets": _targets(), "models": rows, "cells": cells}


def _targets() -> list[dict[str, str]]:
    return [{"name": name, "title": title} for name, title in TITLES.items()]


def _model(name: str, title: str, weights: str, aliases: Sequence[str]) -> dict[str, Any]:
    reference = JAVASCRIPT if name == "hostile" else "https://example.org/paper"
    facts = {"name": name, "title": title, "weights": weights, "aliases": list(aliases)}
    return {**facts, "licence": "Apache-2.0", "reference": reference}


def _pairs() -> list[tuple[str, str]]:
    """All pairs of a model and a target that were verified: not all."""
    missing = {("hostile", target) for target in TITLES} - {("hostile", "caffe")} | {("vgg-19-seeded", "cntk")}
    pairs = ((name, target) for name, *_ in MODELS if name != "missing" for target in TITLES)
    return [pair for pair in pairs if pair not in missing]


def _cell(model: str, target: str, number: int, layers: int = 60) -> dict[str, Any]:
    """An exact cell."""
    errors = [2e-8 * 1.08 ** (place * 60 / layers) * (1 + (place * 7 + number) % 5) for place in range(layers)]
    errors[0] = 0.0
    output = _output("prob_output", errors[-1])
    cell = {
        "model": model,
        "target": target,
        "weights": "seeded" if model.endswith("-seeded") else "pretrained",
        "verdict": "exact",
        "max_rel": errors[-1],
        "sensitivity": 3.21e-5,
        "reasons": [],
        "expected": None,
        "first_bad": None,
        "tolerance": LIMITS,
        "runtime": {
            "framework": target,
            "versions": {target: "9.8.7", "python": "3.11.2"},
            "image": "0123456789ab" * 5,
        },
        "reference": {
            "framework": "mxnet",
            "versions": {"mxnet": "1.9.1", "numpy": "1.23.5"},
            "image": "ba9876543210" * 5,
        },
        "outputs": [output],
        "forms": {},
        "layers": {"case": "astronaut", "values": [_layer(place, error) for place, error in enumerate(errors)]},
        "top": {"prob_output": {"astronaut": _ranks(), "coffee": _ranks(swapped=target == "ncnn")}},
        "timings": _timings(target),
        "files": [
            {"path": f"../{model}/{target}/code/model.py", "size": 12345},
            {"path": f"../{model}/{target}/checkpoint/a name #1?.bin", "size": 46_800_000},
        ],
    }
    if target == "coreml":
        cell["runtime"]["runtime"] = "read-back"
    if target == "tensorflow":
        cell["forms"] = {
            "tflite": {"verdict": "exact", "tolerance": LIMITS, "outputs": [_output("prob_output", 4.5e-6)]}
        }
    return cell


def _output(name: str, error: float) -> dict[str, Any]:
    numbers = {"max_abs": error / 3, "max_rel": error, "sensitivity": 3.21e-5, "snr_db": 124.273, "cosine": 1.0}
    return {"name": name, "shape": [1, 1000], "verdict": "exact", **numbers, "top1": True, "top5": True}


def _layer(place: int, error: float) -> dict[str, Any]:
    operator = ("Conv", "BatchNormalization", "Relu")[place % 3]
    node = f"stage{place // 12 + 1}_unit{place // 3 % 4 + 1}_{operator[:4].lower()}{place}"
    return {"value": f"{node}_output", "node": node, "operator": operator, "max_rel": error}


def _ranks(*, swapped: bool = False) -> dict[str, list[dict[str, Any]]]:
    labels = ("Egyptian cat", "space shuttle", None, LONG, "espresso")
    rows = [{"class": 285 + rank, "label": text, "score": 0.4 / (rank + 1)} for rank, text in enumerate(labels)]
    other = [dict(row) for row in rows]
    if swapped:
        other[3], other[4] = other[4], other[3]
    return {"reference": rows, "candidate": other}


def _timings(target: str) -> list[dict[str, Any]]:
    steps = (("parse", "host", 0.4), ("reference", "mxnet", 6.1), ("emit", "host", 0.25), ("checkpoint", target, 3.5))
    rows = [{"step": step, "where": where, "seconds": seconds} for step, where, seconds in steps]
    return [
        *rows,
        {"step": "run", "where": target, "seconds": 62.0},
        {"step": "compare", "where": "host", "seconds": None},
    ]


def _make_close(cell: dict[str, Any]) -> None:
    own = "weights rounded to 11 significant bits, as measured"
    cell |= {"verdict": "close", "max_rel": 2.4e-3, "reasons": ["prob_output: max_rel 2.4e-03, allowed 1e-04"]}
    cell |= {"tolerance": LIMITS | {"reason": own}, "expected": {"verdict": "close", "reason": "fp16 by choice"}}
    cell["outputs"][0] |= {"verdict": "close", "max_rel": 2.4e-3, "top5": False}


def _make_differ(cell: dict[str, Any]) -> None:
    """A fault in the middle: what comes after it is off, one value could not be measured, one is infinite."""
    values = cell["layers"]["values"]
    for place, row in enumerate(values[30:]):
        row["max_rel"] = 0.3 + 0.01 * place
    values[40]["max_rel"], values[41]["max_rel"] = None, "Infinity"
    reasons = ["prob_output: the error is infinite"]
    first = {
        "node": values[30]["node"],
        "value": values[30]["value"],
        "last_good": values[29]["value"],
        "reason": "it is off",
    }
    cell |= {
        "verdict": "differs",
        "max_rel": "Infinity",
        "sensitivity": math.inf,
        "reasons": reasons,
        "first_bad": first,
    }
    cell["outputs"][0] |= {
        "verdict": "differs",
        "max_rel": "Infinity",
        "sensitivity": None,
        "snr_db": "-Infinity",
        "top1": False,
    }


def _make_hostile(cell: dict[str, Any]) -> None:
    for row in cell["layers"]["values"]:
        row |= {"value": HOSTILE, "node": CLOSING, "operator": HOSTILE}
    cell["top"] = {HOSTILE: {CLOSING: _ranks(), "astronaut": _ranks()}}
    cell["top"][HOSTILE]["astronaut"]["candidate"][0]["label"] = HOSTILE
    cell["outputs"] = [_output(HOSTILE, 1e-7), _output(CLOSING, 1e-7), _output(LONG, 0.0)]
    cell["reasons"] = [HOSTILE]
    cell["files"] = [
        {"path": JAVASCRIPT, "size": 1},
        {"path": "//example.org/x", "size": 999_999},
        {"path": HOSTILE, "size": 0},
    ]
    cell["timings"][0] |= {"step": HOSTILE, "where": CLOSING}


def _photograph(colour: tuple[int, int, int]) -> str:
    """A small picture as an address that holds it: a wash of ``colour`` with grains."""
    grains = random.Random(0)
    image = Image.linear_gradient("L").resize((240, 180)).convert("RGB")
    image = Image.blend(image, Image.new("RGB", image.size, colour), 0.6)
    for _ in range(200):
        image.putpixel((grains.randrange(240), grains.randrange(180)), (255, 255, 255))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
