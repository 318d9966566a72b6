"""Files of trained weights that a model zoo publishes: known by SHA-1 before, by SHA-256 after a download."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tasks.action import Digest


@dataclass(frozen=True)
class Published:
    """A file of a model zoo.

    Attributes:
        name: Of the file.
        sha1: Of the file, in lower-case hexadecimal; all that its publisher tells.
        base: URL of the zoo.
        path: Relative to ``base``, a zip archive that has the file as a member.
    """

    name: str
    sha1: str
    base: str
    path: str

    @property
    def key(self) -> Digest:
        """What the file's SHA-256 is recorded under; whichever mirror it came from, it is the same file."""
        return Digest.of(json.dumps({"published": self.name, "sha1": self.sha1}, sort_keys=True).encode())


def read(content: bytes) -> tuple[Published, ...]:
    """What the step ``locate`` of a toolchain found out."""
    found = json.loads(content)
    return tuple(Published(file["file"], file["sha1"], found["base"], file["path"]) for file in found["files"])
