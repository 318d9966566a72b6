"""Which variable of a ``forward`` holds which value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx_ir

from converter.emitters.names import Names, identifier
from converter.emitters.pytorch import naming
from converter.emitters.pytorch.blocks import Block, Item
from converter.emitters.pytorch.classes import Class

_MANY = 3
"""What so many values come together in has a name for each of them."""


def variables(
    made: Class, parameters: Sequence[str], taken: Iterable[str], *, is_main: bool
) -> dict[onnx_ir.Value, str]:
    """The variable that holds each value of a class's first instance; none for a value that nothing reads.

    A statement's result takes the place of an input that nothing reads later.

    Args:
        made: The class.
        parameters: What its ``forward`` calls the inputs.
        taken: Names that no variable can have.
        is_main: Whether it is the network's own class, whose inputs keep their names to themselves.
    """
    webs, writers = _webs(made.body, keep_inputs=is_main)
    last = made.body.items[-1] if made.body.items else None
    if last is not None and last.outputs == made.body.outputs and len(last.outputs) == 1:
        returned = writers[webs[last.outputs[0]]]
        returned[:] = returned[:-1] or returned
    names = Names(*naming.GLOBALS, *taken, *parameters, separator="")
    texts = [*parameters]
    for written in writers[len(parameters) :]:
        first = is_main and written[0] == 0
        texts.append(names.take("x" if first else _variable(made, written)))
    return {value: texts[web] for value, web in webs.items()}


def _webs(body: Block, *, keep_inputs: bool) -> tuple[dict[onnx_ir.Value, int], list[list[int]]]:
    """The number of the variable for each value, and for each variable the numbers of the items that set it."""
    last = {value: index for index, item in enumerate(body.items) for value in item.inputs}
    last |= dict.fromkeys(body.outputs, len(body.items))
    readers = {value: len(set(item.inputs)) for item in body.items for value in item.inputs}
    webs = {value: number for number, value in enumerate(body.inputs)}
    writers: list[list[int]] = [[] for _ in body.inputs]
    for index, item in enumerate(body.items):
        free = [webs[value] for value in dict.fromkeys(item.inputs) if last[value] == index]
        free = [web for web in free if not keep_inputs or web >= len(body.inputs)]
        for value in item.outputs:
            if value in last:
                if not free or (readers.get(value, 0) >= _MANY and _begins(item, body)):
                    free.insert(0, len(writers))
                    writers.append([])
                webs[value] = free.pop(0)
                writers[webs[value]].append(index)
    return webs, writers


def _begins(item: Item, body: Block) -> bool:
    """Whether ``item`` reads an input of the block, and so begins a branch."""
    return item.inputs[0] in body.inputs


def _variable(made: Class, written: Sequence[int]) -> str:
    """A name for the variable that the items ``written`` set one after the other."""
    item, attribute = made.body.items[written[-1]], made.attributes[written[-1]]
    if len(written) > 1:
        return "out"
    if attribute is not None:
        return attribute
    words = () if isinstance(item, Block) else naming.words(item.name)
    return identifier(naming.stem(words[-1])) if words else "out"
