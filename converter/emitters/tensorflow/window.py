"""The windows that convolution and pooling move over images: steps and padding, exactly where ONNX has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir

from converter.emitters import Refused
from converter.emitters.python import literal
from converter.emitters.tensorflow.layout import Layout
from converter.ir import Dim


@dataclass(frozen=True)
class Windows:
    """Windows, per spatial axis.

    Attributes:
        kernel: Their sizes.
        strides: The steps from one to the next.
        dilations: The steps within one.
        begin: The padding before the data.
        end: The padding after it, as far as windows reach.
        beyond: How much of that is more than was asked for, because of rounding up.
        sizes: Of the data.
        results: How many windows there are.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    beyond: tuple[int, ...]
    sizes: tuple[Dim, ...]
    results: tuple[Dim, ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """How far a window reaches."""
        return tuple((size - 1) * step + 1 for size, step in zip(self.kernel, self.dilations, strict=True))

    @property
    def padded(self) -> bool:
        """Whether there is padding at all."""
        return any(self.begin) or any(self.end)

    @property
    def same(self) -> bool:
        """Whether the padding is that of TensorFlow's ``SAME``."""
        return all(map(_is_same, self.sizes, self.spans, self.strides, self.begin, self.end))

    def without_padding(self) -> Windows:
        """The same windows over data that are padded already."""
        none = (0,) * len(self.kernel)
        sizes = tuple(
            size + first + last if isinstance(size, int) else size
            for size, first, last in zip(self.sizes, self.begin, self.end, strict=True)
        )
        return replace(self, begin=none, end=none, beyond=none, sizes=sizes)

    def pads(self, layout: Layout) -> list[list[int]]:
        """The padding of every axis."""
        return layout.full([[first, last] for first, last in zip(self.begin, self.end, strict=True)], [0, 0])


def _is_same(size: Dim, span: int, stride: int, begin: int, end: int) -> bool:
    if not isinstance(size, int):
        return stride == 1 and (begin, end) == ((span - 1) // 2, span // 2)
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return (begin, end) == (total // 2, total - total // 2)


def windows_of(
    node: onnx_ir.Node,
    layout: Layout,
    kernel: Sequence[int],
    auto_pad: str,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    *,
    ceil_mode: int = 0,
) -> Windows:
    """The windows that a node's attributes describe.

    Raises:
        Refused: They depend on an open dimension, or runtimes disagree on them.
    """
    rank = layout.rank
    if len(kernel) != rank:
        raise Refused(f"a window of {len(kernel)} axes over {rank}")
    data, result = node.inputs[0], node.outputs[0]
    if data is None:
        raise Refused("it has no input")
    strides, dilations = tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank
    plain = Windows(
        tuple(kernel),
        strides,
        dilations,
        *_halves(pads if auto_pad == "NOTSET" else (), rank),
        (0,) * rank,
        layout.spatial(data),
        layout.spatial(result),
    )
    if auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
        return _same_padding(plain, layout.sizes(data), layout.sizes(result), upper=auto_pad == "SAME_UPPER")
    if min(*plain.begin, *plain.end, 0) < 0:
        raise Refused(f"pads {list(pads)}: padding is not negative")
    return _rounded_up(plain, layout.sizes(data), layout.sizes(result)) if ceil_mode else plain


def _same_padding(plain: Windows, sizes: Sequence[int], results: Sequence[int], *, upper: bool) -> Windows:
    totals = [
        max((result - 1) * step + span - size, 0)
        for size, result, step, span in zip(sizes, results, plain.strides, plain.spans, strict=True)
    ]
    less, more = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
    return replace(plain, begin=less, end=more) if upper else replace(plain, begin=more, end=less)


def _rounded_up(plain: Windows, sizes: Sequence[int], results: Sequence[int]) -> Windows:
    last = zip(sizes, results, plain.strides, plain.begin, strict=True)
    if any((count - 1) * step >= size + pad for size, count, step, pad in last):
        raise Refused("ceil_mode: its last window would lie in the padding, where runtimes do not have it")
    beyond = tuple(
        max((count - 1) * step + span - size - first - after, 0)
        for size, count, step, span, first, after in zip(
            sizes, results, plain.strides, plain.spans, plain.begin, plain.end, strict=True
        )
    )
    return replace(plain, end=tuple(map(sum, zip(plain.end, beyond, strict=True))), beyond=beyond)


def _halves(pads: Sequence[int], rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pads = tuple(pads) or (0,) * (2 * rank)
    return tuple(pads[:rank]), tuple(pads[rank:])


def steps(sizes: Sequence[int]) -> str:
    """``sizes`` as a person writes them: one number where they agree."""
    return literal(sizes[0] if len(set(sizes)) == 1 else list(sizes))
