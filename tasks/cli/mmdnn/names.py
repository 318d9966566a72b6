"""What MMdnn calls the files that it makes, and which of transship's these are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from converter.errors import BadInput

IR = {"model.onnx": ".pb", "model.json": ".json", "weights.safetensors": ".npy"}
"""Of the IR: what is put behind the name that mmtoir is given."""

PLAN = ".plan.json"
"""Of what code needs to be built besides itself and the weights: put in the place of the code's ending."""

MAIN = {"caffe": "deploy.prototxt"}
"""The code's file, where it is not ``model.py``."""

_CHECKPOINTS: Mapping[str, Mapping[str, str]] = {
    "caffe": {"*.prototxt": ".prototxt", "*.caffemodel": ".caffemodel"},
    "cntk": {"*.dnn": ""},
    "coreml": {"*.mlpackage": ""},
    "keras": {"*.keras": ""},
    "mxnet": {"*-symbol.json": "-symbol.json", "*-0000.params": "-0000.params"},
    "onnx": {"*.onnx": "", "*.onnx.data": ".data"},
    "pytorch": {"*.pt2": ""},
    "tensorflow": {"saved_model": ""},
}
_ENDINGS = {"coreml": ".mlpackage", "keras": ".keras", "pytorch": ".pt2"}
"""Those that the framework insists on: what MMdnn called otherwise (.mlmodel, .h5, .pth) is another kind of file."""


def main_of(target: str) -> str:
    """What transship calls the file of a target's code."""
    return MAIN.get(target, "model.py")


def plan_of(code: Path) -> Path:
    """Where the rest of the code ``code`` is."""
    return code.with_suffix(PLAN)


def deliver(folder: Path, target: str, output: Path) -> list[Path]:
    """Put the checkpoint in ``folder`` where MMdnn would have put it: ``output``, or names that begin so.

    Returns:
        The files and folders.

    Raises:
        BadInput: There is something else in a place that is to be a folder, or it cannot be written to.
    """
    ending = _ENDINGS.get(target, "")
    if ending and output.suffix != ending:
        output = (
            output.with_suffix(ending)
            if output.suffix in (".mlmodel", ".h5", ".pth", ".pt")
            else _with(output, ending)
        )
    found = {}
    for pattern, suffix in _CHECKPOINTS[target].items():
        for path in folder.glob(pattern):
            found[path] = _with(output, suffix)
    return [_put(path, goal) for path, goal in sorted(found.items())]


def copy(source: Path, goal: Path) -> Path:
    """Put a file where the user wants it.

    Raises:
        BadInput: It cannot be written to.
    """
    return _put(source, goal)


def _with(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _put(source: Path, goal: Path) -> Path:
    """In one rename, so that there is the old or the new, whole."""
    partial = goal.with_name(f".{goal.name}.partial")
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        if source.is_dir():
            if goal.is_file() or (goal.is_dir() and not {path.name for path in source.iterdir()} & set(_names(goal))):
                raise BadInput("there is something else of that name", where=str(goal), fix="name another place")
            shutil.copytree(source, partial)
            _remove(goal)
        else:
            shutil.copyfile(source, partial)
        partial.rename(goal)
    except OSError as error:
        _remove(partial)
        raise BadInput(f"cannot be written: {error.strerror}", where=str(goal), fix="name another place") from error
    return goal


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
