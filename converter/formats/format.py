"""What a format is."""

from __future__ import annotations

from dataclasses import dataclass

OWN_WAY = "conversions do not start from it; if it was made of an MXNet model, give that one"


@dataclass(frozen=True)
class Format:
    """A format of models' files.

    Attributes:
        name: For scripts: ``mxnet-symbol``.
        title: For people.
        framework: The framework that it is of, as ``--from`` and ``--to`` call it; empty for none of these.
        role: What the file is to a model that can be read: ``network`` or ``weights``; empty for any other.
        fix: What to do with it, where it cannot be read.
    """

    name: str
    title: str
    framework: str = ""
    role: str = ""
    fix: str = OWN_WAY
