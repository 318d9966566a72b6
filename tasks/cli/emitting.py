"""Targets, and options of their emitters, as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from cyclopts import Parameter

import converter
from tasks.errors import UsageError
from tasks.targets import TARGETS

ALL: Final = "all"
"""Stands for every target."""


@Parameter(name="*", group="The targets' options")
@dataclass(frozen=True)
class Emitting:
    """Options of the targets' emitters.

    Attributes:
        to_bgr: Caffe: take BGR images where the source takes RGB.
        merge_bn: Caffe: fold batch normalizations into the layers before them.
        softmax: Caffe: append a softmax.
        option: Any option of a target, [TARGET:]NAME=VALUE; docs/targets/ has them all.
    """

    to_bgr: Annotated[bool | None, Parameter(negative=())] = None
    merge_bn: bool | None = None
    softmax: Annotated[bool | None, Parameter(negative=())] = None
    option: Annotated[tuple[str, ...], Parameter(negative=())] = ()

    def of(self, targets: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The options of each of the ``targets``.

        Raises:
            UsageError: One has no value, or is for a target that is not asked for.
        """
        flags = {"to_bgr": self.to_bgr, "merge_bn": self.merge_bn, "softmax": self.softmax}
        given = [_assignment(word) for word in self.option]
        given += [("", name, value) for name, value in flags.items() if value is not None]
        found: dict[str, dict[str, Any]] = {target: {} for target in targets}
        for target, name, value in given:
            if target and target not in found:
                what = f"the option {name} is for {target}, which is not asked for"
                raise UsageError(what, fix=f"add --to {target}, or leave it out")
            for each in [target] if target else targets:
                found[each][name] = value
        return found


def targets(words: Sequence[str]) -> list[str]:
    """The targets that are named, several by commas, each once; every target for ``all``.

    Raises:
        UsageError: There is no such target, or none is named.
    """
    names = [name.strip() for word in words for name in word.split(",")]
    for name in names:
        if name not in TARGETS and name != ALL:
            near = converter.nearest(name, [*TARGETS, ALL])
            raise UsageError(f"unknown target {name!r}", fix=f"use one of: {', '.join(near)}")
    return list(TARGETS) if ALL in names else list(dict.fromkeys(names))


def _assignment(word: str) -> tuple[str, str, Any]:
    left, equals, value = word.partition("=")
    target, colon, name = left.rpartition(":")
    if not equals or not name or (colon and not target):
        raise UsageError(f"--option {word!r:.60} has no value", fix="write NAME=VALUE, or TARGET:NAME=VALUE")
    return target, name.replace("-", "_"), _value(value)


def _value(text: str) -> Any:
    """What was typed as what it is: true, false, a whole number, else text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.isdecimal() else text
