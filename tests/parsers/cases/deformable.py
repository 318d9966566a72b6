"""Deformable convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Net

VARIANTS: dict[str, dict[str, str]] = {
    "plain": {"kernel": "(3, 3)"},
    "pad": {"kernel": "(3, 3)", "pad": "(1, 1)"},
    "no-bias": {"kernel": "(3, 3)", "pad": "(1, 1)", "no_bias": "True", "layout": "NCHW"},
    "stride": {"kernel": "(3, 3)", "pad": "(1, 1)", "stride": "(2, 2)"},
    "dilate": {"kernel": "(3, 3)", "pad": "(2, 2)", "dilate": "(2, 2)", "no_bias": "True"},
    "uneven": {"kernel": "(3, 2)", "pad": "(1, 0)", "stride": "(1, 2)", "dilate": "(2, 1)", "workspace": "512"},
    "offsets": {"kernel": "(3, 3)", "pad": "(1, 1)", "num_deformable_group": "2"},
    "groups": {"kernel": "(2, 2)", "num_group": "2", "num_deformable_group": "2"},
    "point": {"kernel": "(1, 1)"},
}


def cases() -> Iterator[Case]:
    """Each attribute, with offsets that lead in and out of the input on all sides."""
    for name, attributes in VARIANTS.items():
        yield deformable(name, attributes, modulated=False)
        yield deformable(name, attributes, modulated=True)
    yield deformable("still", VARIANTS["pad"], modulated=False, far=0.0)
    yield deformable("0.9", VARIANTS["pad"], modulated=False, era="0.9")
    yield deformable("step", VARIANTS["pad"] | {"im2col_step": "1"}, modulated=True)


def numbers(text: str) -> list[int]:
    """The numbers of ``(3, 2)``."""
    return [int(part) for part in text.strip("()").split(",")]


def deformable(name: str, attributes: dict[str, str], *, modulated: bool, far: float = 3.0, era: str = "1.x") -> Case:
    """A convolution of 4 channels to 6 whose offsets, and mask, are inputs."""
    net, height, width = Net(era), 5, 6
    identity = f"{'modulated' if modulated else 'deformable'}-{name}"
    kernel = numbers(attributes["kernel"])
    stride, dilate = (numbers(attributes.get(key, "(1, 1)")) for key in ("stride", "dilate"))
    pad = numbers(attributes.get("pad", "(0, 0)"))
    output = [
        (length + 2 * pad[i] - dilate[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i, length in enumerate((height, width))
    ]
    places = int(attributes.get("num_deformable_group", "1")) * kernel[0] * kernel[1]
    edges = [net.input("data", noise(identity, 2, 4, height, width))]
    edges.append(net.input("offset", far * noise(f"{identity}-offset", 2, 2 * places, *output)))
    if modulated:
        edges.append(net.input("mask", noise(f"{identity}-mask", 2, places, *output, low=0)))
    edges.append(net.arg("w", noise(identity, 6, 4 // int(attributes.get("num_group", "1")), *kernel)))
    if "no_bias" not in attributes:
        edges.append(net.arg("b", noise(identity, 6)))
    op = "_contrib_ModulatedDeformableConvolution" if modulated else "_contrib_DeformableConvolution"
    net.node(op, "convolution", edges, num_filter="6", **attributes)
    return case(identity, net, records="V1" if era == "0.9" else "V2")
