"""What a model's files say of it, without converting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Description:
    """A source framework's model, as far as it can be told from its files.

    Attributes:
        framework: The source framework.
        written_by: The framework's version that wrote it, or how old the form is.
        operators: How often each operator is used.
        unknown: Those that cannot be read.
        inputs: Their shapes; None for one that the files do not tell.
        outputs: The nodes that they are of, with a number where it is not a node's first.
        parameters: Shape and element type of every trained array; None for one whose shape is not told.
        labels: Variables that only training needs.
    """

    framework: str
    written_by: str
    operators: Mapping[str, int]
    unknown: tuple[str, ...]
    inputs: Mapping[str, tuple[int | str, ...] | None]
    outputs: tuple[str, ...]
    parameters: Mapping[str, tuple[tuple[int, ...], str] | None]
    labels: tuple[str, ...] = ()
