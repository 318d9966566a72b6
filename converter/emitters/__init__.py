"""From the IR to a target framework's own source code.

Each target is a package of this one, with one file an operator family. An operator's translation is a function
registered with :func:`emits`: it takes the node, its inputs by position and its attributes by keyword, with
ONNX's own defaults, and returns what the target needs for it. What it cannot express exactly it refuses with
:class:`Refused`; :func:`translate` gathers the refusals of the whole graph into one error.

What a target lacks is composed of what it has: in its operator functions, and before them by :func:`prepare`, which
inlines the functions of the domain ``transship`` that a target does not have itself.

An emitter sees structure only. It knows the names and shapes of parameters, and says in a weight plan
(:mod:`converter.plan`) how the target's parameters are made from them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import onnx_ir

from converter.errors import Unsupported
from converter.ir import DOMAIN, dims
from converter.passes.fold import fold_parameters, is_constant, is_parameter
from converter.passes.inline import inline

Translation = Callable[..., Any]
"""``(node, *inputs, **attributes)`` to what the target needs for the node; an absent optional input is None."""

Function = TypeVar("Function", bound=Translation)

__all__ = [
    "Emitter",
    "Refused",
    "constant",
    "emits",
    "emitters",
    "is_constant",
    "is_parameter",
    "live_nodes",
    "only_output",
    "operator_of",
    "parameter_shape",
    "prepare",
    "translate",
    "variants_of",
]

_REGISTRY: dict[tuple[str, str], Emitter] = {}
_NODES_NAMED = 3


class Refused(Exception):
    """An operator's function cannot express this node exactly; the message says what about it."""


@dataclass(frozen=True)
class Emitter:
    """The translation of one operator into one target.

    Attributes:
        target: The target's name, for example ``caffe``.
        operator: The operator as :func:`operator_of` names it.
        function: The translation.
        dtypes: Element types that it takes although its target computes with others.
    """

    target: str
    operator: str
    function: Translation
    dtypes: Collection[onnx_ir.DataType] = ()

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that the translation takes into account."""
        return frozenset(name for name, parameter in self._parameters() if parameter.kind is parameter.KEYWORD_ONLY)

    def required(self) -> frozenset[str]:
        """The attributes without which there is no translation."""
        keywords = (item for item in self._parameters() if item[1].kind is inspect.Parameter.KEYWORD_ONLY)
        return frozenset(name for name, parameter in keywords if parameter.default is parameter.empty)

    def takes(self, inputs: int) -> bool:
        """Whether the translation can be called with that many inputs."""
        kinds = [parameter.kind for _, parameter in self._parameters()][1:]
        return inspect.Parameter.VAR_POSITIONAL in kinds or inputs <= sum(
            kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds
        )

    def _parameters(self) -> list[tuple[str, inspect.Parameter]]:
        return list(inspect.signature(self.function).parameters.items())


def emits(target: str, *operators: str, dtypes: Collection[onnx_ir.DataType] = ()) -> Callable[[Function], Function]:
    """Register the decorated function as the translation of ``operators`` into ``target``.

    Args:
        target: Its name, or ``<target> <variant>`` for what one variant of it has besides, or does otherwise.
        operators: As :func:`operator_of` names them.
        dtypes: Element types that the function takes although the target computes with others.

    Raises:
        ValueError: One of them already has a translation.
    """

    def register(function: Function) -> Function:
        for operator in operators:
            if (target, operator) in _REGISTRY:
                raise ValueError(f"two translations of {operator} into {target}")
            _REGISTRY[target, operator] = Emitter(target, operator, function, dtypes)
        return function

    return register


def emitters(target: str) -> Mapping[str, Emitter]:
    """The registered translations into ``target`` by operator, in alphabetical order.

    A variant (``caffe ssd``) has those of its target too, where it has none of its own.
    """
    found = {key[1]: _REGISTRY[key] for key in _REGISTRY if key[0] == target.partition(" ")[0]}
    found |= {key[1]: _REGISTRY[key] for key in _REGISTRY if key[0] == target}
    return dict(sorted(found.items()))


def variants_of(target: str) -> Mapping[str, Mapping[str, Emitter]]:
    """What the variants of ``target`` have besides, or do otherwise: translations by variant and operator."""
    found: dict[str, dict[str, Emitter]] = {}
    for (name, operator), emitter in sorted(_REGISTRY.items()):
        plain, _, variant = name.partition(" ")
        if plain == target and variant:
            found.setdefault(variant, {})[operator] = emitter
    return found


def operator_of(node: onnx_ir.Node) -> str:
    """The name that a node's operator is registered under: ``Conv``, or ``domain::Name`` for one not of ONNX."""
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}::{node.op_type}"


def prepare(model: onnx_ir.Model, target: str) -> onnx_ir.Model:
    """Return ``model`` as the emitter of ``target`` wants it; ``model`` itself is not changed.

    Functions that the target does not have itself are inlined, and what is computed of parameters alone is a
    parameter (:class:`~converter.passes.fold.Derived`), which :func:`~converter.passes.fold.expression_of` spells.
    """
    known = emitters(target)
    return fold_parameters(inline(model, lambda function: f"{DOMAIN}::{function}" in known))


