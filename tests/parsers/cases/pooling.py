"""Pooling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tests.parsers.case import Case, unary


def cases() -> Iterator[Case]:
    """Pooling: kinds, conventions, padding, its counting, global with and without a kernel."""
    windows = {
        "plain": {"kernel": "(2, 2)"},
        "stride": {"kernel": "(3, 3)", "stride": "(2, 2)"},
        "pad": {"kernel": "(3, 3)", "stride": "(2, 2)", "pad": "(1, 1)"},
        "uneven": {"kernel": "(3, 2)", "stride": "(1, 3)", "pad": "(1, 0)"},
        "sparse": {"kernel": "(2, 2)", "stride": "(3, 3)"},
    }
    for kind in ("max", "avg"):
        for convention in ("valid", "full"):
            for name, attributes in windows.items():
                given = attributes | {"pool_type": kind, "pooling_convention": convention}
                for op, size in product(("Pooling", "Pooling_v1"), ((8, 9), (7, 6))):
                    identity = f"{op}-{kind}-{convention}-{name}-{size[0]}"
                    zeros = op == "Pooling_v1" and kind == "max" and "pad" in given
                    if not zeros and not _outside(given, size):
                        yield unary(identity, op, (2, 3, *size), **given)
    for convention in ("valid", "full"):
        for included in ("True", "False"):
            given = {"pool_type": "avg", "pooling_convention": convention, "count_include_pad": included}
            yield unary(f"pooling-count-{included}-{convention}", "Pooling", (2, 3, 8, 7), **windows["pad"], **given)
            yield unary(
                f"pooling-count-{included}-{convention}-stride", "Pooling", (2, 3, 8, 8), **windows["stride"], **given
            )
    for kind in ("max", "avg"):
        yield unary(f"pooling-global-{kind}", "Pooling", global_pool="True", pool_type=kind)
        given = {"kernel": "(2, 2)", "pad": "(1, 1)", "stride": "(2, 2)"}
        yield unary(f"pooling-v1-global-{kind}", "Pooling_v1", global_pool="True", pool_type=kind, **given)
        yield unary(f"pooling-global-kernel-{kind}", "Pooling", global_pool="True", pool_type=kind, **given)
    yield unary("pooling-default", "Pooling", kernel="(2, 2)", cudnn_off="False", layout="NCHW")
    yield unary(
        "pooling-0.8", "Pooling", (2, 3, 8, 9), "0.8", **windows["stride"], pooling_convention="full", pool_type="max"
    )


def _outside(attributes: dict[str, str], size: tuple[int, int]) -> bool:
    """Whether rounding up makes a window that lies outside the input, which is refused."""

    def numbers(key: str, default: str) -> list[int]:
        return [int(part) for part in attributes.get(key, default).strip("()").split(",")]

    kernel, stride, pad = numbers("kernel", ""), numbers("stride", "1,1"), numbers("pad", "0,0")
    full = attributes["pooling_convention"] == "full"
    for i in (0, 1):
        room = size[i] + 2 * pad[i] - kernel[i]
        if (-(-room // stride[i]) if full else room // stride[i]) * stride[i] >= size[i] + pad[i]:
            return True
    return False
