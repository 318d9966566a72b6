"""The library's face: four functions between a legacy model's files and another framework's source code.

Everything here is pure: it reads the files it is given and returns values, or writes the folder it is told to.
It starts no process, opens no connection and imports no deep learning framework.

    import converter

    shapes = {"data": ("batch", 3, 224, 224)}
    model = converter.parse("mxnet", graph="x-symbol.json", weights="x-0000.params", inputs=shapes)
    converter.save(model, "build/x/ir")
    files = converter.emit(model, "caffe")

A live Gluon net goes the same way in one call: :func:`convert_model`, :func:`convert_ssd_model`, :func:`save_model`.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import BadInput, StructureOnly, TransshipError, Unsupported

if TYPE_CHECKING:
    import onnx_ir

    from converter.description import Description
    from converter.gluon import convert_model, convert_ssd_model, save_model

__all__ = [
    "BadInput",
    "StructureOnly",
    "TransshipError",
    "Unsupported",
    "check_options",
    "compare",
    "convert_model",
    "convert_ssd_model",
    "describe",
    "emit",
    "parse",
    "save",
    "save_model",
]

_OF_GLUON = ("convert_model", "convert_ssd_model", "save_model")


def __getattr__(name: str) -> Any:
    """What is for live Gluon nets, imported when it is asked for."""
    if name in _OF_GLUON:
        return getattr(importlib.import_module("converter.gluon"), name)
    raise AttributeError(f"module 'converter' has no attribute {name!r}")


def parse(
    framework: str,
    *,
    graph: str | PathLike[str],
    weights: str | PathLike[str] | None = None,
    inputs: Mapping[str, Sequence[int | str]] | None = None,
    name: str = "",
    preprocess: Mapping[str, Any] | None = None,
    labels: Mapping[str, Sequence[str]] | None = None,
) -> onnx_ir.Model:
    """Read a trained network of another framework into the IR.

    The weights stay where they are: the model's parameters are windows into ``weights``, which must therefore
    outlive the model.

    Args:
        framework: The source framework, for example ``"mxnet"``.
        graph: The file that holds the network's structure.
        weights: The file that holds its parameters. Without it the IR is of the structure alone, for viewing and for
            training elsewhere, and a :class:`StructureOnly` warning says so.
        inputs: Shape of each input by name, ``"batch"`` for a first dimension left open. An input may be left out if
            the graph file records its shape.
        name: What to call the model; by default the graph file's stem.
        preprocess: How a photograph becomes an input, recorded in the model as it is.
        labels: What the classes of an output are called, by the output's name, in the order of its axis 1.

    Returns:
        The model, validated, at the IR's opset, NCHW and float32.

    Raises:
        BadInput: A file or argument is not what it has to be.
        Unsupported: The network uses something the IR cannot express exactly. Names all of it.
    """
    frontend = _plugin("converter.parsers", framework, "framework")
    model: onnx_ir.Model = frontend.parse(
        graph=Path(graph),
        weights=None if weights is None else Path(weights),
        inputs=inputs,
        name=name,
        preprocess=preprocess,
        labels=labels,
    )
    if weights is None:
        warnings.warn(f"{model.graph.name} has no weights: it can be viewed, not run", StructureOnly, stacklevel=2)
    return model


def describe(
    framework: str, *, graph: str | PathLike[str] | None = None, weights: str | PathLike[str] | None = None
) -> Description:
    """Say what a model of another framework is, as far as the files given tell, without converting it.

    Args:
        framework: The source framework, for example ``"mxnet"``.
        graph: The file that holds the network's structure.
        weights: The file that holds its parameters.

    Raises:
        BadInput: A file is not what it has to be.
    """
    frontend = _plugin("converter.parsers", framework, "framework")
    paths = {name: Path(path) for name, path in (("graph", graph), ("weights", weights)) if path is not None}
    found: Description = frontend.describe(**paths)
    return found


def save(model: onnx_ir.Model, folder: str | PathLike[str]) -> None:
    """Write ``model`` as ``model.onnx``, ``weights.safetensors`` and ``model.json`` into ``folder``.

    See :func:`converter.ir.save`.
    """
    from converter import ir

    ir.save(model, Path(folder))


def emit(model: onnx_ir.Model, target: str, **options: Any) -> dict[str, bytes]:
    """Write ``model`` as source code of ``target``: file name to content, the weight plan included.

    Raises:
        BadInput: There is no such target or option, or an option is of another type than its default.
        Unsupported: The target cannot express the model exactly.
    """
    check_options(target, options)
    files: dict[str, bytes] = _plugin("converter.emitters", target, "target").emit(model, **options)
    return files


def check_options(target: str, options: Mapping[str, Any]) -> None:
    """Check that the emitter of ``target`` has these ``options``.

    Raises:
        BadInput: There is no such target or option, or an option is of another type than its default.
    """
    function = _plugin("converter.emitters", target, "target").emit
    _check_options(target, options, {name: item.default for name, item in _options(function).items()})


def compare(reference: Any, candidate: Any, **options: Any) -> Any:
    """Compare two sets of outputs; see :func:`converter.compare.compare`."""
    return importlib.import_module("converter.compare").compare(reference, candidate, **options)


_KINDS = {bool: "true or false", int: "a whole number", str: "a text"}


def _options(function: Any) -> dict[str, inspect.Parameter]:
    """The options of an ``emit`` function: all that it takes but the model."""
    return dict(list(inspect.signature(function).parameters.items())[1:])


def _check_options(target: str, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name not in defaults:
            fix = f"use one of: {', '.join(defaults)}" if defaults else "leave it out: there are none"
            raise BadInput(f"{target} has no option {name!r}", fix=fix)
        kind = type(defaults[name])
        if type(value) is not kind:
            raise BadInput(f"the option {name} of {target} has to be {_KINDS[kind]}, not {value!r}")


def _plugin(package: str, name: str, kind: str) -> Any:
    """Import ``package.name``, or explain which names there are."""
    known = _modules(package)
    if name not in known:
        raise BadInput(f"unknown {kind} {name!r}", fix=f"use one of: {', '.join(nearest(name, known))}")
    return importlib.import_module(f"{package}.{name}")


def _modules(package: str) -> list[str]:
    if importlib.util.find_spec(package) is None:
        return []
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name for module in found if module.ispkg and not module.name.startswith("_"))


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The up to five names most like ``name``; all of them, in order, where none is."""
    names = list(known)
    return difflib.get_close_matches(name, names, n=5) or names
