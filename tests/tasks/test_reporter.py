"""What a person sees of a run: lines where it is piped, a table that moves on a terminal, and no harm from either."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DODO = """
import json
import time
from functools import partial
from pathlib import Path

from converter.errors import BadInput
from tasks import report
from tasks.action import Action, Image, inputs
from tasks.execution import Execution
from tasks.doit_task import StepTask
from tasks.progress.reporter import Reporter
from tasks.session import Session, Step, default_cache

root = Path(__file__).parent
session = Session(root, default_cache())
DOIT_CONFIG = {"default_tasks": ["convert"], "reporter": Reporter(session), "backend": "sqlite3-committing"}
MODELS, TARGETS = ("resnet", "vgg"), ("caffe", "ncnn")


def execute(self, action):
    name = action.argv[0]
    pause = root / name
    (root / "at work").write_text(name)
    if pause.exists():
        time.sleep(float(pause.read_text()))
    if (root / f"{name} fails").exists():
        raise BadInput("the hull \\x1b[31mleaks", where="below", fix="pump")
    verdict = {"verdict": "exact", "outputs": [{"max_rel": 2e-6}], "forms": {}}
    verdict["model"], _, verdict["target"] = name.partition(":")[2].rpartition("-")
    return {"verify.json": self.store.put(json.dumps(verdict).encode())}, 60.0


Execution._execute = execute


def produce(names, get):
    before = produce(names[:-1], get) if names[:-1] else {}
    return get.action(Action((names[-1],), Image("host", "test"), inputs(before), ("verify.json",)))


def step(*names):
    kind, _, rest = names[-1].partition(":")
    folder = Path(*rest.rpartition("-")[::2]) if kind == "verify" else Path(kind, rest)
    return StepTask(session, Step(names[-1], partial(produce, names), folder, after=names[-2:-1]), kind)


def task_table():
    return {"actions": [lambda: print("what it came to")], "io": {"capture": False}}


def task_ir():
    for model in MODELS:
        yield step(f"ir:{model}")


def task_code():
    for pair in pairs():
        yield step(*chain(pair)[:2])


def task_verify():
    for pair in pairs():
        yield step(*chain(pair))


def task_convert():
    for pair in pairs():
        told = [(report.line, [session.build.joinpath(*pair.split("-"))])]
        yield {"name": pair, "task_dep": chain(pair)[::-1], "actions": told, "io": {"capture": False}}


def pairs():
    return [f"{model}-{target}" for model in MODELS for target in TARGETS]


def chain(pair):
    return f"ir:{pair.partition('-')[0]}", f"code:{pair}", f"verify:{pair}"
"""

PLUGINS = """
[tool.doit.plugins.command]
run = "tasks.doit_plugins:Run"

[tool.doit.plugins.backend]
sqlite3-committing = "tasks.doit_plugins:CommittingDB"
"""


class Fleet:
    """A project of two models and two targets whose steps are done at once, and say that they took a minute."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "dodo.py").write_text(DODO)
        (folder / "pyproject.toml").write_text(PLUGINS)
        self.command = [sys.executable, "-m", "doit"]
        plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        self.environment = {
            **plain,
            "PYTHONPATH": str(ROOT),
            "TRANSSHIP_CACHE": str(folder / "cache"),
            "TERM": "xterm-256color",
        }

    def doit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run doit with its output piped."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def _unsized(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` without a terminal's size, which would count for more than the terminal's own."""
    return {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}