def translate(graph: onnx_ir.Graph, target: str, *, dtypes: Container[onnx_ir.DataType] | None = None) -> list[Any]:
    """Translate every node that ``graph``'s outputs depend on.

    Args:
        graph: Of a model that :func:`prepare` has made.
        target: Whose emitters translate.
        dtypes: The element types that the target computes with; all, if not given. Constants may be of any, and
            a translation may take more.

    Returns:
        The translations in the graph's own, topological, order. Nodes that only hold a constant have none.

    Raises:
        Unsupported: There are nodes that ``target`` cannot express. Names all of them.
    """
    known = emitters(target)
    translations, problems = [], []
    for node in live_nodes(graph):
        try:
            emitter = known.get(operator_of(node))
            if dtypes is not None:
                _check_types(node, dtypes, () if emitter is None else emitter.dtypes)
            translations.append(_translation(node, emitter))
        except Refused as refusal:
            problems.append((node, str(refusal)))
    if problems:
        raise _unsupported(problems, target.partition(" ")[0])
    return translations


def _check_types(
    node: onnx_ir.Node, dtypes: Container[onnx_ir.DataType], more: Container[onnx_ir.DataType | None]
) -> None:
    """Refuse a node that computes with another type than ``dtypes`` and ``more``, or is given one."""
    for value in (*node.inputs, *node.outputs):
        if value is None or value.dtype in dtypes or value.dtype in more:
            continue
        if not (is_parameter(value) or is_constant(value)):
            raise Refused(f"there are no {'unknown' if value.dtype is None else value.dtype.name.lower()} values")


def live_nodes(graph: onnx_ir.Graph) -> list[onnx_ir.Node]:
    """The nodes that ``graph``'s outputs depend on, but for constants, in the graph's order."""
    live: set[onnx_ir.Node] = set()
    pending = [value.producer() for value in graph.outputs]
    while pending:
        node = pending.pop()
        if node is not None and node not in live:
            live.add(node)
            pending.extend(value.producer() for value in node.inputs if value is not None)
            pending.extend(value.producer() for body in _bodies(node) for value in _captured(body))
    return [node for node in graph if node in live and operator_of(node) != "Constant"]


def _bodies(node: onnx_ir.Node) -> Iterator[onnx_ir.Graph]:
    """The graphs of a loop or a branch."""
    for attribute in node.attributes.values():
        if attribute.type == onnx_ir.AttributeType.GRAPH:
            yield attribute.as_graph()


def _captured(graph: onnx_ir.Graph) -> Iterator[onnx_ir.Value]:
    """Every value that a body reads, those from outside of it among them."""
    yield from graph.outputs
    for node in graph:
        yield from (value for value in node.inputs if value is not None)
        yield from (value for body in _bodies(node) for value in _captured(body))


def constant(value: onnx_ir.Value) -> onnx_ir.TensorProtocol:
    """The tensor that ``value`` always is, provided that it is structure: an integer, a scalar, a function's table.

    Raises:
        Refused: The value is computed at run time, or it is a parameter, which an emitter must not look at.
    """
    if is_parameter(value):
        raise Refused(f"{value.name} has to be known without the weights")
    tensor = onnx_ir.convenience.get_const_tensor(value)
    if tensor is None:
        raise Refused(f"{value.name} has to be a constant")
    return tensor


def only_output(node: onnx_ir.Node) -> onnx_ir.Value:
    """The first output of ``node``.

    Raises:
        Refused: Another of its outputs is used.
    """
    first, *others = node.outputs
    for other in others:
        if other.uses() or other.is_graph_output():
            raise Refused(f"output {node.outputs.index(other)} is used")
    return first


def parameter_shape(value: onnx_ir.Value) -> tuple[int, ...]:
    """The shape of a parameter.

    Raises:
        Refused: The value is not a parameter.
    """
    if not is_parameter(value):
        raise Refused(f"{value.name} has to be a parameter of the model")
    return tuple(int(dim) for dim in dims(value))


def _translation(node: onnx_ir.Node, emitter: Emitter | None) -> Any:
    if emitter is None:
        raise Refused("no such operator")
    attributes = {name: _plain(attribute) for name, attribute in node.attributes.items()}
    if unknown := sorted(attributes.keys() - emitter.attributes):
        raise Refused(f"attribute {', '.join(unknown)} is unknown")
    if missing := sorted(emitter.required() - attributes.keys()):
        raise Refused(f"attribute {', '.join(missing)} is missing")
    if not emitter.takes(len(node.inputs)):
        raise Refused(f"{len(node.inputs)} inputs are too many")
    return emitter.function(node, *node.inputs, **attributes)


def _plain(attribute: onnx_ir.Attr) -> Any:
    value = attribute.value
    return tuple(value) if isinstance(value, list | tuple) else value


def _unsupported(problems: list[tuple[onnx_ir.Node, str]], target: str) -> Unsupported:
    """One error for all ``problems``: each distinct one with the number of its nodes and the first of their names."""
    groups: dict[tuple[str, str], list[str]] = {}
    for node, reason in problems:
        groups.setdefault((operator_of(node), reason), []).append(str(node.name))
    return Unsupported(
        f"{target} cannot express {len(problems)} of this model's nodes exactly",
        where="; ".join(_group(operator, reason, names) for (operator, reason), names in sorted(groups.items())),
        fix="convert to another target, or remove these nodes from the source model",
    )


def _group(operator: str, reason: str, names: list[str]) -> str:
    more = ", ..." if len(names) > _NODES_NAMED else ""
    return f"{len(names)} x {operator} ({', '.join(names[:_NODES_NAMED])}{more}): {reason}"
