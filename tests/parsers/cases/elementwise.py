"""What is computed of each element on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Array, Edge, Net

ARITHMETIC = {
    "add": ("elemwise_add", "_plus", "_add", "_grad_add", "broadcast_add", "broadcast_plus"),
    "sub": ("elemwise_sub", "_minus", "_sub", "broadcast_sub", "broadcast_minus"),
    "mul": ("elemwise_mul", "_mul", "broadcast_mul"),
    "div": ("elemwise_div", "_div", "broadcast_div"),
    "mod": ("_mod", "broadcast_mod"),
    "power": ("_power", "broadcast_power"),
    "maximum": ("_maximum", "broadcast_maximum"),
    "minimum": ("_minimum", "broadcast_minimum"),
    "hypot": ("_hypot", "broadcast_hypot"),
}
COMPARISONS = {name: (f"_{name}", f"broadcast_{name}") for name in ("equal", "not_equal", "greater", "greater_equal")}
COMPARISONS |= {name: (f"_{name}", f"broadcast_{name}") for name in ("lesser", "lesser_equal")}
COMPARISONS |= {name: (f"_{name}", f"broadcast_{name}") for name in ("logical_and", "logical_or", "logical_xor")}
OLD = ("Plus", "Minus", "Mul", "Div", "Mod", "Power", "Maximum", "Minimum", "Hypot")
OLD += ("Equal", "Not_Equal", "Greater", "Greater_Equal", "Lesser", "Lesser_Equal")
OLD += ("Logical_And", "Logical_Or", "Logical_Xor")
SCALARS = ("plus", "minus", "rminus", "mul", "div", "rdiv", "mod", "rmod", "power", "rpower", "maximum", "minimum")
SCALARS += ("hypot", "equal", "not_equal", "greater", "greater_equal", "lesser", "lesser_equal")
SCALARS += ("logical_and", "logical_or", "logical_xor")
REVERSED = {"rminus": "RMinus", "rdiv": "RDiv", "rmod": "RMod", "rpower": "RPower"}

ANY = ("abs", "sign", "negative", "square", "sin", "cos", "arctan", "sinh", "cosh", "arcsinh", "erf", "exp", "expm1")
ANY += ("cbrt", "rcbrt", "degrees", "radians", "reciprocal")
ROUNDING = ("round", "rint", "ceil", "floor", "trunc", "fix", "logical_not", "sign", "abs")
POSITIVE = ("sqrt", "rsqrt", "log", "log2", "log10", "gamma", "gammaln", "log1p")
INSIDE = ("arcsin", "arccos", "arctanh", "erfinv", "tan", "log1p", "expm1")


def cases() -> Iterator[Case]:
    """Two inputs, an input and a number, many inputs, one input; special values; whole numbers."""
    yield from _pairs()
    yield from _scalars()
    yield from _whole_numbers()
    yield from _functions()
    yield from _bounds()
    yield from _sums()
    yield from _wheres()


def _mixed(name: str, *shape: int) -> Array:
    """Noise of both signs, quarters so that some of it is alike, with a few zeros."""
    return np.round(noise(name, *shape, low=-2.5, high=2.5) * 4).astype(np.float32) / 4


def _heads(net: Net, ops: tuple[str, ...], inputs: list[Edge], **attributes: str) -> list[Edge]:
    return [net.node(op, f"node{len(net.nodes)}", inputs, **attributes) for op in ops]


def _exact(identity: str, net: Net, heads: list[Edge], reason: str) -> Case:
    """A case without tolerance: then its heads may as well be one."""
    net.node("Concat", "all", heads, num_args=str(len(heads)), dim="1")
    return replace(case(identity, net), tolerance=0, reason=reason)


def _pairs() -> Iterator[Case]:
    for name, ops in (ARITHMETIC | COMPARISONS).items():
        net = Net()
        first, second = net.input("a", _mixed("a", 2, 4, 5)), net.input("b", _mixed("b", 2, 4, 5))
        heads = _heads(net, ops, [first, second])
        spread = tuple(op for op in ops if op.startswith("broadcast"))
        heads += _heads(net, spread, [first, net.input("c", _mixed("c", 2, 1, 5))])
        inexact = name in ("mod", "power", "hypot", "div")
        yield case(f"pair-{name}", net, *heads) if inexact else _exact(f"pair-{name}", net, heads, "one rounding")
    net = Net("0.8")
    inputs = [net.input("a", _mixed("old-a", 2, 3, 4)), net.input("b", _mixed("old-b", 2, 3, 4))]
    yield case("pair-old", net, *_heads(net, tuple(f"_{name}" for name in OLD), inputs))
    for index, (left, right) in enumerate((((2, 3), (3,)), ((1,), (2, 3)), ((3, 1), (2, 1, 4)), ((2, 3), (1, 2, 3)))):
        net = Net()
        inputs = [net.input("a", noise("left", *left)), net.input("b", noise("right", *right))]
        yield case(f"broadcast-{index}", net, *_heads(net, ("broadcast_sub", "broadcast_lesser"), inputs), fixed=True)
    net = Net()
    data, weight = net.input("data", noise("with-constant", 2, 3)), net.arg("constant", noise("constant", 2, 3))
    yield case("pair-constant", net, *_heads(net, ("elemwise_add",), [data, weight]), fixed=True)
    net = Net()
    remainders = np.array([[7.3, -7.3, 1e-9, -1e-9, 3e8, -3e8, 5, -5]], np.float32)
    inputs = [net.input("a", remainders.repeat(2, 0)), net.input("b", np.array([[0.1] * 8, [-0.1] * 8], np.float32))]
    yield replace(case("pair-remainders", net, *_heads(net, ("_mod",), inputs)), tolerance=0, reason="exact")


def _scalars() -> Iterator[Case]:
    for name in SCALARS:
        net = Net()
        data = net.input("data", _mixed(name, 2, 4, 5))
        heads = _heads(net, (f"_{name}_scalar",), [data])
        for scalar, whole in (("1.75", "False"), ("-1.5", "0"), ("2", "True"), ("1e-05", "1")):
            heads += _heads(net, (f"_{name}_scalar",), [data], scalar=scalar, is_int=whole)
        exact = name in COMPARISONS
        yield _exact(f"scalar-{name}", net, heads, "0 or 1") if exact else case(f"scalar-{name}", net, *heads)
    net = Net("0.8")
    data = net.input("data", _mixed("old-scalar", 2, 4, 5))
    old = tuple(f"_{REVERSED.get(name, name.title().replace('_', ''))}Scalar" for name in SCALARS)
    yield case("scalar-old", net, *_heads(net, old, [data], scalar="0.5"))
    yield unary("scalar-zero", "_mod_scalar", (2, 5), scalar="0")
    net = Net()
    data = net.input("data", np.array([[-3, 2], [7, 0]], np.int32))
    halves = _heads(net, ("_plus_scalar", "_mul_scalar", "_div_scalar"), [data], scalar="0.5", is_int="False")
    yield case(
        "scalar-fraction",
        net,
        *(net.node("Cast", f"cast{i}", [each], dtype="float32") for i, each in enumerate(halves)),
    )


def _whole_numbers() -> Iterator[Case]:
    some = np.array([[-7, 3, -1, 100, 7, 2], [5, -3, 90, -100, 1, -2]])
    others = np.array([[2, -2, 3, 3, 7, 5], [-3, -2, 7, 90, 2, 1]])
    paired = [
        op for ops in (ARITHMETIC | COMPARISONS).values() for op in ops if "power" not in op and "hypot" not in op
    ]
    numbered = [f"_{name}_scalar" for name in SCALARS if "power" not in name and name != "hypot"]
    for kind in (np.int32, np.int64, np.int8, np.uint8):
        low = 0 if kind is np.uint8 else -128
        net = Net()
        data = net.input("a", np.maximum(some, low).astype(kind))
        divisors = net.input("b", np.where(others < low, 4, others).astype(kind))
        heads = _heads(net, tuple(paired), [data, divisors]) + _heads(
            net, ("add_n",), [data, data, data], num_args="3"
        )
        heads += _heads(net, tuple(op for op in numbered if op[1:3] != "rd"), [data], scalar="2.5")
        heads += _heads(net, ("_rdiv_scalar",), [divisors], scalar="100")
        heads += _heads(net, ("_mod_scalar",), [data], scalar="0.5")
        heads += _heads(net, ("abs", "sign", "negative", "square", "logical_not", *ROUNDING[:6]), [data])
        heads += _heads(net, ("clip",), [data], a_min="-2.5", a_max="4.5")
        heads += _heads(net, ("clip",), [data], a_min="-1000", a_max="1000")
        heads += _heads(net, ("where",), [data, divisors, data])
        yield _exact(f"whole-{kind.__name__}", net, heads, "whole numbers")
    for kind in (np.int32, np.int64):
        net = Net()
        data = net.input("a", np.array([[3, -2], [1, 5]], kind))
        heads = _heads(net, ("_power", "broadcast_power"), [data, net.input("b", np.array([[4, 3], [-2, 0]], kind))])
        heads += _heads(net, ("_power_scalar", "_rpower_scalar"), [data], scalar="3")
        yield _exact(f"whole-power-{kind.__name__}", net, heads, "whole numbers")


def _functions() -> Iterator[Case]:
    for name, ops, low, high in (
        ("any", ANY, -4, 4),
        ("rounding", ROUNDING, -4, 4),
        ("positive", POSITIVE, 0.05, 6),
        ("inside", INSIDE, -0.99, 0.99),
        ("tiny", ("log1p", "expm1", "erfinv", "cbrt", "arctanh"), -1e-6, 1e-6),
        ("large", ("log1p", "gammaln", "log2", "arccosh", "arcsinh"), 2, 1e6),
        ("gamma", ("gamma",), 10, 34),
        ("gamma-negative", ("gamma", "gammaln"), -5.9, -0.1),
    ):
        net = Net()
        yield case(
            f"function-{name}", net, *_heads(net, ops, [net.input("data", noise(name, 3, 20, low=low, high=high))])
        )
    yield from _special()


def _special() -> Iterator[Case]:
    """Where a function is infinite, not defined, or where rounding decides."""
    nearly = float(np.nextafter(np.float32(0.5), np.float32(0)))
    for name, ops, values in (
        ("halves", ROUNDING, [-2.5, -1.5, -0.5, -nearly, 0.0, nearly, 0.5, 1.5, 2.5, 8388609.0, np.inf, -np.inf]),
        ("zero", (*POSITIVE, "reciprocal", "cbrt", "rcbrt", "logical_not"), [0.0, 1.0, 2.5]),
        ("negative", (*POSITIVE[:5], "log1p", "arccosh"), [-1.0, -2.5]),
        ("one", ("arcsin", "arccos", "arctanh", "erfinv", "log1p"), [-1.0, 1.0, 1.5, -1.5]),
        ("poles", ("gamma", "gammaln"), [-3.0, -2.0, 2.0, 0.0, 36.0]),
        ("infinite", ("exp", "expm1", "log", "log1p", "arctan", "erf", "cbrt"), [np.inf, 1.0]),
        ("minus-infinite", ("exp", "expm1", "arctan", "erf", "cbrt"), [-np.inf, 1.0]),
    ):
        net = Net()
        special = case(f"special-{name}", net, *_heads(net, ops, [net.input("data", np.array([values], np.float32))]))
        yield replace(special, tolerance=0, reason="whole numbers") if ops is ROUNDING else special
    net = Net()
    twos, tens = 2.0 ** np.arange(-12, 13), 10.0 ** np.arange(-8, 9)
    heads = _heads(net, ("log2",), [net.input("twos", twos[None].astype(np.float32))])
    heads += _heads(net, ("log10",), [net.input("tens", tens[None].astype(np.float32))])
    yield replace(case("special-powers", net, *heads), tolerance=0, reason="exact")


def _bounds() -> Iterator[Case]:
    bounds = (("0", "6"), ("-1.5", "1e-05"), ("-inf", "0.5"), ("-0.5", "inf"), ("-inf", "inf"), ("1", "1"))
    net = Net()
    data = net.input("data", noise("clip", 2, 3, 4, low=-8, high=8))
    heads = [edge for low, high in bounds for edge in _heads(net, ("clip",), [data], a_min=low, a_max=high)]
    heads += _heads(net, ("clip",), [data], a_min="-3.4028235e+38", a_max="3.4028235e+38")
    yield replace(case("clip", net, *heads), tolerance=0, reason="no arithmetic")
    net = Net()
    data = net.input("data", noise("smooth", 2, 3, 4, low=-3, high=3))
    heads = _heads(net, ("smooth_l1",), [data])
    yield case("smooth-l1", net, *heads, *_heads(net, ("smooth_l1",), [data], scalar="2.0"))


def _sums() -> Iterator[Case]:
    for count in (1, 2, 4):
        net = Net("0.8" if count == 4 else "1.x")
        inputs = [net.input(f"in{i}", noise(f"sum{i}", 2, 3, 4)) for i in range(count)]
        ops = ("add_n", "ElementWiseSum")
        yield case(f"add-n-{count}", net, *_heads(net, ops, inputs, num_args=str(count)))


def _wheres() -> Iterator[Case]:
    for name, shape in {
        "same": (3, 2, 4),
        "vector": (3,),
        "rows": (3, 2),
        "ones": (3, 1, 1),
        "row-ones": (3, 2, 1),
    }.items():
        net = Net()
        condition = net.input("condition", np.maximum(_mixed(name, *shape), 0))
        inputs = [condition, net.input("x", noise("x", 3, 2, 4)), net.input("y", noise("y", 3, 2, 4))]
        yield replace(
            case(f"where-{name}", net, *_heads(net, ("where",), inputs)), tolerance=0, reason="no arithmetic"
        )
    net = Net()
    data = net.input("x", noise("where-line", 5))
    yield case(
        "where-line", net, *_heads(net, ("where",), [net.input("c", np.array([0, 2, 1, 0, 3], np.int32)), data, data])
    )
