"""Which format a file is of, by its content: a few bytes at its beginning, bounded, whatever it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.errors import BadInput


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
    framework: str
    role: str = ""
    fix: str = ""


def recognise(path: Path) -> Format:
    """The format of the file ``path``.

    Raises:
        BadInput: It cannot be read, or is of no format that is known.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if start.lstrip().startswith(b"{"):
        return Format("mxnet-symbol", "MXNet symbol", "mxnet", "network")
    if start.startswith(b"\x12\x01\0\0\0\0\0\0"):
        return Format("mxnet-params", "MXNet parameters", "mxnet", "weights")
    raise BadInput("not a file of a model", where=str(path))
