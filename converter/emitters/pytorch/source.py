"""Classes of blocks as Python source."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import onnx_ir

from converter.emitters.python import WIDTH, Code, docstring, literal
from converter.emitters.pytorch.blocks import Block, Item
from converter.emitters.pytorch.classes import Class, Classes
from converter.emitters.pytorch.literals import Path
from converter.emitters.pytorch.signature import DEFAULTS
from converter.emitters.pytorch.variables import variables
from converter.emitters.statement import Statement, Submodule
from converter.ir import BATCH, dims

_INDENT = "    "
_QUOTE = re.compile(r"['\"]")
_POSITIONAL, _SIZES = 4, 8
"""Most arguments that are given by position, and most if all of them are numbers of channels and the like."""


@dataclass(frozen=True)
class Place:
    """The lines of a statement, counted from 0, and the variable that holds the value after it."""

    first: int
    last: int
    variable: str


@dataclass(frozen=True)
class Source:
    """The source of a class.

    Attributes:
        lines: Its lines.
        places: Where the values of the class's first instance are held.
    """

    lines: tuple[str, ...]
    places: Mapping[onnx_ir.Value, Place]


def render(made: Class, classes: Classes, paragraphs: Sequence[str], parameters: Sequence[str]) -> Source:
    """The source of ``made``.

    Args:
        made: The class.
        classes: The classes of its items.
        paragraphs: Its docstring.
        parameters: What its ``forward`` calls the inputs.
    """
    writer = _Forward(made, parameters, classes.taken, made is classes.order[-1])
    lines = [f"class {made.name}(nn.Module):", *docstring(paragraphs, indent=4).split("\n"), ""]
    lines += [_INDENT + line for line in _init(made, classes)]
    lines += ["", *writer.signature()] if lines[-1] else writer.signature()
    start = len(lines)
    lines += writer.lines
    places = {
        value: Place(start + place.first, start + place.last, place.variable)
        for value, place in writer.places.items()
    }
    return Source(tuple(lines), places)


def shape(value: onnx_ir.Value) -> str:
    """The shape of ``value`` as text, without the batch, as far as it is known."""
    if value.shape is None:
        return "any shape"
    return " x ".join(str(dim) for dim in dims(value) if dim != BATCH) or "a number"


# --- __init__


def _init(made: Class, classes: Classes) -> Iterator[str]:
    if not any(made.attributes) and not made.tensors and not made.stored:
        return
    takes = [_parameter(taken.name, taken.annotation, taken.default) for taken in made.parameters]
    yield from _signature("def __init__", takes, "None")
    yield f"{_INDENT}super().__init__()"
    for expression, attribute in made.stored.items():
        yield f"{_INDENT}self.{attribute} = {expression}"
    seen = set()
    for index, (item, holder) in enumerate(zip(made.body.items, made.attributes, strict=True)):
        if holder is not None and holder not in seen:
            seen.add(holder)
            head = f"self.{holder} = "
            lines = _constructor(item, (index,), made, classes, WIDTH - 2 * len(_INDENT), len(head))
            yield from _indented([head + lines[0], *lines[1:]])
        if isinstance(item, Statement):
            yield from _tensors(item, index, made)


def _parameter(name: str, annotation: str, default: str | None) -> str:
    return f"{name}: {annotation}" + (f" = {default}" if default is not None else "")


def _signature(head: str, parameters: Sequence[str], returns: str) -> list[str]:
    line = f"{head}({', '.join(['self', *parameters])}) -> {returns}:"
    if len(line) + len(_INDENT) <= WIDTH:
        return [line]
    inner = _INDENT + ", ".join(["self", *parameters])
    if len(inner) + len(_INDENT) <= WIDTH:
        return [f"{head}(", inner, f") -> {returns}:"]
    return [f"{head}(", *(f"{_INDENT}{part}," for part in ["self", *parameters]), f") -> {returns}:"]


def _tensors(item: Statement, index: int, made: Class) -> Iterator[str]:
    for key, state in item.tensors.items():
        name = made.tensors[index, key]
        sizes = [literal(made.arguments[index, "tensor", key, axis]) for axis in range(len(state.shape))]
        kind = "" if state.dtype == "float32" else f", dtype=torch.{state.dtype}"
        zeros = f"torch.zeros({', '.join(sizes) or '()'}{kind})"
        if state.trained:
            yield f"{_INDENT}self.{name} = nn.Parameter({zeros})"
        else:
            yield f"{_INDENT}self.{name}: Tensor"
            yield f'{_INDENT}self.register_buffer("{name}", {zeros})'


def _constructor(item: Item, path: Path, made: Class, classes: Classes, width: int, used: int) -> list[str]:
    """The lines of an expression that makes the module of ``item``.

    Args:
        item: An item of the class ``made``, or of its sequences.
        path: Where it is.
        made: The class.
        classes: The classes of its items.
        width: How wide the lines may be.
        used: How much of the first line is used already.
    """
    if isinstance(item, Block) and item.sequential:
        members = list(_members(item, path, made, classes, width - len(_INDENT)))
        if len(members) == 1 and members[0].startswith("*"):
            return [f"nn.Sequential({members[0].removesuffix(',')})"]
        return ["nn.Sequential(", *_indented(members), ")"]
    if isinstance(item, Block):
        return _call(classes.of[item].name, *_arguments_of_class(classes.of[item], path, made), width, used)
    module = item.module or Submodule("nn.Identity")
    positional = [literal(made.arguments[*path, "module", i]) for i in range(len(module.positional))]
    return _call(module.type, positional, _keywords(module, path, made), width, used)


def _keywords(module: Submodule, path: Path, made: Class) -> dict[str, str]:
    """Keyword arguments of the module at ``path``, but for those that are the defaults for all instances."""
    defaults = {name: literal(value) for name, value in DEFAULTS.get(module.type, {}).items()}
    others = [name for name in module.keywords if name not in defaults]
    places = {name: (*path, "module", name) for name in (*others, *defaults)}
    texts = {name: literal(made.arguments[place]) for name, place in places.items() if place in made.arguments}
    return {name: text for name, text in texts.items() if text != defaults.get(name)}


def _arguments_of_class(used: Class, path: Path, made: Class) -> tuple[list[str], dict[str, str]]:
    texts = {parameter.name: literal(made.arguments[*path, parameter.name]) for parameter in used.parameters}
    required = [parameter.name for parameter in used.parameters if parameter.default is None]
    sizes = all(parameter.annotation == "int" for parameter in used.parameters if parameter.default is None)
    count = len(required) if len(required) <= (_SIZES if sizes else _POSITIONAL) else 2
    positional = [texts[name] for name in required[:count]]
    others = {name: texts[name] for name in required[count:]}
    optional = {
        p.name: texts[p.name] for p in used.parameters if p.default is not None and texts[p.name] != p.default
    }
    return positional, others | optional


def _call(function: str, positional: Iterable[str], keywords: Mapping[str, str], width: int, used: int) -> list[str]:
    """The lines of a call, each at most ``width`` wide; of the first so much is ``used``."""
    arguments = [*positional, *(f"{name}={text}" for name, text in keywords.items())]
    line = f"{function}({', '.join(arguments)})"
    if len(line) + used <= width or not arguments:
        return [line]
    inner = f"{_INDENT}{', '.join(arguments)}"
    if len(inner) <= width:
        return [f"{function}(", inner, ")"]
    return [f"{function}(", *(f"{_INDENT}{argument}," for argument in arguments), ")"]


def _members(item: Block, path: Path, made: Class, classes: Classes, width: int) -> Iterator[str]:
    members = [_constructor(part, (*path, index), made, classes, width, 1) for index, part in enumerate(item.items)]
    index = 0
    while index < len(members):
        count, text = _repeated(members, index, item, classes)
        if count > 2:
            yield f"{text},"
        else:
            count = 1
            yield from members[index][:-1]
            yield f"{members[index][-1]},"
        index += count


def _repeated(members: Sequence[list[str]], start: int, item: Block, classes: Classes) -> tuple[int, str]:
    """How many members from ``start`` on are alike, or count up, and the expression that makes them."""
    part = item.items[start]
    if not isinstance(part, Block) or len(members[start]) > 1:
        return 1, ""
    first = members[start][0]
    count = next((i for i in range(1, len(members) - start) if members[start + i] != [first]), len(members) - start)
    if count > 1:
        return count, f"*({first} for _ in range({count}))"
    numbers: list[int] = []
    for member in members[start:]:
        match = re.fullmatch(r"(\w+\()(\d+)\)", member[0])
        step = numbers[1] - numbers[0] if len(numbers) > 1 else 0
        if not match or not first.startswith(match[1]) or (step and int(match[2]) - numbers[-1] != step):
            break
        numbers.append(int(match[2]))
    if len(numbers) < 3:
        return 1, ""
    step = numbers[1] - numbers[0]
    function = first.partition("(")[0]
    name = classes.of[part].parameters[0].name.removeprefix("in_")
    return len(numbers), f"*({function}({name}) for {name} in range({numbers[0]}, {numbers[-1] + step}, {step}))"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (_INDENT + line for line in lines)


# --- forward


@dataclass
class _Forward:
    """Writes the body of a ``forward``, and remembers which variable holds which value."""

    made: Class
    parameters: Sequence[str]
    taken: Collection[str]
    is_main: bool
    lines: list[str] = field(default_factory=list)
    places: dict[onnx_ir.Value, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        body = self.made.body
        self._variables = variables(self.made, self.parameters, self.taken, is_main=self.is_main)
        last = body.items[-1] if body.items else None
        returned = last is not None and last.outputs == body.outputs and len(body.outputs) == 1
        for index, item in enumerate(body.items):
            if item is last and returned:
                self._write("return ", self._expression(item, index))
            else:
                self._assign(item, index)
        if not returned:
            self.lines.append(f"{_INDENT * 2}return {', '.join(self._variables[value] for value in body.outputs)}")

    def signature(self) -> list[str]:
        """The first lines of the function."""
        body = self.made.body
        returns = "Tensor" if len(body.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(body.outputs))}]"
        takes = [f"{name}: Tensor" for name in self.parameters]
        return list(_indented(_signature("def forward", takes, returns)))

    def _assign(self, item: Item, index: int) -> None:
        names = [self._variables.get(value, "_") for value in item.outputs]
        start = len(self.lines)
        self._write(f"{', '.join(names)} = ", self._expression(item, index))
        for value, name in zip(item.outputs, names, strict=True):
            if name != "_":
                self.places[value] = Place(start, len(self.lines) - 1, name)

    def _write(self, head: str, text: str) -> None:
        self.lines += _folded(_INDENT * 2 + head, text)

    def _expression(self, item: Item, index: int) -> str:
        module = f"self.{self.made.attributes[index]}"
        inputs = [self._variables[value] for value in item.inputs]
        if isinstance(item, Block):
            return f"{module}({', '.join(inputs)})"
        fields = {"module": module}
        fields |= {key: f"self.{self.made.tensors[index, key]}" for key in item.tensors}
        for key in item.arguments:
            value = self.made.arguments[index, "argument", key]
            stored = self.made.stored.get(value) if isinstance(value, Code) else None
            fields[key] = literal(value) if stored is None else f"self.{stored}"
        return item.expression.format(*inputs, **fields)


def _folded(head: str, text: str) -> list[str]:
    """``head`` and ``text``, with what is in parentheses on lines of its own where that is too wide."""
    margin = " " * (len(head) - len(head.lstrip()))
    if len(head) + len(text) <= WIDTH or _QUOTE.search(text):
        return [head + text]
    function, _, arguments = text.partition("(")
    if not _is_call(text):
        function, arguments = "", f"{text})"
    inner = textwrap.wrap(
        arguments[:-1], WIDTH - len(margin) - len(_INDENT), break_long_words=False, break_on_hyphens=False
    )
    return [f"{head}{function}(", *(margin + _INDENT + line for line in inner), f"{margin})"]


def _is_call(text: str) -> bool:
    """Whether the first parenthesis of ``text`` is closed by its last character, and nowhere before."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return place == len(text) - 1
    return False
