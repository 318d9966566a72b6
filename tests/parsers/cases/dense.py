"""Dense layers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, dense_or_convolution
from tests.parsers.files import ERAS


def cases() -> Iterator[Case]:
    """FullyConnected: with and without bias and flattening."""
    made = dense_or_convolution
    yield made("dense", "FullyConnected", (3, 8), (5, 8), num_hidden="5")
    yield made("dense-no-bias", "FullyConnected", (3, 8), (5, 8), num_hidden="5", no_bias="True")
    for era in ERAS:
        yield made(f"dense-flatten-{era}", "FullyConnected", (3, 2, 4, 3), (5, 24), era, num_hidden="5")
    for bias in ("False", "True"):
        attributes = {"num_hidden": "5", "flatten": "False", "no_bias": bias}
        yield made(f"dense-keep-axes-no-bias-{bias}", "FullyConnected", (3, 6, 8), (5, 8), **attributes)
    yield made("dense-keep-axes-2d", "FullyConnected", (3, 8), (5, 8), num_hidden="5", flatten="False")
