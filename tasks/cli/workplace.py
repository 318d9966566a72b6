"""Where a command works: the project's toolchains and cache, and the folder that the user named."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from converter.errors import BadInput, TransshipError
from tasks import manifest
from tasks.action import Tree
from tasks.cli.given import local_file
from tasks.cli.running import Creator
from tasks.execution import Miss
from tasks.manifest import Manifest, Source
from tasks.photographs import Photographs, usual
from tasks.plan import Plan
from tasks.session import Session, default_cache
from tasks.store import Missing

MARK: Final = "transship.json"
"""In a folder that transship has made: what is in it."""

_LARGEST = 1 << 24
"""Of a mark, in bytes."""


def root() -> Path:
    """The project: the folder of ``images/`` and ``models/``.

    Raises:
        BadInput: This is an installed package, which has neither.
    """
    found = Path(__file__).resolve().parents[2]
    if not (found / "images").is_dir():
        raise BadInput(
            "the toolchains' images are described in the project's repository, and are not here",
            where=str(found / "images"),
            fix="run transship from a clone: make setup, then .venv/bin/transship",
        )
    return found


def session(output: Path | None = None, places: Mapping[str, Path] | None = None) -> Session:
    """A session that puts what it makes into ``output``, in which ``places`` says where a model is."""
    return Session(root(), default_cache(), output=output and output.resolve(), places=places or {})


class Conversions(Plan):
    """The plan of one model, whose folder is the one that the user named.

    Attributes:
        model: The model.
    """

    def __init__(self, model: Manifest, session: Session, images: Sequence[Path] = ()) -> None:
        own = Source(tuple(local_file("photograph", path, session.digests.of) for path in images))
        super().__init__(session, {model.name: model}, photographs=Photographs((*usual().sources, own)))
        self.model = model

    def tasks(self) -> dict[str, Creator]:
        """All steps, by kind."""
        return {
            "image": self.images,
            "download": self.downloads,
            "ir": self.irs,
            "reference": self.references,
            "code": self.codes,
            "checkpoint": self.checkpoints,
            "verify": self.verifications,
        }

    def predicted(self, place: str) -> Tree | None:
        """What its step puts into the folder ``place``: ``ir``, ``cntk/code``; None where no record says it."""
        target, _, kind = place.rpartition("/")
        steps, get = self._conversion(self.model), self.session.look_up()
        try:
            match kind:
                case "source":
                    return steps.source(get)
                case "ir":
                    return steps.ir(get)
                case "code":
                    return steps.code(get, target)
            return steps.checkpoint(get, target)
        except (Miss, Missing, TransshipError):
            return None

    def tell(self, model: Manifest, target: str) -> None:
        """Nothing: results are shown at the end, all of them."""


def claim(folder: Path, content: Mapping[str, Any]) -> None:
    """Make ``folder`` one of transship's, and write down what is in it, beside what was written down before.

    Raises:
        BadInput: It is a file, cannot be written to, or holds what others have put there.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
            raise BadInput(
                "the folder is not empty, and nothing in it is of transship's",
                where=str(folder),
                fix="name another one",
            )
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / MARK, {**(read_mark(folder) or {}), **content})
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput("this is a file, and a folder is needed", where=str(folder), fix="name another one") from error
    except OSError as error:
        raise BadInput(f"the folder cannot be written to: {error.strerror}", where=str(folder)) from error


def read_mark(folder: Path) -> dict[str, Any] | None:
    """What is in a folder that transship has made; None for any other."""
    try:
        with (folder / MARK).open("rb") as file:
            content = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` to ``path``, as a whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        fresh.write_bytes(text.encode("utf-8", "surrogatepass"))  # as JSON may have them
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def known() -> dict[str, Manifest]:
    """All models that have a manifest, and their seeded variants, by name."""
    return manifest.load_all(root() / "models")
