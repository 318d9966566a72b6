"""Which format a file is of: by its content, a few bytes of it, whatever it is called."""

from __future__ import annotations

from pathlib import Path

from converter.errors import BadInput
from converter.formats import binary, text
from converter.formats.format import Format
from converter.formats.sample import Sample

__all__ = ["Format", "recognise"]

_RULES = (*binary.RULES, *text.RULES)


def recognise(path: Path) -> Format:
    """The format of the file or folder ``path``.

    Looks at 64 KiB at the beginning, at the names in an archive, or at some lengths in a protobuf message: never at
    all of it, and executes none of it.

    Raises:
        BadInput: It cannot be read, is empty, or is of no format that is known.
    """
    try:
        sample = Sample.of(path)
        if not sample.is_folder and not sample.size:
            raise BadInput("the file is empty", where=str(path), fix="download or write it again")
        for matches, found in _RULES:
            if matches(sample):
                return found
    except FileNotFoundError:
        raise BadInput("there is no such file", where=str(path)) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path)) from error
    what = "a folder of no model" if sample.is_folder else "of no format that is known"
    raise BadInput(what, where=str(path), fix="name the files of a model, as x-symbol.json and x-0000.params")
