"""The report as data: one document of every model, target and verdict, and its forms for programs and for a README.

The document is a JSON object:

``generated`` and ``version``: the date and the project's version; ``targets``: ``[{"name", "title"}]``, all of them;
``models``: the rows, ``[{"name", "title", "licence", "weights", "reference", "aliases"}]``; ``photographs``: small
pictures by case as ``data:`` URLs; ``cells``: one for every pair that was verified, see :func:`cell`.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.manifest import Manifest
from tasks.page.table import OWN_LIMITS, READ_BACK, SYMBOLS, error
from tasks.targets import TARGETS

Document = dict[str, Any]

_OF_VERIFY = ("verdict", "reasons", "expected", "tolerance", "runtime", "reference", "outputs", "forms", "first_bad")
_LEGEND = (
    "√ exact, o close, ✗ differs, blank: not verified. The number is the largest error of all outputs on all inputs, "
    "relative to the output's largest value."
)
_SIDE = 240
"""Of a photograph, in pixels."""


def document(
    models: Iterable[Manifest],
    cells: Sequence[Mapping[str, Any]],
    photographs: Mapping[str, bytes],
    *,
    generated: str,
    version: str,
) -> Document:
    """The document.

    Args:
        models: The rows.
        cells: What :func:`cell` says of each pair.
        photographs: PNG files by case.
        generated: The date.
        version: Of this project.
    """
    return {
        "generated": generated,
        "version": version,
        "targets": [{"name": name, "title": target.title} for name, target in TARGETS.items()],
        "models": [
            {
                "name": model.name,
                "title": model.title,
                "licence": model.licence,
                "weights": model.weights,
                "reference": model.reference,
                "aliases": list(model.aliases),
            }
            for model in models
        ],
        "photographs": {case: _small(content) for case, content in photographs.items()},
        "cells": list(cells),
    }


def cell(
    model: Manifest,
    target: str,
    verified: Mapping[str, Any],
    *,
    layers: Mapping[str, Any] | None,
    top: Mapping[str, Any],
    timings: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
) -> Document:
    """One cell.

    Args:
        model: The row.
        target: The column.
        verified: The content of ``verify.json``. ``max_rel`` and ``sensitivity`` are the worst of all outputs, in all
            forms; ``max_rel`` is None where that of one could not be measured.
        layers: Of ``layers.json``.
        top: Of ``top.json``.
        timings: ``[{"step", "where", "seconds"}]``.
        files: ``[{"path", "size"}]``, paths relative to the report.
    """
    outputs = [output for each in (verified, *verified["forms"].values()) for output in each["outputs"]]
    errors = [output["max_rel"] for output in outputs]
    moved = [output["sensitivity"] for output in outputs if output["sensitivity"] is not None]
    return {
        "model": model.name,
        "target": target,
        "weights": model.weights,
        "max_rel": None if None in errors else max(errors, key=float, default=None),
        "sensitivity": max(moved, key=float, default=None),
        **{key: verified[key] for key in _OF_VERIFY},
        **({"detections": verified["detections"]} if "detections" in verified else {}),
        "layers": layers,
        "top": top,
        "timings": list(timings),
        "files": list(files),
    }


def as_json(found: Mapping[str, Any]) -> bytes:
    """``matrix.json``: the document but for its photographs."""
    content = {key: value for key, value in found.items() if key != "photographs"}
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def markdown(found: Mapping[str, Any], *, docs: str = "docs/targets") -> str:
    """The matrix for a README.

    Args:
        found: The document.
        docs: Folder of the pages on targets.
    """
    cells = {(each["model"], each["target"]): each for each in found["cells"]}
    head = "".join(f" [{target['title']}]({docs}/{target['name']}.md) |" for target in found["targets"])
    rows = [
        f"| {model['name']} |"
        + "".join(f" {shown(cells.get((model['name'], t['name'])))} |" for t in found["targets"])
        for model in found["models"]
    ]
    lines = [
        f"{found['generated']}, {headline(found)}:",
        "",
        f"| |{head}",
        "|---|" + ":-:|" * len(found["targets"]),
        *rows,
        "",
        *notes(found),
    ]
    return "\n".join(lines) + "\n"


def headline(found: Mapping[str, Any]) -> str:
    """What was measured, in a line: how many pairs, which weights."""
    exact = sum(each["verdict"] == "exact" for each in found["cells"])
    weights = " and ".join(dict.fromkeys(model["weights"] for model in found["models"]))
    return f"{exact} of {len(found['models']) * len(found['targets'])} exact, {weights} weights"


def shown(found: Mapping[str, Any] | None, *, briefly: bool = False) -> str:
    """A cell as text: its symbol, the error behind it, its marks; nothing where there is none."""
    if found is None:
        return ""
    marks = READ_BACK * _is_read_back(found) + OWN_LIMITS * _has_own_limits(found)
    number = "" if briefly else f" {error(found['max_rel'])}"
    return f"{SYMBOLS[found['verdict']]}{number}{marks}"


def notes(found: Mapping[str, Any]) -> list[str]:
    """What the symbols and marks mean, as far as they occur."""
    lines = [_LEGEND]
    if any(map(_is_read_back, found["cells"])):
        lines.append(
            f"{READ_BACK} no runtime on Linux: the saved package is read back by an independent reader and "
            "executed from there."
        )
    if any(map(_has_own_limits, found["cells"])):
        lines.append(f"{OWN_LIMITS} judged by limits of its own, with a measured reason.")
    return [text for line in lines for text in (line, "")][:-1]


def _is_read_back(found: Mapping[str, Any]) -> bool:
    return bool(found["runtime"].get("runtime") == "read-back")


def _has_own_limits(found: Mapping[str, Any]) -> bool:
    return bool(found["tolerance"]["reason"])


def _small(photograph: bytes) -> str:
    """A photograph as a small JPEG in a ``data:`` URL."""
    from PIL import Image

    with Image.open(io.BytesIO(photograph)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
