"""Names for files, layers and variables: safe where they are used, and none given out twice."""

from __future__ import annotations

import keyword
import re

_FILE_LENGTH = 100


class Names:
    """Gives out names, none of them twice.

    Args:
        taken: Names that are not to be given out.
        separator: What stands between a name and the number that makes it another one.
    """

    def __init__(self, *taken: str, separator: str = "_") -> None:
        self._taken = set(taken)
        self._separator = separator

    def take(self, wanted: str) -> str:
        """Return ``wanted``, or where that is taken ``wanted`` with the first free number from 2 on."""
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}{self._separator}{number}", number + 1
        self._taken.add(name)
        return name


def file_stem(name: str | None) -> str:
    """``name`` as the beginning of a file's name: ASCII letters, digits, ``.``, ``_`` and ``-``, not hidden."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name or "")[:_FILE_LENGTH].lstrip("._-") or "model"


def identifier(text: str) -> str:
    """``text`` as an ASCII identifier of Python that is no keyword: ``stage1/conv-1`` is ``stage1_conv_1``."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "value"
    name = f"_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def class_name(text: str) -> str:
    """``text`` as the name of a class: ``mtcnn-onet`` is ``MtcnnOnet``."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]
    name = "".join(word[:1].upper() + word[1:] for word in words) or "Model"
    name = f"Model{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name
