"""The generated file: its imports, functions and classes, and where it holds the IR's values."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx_ir

from converter.emitters import names
from converter.emitters.library import Library
from converter.emitters.names import Names
from converter.emitters.python import docstring
from converter.emitters.pytorch import kinds, naming
from converter.emitters.pytorch.blocks import Block, Item, is_module_call, statements
from converter.emitters.pytorch.classes import Class, Classes, classify
from converter.emitters.pytorch.source import Source, render, shape
from converter.emitters.statement import State, Statement

_HERE = Path(__file__).parent
_IMPORTS = {
    "Callable": "from collections.abc import Callable",
    "json": "import json",
    "math": "import math",
    "Path": "from pathlib import Path",
    "Any": "from typing import Any",
}
_TORCH_IMPORTS = {"torch": "import torch", "F": "from torch.nn import functional as F"}


@dataclass(frozen=True)
class File:
    """The generated file.

    Attributes:
        text: Its source.
        main: The class that is the network.
        inputs: The IR's inputs to the parameters of its ``forward``.
        states: Its ``state_dict``, in order.
        trace: Where it holds the IR's values.
    """

    text: str
    main: str
    inputs: Mapping[str, str]
    states: Mapping[str, State]
    trace: Mapping[str, Any]


def write(root: Block, graph: onnx_ir.Graph, description: Sequence[str], traced: Mapping[onnx_ir.Value, str]) -> File:
    """The file for the network ``root``.

    Args:
        root: The network.
        graph: What it computes.
        description: Lines for the docstring.
        traced: The names of the values that a trace is to find.
    """
    library, reader = Library.read(_HERE / "library.py"), Library.read(_HERE / "reader.py")
    taken = [*library.nodes, *reader.nodes]
    classes = classify(root, names.class_name(str(graph.name or "")), taken)
    main = classes.of[root]
    inputs = _input_names(graph, taken)
    sources = {
        made: _source(made, classes, inputs, _docstring(made, graph, description, made is main))
        for made in classes.order
    }
    sections = [
        *(library.text(name) for name in library.needed(_library_names(root))),
        *(source.lines for source in sources.values()),
        *(reader.text(name) for name in reader.nodes),
        _load(main.name),
    ]
    lines = _head("\n".join(line for section in sections for line in section), graph, description)
    starts = {}
    for section in sections:
        lines += ["", ""]
        starts[id(section)] = len(lines) + 1
        lines += section
    walk = _Walk(classes, {made: (starts[id(source.lines)], source) for made, source in sources.items()}, traced)
    walk.run(root, "")
    for value in graph.outputs:
        walk.trace.pop(str(value.name), None)
    given = dict(zip((str(value.name) for value in graph.inputs), inputs, strict=True))
    return File("\n".join(lines) + "\n", main.name, given, walk.states, walk.trace)


def _source(made: Class, classes: Classes, inputs: Sequence[str], paragraphs: Sequence[str]) -> Source:
    is_main = made is classes.order[-1]
    return render(made, classes, paragraphs, inputs if is_main else _parameters(len(made.body.inputs)))


def _parameters(count: int) -> Sequence[str]:
    """What a block calls its inputs."""
    return ("x", "y", "z")[:count] if count <= 3 else [f"x{number}" for number in range(1, count + 1)]


def _library_names(root: Block) -> list[str]:
    found: list[str] = []
    for statement in statements(root):
        found += statement.library
        if statement.module is not None and "." not in statement.module.type:
            found.append(statement.module.type)
    return found


def _input_names(graph: onnx_ir.Graph, taken: Iterable[str]) -> list[str]:
    given = Names(*naming.GLOBALS, *taken)
    return [given.take(names.identifier(str(value.name))) for value in graph.inputs]


def _docstring(made: Class, graph: onnx_ir.Graph, description: Sequence[str], is_main: bool) -> list[str]:
    if is_main:
        takes = [f"  {line}" for line in description if line.startswith(("Input", "Output"))]
        return [f"{graph.name or 'The network'}.", *(["\n".join(["Takes and returns:", *takes])] if takes else [])]
    _, sentence = kinds.kind(made.body)
    return [sentence, _sizes(made)]


def _sizes(made: Class) -> str:
    """What the first instance of a class makes of what."""
    first = made.body
    change = f"{', '.join(map(shape, first.inputs))} to {', '.join(map(shape, first.outputs))}"
    count = len(made.instances)
    return f"From {change}." if count == 1 else f"Used {count} times, first from {change}."


def _head(body: str, graph: onnx_ir.Graph, description: Sequence[str]) -> list[str]:
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    lines = docstring([str(graph.name or "A network"), *(["\n".join(description)] if description else [])]).split(
        "\n"
    )
    lines += ["", "from __future__ import annotations", ""]
    lines += [line for name, line in _IMPORTS.items() if name in used]
    lines += ["", "import torch", f"from torch import {'Tensor, ' if 'Tensor' in used else ''}nn"]
    lines += [_TORCH_IMPORTS["F"]] if "F" in used else []
    return lines


def _load(main: str) -> list[str]:
    return [
        f"def load(path: str | Path) -> {main}:",
        '    """The network with the weights of a .safetensors file, ready for inference."""',
        f"    model = {main}()",
        "    model.load_state_dict(_read_safetensors(path))",
        "    return model.eval()",
    ]


@dataclass
class _Walk:
    """Goes through the network as it runs: the names of its parameters, and where values are held."""

    classes: Classes
    places: Mapping[Class, tuple[int, Source]]
    wanted: Mapping[onnx_ir.Value, str]
    states: dict[str, State] = field(default_factory=dict)
    trace: dict[str, Any] = field(default_factory=dict)
    _calls: Counter[str] = field(default_factory=Counter)
    _runs: Counter[str] = field(default_factory=Counter)

    def run(self, part: Block, path: str) -> None:
        """Go through ``part``, whose module is at ``path``."""
        if part.sequential:
            for index, item in enumerate(part.items):
                self._item(item, f"{path}.{index}".lstrip("."))
            return
        made = self.classes.of[part]
        for index, item in enumerate(part.items):
            attribute = made.attributes[index]
            self._item(item, f"{path}.{attribute}".lstrip(".") if attribute else "")
            if isinstance(item, Statement):
                for key, state in item.tensors.items():
                    self.states[f"{path}.{made.tensors[index, key]}".lstrip(".")] = state
        self._variables(made, part)
        self._runs[made.name] += 1

    def _variables(self, made: Class, part: Block) -> None:
        start, source = self.places[made]
        values = dict(zip(_values(made.body), _values(part), strict=True))
        for value, place in source.places.items():
            lines = {"line": start + place.first, "end": start + place.last}
            self._hold(values[value], {**lines, "variable": place.variable, "occurrence": self._runs[made.name]})

    def _item(self, item: Item, path: str) -> None:
        if isinstance(item, Block):
            self.run(item, path)
        elif item.module is not None:
            self.states |= {f"{path}.{name}": state for name, state in item.module.state.items()}
        if is_module_call(item):
            self._hold(item.outputs[0], {"module": path, "call": self._calls[path]})
            self._calls[path] += 1

    def _hold(self, value: onnx_ir.Value, place: Mapping[str, Any]) -> None:
        if value in self.wanted:
            self.trace.setdefault(self.wanted[value], place)


def _values(part: Block) -> Iterator[onnx_ir.Value]:
    yield from part.inputs
    for item in part.items:
        yield from item.outputs
