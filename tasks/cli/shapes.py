"""Shapes as they are typed: ``3,224,224``, ``1,3,224,224`` or ``data:1,3,224,224``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converter.ir import BATCH
from tasks.errors import UsageError

Shape = tuple[int | str, ...]

_FIX = "write it as 3,224,224 (an image of a batch left open) or NAME:1,3,224,224, the first of which may be batch"


def read_shapes(words: Sequence[str], inputs: Mapping[str, Shape | None]) -> dict[str, Shape]:
    """The shape of each input of a model.

    A shape without a name is that of the only input. It is MMdnn's, without the batch, which is then left open; but
    four numbers that begin with 1 or ``batch`` are all there is.

    Args:
        words: As they were typed.
        inputs: The model's inputs, with those shapes that its files tell.

    Raises:
        UsageError: One cannot be read, is of no input or of one of several, or an input has none.
    """
    named = [_named(word) for word in words]
    found: dict[str, Shape] = {}
    for name, shape in named:
        if not name and len(inputs) != 1:
            raise UsageError(
                f"--input-shape {_written(shape)} does not say which input it is of",
                fix=f"write NAME:{_written(shape)}; the inputs are: {', '.join(inputs) or 'none'}",
            )
        key = name or next(iter(inputs))
        if key not in inputs:
            raise UsageError(
                f"the network has no input {key!r}", fix=f"the inputs are: {', '.join(inputs) or 'none'}"
            )
        if key in found:
            raise UsageError(f"{key!r} is given two shapes", fix="give it one")
        found[key] = shape if name else _whole(shape)
    missing = [name for name, shape in inputs.items() if name not in found and shape is None]
    if missing:
        example = f"{missing[0]}:1,3,224,224" if len(inputs) > 1 else "3,224,224"
        raise UsageError(
            f"the files do not tell the shape of {', '.join(map(repr, missing))}",
            fix=f"give it, for example --input-shape {example}",
        )
    return {name: found[name] if name in found else tuple(shape or ()) for name, shape in inputs.items()}


def _named(word: str) -> tuple[str, Shape]:
    name, _, numbers = word.rpartition(":")
    parts = [part.strip() for part in numbers.replace("x", ",").split(",")]
    if not all(part == BATCH or (part.isdecimal() and len(part) < 10 and int(part)) for part in parts):
        raise UsageError(f"--input-shape {word!r:.80} is no shape", fix=_FIX)
    if BATCH in parts[1:]:
        raise UsageError(f"--input-shape {word!r:.80} has the batch in another place than the first", fix=_FIX)
    return name, tuple(part if part == BATCH else int(part) for part in parts)


def _whole(shape: Shape) -> Shape:
    return shape if shape[0] == BATCH or (len(shape) == 4 and shape[0] == 1) else (BATCH, *shape)


def _written(shape: Shape) -> str:
    return ",".join(map(str, shape))
