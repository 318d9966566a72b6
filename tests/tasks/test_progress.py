"""The course of a run and its picture, on consoles that are looked at."""

from __future__ import annotations

import io
import sys
import time

import pytest
from rich.console import Console

from tasks.builder import Progress
from tasks.download import shown
from tasks.progress.course import Course, Left, Pair, planned
from tasks.progress.display import Display, running, table, whole
from tasks.progress.words import about, clock, count
from tasks.targets import TARGETS
from tasks.terminal import harmless

MODELS = ("imagenet1k-resnet-152-seeded", "squeezenet_v1.0", "vgg19")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clocked() -> Clock:
    return Clock()


@pytest.fixture
def course(clocked: Clock) -> Course:
    """Three models to every target: download, IR, code, verdict."""
    conversions = {
        Pair(model, target): [f"verify:{model}-{target}", f"code:{model}-{target}", f"ir:{model}"]
        for model in MODELS
        for target in TARGETS
    }
    steps = dict.fromkeys((step for each in conversions.values() for step in each), "")
    return Course(["table"], steps, conversions, now=clocked)


def drawn(course: Course, width: int, height: int | None = None) -> list[str]:
    """The table in a terminal of that size, without colours."""
    console = Console(file=io.StringIO(), width=width, height=height or 100)
    with console.capture() as capture:
        console.print(table(course, width, height))
    lines = capture.get().splitlines()
    assert all(len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


def run(course: Course, step: str, outcome: str = "ran") -> None:
    course.begin(step)
    course.end(step, outcome)


def test_times_and_counts_are_read_at_a_glance() -> None:
    assert [clock(seconds) for seconds in (0.9, 67, 3723)] == ["0:00", "1:07", "1:02:03"]
    assert [about(seconds) for seconds in (0.4, 14.4, 99, 2460, 7500)] == [
        "0 s",
        "14 s",
        "99 s",
        "41 min",
        "2 h 05 min",
    ]
    done = ["restored"] * 600 + ["up to date"] * 36 + ["ran"] * 12
    assert count(done, 2460) == "648 steps: 12 ran, 600 restored, 36 up to date; 41 min saved"
    assert count(["failed", "not run"], 0.9) == "2 steps: 1 failed, 1 not run"
    assert count(["ran"], 0) == "1 step: 1 ran"


def test_the_tasks_of_a_run_are_what_is_selected_and_all_that_it_needs() -> None:
    tasks = {"convert": ["convert:a", "convert:b"], "convert:a": ["v:a", "ir"], "convert:b": ["v:b", "ir"]}
    tasks |= {"v:a": [], "v:b": [], "ir": [], "v:c": []}
    assert planned(tasks, ["convert"]) == ["convert", "convert:a", "v:a", "ir", "convert:b", "v:b"]


def test_a_conversion_goes_through_its_stages(course: Course) -> None:
    vgg = Pair("vgg19", "caffe")
    assert course.stage(vgg) == "waiting"
    course.begin("ir:vgg19")
    assert {course.stage(pair) for pair in course.conversions if course.is_at_work(pair)} == {"ir"}
    assert {pair.model for pair in course.conversions if course.is_at_work(pair)} == {"vgg19"}
    course.end("ir:vgg19", "ran")
    run(course, "code:vgg19-caffe")
    assert (course.stage(vgg), course.stage(Pair("vgg19", "ncnn"))) == ("code", "ir")
    assert not course.is_at_work(vgg)
    course.settle(vgg, "exact")
    course.settle(vgg, "failed")
    assert course.stage(vgg) == "exact", "the first word holds"


def test_what_a_failed_step_was_for_has_failed(course: Course) -> None:
    course.fail("verify:vgg19-caffe", "differs")
    course.fail("ir:vgg19", "failed")
    stages = {target: course.stage(Pair("vgg19", target)) for target in TARGETS}
    assert stages == {**dict.fromkeys(TARGETS, "failed"), "caffe": "differs"}
    assert course.stage(Pair("squeezenet_v1.0", "caffe")) == "waiting"


def test_what_is_left_is_told_from_what_is_known(course: Course, clocked: Clock) -> None:
    known = {"verify:vgg19-caffe": 30.0, "ir:vgg19": 10.0, "code:vgg19-caffe": 1.0}
    total = len(course.steps)
    assert course.left(known.get) == Left(41.0, total - 3)
    course.begin("ir:vgg19")
    clocked.seconds += 4
    assert course.left(known.get) == Left(37.0, total - 3)
    clocked.seconds += 40
    assert course.left(known.get).seconds == 31.0, "never less than nothing"
    assert course.end("ir:vgg19", "ran") == 44.0
    course.end("verify:vgg19-caffe", "restored")
    assert course.left(known.get) == Left(1.0, total - 3)
    assert (course.finished, course.cached) == (2, 1)
    assert (
        whole(course, known.get).plain
        == f"2 of {total} steps  0:44  at most 1 s to go  {total - 3} steps not counted  1 from the cache"
    )


def test_of_what_nothing_is_known_no_duration_is_told(course: Course, clocked: Clock) -> None:
    course.begin("ir:vgg19")
    clocked.seconds += 12
    assert running(course, lambda _: None).plain == "0:12  ir:vgg19"
    assert running(course, lambda _: 14.0).plain == "0:12  ir:vgg19  usually 14 s"
    assert "to go" not in whole(course, lambda _: None).plain


def test_a_wide_terminal_shows_stages_in_words_and_verdicts_as_symbols(course: Course) -> None:
    for step in ("verify:vgg19-ncnn", "code:vgg19-ncnn"):
        course.end(step, "restored")
    for target, verdict in (("caffe", "exact"), ("cntk", "close"), ("keras", "differs"), ("ncnn", "exact")):
        course.settle(Pair("vgg19", target), verdict)
    course.begin("code:vgg19-pytorch")
    heading, *rows = drawn(course, 160)
    assert heading.split() == list(TARGETS)
    assert rows[0].split() == [MODELS[0], *"·········"]
    assert rows[2].split() == ["vgg19", "√", "o", "·", "✗", "·", "√", "cached", "·", "code", "·"]


def test_narrow_terminals_show_signs_and_first_letters(course: Course) -> None:
    course.begin("code:vgg19-pytorch")
    run(course, "code:vgg19-caffe")
    course.begin("code:vgg19-pytorch")
    heading, *rows = drawn(course, 100)
    assert heading.split() == list(TARGETS)
    assert rows[2].split() == ["vgg19", *"▪······▸·"]
    heading, *rows = drawn(course, 60)
    assert heading.split() == [target[:2] for target in TARGETS]
    assert len(set(heading.split())) == len(TARGETS)
    assert rows[2].split() == ["vgg19", *"▪······▸·"]
    assert len(drawn(course, 12)) == 4, "whatever that shows"


def test_low_terminals_show_the_rows_at_work(course: Course) -> None:
    for target in TARGETS:
        course.settle(Pair(MODELS[0], target), "exact")
    course.begin("ir:vgg19")
    assert [line.split()[0] for line in drawn(course, 160, 9)[1:]] == ["vgg19", "and"]
    assert drawn(course, 160, 9)[-1] == "and 2 more"
    assert [line.split()[0] for line in drawn(course, 160, 10)[1:]] == list(MODELS)


def test_builds_and_downloads_are_shown_below_the_table(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, force_interactive=True, width=160, height=40, _environ={})
    monkeypatch.setattr("tasks.terminal.console", lambda: console)
    monkeypatch.setattr("tasks.download.PATIENCE", 0.0)
    display = Display(course, lambda _: None, console)
    display.start()
    with Progress() as building:
        building.step("image mxnet  3/7 RUN make")
        building.detail("compiling")
        with shown("model.params", 1000) as tell:
            tell(500, None)
            time.sleep(0.4)
            console.print("a line above")
        building.note("noted")
    sys.stdout.write("printed\n")
    display.stop()
    said = screen.getvalue()
    last = said[said.rindex("a line above") :]
    assert last.index("squeezenet") < last.index("compiling") < last.index("download model.params")
    assert "printed" in said
    assert "image mxnet  3/7 RUN make  0 s" in said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
    assert sys.stdout.__class__.__name__ != "FileProxy"


def test_text_from_strangers_cannot_steer_a_terminal() -> None:
    assert harmless("a\tb\nc √ é") == "a\tb\nc √ é"
    assert harmless("\x1b]0;title\x07 \x9b31m \r \u202e") == "\ufffd]0;title\ufffd \ufffd31m \ufffd \ufffd"
