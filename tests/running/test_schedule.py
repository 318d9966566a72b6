"""Which task comes next, in every situation that a build gets into."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.running.resources import NOTHING, Needs, machine, needs
from tasks.running.schedule import Outcome, Schedule, Wants
from tests.running.simulation import Graph, Simulation, graph

CONVERSION = """
convert: verify checkpoint code ir download {0}
verify: | reference checkpoint {3}
checkpoint: | code {2}
code: | ir
reference: | download {4}
ir: | download
download:
"""


def test_what_is_asked_for_last_is_looked_at_first_and_what_it_needs_runs_before() -> None:
    run = Simulation(graph(CONVERSION))
    assert run.run("convert") == ["download", "reference", "ir", "code", "checkpoint", "verify", "convert"]
    assert run.told[:3] == ["check verify", "check reference", "check download"]


def test_nothing_above_what_is_current_is_looked_at_for_it() -> None:
    run = Simulation(graph(CONVERSION), current=["verify"])
    run.run("verify")
    assert run.told == ["check verify"]


def test_only_what_is_missing_runs() -> None:
    everything = {"convert", "verify", "checkpoint", "code", "ir", "reference", "download"}
    run = Simulation(graph(CONVERSION), current=everything - {"checkpoint", "convert"})
    assert run.run("convert") == ["checkpoint", "convert"]
    assert "check reference" not in run.told


def test_one_at_a_time_comes_depth_first_in_the_order_of_the_names() -> None:
    run = Simulation(graph("a: b c\nb: d\nc: d\nd\ne: c"))
    assert run.run("e", "a") == ["d", "c", "e", "b", "a"]


def test_what_several_need_is_done_once() -> None:
    run = Simulation(graph("a: | c\nb: | c\nc"), workers=2)
    assert sorted(run.run("a", "b")) == ["a", "b", "c"]
    assert run.told.count("check c") == 1


def test_a_chain_of_setups_comes_before_all_that_was_asked_for_before() -> None:
    run = Simulation(graph("a: | x\nb\nx: | y\ny"))
    assert run.run("a", "b") == ["y", "x", "a", "b"]


def test_a_task_asked_for_later_is_done_sooner_where_it_is_needed() -> None:
    run = Simulation(graph("a: | c\nb\nc"))
    assert run.run("a", "b", "c") == ["c", "a", "b"]


def test_a_failure_ends_the_run_and_lets_what_is_at_work_finish() -> None:
    run = Simulation(graph("a {1}\nb {2}\nc: a\nd: b"), workers=2, failing=["a"])
    assert run.run("c", "d") == ["a", "b"]
    assert run.told[-1] == "done b"
    assert run.outcomes == {"a": Outcome.FAILED, "b": Outcome.DONE}


def test_keeping_going_skips_what_needs_the_failed_one_and_does_the_rest() -> None:
    run = Simulation(graph("a\nb\nc: a\nd: c\ne: b"), failing=["a"], keep_going=True)
    assert run.run("d", "e") == ["a", "b", "e"]
    assert [line for line in run.told if line.startswith("skip")] == ["skip c", "skip d"]


def test_the_longest_chain_comes_first() -> None:
    text = """
    end: short long {0}
    short {1}
    other {1}
    long: middle {3}
    middle: start {3}
    start {3}
    all: end other {0}
    """
    first_come = Simulation(graph(text), workers=2)
    first_come.run("other", "all")
    by_weight = Simulation(graph(text), workers=2, by_weight=True)
    assert by_weight.run("other", "all")[0] == "start"
    assert by_weight.now == 9
    assert by_weight.now <= first_come.now


def test_a_chain_that_turns_out_to_be_needed_is_counted() -> None:
    run = Simulation(graph("a: | b {1}\nb {9}\nc {2}\nd {2}"), workers=1, by_weight=True)
    assert run.run("c", "d", "a")[0] == "b"


def test_resources_bound_what_runs_at_once() -> None:
    run = Simulation(graph("\n".join(f"t{i} {{1 2}}" for i in range(6))), workers=6, room=Needs(cores=4))
    run.run(*(f"t{i}" for i in range(6)))
    assert (run.most, run.now) == (4, 3)


def test_who_needs_more_than_there_is_runs_alone() -> None:
    run = Simulation(graph("big {1 64}\nsmall {1 1}"), workers=2, room=Needs(cores=4))
    run.run("big", "small")
    assert run.now == 2


def test_what_fits_does_not_wait_for_what_does_not() -> None:
    run = Simulation(graph("one {5 3}\nbig {5 4}\nsmall {1 1}"), workers=3, room=Needs(cores=4))
    run.run("one", "big", "small")
    told = [line for line in run.told if not line.startswith("check")]
    assert told == ["run one", "run small", "done small", "done one", "run big", "done big"]


def test_checks_take_no_resources() -> None:
    schedule = Schedule(lambda _: Wants(needs=Needs(cores=1)), ["a", "b"], NOTHING)
    assert [start.task for start in (schedule.take(), schedule.take()) if start] == ["a", "b"]


def test_a_circle_is_never_ready() -> None:
    schedule = Schedule(graph("a: b\nb: a").wants.__getitem__, ["a"], machine(1))
    assert schedule.take() is None
    assert schedule.active == 0
    assert schedule.pending == ["b", "a"]


def test_kinds_of_steps_have_their_needs_and_others_a_core() -> None:
    assert needs("download:x").network == 1
    assert needs("download:x").cores == 0
    assert needs("verify:x-caffe").memory >= 1 << 30
    assert needs("make:x") == Needs(cores=1)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs without circles: a task needs only ones of smaller numbers."""
    wants, seconds = {}, {}
    for number in range(draw(st.integers(1, 12))):
        names = [f"t{each}" for each in range(number)]
        some = st.lists(st.sampled_from(names), unique=True, max_size=3) if names else st.just([])
        cores = draw(st.integers(0, 3))
        wants[f"t{number}"] = Wants(tuple(draw(some)), tuple(draw(some)), Needs(cores=cores))
        seconds[f"t{number}"] = float(draw(st.integers(0, 5)))
    return Graph(wants, seconds)


@given(graphs(), st.data())
def test_whatever_the_graph(made: Graph, data: st.DataObject) -> None:
    """Everything that is asked for ends, nothing runs twice or before what it needs, and nothing is overdrawn."""
    names = sorted(made.wants)
    some = st.lists(st.sampled_from(names), unique=True)
    run = Simulation(
        made,
        workers=data.draw(st.integers(1, 4)),
        room=Needs(cores=data.draw(st.integers(3, 6))),
        current=data.draw(some),
        failing=data.draw(some),
        keep_going=True,
        by_weight=data.draw(st.booleans()),
    )
    selected = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    ran = run.run(*selected)
    assert len(ran) == len(set(ran))
    assert set(selected) <= run.outcomes.keys()
    assert run.most <= run.room.cores
    for name in ran:
        wants = made.wants[name]
        place = run.told.index(f"run {name}")
        over = {line.partition(" ")[2] for line in run.told[:place] if not line.startswith("run ")}
        assert {*wants.before, *wants.setup} <= over
        assert all(run.outcomes[before] is Outcome.DONE for before in wants.before)
