"""Which input and which output of one model is which of another."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from converter.cases import open_cases
from converter.errors import BadInput
from tasks.action import Tree
from tasks.cli.sides import Side
from tasks.errors import UsageError
from tasks.manifest import Input
from tasks.store import Store
from tasks.terminal import harmless

Shapes = Mapping[str, tuple[int, ...]]


def inputs(first: Side, second: Side) -> dict[str, str]:
    """What each input of ``first`` is called in ``second``.

    Raises:
        BadInput: That is not clear.
    """
    a, b = first.model.inputs, second.model.inputs
    if a.keys() == b.keys():
        return {name: name for name in a}
    if len(a) == len(b) == 1:
        return dict(zip(a, b, strict=True))
    raise BadInput(
        f"{first.shown} takes {', '.join(a)}, and {second.shown} takes {', '.join(b)}",
        fix="compare models whose inputs are called alike",
    )


def told(first: Side, second: Side, names: Mapping[str, str]) -> dict[str, Input]:
    """The inputs of ``first``, as the side says them that knows how a photograph becomes one.

    Raises:
        BadInput: The two take other shapes.
    """
    found = {}
    for name, own in first.model.inputs.items():
        theirs = second.model.inputs[names[name]]
        if _closed(own) != _closed(theirs):
            raise BadInput(
                f"input {name!r} is {_shown(own)} to {first.shown}, and {_shown(theirs)} to {second.shown}",
                fix="compare models that take the same, or say with --input-shape what the source's is",
            )
        found[name] = (
            own if own.preprocess or not theirs.preprocess else Input(own.shape, theirs.range, theirs.preprocess)
        )
    return found


def typed(words: Sequence[str]) -> dict[str, str]:
    """Which output is which, as it was typed: ``NAME_IN_A=NAME_IN_B``.

    Raises:
        UsageError: It was not.
    """
    found = {}
    for word in words:
        own, _, theirs = word.partition("=")
        if not own or not theirs or own in found:
            raise UsageError(f"--pair {word!r:.60} does not pair two outputs", fix="write NAME_IN_A=NAME_IN_B")
        found[own] = theirs
    return found


def outputs(a: Shapes, b: Shapes, pairs: Mapping[str, str], shown: tuple[str, str]) -> dict[str, str]:
    """What each output of B is called in A: as typed, by name, or by a shape that no other has.

    Args:
        a: The outputs of A.
        b: Those of B.
        pairs: What was typed.
        shown: What the user calls A and B.

    Raises:
        BadInput: That is not clear.
    """
    known = f"{shown[0]} has {_listed(a)}; {shown[1]} has {_listed(b)}"
    found = {theirs: own for own, theirs in pairs.items()}
    if missing := [name for name in pairs if name not in a] + [name for name in found if name not in b]:
        raise UsageError(f"there is no output {missing[0]!r:.80}", fix=f"write NAME_IN_A=NAME_IN_B; {known}")
    left = {name: shape for name, shape in a.items() if name not in pairs}
    other = {name: shape for name, shape in b.items() if name not in found}
    if left.keys() == other.keys():
        return {**found, **{name: name for name in left}}
    if sorted(left.values()) != sorted(other.values()) or len(set(left.values())) < len(left):
        fix = "say it with --pair NAME_IN_A=NAME_IN_B, once for each"
        raise BadInput(f"which output is which is not clear: {known}", fix=fix)
    by_shape = {shape: name for name, shape in left.items()}
    return {**found, **{name: by_shape[shape] for name, shape in other.items()}}


def shapes(store: Store, answers: Tree) -> Shapes:
    """The outputs in ``answers``, and their shapes."""
    cases = open_cases(store.check(answers["outputs.npz"]))
    return {name: array.shape for name, array in next(iter(cases.values())).items()}


def renamed(store: Store, tree: Tree, names: Mapping[str, Mapping[str, str]]) -> Tree:
    """``tree`` with the arrays of its files, by file, called otherwise."""
    found = dict(tree)
    for file, new in names.items():
        if all(old == name for old, name in new.items()):
            continue
        cases = open_cases(store.check(tree[file]))
        arrays = {f"{case}/{new[name]}": array for case, each in cases.items() for name, array in each.items()}
        stream = io.BytesIO()
        np.savez(stream, **arrays)  # type: ignore[arg-type] # its other argument is called allow_pickle
        found[file] = store.put(stream.getvalue())
    return found


def _closed(given: Input) -> tuple[int | str, ...]:
    """A shape whose batch is 1 where it is open."""
    return (1 if given.shape[0] == "batch" else given.shape[0], *given.shape[1:])


def _shown(given: Input) -> str:
    return " x ".join(map(str, given.shape))


def _listed(shapes: Shapes) -> str:
    return harmless(", ".join(f"{name} ({' x '.join(map(str, shape))})" for name, shape in shapes.items()))
