"""The log of a run: written by several threads, read while it is written and after a kill, and shown."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from converter.errors import BadInput
from tasks.events.log import EVENTS, KEPT, Act, EventLog, StepEvent, find, folders, read
from tasks.events.trace import trace
from tests.support.chain import STEP, Chain
from tests.tasks.test_builds import wait_for

SECOND = 10**9


def event(name: str, started: float = 0.0, ended: float = 1.0, worker: int = 0) -> StepEvent:
    act = Act("0123", "emit", "host", int(started * SECOND), int(ended * SECOND))
    return StepEvent(name, "ran", int(started * SECOND), int(ended * SECOND), worker, ("before",), (act,))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    log = EventLog(tmp_path, ["convert:x"], 2)
    assert folders(tmp_path) == []
    written = [event("a"), StepEvent("b", "failed", 1, 2, error="it leaks", log="b.log")]
    for each in written:
        log.step(each)
    assert read(log.folder).end == {}
    log.end(1, {"ran": 1}, 2.5)
    record = find(tmp_path)
    assert (record.steps, record.run["arguments"], record.run["workers"]) == (written, ["convert:x"], 2)
    assert (record.end["code"], record.end["counts"], record.end["saved"]) == (1, {"ran": 1}, 2.5)


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path, [], 1)
    log.step(event("a"))
    with (log.folder / EVENTS).open("ab") as file:
        file.write(b'[]\n{"event": "step"}\n\xff\xfe\n{"event": "step", "step": "x", "more": 1}\n{"event": "st')
    assert [step.step for step in read(log.folder).steps] == ["a"]


def test_several_threads_write_whole_lines(tmp_path: Path) -> None:
    log = EventLog(tmp_path, [], 4)
    threads = [
        threading.Thread(target=lambda n=n: [log.step(event(f"s{n}-{each}")) for each in range(50)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(log.folder).steps) == 200
    assert len(folders(tmp_path)) == 1


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 5):
        (tmp_path / f"20000101-{number:06}-x").mkdir()
    log = EventLog(tmp_path, [], 1)
    log.step(event("a"))
    assert len(folders(tmp_path)) == KEPT
    assert folders(tmp_path)[0] == log.folder


def test_a_log_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    log = EventLog(tmp_path / "runs", [], 1)
    log.step(event("a"))
    log.end(0, {}, 0)
    with pytest.raises(BadInput, match="no run is on record here"):
        find(tmp_path / "runs")


def test_a_trace_has_a_row_for_each_worker_and_actions_in_their_steps(tmp_path: Path) -> None:
    log = EventLog(tmp_path, ["x"], 2)
    log.step(event("a", 1, 3, 0))
    log.step(event("b", 2, 4, 1))
    document = trace(find(tmp_path))
    rows = {each["tid"]: each["args"]["name"] for each in document["traceEvents"] if each["name"] == "thread_name"}
    assert rows == {0: "worker 0", 1: "worker 1"}
    complete = [each for each in document["traceEvents"] if each["ph"] == "X"]
    assert [(each["name"], each["tid"], each["dur"]) for each in complete] == [
        ("a", 0, 2e6),
        ("emit", 0, 2e6),
        ("b", 1, 2e6),
        ("emit", 1, 2e6),
    ]
    json.dumps(document)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "a project")


def told(chain: Chain, *words: str) -> Any:
    done = chain.doit("log", *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_run_is_on_record_with_what_its_steps_printed(chain: Chain) -> None:
    chain.write("second", STEP + "print('hello \\x1b[31mthere')\n")
    chain.doit("-n", "2")
    chain.doit()
    (run,) = told(chain)
    assert (run["arguments"], run["code"], run["counts"]) == (["make"], 0, {"ran": 4})
    ran = told(chain, "what-ran")
    assert [row["step"] for row in ran] == ["make:first", "make:second", "make:third", "make:fourth"]
    assert [act["where"] for row in ran for act in row["actions"]] == ["host"] * 4
    assert [row["step"] for row in told(chain, "critical-path")] == [row["step"] for row in ran]
    assert len(told(chain, "slowest", "--count", "2")) == 2
    shown = chain.doit("log", "show", "make:second").stdout
    assert "hello" in shown
    assert "\x1b" not in shown
    assert len(chain.doit("log", "replay").stdout.splitlines()) == 5


def test_failures_and_what_was_not_run_are_on_record(chain: Chain) -> None:
    chain.write("third", "print('it leaks'); raise SystemExit(3)")
    chain.doit("--keep-going")
    (run,) = told(chain)
    assert run["counts"] == {"ran": 2, "failed": 1, "not run": 1}
    failed = told(chain, "what-ran")[-1]
    assert (failed["step"], failed["did"]) == ("make:third", "failed")
    assert "failed with exit code 3" in failed["error"]
    assert "it leaks" in chain.doit("log", "show", "make:third").stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, None), (signal.SIGINT, 130)])
def test_a_run_that_was_stopped_is_known_as_such(chain: Chain, number: signal.Signals, code: int | None) -> None:
    started = chain.folder / "started"
    chain.write("second", f"open({str(started)!r}, 'w').close(); import time; time.sleep(60)")
    process = chain.start()
    wait_for(started)
    process.send_signal(number)
    process.communicate(timeout=20)
    (run,) = told(chain)
    assert run["code"] == code
    assert [row["step"] for row in told(chain, "what-ran")] == ["make:first"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["what-run"], "did you mean what-ran?"),
        (["what-ran", "xyz"], "no run is called 'xyz'"),
        (["what-ran", "a", "b"], "one run at a time"),
        (["show"], "show which step?"),
        (["show", "make:frist"], "printed nothing in the run"),
        (["replay", "--speed", "fast"], "'fast' is no speed"),
        (["trace", "-o", "/nonexistent/x"], "the trace cannot be written"),
    ],
)
def test_what_is_not_right_is_one_message(chain: Chain, words: list[str], said: str) -> None:
    chain.doit("make:first")
    done = chain.doit("log", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_checkout_without_runs(chain: Chain) -> None:
    assert chain.doit("log").stdout == "nothing\n"
    assert "no run is on record here" in chain.doit("log", "what-ran").stderr
    assert not (chain.folder / "build").exists()
