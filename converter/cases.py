"""Inputs and outputs of several cases in one npz, keyed ``<case>/<name>``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from converter.errors import BadInput


def open_cases(path: Path) -> dict[str, Mapping[str, npt.NDArray[Any]]]:
    """Open an npz that is keyed ``<case>/<name>``; an array is read when it is asked for, and not kept.

    Raises:
        BadInput: Not such a file.
    """
    try:
        archive = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise BadInput(f"The arrays cannot be read: {error}", where=str(path)) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise BadInput("The file holds a single array, not an npz of cases", where=str(path))
    cases: dict[str, dict[str, str]] = {}
    for key in archive.files:
        case, slash, name = key.partition("/")
        if not slash or not name:
            raise BadInput(f'The key "{key}" is not "<case>/<name>"', where=str(path))
        cases.setdefault(case, {})[name] = key
    return {case: _Stored(archive, keys) for case, keys in cases.items()}


class _Stored(Mapping[str, npt.NDArray[Any]]):
    """The arrays of one case in an npz, read one by one: a trace of a large network need not fit into memory."""

    def __init__(self, archive: Mapping[str, npt.NDArray[Any]], keys: Mapping[str, str]) -> None:
        self._archive = archive
        self._keys = keys

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        key = self._keys[name]
        try:
            return self._archive[key]
        except (ValueError, EOFError, BadZipFile) as error:
            raise BadInput(f"The array {key} cannot be read: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
