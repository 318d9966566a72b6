"""What a block is, by what is in it: a name for its class and a sentence for its docstring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from converter.emitters.pytorch.blocks import Block, Item, statements
from converter.emitters.pytorch.units import is_activation, type_of
from converter.emitters.statement import Statement

_CHAIN = {"Conv": "Conv", "BatchNorm": "Norm", "Linear": "Linear", "Max": "Pool", "Avg": "Pool"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def kind(block: Block) -> tuple[str, str]:
    """The name of a class for ``block``, and what it is."""
    if len(block.inputs) > 1:
        return "Fusion", f"Combines {_count(len(block.inputs), 'value')}."
    join = next((item for item in reversed(block.items) if not is_activation(item)), None)
    if isinstance(join, Statement) and len(set(join.inputs)) > 1:
        if join.expression == "{0} + {1}" and _convolutions(block.items):
            return _residual(block, join)
        if join.expression == "{0} * {1}":
            return _gate(block)
        if "torch.cat" in join.expression:
            return _concatenation(block, join)
    return _chain(block)


def prefix(block: Block) -> str:
    """What tells ``block`` from a block that the source calls the same, and that is not alike."""
    name, sentence = kind(block)
    if sentence.startswith("Residual"):
        return "Projection" if name.startswith("Projection") else "Residual"
    return "" if name == "Block" else name


def _residual(block: Block, join: Statement) -> tuple[str, str]:
    main = _convolutions(item for item in block.items if not _is_shortcut(item))
    projected = block.inputs[0] not in join.inputs
    name = "Bottleneck" if main >= 3 else "BasicBlock" if main == 2 else "Residual"
    if projected:
        return f"Projection{name}", "Residual block whose shortcut is a projection."
    return name, f"Residual block of {_count(main, 'convolution')}."


def _is_shortcut(item: Item) -> bool:
    return isinstance(item, Block) and item.role == "shortcut"


def _gate(block: Block) -> tuple[str, str]:
    if any(type_of(part).startswith("Adaptive") or "mean" in part.expression for part in statements(block)):
        return "SqueezeExcitation", "Scales each channel by what the whole image says about it."
    return "Gate", "Scales its input by what it computes of it."


def _concatenation(block: Block, join: Statement) -> tuple[str, str]:
    if block.inputs[0] in join.inputs:
        return "DenseLayer", "Appends what it computes to its input's channels."
    count = len(join.inputs)
    first = block.items[0]
    if count == 2 and isinstance(first, Statement) and _readers(block, first) == 0 and len(block.items) <= 8:
        return "Fire", "Squeezes the channels, then expands them in two branches."
    return ("Inception" if count > 2 else "Branches"), f"{_count(count, 'branch', 'es').capitalize()}, concatenated."


def _readers(block: Block, first: Statement) -> int:
    """How many items but ``first`` read the block's input."""
    return sum(block.inputs[0] in item.inputs for item in block.items if item is not first)


def _chain(block: Block) -> tuple[str, str]:
    words = [_word(item) for item in block.items]
    if len(words) <= 4 and all(words):
        name = "".join(words)
        return ("Transition" if name == "NormActConvPool" else name), f"{_listed(words).capitalize()}."
    if _is_separable(block):
        return "DepthwiseSeparable", "A convolution of each channel by itself, then one across the channels."
    convolutions = _convolutions(block.items)
    return "Block", f"Block of {_count(convolutions, 'convolution')}." if convolutions else "Block."


def _is_separable(block: Block) -> bool:
    modules = [part.module for part in statements(block) if part.module is not None and type_of(part) == "Conv2d"]
    return len(modules) == 2 and "groups" in modules[0].keywords and modules[1].positional[2:3] == (1,)


def _word(item: Item) -> str:
    if is_activation(item):
        return "Act"
    return next((word for start, word in _CHAIN.items() if type_of(item).startswith(start)), "")


def _listed(words: Sequence[str]) -> str:
    long = {"Conv": "convolution", "Norm": "normalization", "Act": "activation", "Pool": "pooling"}
    names = [long.get(word, word.lower()) for word in words]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _convolutions(items: Iterable[Item]) -> int:
    return sum(type_of(part).startswith("Conv") for item in items for part in statements(item))


def _count(number: int, noun: str, plural: str = "s") -> str:
    text = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{text} {noun}{'' if number == 1 else plural}"
