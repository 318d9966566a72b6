"""The command that converts what was downloaded: its inputs as the model's manifest describes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import converter
from converter.inputs import read_preprocess
from converter.ir import BATCH
from tasks import report
from tasks.cli.given import CHANNELS
from tasks.manifest import Input, Manifest

LABELS: Final = "-labels.txt"
"""What the names of files end in that have a class's name a line."""


def command_for(model: Manifest, paths: Sequence[Path]) -> list[str]:
    """The words, behind ``transship``, that convert the files ``paths`` with the inputs that ``model`` has.

    None where no command says it: its inputs have different values.

    Raises:
        BadInput: The network's file is damaged.
    """
    files = [path for path in paths if not path.name.endswith(LABELS)]
    labels = [path for path in paths if path.name.endswith(LABELS)]
    options = {tuple(inputs_for(given)) for given in model.inputs.values()}
    if len(options) != 1:
        return []
    words = ["convert", *map(_typed, files)]
    for name, given in model.inputs.items():
        words += ["--input-shape", shape_for(name, given, alone=len(model.inputs) == 1)]
    words += options.pop()
    if len(labels) == 1 and len(converter.describe(model.framework, graph=files[0]).outputs) == 1:
        words += ["--labels", _typed(labels[0])]
    return [*words, "--to", "onnx"]


def shape_for(name: str, given: Input, *, alone: bool) -> str:
    """An input's shape, as briefly as it can be typed."""
    batch, *rest = map(str, given.shape)
    short = alone and batch == BATCH and rest and not (len(rest) == 4 and rest[0] == "1")
    return ",".join(rest) if short else f"{name}:{','.join([batch, *rest])}"


def inputs_for(given: Input) -> list[str]:
    """The options that say which values an input has in real use; of several patches of an image, their range."""
    preprocess = given.preprocess
    if preprocess is None or len(given.shape) != 4 or given.shape[1] != CHANNELS[preprocess["channels"]]:
        return ["--range", _numbers(given.range)]
    words = ["--channel-order", str(preprocess["channels"])]
    for key, usual in (("mean", 0.0), ("scale", 1.0)):
        value = preprocess.get(key, usual)
        if value != usual:
            words += [f"--{key}", _numbers(value if isinstance(value, list | tuple) else [value])]
    if tuple(given.range) != read_preprocess(preprocess, "preprocess").extent:
        words += ["--range", _numbers(given.range)]
    return words


def _numbers(values: Sequence[float]) -> str:
    return ",".join(repr(float(value)).removesuffix(".0") for value in values)


def _typed(path: Path) -> str:
    """``path`` as a word of a command, which does not begin like an option."""
    shown = report.shown(path)
    return f"./{shown}" if shown.startswith("-") else shown
