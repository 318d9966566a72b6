"""What an earlier stage wrote, as it lies there now: somebody may have edited it, so all of it is checked."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import google.protobuf.message
import onnx
import onnx_ir

from converter import ir
from converter.errors import BadInput
from converter.ir import summary
from tasks.action import Tree
from tasks.session import Session
from tasks.terminal import harmless

WEIGHTS: Final = ir.WEIGHTS
PLAN: Final = "weights.plan.json"
"""In every target's code: how its parameters are made of the IR's."""

_STRUCTURE = 1 << 31
"""The most bytes that a protobuf has."""
_HEADER = 1 << 27
_PLAN = 1 << 28
_CACHED = "__pycache__"
_ABSENT = "give it as it was written, or make it again: transship ir"


@dataclass(frozen=True)
class Model:
    """An IR that was read.

    Attributes:
        graph: Its structure.
        told: The same as JSON.
        path: Of ``model.onnx``.
        has_weights: Whether there are weights beside it.
    """

    graph: onnx_ir.Model
    told: bytes
    path: Path
    has_weights: bool

    @property
    def inputs(self) -> dict[str, tuple[int | str, ...]]:
        """The shape of each input."""
        return {str(value.name): ir.dims(value) for value in self.graph.graph.inputs}

    def store(self, session: Session) -> Tree:
        """Its files in the store; ``model.json`` is made anew, so that it says what the structure is."""
        found = {ir.MODEL: self.path, **({ir.WEIGHTS: self.path.with_name(ir.WEIGHTS)} if self.has_weights else {})}
        return {**stored(session, found), ir.SUMMARY: session.store.put(self.told)}


def files(folder: Path) -> dict[str, Path]:
    """The files below ``folder`` by relative path, but for what Python leaves where it has run.

    Raises:
        BadInput: There is something else than files and folders.
    """
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    found = {name: path for name, path in found.items() if _CACHED not in Path(name).parts}
    for path in found.values():
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise BadInput("this is no regular file", where=harmless(str(path)), fix="put the file itself there")
    return {name: path for name, path in found.items() if path.is_file()}


def stored(session: Session, found: Mapping[str, Path]) -> Tree:
    """The files ``found``, each in the store.

    Raises:
        BadInput: One cannot be read.
    """
    tree = {}
    for name, path in found.items():
        try:
            digest = session.digests.of(path.resolve())
            if digest is None or not session.store.has(digest):
                digest = session.store.put_file(path)
        except OSError as error:
            if error.filename not in (str(path), str(path.resolve())):
                raise  # of the store
            raise BadInput(f"cannot read this file: {error.strerror}", where=str(path)) from error
        tree[name] = digest
    return tree


def read_ir(path: Path) -> Model:
    """The IR in a folder, or at its ``model.onnx``, with its weights if they lie beside it.

    Raises:
        BadInput: It is not there, no IR, or the weights are not those of the structure.
    """
    file = path / ir.MODEL if path.is_dir() else path
    _check(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of what onnx_ir would ignore
            graph = ir.load(file)
        told = summary.render(summary.summarise(graph))
    except (TypeError, ValueError, UserWarning, onnx_ir.serde.SerdeError) as error:
        what = harmless(str(error).partition("\n")[0])
        raise BadInput(f"not an IR model: {what:.200}", where=str(file), fix=_ABSENT) from error
    weights = file.with_name(ir.WEIGHTS)
    if weights.exists():
        _check_weights(graph, weights)
    return Model(graph, told, file, weights.exists())


def match(codes: Iterable[Path], weights: Path) -> None:
    """See that the file ``weights`` has every tensor that the code in the folders ``codes`` takes.

    Raises:
        BadInput: It has not, or one of all these cannot be read.
    """
    there = tensors(weights)
    for code in codes:
        plan = code / PLAN
        if missing := sorted(set(_tensors(_read_json(plan, _PLAN, "the plan of the weights"))) - there.keys()):
            more = f" and {len(missing) - 1} more" if missing[1:] else ""
            raise BadInput(
                f"the weights lack what the code takes: {harmless(missing[0])!r:.80}{more}",
                where=f"{plan}, {weights}",
                fix="write the code again from the IR of these weights: transship code",
            )


def tensors(weights: Path) -> dict[str, tuple[str, list[int], tuple[int, int]]]:
    """What a safetensors file says is in it: element type, shape, and first and last byte of each tensor in the file.

    Raises:
        BadInput: It is no such file, or says what cannot be.
    """
    try:
        size = weights.stat().st_size
        with weights.open("rb") as file:
            start = 8 + int.from_bytes(file.read(8), "little")
            if not 8 < start <= min(_HEADER, size):
                raise ValueError("its header does not lie within it")
            header = json.loads(file.read(start - 8))
        if not isinstance(header, dict):
            raise ValueError("its header is no object")
        header.pop("__metadata__", None)
        found = {name: _entry(each, start) for name, each in header.items()}
        if any(not start <= first <= last <= size for _, _, (first, last) in found.values()):
            raise ValueError("it ends before its tensors do")
    except OSError as error:
        raise BadInput(f"cannot read the weights: {error.strerror}", where=str(weights)) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(f"this is no safetensors file: {error}", where=str(weights), fix=_ABSENT) from error
    return found


def _entry(entry: Mapping[str, Any], start: int) -> tuple[str, list[int], tuple[int, int]]:
    first, last = entry["data_offsets"]
    return str(entry["dtype"]), [int(dim) for dim in entry["shape"]], (start + int(first), start + int(last))


def _check(file: Path) -> None:
    """Let ONNX check the structure: what is not valid there, nothing that comes later expects."""
    try:
        if file.stat().st_size > _STRUCTURE:
            raise BadInput("this is no ONNX model: it is too large for one", where=str(file))
        proto = onnx.load_model_from_string(file.read_bytes())
        ir.check(proto)
    except OSError as error:
        raise BadInput(f"cannot read the IR: {error.strerror}", where=str(file), fix=_ABSENT) from error
    except (google.protobuf.message.DecodeError, ValueError) as error:
        raise BadInput(f"not an ONNX model: {error}", where=harmless(str(file)), fix=_ABSENT) from error
    except BadInput as error:
        raise BadInput(harmless(error.what), where=str(file), fix=error.fix or _ABSENT) from error


def _check_weights(graph: onnx_ir.Model, weights: Path) -> None:
    found = tensors(weights)
    for name, value in graph.graph.initializers.items():
        tensor = value.const_value
        if isinstance(tensor, onnx_ir.ExternalTensor):
            first = tensor.offset or 0
            wanted = ([int(dim) for dim in tensor.shape.numpy()], (first, first + (tensor.length or tensor.nbytes)))
            if name not in found or found[name][1:] != wanted:
                raise BadInput(
                    f"the weights are not those of the structure: {harmless(name)!r:.80} is not where it says",
                    where=str(weights),
                    fix=_ABSENT,
                )


def _read_json(path: Path, largest: int, what: str) -> Any:
    try:
        if path.stat().st_size > largest:
            raise ValueError("too large")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read {what}: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{what} is no JSON: {error}", where=str(path)) from error


def _tensors(value: Any) -> Iterator[str]:
    """The names in all expressions ``{"tensor": NAME}``, however deep."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict) and each.keys() == {"tensor"} and isinstance(each["tensor"], str):
            yield each["tensor"]
        elif isinstance(each, dict | list):
            left += each.values() if isinstance(each, dict) else each
