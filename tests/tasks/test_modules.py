"""The modules of a step: all that it imports, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.digests import DigestCache
from tasks.modules import Imports, closure, companions

FILES = {
    "pkg/__init__.py": "",
    "pkg/errors.py": "import json",
    "pkg/step.py": "from pkg import errors\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pkg.lazy",
    "pkg/lazy.py": "",
    "pkg/other.py": "",
    "pkg/family/__init__.py": "from .base import name",
    "pkg/family/base.py": "from ..helpers import thing\nname = 1",
    "pkg/family/unimported.py": "def f():\n    import pkg.other",
    "pkg/helpers.py": "try:\n    import pkg.optional\nexcept ImportError:\n    pass",
    "pkg/optional.py": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_module_brings_its_imports_and_its_packages(root: Path) -> None:
    assert set(closure(root, ("pkg.step",))) == {"pkg/__init__.py", "pkg/step.py", "pkg/errors.py"}


def test_a_package_brings_all_below_it(root: Path) -> None:
    assert set(closure(root, ("pkg.family",))) == {
        "pkg/__init__.py",
        "pkg/family/__init__.py",
        "pkg/family/base.py",
        "pkg/family/unimported.py",
        "pkg/helpers.py",
        "pkg/optional.py",
    }


def test_an_entry_that_does_not_exist_is_an_error(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"pkg\.nothing"):
        closure(root, ("pkg.nothing",))


def test_a_script_brings_the_companions_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "step.py").write_text("import json\nimport weights")
    (tmp_path / "base" / "weights.py").write_text("import numpy")
    (tmp_path / "base" / "unused.py").write_text("")
    assert set(companions(tmp_path / "step.py", tmp_path / "base")) == {"step.py", "weights.py"}


def test_a_companion_may_lie_beside_the_script_and_have_its_own(tmp_path: Path) -> None:
    files = {
        "net/step.py": "import zoo\nimport weights",
        "net/zoo.py": "import cases",
        "net/weights.py": "",
        "net/other.py": "",
        "base/cases.py": "import step",
        "base/weights.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = companions(tmp_path / "net" / "step.py", tmp_path / "base")
    assert {name: path.parent.name for name, path in found.items()} == {
        "step.py": "net",
        "zoo.py": "net",
        "weights.py": "net",
        "cases.py": "base",
    }


def test_what_is_imported_is_remembered_by_content(tmp_path: Path) -> None:
    file, kept = tmp_path / "module.py", tmp_path / "imports.json"
    file.write_text("import first\n")
    digests = DigestCache(tmp_path / "digests.db")
    once = Imports(kept, digests)
    assert once.of(file, "") == ("first",)
    once.close()
    kept.write_text(kept.read_text().replace("first", "remembered"))
    assert Imports(kept, digests).of(file, "") == ("remembered",)
    file.write_text("import second\n")
    assert Imports(kept, digests).of(file, "") == ("second",)


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1}', '{"x": [1]}', "\x00"])
def test_what_is_remembered_and_is_none_is_found_again(tmp_path: Path, content: str) -> None:
    file, kept = tmp_path / "module.py", tmp_path / "imports.json"
    file.write_text("import first\n")
    kept.write_text(content)
    imports = Imports(kept, DigestCache(tmp_path / "digests.db"))
    assert imports.of(file, "") == ("first",)
    imports.close()
    assert "first" in kept.read_text()


def test_who_cannot_remember_asks_again(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("import first\n")
    imports = Imports(tmp_path / "nowhere" / "imports.json", DigestCache(tmp_path / "digests.db"))
    assert imports.of(file, "") == ("first",)
    imports.close()
    assert not (tmp_path / "nowhere").exists()
