"""UpSampling and BilinearResize2D."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, noise, unary
from tests.parsers.files import Net

RESIZE = "_contrib_BilinearResize2D"


def cases() -> Iterator[Case]:
    """Nearest with one and several inputs, bilinear with its weight; each mode of BilinearResize2D."""
    nearest = {"sample_type": "nearest"}
    yield unary("upsampling-nearest", "UpSampling", (2, 3, 3, 4), scale="2", num_args="1", workspace="256", **nearest)
    yield unary("upsampling-nearest-0.8", "UpSampling", (2, 3, 3, 4), "0.8", scale="3", num_args="1", **nearest)
    yield unary("upsampling-nearest-1", "UpSampling", (2, 3, 3, 4), scale="1", num_args="1", **nearest)
    for mode, channels in (("concat", 1), ("sum", 2)):
        net = Net()
        edges = [
            net.input("small", noise(mode, 2, 2, 3, 2)),
            net.input("whole", noise(mode, 2, channels, 12, 8)),
            net.input("large", noise(mode, 2, channels, 6, 4)),
        ]
        net.node("UpSampling", "up", edges, scale="4", num_args="3", multi_input_mode=mode, **nearest)
        yield case(f"upsampling-{mode}", net)
    for era in ("0.8", "1.x"):
        for scale in (1, 2, 3, 4):
            yield bilinear(scale, era)
    yield from resizes()
    net = Net()
    edges = [net.input("data", noise("like", 2, 3, 4, 5)), net.input("like", noise("like", 2, 1, 7, 3))]
    heads = [
        net.node(RESIZE, f"corners{corners}", edges, mode="like", align_corners=corners)
        for corners in ("True", "False")
    ]
    yield case("resize-like", net, *heads)


def bilinear(scale: int, era: str) -> Case:
    """A weight that is not an interpolation's, so that every element of it counts."""
    net, kernel = Net(era), 2 * scale - scale % 2
    identity = f"upsampling-bilinear-{scale}-{era}"
    edges = [net.input("data", noise(identity, 2, 3, 3, 4)), net.arg("w", noise(identity, 3, 1, kernel, kernel))]
    net.node("UpSampling", "up", edges, scale=str(scale), sample_type="bilinear", num_filter="3", num_args="2")
    return case(identity, net, records="V0" if era == "0.8" else "V2")


def resizes() -> Iterator[Case]:
    """BilinearResize2D of an even height and an odd width, corners aligned and not, in one network a mode."""
    variants = {
        "larger": {"height": "7", "width": "9"},
        "smaller": {"height": "2", "width": "3"},
        "same": {"height": "4", "width": "5"},
        "mixed": {"height": "9", "width": "2"},
        "one": {"height": "1", "width": "8"},
        "default": {},
        "height": {"height": "6"},
        "scale": {"scale_height": "2.3", "scale_width": "0.7"},
        "scale-width": {"scale_width": "2", "height": "3", "width": "4"},
        "scale-wins": {"scale_height": "2", "scale_width": "1.5", "height": "3", "width": "4"},
        "odd": {"mode": "odd_scale", "scale_height": "2.0", "scale_width": "1.7"},
        "odd-smaller": {"mode": "odd_scale", "scale_height": "0.5", "scale_width": "0.5"},
        **{mode: {"mode": mode} for mode in ("to_even_down", "to_even_up", "to_odd_down", "to_odd_up")},
    }
    for name, attributes in variants.items():
        net = Net()
        data = net.input("data", noise(f"resize-{name}", 2, 2, 4, 5))
        heads = [net.node(RESIZE, "aligned", [data], **attributes)]
        heads += [net.node(RESIZE, f"c{i}", [data], align_corners=i, **attributes) for i in ("True", "False")]
        yield case(f"resize-{name}", net, *heads)
