"""Which Python modules a step uses: the files that go into its action, no more and no fewer.

Imports at the top level of a module are followed through its syntax tree, nothing is executed. A package named as an
entry brings all modules below it, because parsers and emitters register themselves. What a step imports later, inside
a function, has to be an entry of its own; if it is not, the import fails when the step runs, since nothing else is
staged.
"""

from __future__ import annotations

import ast
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.digests import DigestCache


class Imports:
    """What modules import, as their syntax tree says; remembered across runs, by their content.

    What is remembered only saves time: where it cannot be read or written, modules are parsed.
    """

    def __init__(self, path: Path | None = None, digests: DigestCache | None = None) -> None:
        """Remember in the file ``path``, with ``digests`` to know content by."""
        self._path = path
        self._digests = digests
        self._known: dict[str, list[str]] = _read(path) if path else {}
        self._count = len(self._known)
        self._asked: dict[tuple[Path, str], tuple[str, ...]] = {}

    def of(self, file: Path, package: str) -> tuple[str, ...]:
        """Names that the file imports at its top level, conditional blocks included, absolute."""
        if (file, package) not in self._asked:
            digest = self._digests.of(file) if self._digests else None
            if digest is None:
                self._asked[file, package] = _imported(file, package)
            else:
                key = f"{digest.hash}:{package}"
                if key not in self._known:
                    self._known[key] = list(_imported(file, package))
                self._asked[file, package] = tuple(self._known[key])
        return self._asked[file, package]

    def close(self) -> None:
        """Write down what is new."""
        if self._path is None or len(self._known) == self._count:
            return
        partial = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}")
        with suppress(OSError):
            try:
                partial.write_text(json.dumps(dict(list(self._known.items())[-_MOST:])))
                partial.replace(self._path)
            finally:
                partial.unlink(missing_ok=True)


_MOST = 5000
"""Modules that are remembered, in all their versions."""


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    is_right = isinstance(found, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in found.values()
    )
    return found if is_right else {}


PARSED = Imports()
"""Of who remembers nothing beyond this process."""


@cache
def closure(root: Path, entries: tuple[str, ...], imports: Imports = PARSED) -> Mapping[str, Path]:
    """The files below ``root`` that the modules and packages ``entries`` need, by relative path.

    A process asks for the same closures again and again; it gets the answer of the first time.

    Raises:
        FileNotFoundError: An entry is no module below ``root``.
    """
    files: dict[str, Path] = {}
    pending = [name for entry in entries for name in _expand(root, entry)]
    while pending:
        name = pending.pop()
        file = _file(root, name)
        if file is None:
            raise FileNotFoundError(f"no module {name} below {root}")
        relative = file.relative_to(root).as_posix()
        if relative not in files:
            files[relative] = file
            pending.extend(_imports(root, name, file, imports))
    return MappingProxyType(files)


def _expand(root: Path, entry: str) -> Iterator[str]:
    """The module, its parent packages, and for a package everything below it."""
    parts = entry.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    folder = root.joinpath(*parts)
    for file in sorted(folder.rglob("*.py")):
        module = file.relative_to(root).with_suffix("").parts
        yield ".".join(module[:-1] if module[-1] == "__init__" else module)


@cache
def _file(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _imports(root: Path, name: str, file: Path, imports: Imports) -> Iterator[str]:
    is_package = file.name == "__init__.py"
    for imported in imports.of(file, name if is_package else name.rpartition(".")[0]):
        parts = imported.split(".")
        for end in range(1, len(parts) + 1):
            module = ".".join(parts[:end])
            if _file(root, module) is not None:
                yield module


def _imported(file: Path, package: str) -> tuple[str, ...]:
    names: list[str] = []
    pending: list[ast.stmt] = list(ast.parse(file.read_bytes(), str(file)).body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.Import):
            names.extend(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - statement.level + 1]
            base = ".".join([*parts, *filter(None, [statement.module])]) if statement.level else statement.module
            names.extend(f"{base}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.If | ast.Try) and not _is_type_checking(statement):
            pending.extend(child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt))
    return tuple(names)


def _is_type_checking(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test)


def companions(script: Path, folder: Path, imports: Imports = PARSED) -> dict[str, Path]:
    """A container step's script and the modules that it imports, by the name each is staged under.

    Modules are looked for beside the script, then in ``folder``.
    """
    files: dict[str, Path] = {}
    pending = [script]
    while pending:
        file = pending.pop()
        files[file.name] = file
        for name in {f"{name.partition('.')[0]}.py" for name in imports.of(file, "")} - files.keys():
            places = (place / name for place in (script.parent, folder))
            pending.extend(next(([path] for path in places if path.is_file()), []))
    return files
