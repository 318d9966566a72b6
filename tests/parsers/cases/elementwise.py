"""Arithmetic of each element."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """Arithmetic between two activations and with a scalar, under old and new names."""
    for names in (
        ("elemwise_add", "_Plus", "_plus", "_add", "_grad_add"),
        ("elemwise_sub", "_Minus", "_minus", "_sub"),
        ("elemwise_mul", "_Mul", "_mul"),
        ("elemwise_div", "_Div", "_div"),
    ):
        for name in names:
            net = Net("0.8" if name[1].isupper() else "1.x")
            first = net.input("data", noise(name, 2, 3, 4))
            net.node(name, "node", [first, net.input("other", noise(name + "2", 2, 3, 4, low=0.5))])
            yield case(f"binary-{name}", net)
    for name in ("plus", "minus", "rminus", "mul", "div", "rdiv"):
        old = {"rminus": "RMinus", "rdiv": "RDiv"}.get(name, name.capitalize())
        for op, era, scalar in ((f"_{name}_scalar", "1.x", "127.5"), (f"_{old}Scalar", "0.8", "1e-02")):
            yield unary(f"scalar{op}", op, (2, 3, 5, 4), era, scalar=scalar)
    yield unary("scalar-is-int", "_mul_scalar", scalar="3", is_int="True")
    net = Net()
    weight = net.arg("constant", noise("constant", 2, 3))
    net.node("elemwise_add", "node", [net.input("data", noise("with-constant", 2, 3)), weight])
    yield case("binary-constant", net, fixed=True)
