"""Correlation."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Net

VARIANTS = {
    "default": {},
    "flownet": {"pad_size": "2", "kernel_size": "1", "max_displacement": "2", "stride1": "1", "stride2": "1"},
    "stride2": {"pad_size": "4", "max_displacement": "4", "stride2": "2"},
    "remainder": {"pad_size": "3", "max_displacement": "3", "stride2": "2"},
    "stride1": {"pad_size": "2", "max_displacement": "2", "stride1": "2"},
    "kernel": {"kernel_size": "3", "pad_size": "2", "max_displacement": "1"},
    "kernel-stride": {"kernel_size": "3", "pad_size": "3", "max_displacement": "2", "stride1": "2", "stride2": "2"},
    "still": {"max_displacement": "0"},
    "difference": {"pad_size": "1", "is_multiply": "False"},
    "difference-kernel": {"kernel_size": "3", "pad_size": "3", "max_displacement": "2", "is_multiply": "0"},
}


def cases() -> Iterator[Case]:
    """Patches, displacements, strides, padding; products and differences."""
    for name, attributes in VARIANTS.items():
        yield correlation(name, "1.x", attributes)
    yield correlation("flownet", "0.9", VARIANTS["flownet"] | {"is_multiply": "True"})


def correlation(name: str, era: str, attributes: dict[str, str]) -> Case:
    """A correlation of two feature maps of unequal height and width."""
    net, identity = Net(era), f"correlation-{name}-{era}"
    edges = [net.input(key, noise(identity + key, 2, 3, 5, 6)) for key in ("data1", "data2")]
    net.node("Correlation", "correlation", edges, **attributes)
    return case(identity, net)
