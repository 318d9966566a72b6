"""A live Gluon net as the two files that the MXNet frontend reads, and nothing about the net changed.

The net is called on a symbol, as ``export`` does, but nothing of the call stays: neither a cached graph nor numbers
in the names of what is made later. Nothing runs, so that a BatchNorm's ``gamma`` that MXNet takes for 1 keeps its
value, which MXNet writes over as soon as the net runs.

Parameters whose shapes depend on the input are initialised as a first run would do it: the values that they get then
are the net's from now on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import BadInput

DATA = "data"
"""What the net's input is called."""
_SHOWN = 5


@dataclass(frozen=True)
class Traced:
    """What a net computes.

    Attributes:
        name: The net's own, without the underscore at its end.
        symbol: Its outputs, an ``mxnet.sym.Symbol`` with the one input :data:`DATA`.
        parameters: The arrays that it is computed with, by name: ``arg:`` or ``aux:`` and the parameter's.
    """

    name: str
    symbol: Any
    parameters: Mapping[str, Any]

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write a symbol and a file of parameters into ``folder``; their paths."""
        import mxnet

        graph, weights = folder / "net-symbol.json", folder / "net-0000.params"
        graph.write_text(self.symbol.tojson())
        mxnet.nd.save(str(weights), dict(self.parameters))
        return graph, weights


def trace(net: Any, symbols: Any, shape: Sequence[int | str]) -> Traced:
    """What ``net`` computes of an input of ``shape``; where ``symbols`` are given, these as its outputs.

    Raises:
        BadInput: It is no net that can be traced, it has no parameters yet, or the input does not fit.
    """
    if not any(kind.__module__.split(".")[:2] == ["mxnet", "gluon"] for kind in type(net).__mro__):
        raise BadInput(f"this is no net of Gluon: {type(net).__name__}", fix="give an mxnet.gluon.HybridBlock")
    with _unchanged(net):
        symbol = _grouped(_called(net) if symbols is None else symbols)
        known = {parameter.name: parameter for parameter in net.collect_params().values()}
        _check_arguments(symbol, known)
        needed = [known[name] for name in (*symbol.list_arguments(), *symbol.list_auxiliary_states()) if name != DATA]
        _initialise(needed, symbol, shape)
    aux = set(symbol.list_auxiliary_states())
    values = {f"{'aux' if one.name in aux else 'arg'}:{one.name}": _values(one) for one in needed}
    return Traced(net.name.rstrip("_") or "net", symbol, values)


@contextmanager
def _unchanged(net: Any) -> Iterator[None]:
    """Let names be counted apart, and the variables that stand for parameters be forgotten."""
    import mxnet

    variables = [(one, one._var) for one in net.collect_params().values()]
    try:
        with mxnet.name.NameManager(), mxnet.AttrScope(), mxnet.autograd.pause(train_mode=False):
            yield
    finally:
        for one, variable in variables:
            one._var = variable


def _called(net: Any) -> Any:
    """What the net makes of a symbol."""
    import mxnet

    try:
        return net(mxnet.sym.var(DATA))
    except Exception as error:  # a net's own code may raise anything
        raise BadInput(
            f"{net.name or type(net).__name__} cannot be called on a symbol: {_last(error)}",
            fix="let it and all blocks in it be HybridBlocks, and take one input",
        ) from error


def _grouped(symbols: Any) -> Any:
    """One symbol of all outputs, which may come in tuples and lists."""
    import mxnet

    found = list(_flat(symbols))
    if not found or not all(isinstance(each, mxnet.sym.Symbol) for each in found):
        raise BadInput(
            "the outputs of the net are no symbols",
            fix=f'give syms what the net, or a part of it, makes of mxnet.sym.var("{DATA}")',
        )
    return mxnet.sym.Group(found) if len(found) > 1 else found[0]


def _flat(symbols: Any) -> Iterator[Any]:
    if isinstance(symbols, list | tuple):
        for each in symbols:
            yield from _flat(each)
    else:
        yield symbols


def _check_arguments(symbol: Any, known: Mapping[str, Any]) -> None:
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    inputs = [name for name in names if name not in known]
    if inputs != [DATA]:
        raise BadInput(
            f"the net's inputs are {', '.join(inputs) or 'none'}",
            fix=f'let it have one, mxnet.sym.var("{DATA}"), and all else be parameters of the net',
        )


def _initialise(parameters: Iterable[Any], symbol: Any, shape: Sequence[int | str]) -> None:
    """Finish initialisations that were deferred until shapes are known, as a first run does.

    Raises:
        BadInput: A parameter was never initialised, or the net is not one for this ``shape``.
    """
    missing = [one.name for one in parameters if one._data is None and not one._deferred_init]
    if missing:
        raise BadInput(
            f"the net has parameters without values: {_some(missing)}",
            fix="call net.initialize(), or load its parameters",
        )
    numbers = tuple(1 if dim == "batch" else dim for dim in shape)
    try:
        arguments, _, states = symbol.infer_shape(**{DATA: numbers})
    except Exception as error:  # MXNet raises what it likes for shapes that do not fit
        raise BadInput(
            f"the net does not take an input of {numbers}: {_last(error)}",
            fix="give the input_shape that the net was made for",
        ) from error
    pairs = ((symbol.list_arguments(), arguments), (symbol.list_auxiliary_states(), states))
    shapes = {name: found for names, all_ in pairs for name, found in zip(names, all_ or (), strict=False)}
    for one in parameters:
        if one._deferred_init:
            _finish(one, shapes.get(one.name) or (0,))


def _finish(parameter: Any, shape: Sequence[int]) -> None:
    """Initialise one parameter, now that its ``shape`` is known."""
    if 0 in shape:
        raise BadInput(f"the shape of the parameter {parameter.name} cannot be told", fix="run the net once")
    parameter.shape = shape
    try:
        parameter._finish_deferred_init()
    except Exception as error:  # an initialiser raises what it likes
        raise BadInput(
            f"the parameter {parameter.name} cannot be initialised: {_last(error)}",
            fix="call net.initialize() with an initialiser that can, or load the parameters",
        ) from error


def _values(parameter: Any) -> Any:
    """The parameter's array, in memory that MXNet's files are written from."""
    import mxnet

    if parameter._stype != "default":
        raise BadInput(f"the parameter {parameter.name} is stored as {parameter._stype}", fix="use a dense one")
    return parameter.list_data()[0].as_in_context(mxnet.cpu())


def _last(error: BaseException) -> str:
    """The last line that an error says, which in MXNet's is what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
