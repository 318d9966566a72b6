"""Builds networks of Gluon's model zoos by name: ``mxnet.gluon.model_zoo.vision`` and ``gluoncv.model_zoo``.

The name ``SSD`` stands for GluonCV's class, whose arguments are the options.

A zoo's constructors fetch files of trained weights themselves, those of a network's base even where nobody asked.
Here they never do: while a network is built, ``find`` answers for the zoo's store.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cases
import mxnet
from mxnet.gluon.model_zoo import model_store, vision

SSD = "SSD"
"""The name of GluonCV's class of that name, which builds any SSD from its options."""

OURS = ("pretrained", "ctx", "root", "params")
"""Arguments of constructors that are no options of the network."""


class Published(NamedTuple):
    """A file of trained weights, as its zoo names it.

    Attributes:
        stem: Name of the file without ``.params``: the network's name and the first digits of ``sha1``.
        sha1: Of the file.
    """

    stem: str
    sha1: str


def build(
    params: dict[str, Any], *, find: Callable[[Published], str] | None = None, load: bool = False
) -> mxnet.gluon.HybridBlock:
    """Build the network that a step's ``params`` describe: ``name``, perhaps ``zoo`` and ``options``.

    Args:
        params: The step's parameters.
        find: Where a file of trained weights is that the constructor wants; None where none will be read.
        load: Whether to have the constructor load trained weights. Without, parameters that it would have loaded are
            initialised, as nets that copy weights out of others need them to be.

    Refuses an unknown name and trained weights that were never published.

    Raises:
        Unbuildable: The constructor fails, with these options.
    """
    name, options = params["name"], dict(params.get("options") or {})
    if taken := sorted(options.keys() & set(OURS)):
        cases.refuse(f"{', '.join(taken)}: no option of a network\n  to do: Leave it out of the options.")
    zoo = _zoo(name, params.get("zoo"))
    trained = params["weights"] == "pretrained"
    if not trained and "pretrained_base" in inspect.signature(zoo.constructor).parameters:
        options.setdefault("pretrained_base", False)
    with _loading(zoo.store, find, load):
        try:
            net = zoo.constructor(pretrained=trained, **options)
        except Unpublished:
            refuse_unpublished(name)
        except Exception as error:  # anything may come out of a constructor given wrong options
            what = f"{name} cannot be built with the options {options}: {type(error).__name__}: {last(error)}"
            raise Unbuildable(what) from error
    if not isinstance(net, mxnet.gluon.HybridBlock):
        cases.refuse(f"{name} is no HybridBlock: it cannot be exported")
    return net


def refuse_unpublished(name: str) -> None:
    """Refuse to make a network with weights that nobody published."""
    cases.refuse(
        f"No trained weights of {name} were published\n"
        '  to do: Name your own file of parameters, or convert another model, of weights = "seeded".'
    )


def last(error: Exception) -> str:
    """What an error says: MXNet puts its stack first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


class Unbuildable(Exception):
    """A constructor failed; says why."""


class Unpublished(Exception):
    """A zoo lists no trained weights under this name."""


class Zoo(NamedTuple):
    """A model zoo, asked for a network.

    Attributes:
        constructor: Of the network asked for.
        store: The module that fetches the zoo's files of trained weights.
    """

    constructor: Callable[..., Any]
    store: Any


def _zoo(name: str, wanted: str | None) -> Zoo:
    """The zoo that has a network of that name; ``gluon`` before ``gluoncv`` where none is ``wanted``."""
    if wanted not in (None, "gluon", "gluoncv"):
        cases.refuse(f"{wanted!r} is no model zoo\n  to do: Use gluon or gluoncv.")
    listed = set()
    if wanted != "gluoncv":
        listed |= _vision()
        if name.lower() in listed:
            return Zoo(functools.partial(vision.get_model, name), model_store)
    if wanted != "gluon":
        from gluoncv import model_zoo

        if name == SSD:
            return Zoo(model_zoo.SSD, model_zoo.model_store)
        listed |= set(model_zoo.get_model_list())
        if name.lower() in listed:
            return Zoo(model_zoo.model_zoo._models[name.lower()], model_zoo.model_store)
    near = difflib.get_close_matches(name.lower(), sorted(listed), n=3, cutoff=0.5)
    cases.refuse(
        f"There is no model {name!r} in the model zoo of {wanted or 'gluon, and none in that of gluoncv'}\n"
        f"  to do: Use one of its {len(listed)} names{', perhaps ' + ' or '.join(near) if near else ''}."
    )
    raise AssertionError


def _vision() -> set[str]:
    """The names that Gluon's own zoo knows; it tells them when asked for another."""
    try:
        vision.get_model("")
    except ValueError as error:
        return set(str(error).partition("\n")[2].split())
    raise AssertionError


@contextlib.contextmanager
def _loading(store: Any, find: Callable[[Published], str] | None, load: bool) -> Iterator[None]:
    """Let ``find`` answer for a zoo's ``store``; without ``load``, initialise where weights would be loaded."""
    before = store.get_model_file, mxnet.gluon.Block.load_parameters

    def get_model_file(name: str, *_: Any, **__: Any) -> str:
        if find is None:
            return ""
        if name not in store._model_sha1:
            raise Unpublished
        sha1 = store._model_sha1[name]
        return find(Published(f"{name}-{sha1[:8]}", sha1))

    store.get_model_file = get_model_file
    if not load:
        mxnet.gluon.Block.load_parameters = lambda block, *_, **__: block.initialize(mxnet.init.Zero())
    try:
        yield
    finally:
        store.get_model_file, mxnet.gluon.Block.load_parameters = before