class Terminal:
    """doit on a terminal of its own."""

    def __init__(self, fleet: Fleet, *arguments: str, **environment: str) -> None:
        self.shown = ""
        self.master, slave = pty.openpty()
        self.resize(120, 40)
        self.process = subprocess.Popen(
            [*fleet.command, *arguments],
            cwd=fleet.folder,
            env={**_unsized(fleet.environment), **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def resize(self, columns: int, lines: int) -> None:
        """Give it another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, pattern: str) -> str:
        """What is shown from now until something is seen."""
        before = len(self.shown)
        for _ in self._pieces():
            if re.search(pattern, self.shown[before:]):
                return self.shown[before:]
        raise AssertionError(f"{pattern} was never seen:\n{self.shown[before:]}")

    def end(self) -> int:
        """Wait for the end; the exit code."""
        for _ in self._pieces():
            pass
        os.close(self.master)
        return self.process.wait(timeout=20)

    def _pieces(self) -> Iterator[None]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], 1)[0]:
                try:
                    piece = os.read(self.master, 1 << 16)
                except OSError:
                    return
                self.shown += piece.decode(errors="replace")
                yield


def test_piped_output_is_lines_and_a_failure_is_told_once(fleet: Fleet) -> None:
    (fleet.folder / "ir:vgg fails").touch()
    failed = fleet.doit("--continue")
    assert failed.returncode == 1
    assert failed.stderr == "ir:vgg failed: the hull \ufffd[31mleaks\n  where: below\n  to do: pump\n"
    assert "\x1b" not in failed.stdout
    lines = failed.stdout.splitlines()
    assert lines[-1] == "10 steps: 5 ran, 1 failed, 4 not run"
    assert "resnet caffe √ exact 2e-06" in lines
    assert sum(line.startswith("ran       verify:resnet-") for line in lines) == 2


def test_the_last_line_counts_and_says_what_was_saved(fleet: Fleet) -> None:
    assert fleet.doit("verify:resnet-caffe").stdout.endswith("\n3 steps: 3 ran\n")
    assert fleet.doit("verify:resnet-caffe").stdout == "verify:resnet-caffe: up to date, nothing to run\n"
    shutil.rmtree(fleet.folder / "build")
    both = fleet.doit("convert:resnet-caffe", "convert:resnet-ncnn")
    assert both.stdout.splitlines()[-1] == "5 steps: 2 ran, 3 restored; 3 min saved"
    (fleet.folder / "build" / "resnet" / "caffe" / "verify.json").unlink()
    verified = fleet.doit("convert:resnet-caffe").stdout
    assert verified.endswith("3 steps: 1 restored, 2 up to date; 60 s saved\n"), "the rest was there"


def test_a_terminal_shows_a_table_that_moves_and_gets_it_back_when_interrupted(fleet: Fleet) -> None:
    (fleet.folder / "code:vgg-caffe").write_text("30")
    terminal = Terminal(fleet)
    wide = terminal.until(r"0:00  code:vgg-caffe")
    assert re.search(r"caffe.*ncnn", wide)
    assert re.search(r"vgg .*code", wide)
    assert "of 10 steps" in wide
    assert "\x1b[?25l" in wide
    terminal.resize(18, 9)
    terminal.until(r"ca.*nc.*\r\nresnet.*\r\nvgg.*▸.*▪.*\r\n")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "interrupted" in terminal.shown
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")
    assert "Traceback" not in terminal.shown


def test_a_terminal_shows_failures_above_the_table_without_colour_where_none_is_wanted(fleet: Fleet) -> None:
    (fleet.folder / "ir:vgg fails").touch()
    terminal = Terminal(fleet, "--continue", NO_COLOR="1")
    assert terminal.end() == 1
    assert terminal.shown.count("the hull \ufffd[31mleaks") == 1
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", terminal.shown)
    assert re.search(r"resnet .*√.*\r\n", terminal.shown)
    assert re.search(r"vgg .*!.*!", terminal.shown.rpartition("caffe")[2])
    assert terminal.shown.endswith("10 steps: 5 ran, 1 failed, 4 not run\r\n")


def test_of_one_conversion_a_terminal_shows_the_running_step_and_a_line_for_each_that_ran(fleet: Fleet) -> None:
    fleet.doit("ir:resnet", "code:resnet-ncnn")
    (fleet.folder / "code:resnet-caffe").write_text("30")
    terminal = Terminal(fleet, "convert:resnet-caffe")
    said = terminal.until("0:00  code:resnet-caffe")
    assert "ncnn" not in said
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 143
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")
    (fleet.folder / "code:resnet-caffe").write_text("0")
    terminal = Terminal(fleet, "convert:resnet-caffe")
    assert terminal.end() == 0
    assert re.search(r"ran       code:resnet-caffe  0\.\d s\r\n", terminal.shown)
    assert terminal.shown.endswith("3 steps: 2 ran, 1 up to date\r\n")


def test_what_sums_conversions_up_stands_in_place_of_the_table(fleet: Fleet) -> None:
    terminal = Terminal(fleet, "convert", "table")
    assert terminal.end() == 0
    last = terminal.shown.rpartition("what it came to")[2]
    assert "10 steps: 10 ran" in last
    assert "√" not in last
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")


def test_a_dumb_terminal_gets_lines(fleet: Fleet) -> None:
    terminal = Terminal(fleet, TERM="dumb")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.shown
    assert terminal.shown.splitlines()[-1] == "10 steps: 10 ran"
