"""What a graph is refused for as it is loaded, and that a graph without fault is not."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import pytest
from doit.task import Task
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.errors import BadInput
from tasks.graph import checks
from tasks.graph.checks import check
from tasks.graph.pins import unpinned
from tasks.plan import project
from tests.support import dag
from tests.support.chain import ROOT, Chain
from tests.support.dag import Dag

NOWHERE = Path("/nonexistent")
DIGEST = "sha256:" + "0" * 64


def said(tasks: list[Task], text: str = "") -> str:
    """The error of ``tasks`` and of the steps of the graph ``text``."""
    with pytest.raises(BadInput) as caught:
        check(tasks, dag.steps(text), NOWHERE)
    return str(caught.value)


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        ("a -> a", "a -> a"),
        ("a -> b; b -> a", "a -> b -> a"),
        ("start -> a; a -> b; b -> c; c -> a; c -> end", "a -> b -> c -> a"),
    ],
)
def test_a_cycle_is_told_in_the_order_of_its_tasks(graph: str, cycle: str) -> None:
    assert said(dag.tasks(graph)) == f"tasks wait for each other: {cycle}"
    assert said([], graph) == f"tasks wait for each other: {cycle}"


def test_every_knot_has_a_cycle_that_is_told() -> None:
    message = said(dag.tasks("a -> b; b -> a; b -> c; c -> d; d -> c"))
    assert "  - tasks wait for each other: a -> b -> a" in message
    assert "  - tasks wait for each other: c -> d -> c" in message


def test_a_cycle_may_be_of_every_kind_of_dependency() -> None:
    tasks = [Task("a", None, task_dep=["b*"]), Task("bc", None, setup=["d"]), Task("d", None)]
    check(tasks, {}, NOWHERE)
    assert said(tasks, "a -> d") == "tasks wait for each other: a -> d -> bc -> a"


def test_a_task_that_does_not_exist_gets_the_nearest() -> None:
    tasks = [Task("ir:onet", None), *(Task(f"code:{n}", None, setup=["ir:onte"]) for n in range(3))]
    expected = "there is no task 'ir:onte', which code:0 and 2 more come after (did you mean ir:onet?)"
    assert said(tasks) == expected
    assert said([Task("a", None, task_dep=["xyz"])]) == "there is no task 'xyz', which a comes after"


def test_all_that_is_wrong_is_said_at_once_and_cannot_steer_a_terminal() -> None:
    message = said([*dag.tasks("a -> a"), Task("b", None, setup=["\x1b[2J"])])
    assert message.splitlines()[0] == "the task graph cannot be built as it is:"
    assert len(message.splitlines()) == 3
    assert "\x1b" not in message


def test_what_has_one_cause_is_not_told_a_thousand_times() -> None:
    message = said([Task(f"task{n}", None, setup=[f"lost{n}"]) for n in range(1000)])
    assert message.splitlines()[-1] == "  - more of the same"
    assert len(message.splitlines()) == 22


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        (["x/code", "x/code"], "two steps make build/x/code: code:0 and code:1"),
        (["x", "x/code"], "code:1 makes build/x/code, in build/x, which is code:0's alone"),
        (["x/b/c", "x"], "code:0 makes build/x/b/c, in build/x, which is code:1's alone"),
        (["", "x"], "code:1 makes build/x, in build, which is code:0's alone"),
        (["+x", "+x"], "two steps make build/x/code.json: code:0 and code:1"),
        (["+x", "x"], "code:0 makes build/x/code.json, in build/x, which is code:1's alone"),
        (["x/code", "x/code-b"], ""),
        (["+x", "x/code"], ""),
        (["x-a", "x/a", "x.a", "x"], "code:1 makes build/x/a, in build/x, which is code:3's alone"),
    ],
)
def test_a_place_that_two_steps_write_to(places: list[str], problem: str) -> None:
    blank = dag.steps("a")["a"]
    steps = [
        dataclasses.replace(blank, name=f"code:{n}", folder=Path(place.lstrip("+")), whole="+" not in place)
        for n, place in enumerate(places)
    ]
    assert "; ".join(checks.shared(steps)) == problem


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Toolchains with nothing wrong."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "toolchain.toml").write_text(f'[sid]\nregistry = "debian@{DIGEST}"\n')
    (tmp_path / "base" / "Dockerfile").write_text("ARG DEBIAN\nFROM ${DEBIAN}\n")
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "toolchain.toml").write_text('base = "sid"\n')
    (tmp_path / "tool" / "requirements.in").write_text("# what it is for\nSome_thing==1\n")
    (tmp_path / "tool" / "requirements.lock").write_text("some-thing==1 --hash=sha256:00\n")
    (tmp_path / "tool" / "Dockerfile").write_text(
        "ARG BASE\n"
        f"FROM --platform=linux/amd64 debian@{DIGEST} AS compiler\n"
        "FROM ${BASE} AS Build\n"
        "# FROM debian:latest\n"
        "COPY --from=compiler /a /a\n"
        "COPY --from=0 /a /a\n"
        f"RUN --mount=type=bind,from=debian@{DIGEST},target=/b true\n"
        "RUN cd / && python3 -m pip install --no-index \\\n    --require-hashes -r requirements.lock && pip list\n"
        "FROM build\n"
    )
    return tmp_path


def test_toolchains_that_are_pinned_are_taken(images: Path) -> None:
    assert list(unpinned(images)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("base/toolchain.toml", f"@{DIGEST}", ":sid", "[sid] names debian:sid without @sha256:<digest>"),
        ("base/toolchain.toml", DIGEST, DIGEST[:-1], f"names debian@{DIGEST[:-1]} without @sha256:<digest>"),
        ("tool/Dockerfile", f"debian@{DIGEST} AS", "debian:sid AS", "the image debian:sid is not pinned"),
        ("tool/Dockerfile", "${BASE}", "${OTHER}", "the image ${OTHER} is not pinned"),
        ("tool/Dockerfile", "--from=compiler", "--from=debian", "the image debian is not pinned"),
        ("tool/Dockerfile", f"from=debian@{DIGEST},", "from=debian,", "the image debian is not pinned"),
        ("tool/Dockerfile", "--require-hashes", "--no-deps", "pip installs without --require-hashes"),
        ("tool/requirements.lock", "some-thing", "same-thing", "Some_thing is not in requirements.lock"),
        ("tool/requirements.in", "==1", "==1\nother", "other is not in requirements.lock"),
    ],
)
def test_what_is_not_pinned_is_told(images: Path, file: str, old: str, new: str, problem: str) -> None:
    text = (images / file).read_text()
    assert old in text
    (images / file).write_text(text.replace(old, new, 1))
    (found,) = unpinned(images)
    assert found.startswith(f"images/{file.replace('.lock', '.in')}: ")
    assert problem in found


def test_a_lock_that_is_missing_is_told(images: Path) -> None:
    (images / "tool" / "requirements.lock").unlink()
    assert ["Some_thing is not in requirements.lock" in problem for problem in unpinned(images)] == [True]


def test_the_project_s_own_graph_has_no_fault(tmp_path: Path) -> None:
    plan = project(ROOT)
    plan.session.cache = tmp_path
    for steps in (plan.downloads, plan.irs, plan.references, plan.codes, plan.checkpoints, plan.verifications):
        assert list(steps())
    images = [Task(f"image:{image['name']}", None) for image in plan.images()]
    check(images, plan.session.steps, ROOT / "images")


edges = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda pair: pair[0] < pair[1]), max_size=60
)


def graph(pairs: list[tuple[int, int]]) -> dict[str, list[str]]:
    return dag.parse("; ".join(f"{first} -> {second}" for first, second in pairs))


@given(edges)
def test_a_graph_without_a_cycle_is_not_said_to_have_one(pairs: list[tuple[int, int]]) -> None:
    assert list(checks.cycles(graph(pairs))) == []


@given(edges.filter(bool), st.data())
@settings(max_examples=200)
def test_a_cycle_is_always_found_and_is_one(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    first, second = data.draw(st.sampled_from(pairs))
    before = graph(data.draw(st.permutations([*pairs, (second, first)])))
    found = list(checks.cycles(before))
    assert found
    for problem in found:
        path = problem.rpartition(": ")[2].split(" -> ")
        assert path[0] == path[-1]
        assert all(earlier in before[later] for earlier, later in pairwise(path))


@pytest.mark.parametrize("command", [["list"], ["run"], [], ["clean"], ["info", "make:a"], ["forget", "make:a"]])
def test_every_command_refuses_a_cycle_in_a_line(tmp_path: Path, command: list[str]) -> None:
    refused = Dag(tmp_path / "project", "a -> b; b -> c; c -> a").doit(*command)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "tasks wait for each other: make:a -> make:b -> make:c -> make:a\n"


def test_an_image_that_is_not_pinned_stops_a_build(tmp_path: Path, images: Path) -> None:
    chain = Chain(tmp_path / "project")
    images.joinpath("tool", "Dockerfile").write_text("FROM debian:sid\n")
    for folder in ("base", "tool"):
        chain.folder.joinpath("images").mkdir(exist_ok=True)
        images.joinpath(folder).rename(chain.folder / "images" / folder)
    refused = chain.doit()
    assert refused.returncode == 1
    assert refused.stderr.startswith("images/tool/Dockerfile: the image debian:sid is not pinned by @sha256")
    assert chain.contents() == {}


def test_a_graph_with_no_fault_is_built(tmp_path: Path) -> None:
    built = Dag(tmp_path / "project", "a -> b c; b c -> d").doit()
    assert (built.returncode, built.stderr) == (0, "")
    assert built.stdout.splitlines()[-1].startswith("4 steps: 4 ran")
