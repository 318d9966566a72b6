"""The photographs that models are verified on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.errors import BadInput
from tasks.action import Tree
from tasks.execution import Outputs
from tasks.manifest import Source, load_source


@dataclass(frozen=True)
class Photographs:
    """Photographs from one source or several.

    Attributes:
        sources: Where they come from.
    """

    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        """Check that no two have one name.

        Raises:
            BadInput: Two have.
        """
        names = [name for source in self.sources for name in source.tree]
        if doubles := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(f"two photographs are called {doubles[0]}", fix="rename one of them")

    @property
    def tree(self) -> Tree:
        """All of them by file name."""
        return {name: digest for source in self.sources for name, digest in source.tree.items()}

    def get(self, outputs: Outputs) -> Tree:
        """All of them, in the store."""
        return {name: digest for source in self.sources for name, digest in outputs.download(source).items()}


def usual() -> Photographs:
    """The two that every model is verified on."""
    return Photographs((load_source(Path(__file__).with_suffix(".toml")),))
