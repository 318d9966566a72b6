"""The literals of a block, and the parameters that a class of such blocks takes for those that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converter.emitters.names import Names, identifier
from converter.emitters.python import Code, literal
from converter.emitters.pytorch import naming
from converter.emitters.pytorch.blocks import Block, Item, statements
from converter.emitters.pytorch.signature import DEFAULTS
from converter.emitters.statement import Statement, Submodule

Path = tuple[str | int, ...]
"""Where a literal is: the number of the item, the numbers within sequences, then what it is to the item."""
Columns = Mapping[Path, tuple[Any, ...]]
"""For each place what each instance of a class has there."""

POSITIONAL: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (f"nn.Conv{kind}{rank}d" for kind in ("", "Transpose") for rank in (1, 2, 3)),
        ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    ),
    **dict.fromkeys(
        (f"nn.{kind}Norm{rank}d" for kind in ("Batch", "Instance") for rank in (1, 2, 3)), ("num_features",)
    ),
    **dict.fromkeys(
        (f"nn.{kind}Pool{rank}d" for kind in ("Max", "Avg", "LP") for rank in (1, 2, 3)),
        ("kernel_size", "stride", "padding"),
    ),
    "nn.Linear": ("in_features", "out_features"),
    "nn.PReLU": ("num_parameters",),
    "nn.LayerNorm": ("normalized_shape",),
    "nn.GroupNorm": ("num_groups", "num_channels"),
    "nn.Embedding": ("num_embeddings", "embedding_dim"),
    **dict.fromkeys(("nn.RNN", "nn.LSTM", "nn.GRU"), ("input_size", "hidden_size", "num_layers")),
    **dict.fromkeys(("nn.Dropout", "nn.Dropout1d", "nn.Dropout2d", "nn.Dropout3d"), ("p",)),
    "nn.LeakyReLU": ("negative_slope",),
}
"""What PyTorch calls the positional arguments of its modules."""

_INPUT = ("in_channels", "in_features", "num_features", "channels", "features")
_OUTPUT = ("out_channels", "out_features", "channels", "features")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a class's constructor.

    Attributes:
        name: Its name.
        values: What each instance of the class gives for it.
        default: What it is if it is not given, as :func:`~converter.emitters.python.literal` writes it; or nothing.
    """

    name: str
    values: tuple[Any, ...]
    default: str | None = None

    @property
    def annotation(self) -> str:
        """Its type."""
        return " | ".join(dict.fromkeys(map(_annotation, self.values)))


def columns(blocks: Sequence[Block], given: Mapping[Block, Mapping[str, Any]]) -> Columns:
    """The literals of ``blocks``, which are of one structure.

    Args:
        blocks: The blocks.
        given: What the blocks that they are made of give for their classes' parameters.
    """
    found: dict[Path, tuple[Any, ...]] = {}
    for index, first in enumerate(blocks[0].items):
        rows = [_literals(part.items[index], given) for part in blocks]
        for path in {path: None for row in rows for path in row}:
            default = _default(first, path)
            found[index, *path] = tuple(row.get(path, default) for row in rows)
    return found


def _literals(item: Item, given: Mapping[Block, Mapping[str, Any]]) -> dict[Path, Any]:
    if isinstance(item, Block) and item.sequential:
        return {
            (i, *path): value for i, part in enumerate(item.items) for path, value in _literals(part, given).items()
        }
    if isinstance(item, Block):
        return {(name,): value for name, value in given[item].items()}
    found: dict[Path, Any] = {}
    if item.module is not None:
        found |= {("module", number): value for number, value in enumerate(item.module.positional)}
        found |= {("module", name): value for name, value in item.module.keywords.items()}
    for name, state in item.tensors.items():
        found |= {("tensor", name, axis): size for axis, size in enumerate(state.shape)}
    return found | {("argument", name): value for name, value in item.arguments.items()}


def _default(item: Item, path: Path) -> Any:
    item, path = _leaf(item, path)
    if not isinstance(item, Statement) or item.module is None or path[0] != "module":
        return None
    return DEFAULTS.get(item.module.type, {}).get(str(path[-1]))


def _leaf(item: Item, path: Path) -> tuple[Item, Path]:
    """The item within sequences that ``path`` leads to, and the rest of the path."""
    while isinstance(item, Block) and item.sequential:
        item, path = item.items[int(path[0])], path[1:]
    return item, path


def differs(column: Sequence[Any]) -> bool:
    """Whether a column's literals are not all the same."""
    return len(set(map(literal, column))) > 1


def parameters(
    body: Block, found: Columns, attributes: Sequence[str | None]
) -> tuple[tuple[Parameter, ...], dict[Path, Any]]:
    """The parameters that a class takes, and what stands at each place: a literal or an expression of parameters.

    Places whose literals are the same in each instance share a parameter; one that is always the same multiple or
    part of another is spelled so.

    Args:
        body: One of the class's instances.
        found: The literals of all of them.
        attributes: What the class calls the modules of its items.
    """
    arguments: dict[Path, Any] = {path: column[0] for path, column in found.items() if not differs(column)}
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path, column in found.items():
        if path not in arguments:
            groups.setdefault(tuple(map(literal, column)), []).append(path)
    namer = _Namer(body, attributes, groups.values())
    made: list[Parameter] = []
    for texts, paths in groups.items():
        column = found[paths[0]]
        expression = _multiple(column, made)
        if expression is None:
            expression = namer.name(paths)
            made.append(Parameter(expression, column, _common_default(body, paths, texts)))
        arguments.update(dict.fromkeys(paths, expression))
    return tuple(sorted(made, key=lambda parameter: parameter.default is not None)), arguments


