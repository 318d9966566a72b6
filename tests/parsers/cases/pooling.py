"""Pooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Net

WINDOWS = {
    "plain": {"kernel": "(2, 2)"},
    "stride": {"kernel": "(3, 3)", "stride": "(2, 2)"},
    "pad": {"kernel": "(3, 3)", "stride": "(2, 2)", "pad": "(1, 1)"},
    "uneven": {"kernel": "(3, 2)", "stride": "(1, 3)", "pad": "(1, 0)"},
    "sparse": {"kernel": "(2, 2)", "stride": "(3, 3)"},
}
EMPTY = {
    "after": {"kernel": "(1, 2)", "stride": "(5, 4)", "pooling_convention": "full"},
    "after-pad": {"kernel": "(3, 2)", "stride": "(6, 5)", "pad": "(1, 1)", "pooling_convention": "full"},
    "around": {"kernel": "(2, 3)", "stride": "(1, 2)", "pad": "(2, 4)"},
    "around-full": {"kernel": "(2, 2)", "stride": "(2, 3)", "pad": "(3, 4)", "pooling_convention": "full"},
}
POWERS = ({"pool_type": "sum"}, *({"pool_type": "lp", "p_value": power} for power in "123"))


def cases() -> Iterator[Case]:
    """Kinds, conventions, padding and its counting, windows without an element, ranks, layouts, global pooling."""
    for op, kind, convention in product(("Pooling", "Pooling_v1"), ("max", "avg"), ("valid", "full")):
        given = {"pool_type": kind, "pooling_convention": convention}
        nodes = {name: attributes | given for name, attributes in WINDOWS.items()}
        for size in ((8, 9), (7, 6)):
            yield several(f"{op}-{kind}-{convention}-{size[0]}", (2, 1, *size), nodes, op)
    yield from _means()
    yield from _powers()
    yield from _empty_windows()
    yield from _ranks_and_layouts()
    yield from _global()
    yield from _adaptive()
    yield unary("pooling-default", "Pooling", kernel="(2, 2)", cudnn_off="False", layout="NCHW")
    yield unary(
        "pooling-0.8", "Pooling", (2, 3, 8, 9), "0.8", **WINDOWS["stride"], pooling_convention="full", pool_type="max"
    )


def several(
    identity: str, shape: tuple[int, ...], nodes: Mapping[str, Mapping[str, str]], op: str = "Pooling"
) -> Case:
    """Several poolings of one input, whose numbers are negative: padding differs from the data."""
    net = Net()
    data = net.input("data", noise(identity, *shape, low=-2, high=-1))
    heads = [net.node(op, name, [data], **attributes) for name, attributes in nodes.items()]
    return case(identity, net, *heads)


def _means() -> Iterator[Case]:
    for convention, included in product(("valid", "full"), ("True", "False")):
        given = {"pool_type": "avg", "pooling_convention": convention, "count_include_pad": included}
        yield unary(f"pooling-count-{included}-{convention}", "Pooling", (2, 3, 8, 7), **WINDOWS["pad"], **given)
        yield unary(
            f"pooling-count-{included}-{convention}-stride", "Pooling", (2, 3, 8, 8), **WINDOWS["stride"], **given
        )
    given = {
        "pool_type": "avg",
        "kernel": "(3, 3)",
        "stride": "(5, 5)",
        "pad": "(1, 1)",
        "pooling_convention": "full",
    }
    nodes = {f"count{included}": given | {"count_include_pad": included} for included in ("True", "False", "None")}
    yield several("pooling-mean-in-padding", (2, 3, 4, 5), nodes)


def _powers() -> Iterator[Case]:
    """Sums and roots of sums of powers over every window."""
    for power, convention in product(POWERS, ("valid", "full")):
        nodes = {name: given | power | {"pooling_convention": convention} for name, given in WINDOWS.items()}
        yield several(f"pooling-{'-'.join(power.values())}-{convention}", (2, 2, 5, 6), nodes)
    nodes = {name: given | {"pool_type": "sum"} for name, given in WINDOWS.items()}
    yield several("pooling-v1-sum", (2, 2, 5, 6), nodes, "Pooling_v1")
    mixed = {f"power{power}": WINDOWS["pad"] | {"pool_type": "lp", "p_value": power} for power in "123"}
    net = Net()
    data = net.input("data", noise("signs", 2, 2, 5, 6))
    yield case(
        "pooling-lp-signs", net, *(net.node("Pooling", name, [data], **given) for name, given in mixed.items())
    )


def _empty_windows() -> Iterator[Case]:
    """Windows that hold no element of the data."""
    kinds = {"max": {"pool_type": "max"}, "avg": {"pool_type": "avg"}, "sum": {"pool_type": "sum"}}
    kinds |= {"uncounted": {"pool_type": "avg", "count_include_pad": "False"}}
    for kind, attributes in kinds.items():
        nodes = {name: given | attributes for name, given in EMPTY.items()}
        yield several(f"pooling-empty-{kind}", (2, 2, 4, 5), nodes)
        if kind != "uncounted":
            yield several(f"pooling-v1-empty-{kind}", (2, 2, 4, 5), nodes, "Pooling_v1")


def _ranks_and_layouts() -> Iterator[Case]:
    kinds = (
        {"pool_type": "max"},
        {"pool_type": "avg", "count_include_pad": "False"},
        {"pool_type": "avg"},
        {"pool_type": "sum"},
        {"pool_type": "lp", "p_value": "2"},
    )
    for layout, shape, window in (
        ("NCW", (2, 3, 7), {"kernel": "(3,)", "stride": "(2,)", "pad": "(1,)"}),
        ("NWC", (2, 6, 2), {"kernel": "3", "stride": "2"}),
        ("NHWC", (2, 6, 5, 2), {"kernel": "(3, 2)", "stride": "(2, 2)", "pad": "(1, 0)"}),
        ("NCDHW", (2, 2, 4, 3, 5), {"kernel": "(2, 3, 2)", "stride": "(1, 2, 3)", "pad": "(1, 1, 0)"}),
        ("NDHWC", (1, 4, 4, 5, 2), {"kernel": "(3, 2, 2)", "stride": "(2, 2, 2)"}),
    ):
        given = window | {"layout": layout, "pooling_convention": "full"}
        nodes = {f"node{index}": given | kind for index, kind in enumerate(kinds)}
        nodes |= {
            f"global{index}": {"layout": layout, "global_pool": "True"} | kind for index, kind in enumerate(kinds)
        }
        yield several(f"pooling-{layout}", shape, nodes)
    for length in (6, 7):
        given = {"kernel": "(3,)", "stride": "(2,)", "pad": "(0, 0, 0)", "pooling_convention": "same"}
        yield several(
            f"pooling-same-{length}", (2, 3, length), {f"n{i}": given | kind for i, kind in enumerate(kinds)}
        )


def _global() -> Iterator[Case]:
    for kind in ("max", "avg"):
        yield unary(f"pooling-global-{kind}", "Pooling", global_pool="True", pool_type=kind)
        given = {"kernel": "(2, 2)", "pad": "(1, 1)", "stride": "(2, 2)"}
        yield unary(f"pooling-v1-global-{kind}", "Pooling_v1", global_pool="True", pool_type=kind, **given)
        yield unary(f"pooling-global-kernel-{kind}", "Pooling", global_pool="True", pool_type=kind, **given)
    yield several(
        "pooling-global-powers",
        (2, 3, 4, 5),
        {f"n{i}": given | {"global_pool": "1"} for i, given in enumerate(POWERS)},
    )
    yield unary("pooling-v1-global-sum", "Pooling_v1", global_pool="True", pool_type="sum")


def _adaptive() -> Iterator[Case]:
    """Sizes that divide the input's, that do not, that are larger."""
    sizes = ("()", "(1,)", "1", "3", "(2, 3)", "(3, 4)", "(4, 5)", "(6, 6)", "(9, 5)")
    nodes = {f"n{index}": {"output_size": size} for index, size in enumerate(sizes)}
    yield several("pooling-adaptive", (2, 2, 6, 6), nodes | {"default": {}}, "_contrib_AdaptiveAvgPooling2D")
    nodes = {f"n{index}": {"output_size": size} for index, size in enumerate(("7", "(3, 2)", "(7, 5)"))}
    yield several("pooling-adaptive-uneven", (2, 2, 7, 10), nodes, "_contrib_AdaptiveAvgPooling2D")
