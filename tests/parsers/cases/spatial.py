"""GridGenerator, BilinearSampler and SpatialTransformer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Array, Net

IDENTITY = np.array([1, 0, 0, 0, 1, 0], np.float32)


def matrices(name: str, scale: float = 1.0) -> Array:
    """Affine matrices: near the identity, and one that reaches far beyond the borders."""
    return np.stack([IDENTITY * scale + noise(name, 6) / 3, IDENTITY * 2 + noise(f"{name}-far", 6)]).astype(
        np.float32
    )


def cases() -> Iterator[Case]:
    """Both kinds of grids, samples in and around the input, a transformer of each shape and era."""
    for height, width in ((3, 4), (2, 5)):
        net = Net()
        data = net.input("matrices", matrices(f"grid-{height}"))
        net.node("GridGenerator", "grid", [data], transform_type="affine", target_shape=f"({height}, {width})")
        yield case(f"grid-affine-{height}", net)
    net = Net()
    flow = net.input("flow", noise("flow", 2, 2, 4, 3, low=-3, high=3))
    heads = [
        net.node("GridGenerator", "plain", [flow], transform_type="warp"),
        net.node("GridGenerator", "ignored", [flow], transform_type="warp", target_shape="(7, 8)"),
    ]
    yield case("grid-warp", net, *heads)
    yield warped()
    yield from samples()
    for era, target in product(("0.8", "1.x"), ((3, 4), (5, 3))):
        net = Net(era)
        identity = f"transformer-{target[0]}-{era}"
        edges = [net.input("data", noise(identity, 2, 3, 4, 5)), net.input("loc", matrices(identity))]
        shape = f"({target[0]},{target[1]})"
        kinds = {"transform_type": "affine", "sampler_type": "bilinear"}
        net.node("SpatialTransformer", "transformer", edges, target_shape=shape, **kinds)
        yield case(identity, net)
    net = Net()
    edges = [net.input("data", noise("still", 2, 3, 4, 5)), net.input("loc", np.stack([IDENTITY, IDENTITY]))]
    kinds = {"transform_type": "affine", "sampler_type": "bilinear", "cudnn_off": "True"}
    net.node("SpatialTransformer", "transformer", edges, target_shape="(4,5)", **kinds)
    yield case("transformer-identity", net)


def samples() -> Iterator[Case]:
    """Positions in the input, on its borders, between them and the zeros around, and beyond."""
    edge = np.array([-2, -1.3, -1.2, -1, -0.9, 0, 0.37, 1, 1.1, 1.3, 2], np.float32)
    net = Net()
    grid = np.stack(np.meshgrid(edge, edge))[None]
    edges = [net.input("data", noise("borders", 1, 2, 4, 5)), net.input("grid", grid.astype(np.float32))]
    net.node("BilinearSampler", "sampler", edges, cudnn_off="False")
    yield case("sampler-borders", net)
    for height, width in ((1, 5), (4, 1), (3, 3)):
        net = Net()
        name = f"sampler-{height}x{width}"
        edges = [
            net.input("data", noise(name, 2, 3, height, width)),
            net.input("grid", noise(name, 2, 2, 4, 5) * 1.5),
        ]
        net.node("BilinearSampler", "sampler", edges)
        yield case(name, net)


def warped() -> Case:
    """Optical flow as networks use it: a feature map warped by the flow to another one."""
    net = Net()
    flow = net.input("flow", noise("warped", 2, 2, 4, 5, low=-2, high=2))
    grid = net.node("GridGenerator", "grid", [flow], transform_type="warp")
    net.node("BilinearSampler", "sampler", [net.input("data", noise("warped", 2, 3, 4, 5)), grid])
    return case("grid-warp-sampler", net)
