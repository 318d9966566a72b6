"""Products of matrices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from tests.parsers.case import Case, case, constant, noise, several, shapes
from tests.parsers.files import Net

Row = tuple[str, Mapping[str, str]]
YES_NO = ("True", "False")


def cases() -> Iterator[Case]:
    """dot, batch_dot and khatri_rao."""
    for op, batch in (("dot", ()), ("batch_dot", (2,)), ("batch_dot", (2, 3))):
        for left, right in itertools.product(YES_NO, YES_NO):
            lhs, rhs = ((4, 3) if left == "True" else (3, 4)), ((5, 4) if right == "True" else (4, 5))
            identity = f"{op}{len(batch)}-{left}-{right}"
            given = shapes(identity, (*batch, *lhs), (*batch, *rhs))
            yield several(
                identity, given, {"node": (op, {"transpose_a": left, "transpose_b": right})}, fixed=not batch
            )
    yield several(
        "dot-default", shapes("dot", (3, 4), (4, 2)), {"node": ("dot", {"forward_stype": "None"})}, fixed=True
    )
    for name, lhs, rhs, left, right in (
        ("vectors", (4,), (4,), "False", "False"),
        ("vector", (2, 3, 4), (4,), "False", "True"),
        ("of-vector", (4,), (4, 5, 6), "True", "False"),
        ("of-vector-transposed", (4,), (5, 4), "True", "True"),
        ("3d", (2, 3, 4), (4, 5, 6), "False", "False"),
        ("3d-2d", (2, 3, 4), (4, 5), "False", "False"),
        ("3d-transposed", (4, 2, 3), (5, 6, 4), "True", "True"),
        ("2d-3d-transposed", (3, 4), (5, 6, 4), "False", "True"),
    ):
        rows = {"node": ("dot", {"transpose_a": left, "transpose_b": right})}
        yield several(f"dot-{name}", shapes(name, lhs, rhs), rows, fixed=True)
    net = Net()
    data = net.input("data", noise("dot-open", 3, 2, 4))
    net.node("dot", "node", [data, constant(net, "table", noise("dot-table", 5, 2, 4))], transpose_b="True")
    yield case("dot-3d-open", net)
    for count in (1, 2, 3):
        given = shapes("khatri", (2, 3), (4, 3), (2, 3))
        inputs = dict(itertools.islice(given.items(), count))
        yield several(f"khatri-rao-{count}", inputs, {"node": ("khatri_rao", {"num_args": str(count)})}, fixed=True)
