"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.parsers.case import Case, dense_or_convolution
from tests.parsers.files import ERAS


def cases() -> Iterator[Case]:
    """Convolution: every attribute, every era's files."""
    made = dense_or_convolution
    basic = {"kernel": "(3, 3)", "num_filter": "4"}
    for era in ERAS:
        yield made(f"convolution-{era}", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), era, **basic)
    yield made("convolution-v1", "Convolution_v1", (2, 3, 7, 6), (4, 3, 3, 3), **basic)
    for name, attributes in {
        "no-bias": {"no_bias": "True"},
        "no-bias-1": {"no_bias": "1"},
        "pad": {"pad": "(1, 1)"},
        "pad-uneven": {"pad": "(2, 0)"},
        "stride": {"stride": "(2, 2)"},
        "stride-uneven": {"stride": "(1, 2)", "pad": "(1, 1)"},
        "dilate": {"dilate": "(2, 2)", "pad": "(2, 2)"},
        "dilate-uneven": {"dilate": "(2, 1)"},
        "layout": {"layout": "NCHW"},
        "lists": {"kernel": "[3,3]", "pad": "[1, 1]", "stride": "[2,1]"},
        "python2": {"kernel": "(3L, 3L)", "pad": "(1L, 1L)"},
        "ignored": {
            "workspace": "1024",
            "cudnn_tune": "off",
            "cudnn_off": "True",
            "__lr_mult__": "2",
        },
    }.items():
        yield made(f"convolution-{name}", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), **(basic | attributes))
    multipliers = {"lr_mult": "2", "weight_wd_mult": "0", "ctx_group": "gpu"}
    yield made("convolution-hidden", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), "0.9", **basic, **multipliers)
    yield made(
        "convolution-kernel-uneven", "Convolution", (2, 3, 7, 6), (4, 3, 1, 5), kernel="(1, 5)", num_filter="4"
    )
    for groups, outputs in ((2, 4), (4, 4), (4, 8)):
        yield made(
            f"convolution-group-{groups}-{outputs}",
            "Convolution",
            (2, 4, 6, 7),
            (outputs, 4 // groups, 3, 3),
            kernel="(3, 3)",
            num_filter=str(outputs),
            num_group=str(groups),
            pad="(1, 1)",
        )
