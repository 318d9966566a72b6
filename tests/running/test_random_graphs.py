"""Whatever happens to a build on its way, the next plain run ends where a clean one does, and then nothing runs."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.web import FAILS, Web, any_graph

GRAPHS, AT_ONCE = 500, 50


def edit(web: Web, choose: random.Random) -> None:
    """Another input of some step."""
    web.texts[choose.choice(list(web.reads))] = (str(choose.random()).encode(), b"")


def comment(web: Web, choose: random.Random) -> None:
    """Another input that makes no difference to the output."""
    name = choose.choice(list(web.reads))
    web.texts[name] = (web.texts[name][0], str(choose.random()).encode())


def fail(web: Web, choose: random.Random) -> None:
    """A step that fails, for one run."""
    name = choose.choice(list(web.reads))
    before = web.texts[name]
    web.texts[name] = (FAILS, b"")
    code, ran = web.run(workers=choose.randint(1, 3), keep_going=choose.random() < 0.5)
    assert code in (1, 2)
    assert name in ran or any(text[0] == FAILS for text in web.texts.values())
    web.texts[name] = before


def kill(web: Web, choose: random.Random) -> None:
    """SIGKILL at any moment."""
    web.killed(choose.uniform(0.0, 0.03), workers=choose.randint(1, 3))


def build_some(web: Web, choose: random.Random) -> None:
    """A part of it."""
    web.run(choose.choice(list(web.reads)), workers=choose.randint(1, 3))


def damage(web: Web, choose: random.Random) -> None:
    """Blobs that are gone, or are not what their names say."""
    for blob in _some(web.cache / "cas", choose):
        if choose.random() < 0.5:
            blob.unlink()
        else:
            blob.chmod(0o644)
            blob.write_bytes(blob.read_bytes()[::-1] + b"x" * choose.randint(0, 1))


def forget(web: Web, choose: random.Random) -> None:
    """Results that are gone or cut off."""
    for record in _some(web.cache / "ac", choose):
        if choose.random() < 0.5:
            record.unlink()
        else:
            record.chmod(0o644)
            record.write_bytes(record.read_bytes()[: choose.randint(0, 40)])


def tamper(web: Web, choose: random.Random) -> None:
    """Files in build/ that were written to, removed or added."""
    for path in _some(web.build, choose):
        path.unlink()
        if choose.random() < 0.5:
            path.write_bytes(b"tampered")
    if web.build.is_dir() and choose.random() < 0.3:
        (web.build / choose.choice(list(web.reads))).mkdir(exist_ok=True)
        (web.build / choose.choice(list(web.reads)) / "more").mkdir(exist_ok=True, parents=True)


def remove(web: Web, choose: random.Random) -> None:
    """No build folder at all."""
    shutil.rmtree(web.build, ignore_errors=True)


EVENTS: tuple[Callable[[Web, random.Random], None], ...] = (
    edit,
    comment,
    fail,
    kill,
    build_some,
    damage,
    forget,
    tamper,
    remove,
)


def _some(folder: Path, choose: random.Random) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return choose.sample(files, min(len(files), choose.randint(1, 4)))


@pytest.mark.parametrize("start", range(0, GRAPHS, AT_ONCE))
def test_any_graph_whatever_happens(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + AT_ONCE):
        choose = random.Random(seed)
        web = Web(tmp_path / str(seed), any_graph(choose, 9))
        happened = [choose.choice(EVENTS) for _ in range(choose.randint(1, 5))]
        told = f"graph {seed}: {web.reads}, {[event.__name__ for event in happened]}"
        for event in happened:
            event(web, choose)
        code, _ = web.run(workers=choose.randint(1, 4))
        assert (code, web.failed) == (0, {}), told
        assert web.contents() == web.clean(), told
        assert web.run(workers=choose.randint(1, 4)) == (0, []), told
        shutil.rmtree(web.folder)
