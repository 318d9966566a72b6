"""The report as a task: gathers what is on record, and writes the page, the JSON and the Markdown at once."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from converter.errors import BadInput, TransshipError
from tasks import matrix, publish
from tasks.action import Tree
from tasks.conversion import Conversion
from tasks.execution import Miss
from tasks.manifest import Manifest
from tasks.photographs import Photographs
from tasks.session import Session
from tasks.store import Missing
from tasks.timings import Noted

FOLDER = Path("report")
"""Where the report is, relative to ``build/``."""

_UNKNOWN = (Miss, Missing, TransshipError, OSError)
"""What asking the records for a result may raise where there is none."""


@dataclass
class Reporting:
    """A report of some pairs of a model and a target.

    Everything in it is what the sources of now lead to, as far as it is on record: what a conversion that no longer
    runs once was judged to be, and still lies in ``build/``, is not told.

    Attributes:
        session: The process's state.
        pairs: Models and targets.
        conversion: A model's steps.
        photographs: Which every model is verified on.
        today: The date, as it is to be shown.
    """

    session: Session
    pairs: Sequence[tuple[Manifest, str]]
    conversion: Callable[[Manifest], Conversion]
    photographs: Photographs
    today: str

    @cached_property
    def document(self) -> matrix.Document:
        """The document; its date is that of the one written before, where nothing else has changed since."""
        found = matrix.document(
            {model.name: model for model, _ in self.pairs}.values(),
            [cell for model, target in self.pairs if (cell := self._cell(model, target))],
            self._photographs(),
            generated=self.today,
            version=tomllib.loads((self.session.root / "pyproject.toml").read_text())["project"]["version"],
        )
        before = self._before()
        undated = {**found, "generated": before.get("generated", "")}
        return undated if json.loads(matrix.as_json(undated)) == before else found

    def is_current(self) -> bool:
        """Whether ``build/report/`` is what would be written."""
        if not self.pairs:
            return False
        return publish.is_published(self._files, self._folder, self.session.digests, whole=True)

    def write(self) -> None:
        """Write ``build/report/``, and print the matrix.

        Raises:
            BadInput: There is nothing to report.
        """
        if not self.pairs:
            raise BadInput(
                "nothing has been verified yet of what is asked for, there is nothing to report",
                fix="convert something first, or name models: doit report models='squeezenet*' weights=seeded",
            )
        from tasks import report

        session = self.session
        publish.publish(session.store, self._files, self._folder, session.build, session.run, whole=True)
        self.print()
        report.path(self._folder / "index.html")

    def print(self) -> None:
        """Print the matrix."""
        from tasks import report

        report.show(self.document)

    @property
    def _folder(self) -> Path:
        return self.session.build / FOLDER

    @cached_property
    def _files(self) -> Tree:
        from tasks import page

        files = {
            "index.html": page.render(self.document).encode("utf-8", "replace"),
            "matrix.json": matrix.as_json(self.document),
            "matrix.md": matrix.markdown(self.document).encode(),
        }
        return {name: self.session.store.put(content) for name, content in files.items()}

    def _before(self) -> dict[str, Any]:
        """The content of ``matrix.json`` as it is there; empty where there is none that can be read."""
        try:
            found = json.loads((self._folder / "matrix.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _cell(self, model: Manifest, target: str) -> matrix.Document | None:
        steps, noted = self.conversion(model), Noted(self.session.look_up())
        try:
            verified = steps.verdict(steps.verify(noted, target))
        except _UNKNOWN:
            return None
        timings = noted.timings()
        return matrix.cell(
            model,
            target,
            verified,
            layers=self._read(lambda: steps.layers(noted, target)),
            top=self._read(lambda: steps.top(noted, target)) or {},
            timings=timings,
            files=self._sizes(self.session.build / self.session.place(model.name) / target),
        )

    def _read(self, produce: Callable[[], Tree]) -> dict[str, Any] | None:
        """The content of the one file that a step is on record to have written."""
        try:
            (digest,) = produce().values()
            content: dict[str, Any] = json.loads(self.session.store.read(digest))
        except _UNKNOWN:
            return None
        return content

    def _sizes(self, folder: Path) -> list[dict[str, Any]]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [
            {"path": f"../{path.relative_to(self.session.build).as_posix()}", "size": path.stat().st_size}
            for path in files
        ]

    def _photographs(self) -> dict[str, bytes]:
        found = {}
        for name, digest in sorted(self.photographs.tree.items()):
            with suppress(Missing):
                found[Path(name).stem] = self.session.store.read(digest)
        return found