def _common_default(body: Block, paths: Sequence[Path], texts: Sequence[str]) -> str | None:
    for path in paths:
        default = _default(body.items[int(path[0])], path[1:])
        if default is not None and literal(default) in texts:
            return literal(default)
    return None


def _multiple(column: Sequence[Any], parameters: Iterable[Parameter]) -> Code | None:
    """``column`` as a multiple or a fraction of a parameter's values."""
    if not all(isinstance(value, int) and not isinstance(value, bool) and value > 1 for value in column):
        return None
    for parameter in parameters:
        if not parameter.name.endswith(("channels", "features")):
            continue
        ratios = {_ratio(value, base) for value, base in zip(column, parameter.values, strict=True)}
        if len(ratios) == 1 and (ratio := ratios.pop()) is not None:
            return Code(f"{ratio} * {parameter.name}" if ratio > 0 else f"{parameter.name} // {-ratio}")
    return None


def _ratio(value: int, base: Any) -> int | None:
    """``n`` if ``value`` is n times ``base``, ``-n`` if it is the n-th part."""
    if not isinstance(base, int) or isinstance(base, bool) or base < 2:
        return None
    if value % base == 0:
        return value // base
    return -(base // value) if base % value == 0 else None


class _Namer:
    """Names the parameters of a class."""

    def __init__(self, body: Block, attributes: Sequence[str | None], groups: Iterable[Sequence[Path]]) -> None:
        self._body = body
        self._attributes = attributes
        self._names = Names(*naming.GLOBALS)
        self._first, self._last = _first_items(body), _last_items(body)
        self._middle = False
        kinds = [{self._kind(path) for path in paths} for paths in groups]
        self._ambiguous = {
            kind for number, some in enumerate(kinds) for kind in some if kind in set().union(*kinds[:number])
        }

    def name(self, paths: Sequence[Path]) -> Code:
        """The name of the parameter for the literals at ``paths``."""
        return Code(self._names.take(self._wanted(paths)))

    def _wanted(self, paths: Sequence[Path]) -> str:
        kinds = [self._kind(path) for path in paths]
        noun = (
            "features" if "in_features" in kinds and all(kind.endswith("features") for kind in kinds) else "channels"
        )
        is_input = any(kind in _INPUT and self._is_first(path) for kind, path in zip(kinds, paths, strict=True))
        is_output = any(kind in _OUTPUT and self._is_last(path) for kind, path in zip(kinds, paths, strict=True))
        if is_input or is_output:
            return noun if is_input and is_output else f"in_{noun}" if is_input else f"out_{noun}"
        if kinds[0] in (*_INPUT, *_OUTPUT):
            return self._inner(paths[0])
        owner = self._attributes[int(paths[0][0])]
        return f"{owner}_{kinds[0]}" if owner is not None and kinds[0] in self._ambiguous else kinds[0]

    def _inner(self, path: Path) -> str:
        """The name for a number of channels that are neither the block's first nor its last."""
        owner = self._attributes[int(path[0])]
        if owner is None or (not self._middle and not owner.startswith("branch")):
            self._middle = True
            return "mid_channels"
        item = self._body.items[int(path[0])]
        inner = isinstance(item, Block) and item.sequential and path[1] != len(item.items) - 1
        return f"{owner}_mid_channels" if inner else f"{owner}_channels"

    def _kind(self, path: Path) -> str:
        """What PyTorch calls the literal at ``path``."""
        item, rest = _leaf(self._body.items[int(path[0])], path[1:])
        if rest[0] == "tensor":
            return identifier(f"{rest[1]}_size")
        last = rest[-1]
        if isinstance(last, int) and isinstance(item, Statement) and item.module is not None:
            known = POSITIONAL.get(item.module.type, ())
            return known[last] if last < len(known) else f"argument{last}"
        return identifier(str(last))

    def _is_first(self, path: Path) -> bool:
        item = self._body.items[int(path[0])]
        return path[0] in self._first and (isinstance(item, Statement) or not item.sequential or path[1] == 0)

    def _is_last(self, path: Path) -> bool:
        item = self._body.items[int(path[0])]
        last = isinstance(item, Statement) or not item.sequential or path[1] == len(item.items) - 1
        return path[0] in self._last and last


def _first_items(body: Block) -> set[int]:
    """The items that see the channels of the block's first input."""
    reached, first = set(body.inputs[:1]), set()
    for index, item in enumerate(body.items):
        if not reached.isdisjoint(item.inputs):
            first.add(index)
            if not _changes_channels(item):
                reached.update(item.outputs)
    return first


def _last_items(body: Block) -> set[int]:
    """The items that make the channels of the block's first output."""
    wanted, last = set(body.outputs[:1]), set()
    for index in reversed(range(len(body.items))):
        item = body.items[index]
        if not wanted.isdisjoint(item.outputs):
            last.add(index)
            if not _changes_channels(item):
                wanted.update(item.inputs)
    return last


def _changes_channels(item: Item) -> bool:
    return any(_is_weighted(part.module) or "torch.cat" in part.expression for part in statements(item))


def _is_weighted(module: Submodule | None) -> bool:
    return module is not None and module.type.startswith(("nn.Conv", "nn.Linear"))


def _annotation(value: Any) -> str:
    if isinstance(value, tuple | list):
        inner = " | ".join(dict.fromkeys(map(_annotation, value))) or "int"
        return f"tuple[{inner}, ...]" if len(value) != 2 else f"tuple[{inner}, {inner}]"
    if value is None:
        return "None"
    return "float" if isinstance(value, float) else "bool" if isinstance(value, bool) else type(value).__name__
