"""The errors a user can act on.

Every one of them prints as one to three lines: what happened, where, and what to do about it. Anything else
that escapes is a defect of transship and keeps its traceback.
"""

from __future__ import annotations


class TransshipError(Exception):
    """Base of all errors that are shown to the user without a traceback.

    Attributes:
        what: What happened, a full sentence without a final stop.
        where: The file, node or task concerned; empty where ``what`` says it.
        fix: What the user can do, imperative; empty where nothing can be done.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        """One to three lines: ``what``, then ``where`` and ``fix`` where given, indented."""
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  to do: {self.fix}")
        return "\n".join(lines)


class BadInput(TransshipError):
    """A file or argument that is not what it has to be: truncated, malformed, of the wrong shape."""


class Unsupported(TransshipError):
    """A well-formed model that uses what transship cannot express exactly."""


class StructureOnly(UserWarning):
    """The model was read without its weights: an architecture, not a trained network."""
