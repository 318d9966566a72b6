"""``doit graph`` as its user sees it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.chain import STEP
from tests.support.dag import Dag


@pytest.fixture
def project(tmp_path: Path) -> Dag:
    return Dag(tmp_path / "project", "a -> b c; b c -> d; a -> d; e")


def states(project: Dag, *tasks: str) -> dict[str, str]:
    """The state of each step in the picture of ``tasks``."""
    drawn = project.doit("graph", *tasks, "--format", "json")
    assert (drawn.returncode, drawn.stderr) == (0, "")
    return {node["name"].removeprefix("make:"): node["state"] for node in json.loads(drawn.stdout)["nodes"]}


def test_states_are_what_a_run_would_do_and_asking_does_nothing(project: Dag) -> None:
    assert states(project, "make:d") == dict.fromkeys("abcd", "to run")
    project.doit("make:d")
    assert states(project) == {**dict.fromkeys("abcd", "up to date"), "e": "to run"}
    shutil.rmtree(project.folder / "build" / "b")
    project.write("c", STEP)
    before = project.contents()
    expected = {"a": "up to date", "b": "restored", "c": "to run", "d": "to run"}
    assert states(project, "make:d") == expected
    assert project.contents() == before
    ran = project.doit("make:d").stdout
    did = dict(line.split()[1::-1] for line in ran.splitlines() if "make:" in line)
    assert did == {"make:b": "restored", "make:c": "ran", "make:d": "ran"}


def test_a_step_whose_blobs_are_lost_is_to_run(project: Dag) -> None:
    project.doit("make:a")
    shutil.rmtree(project.folder / "build")
    assert states(project, "make:a") == {"a": "restored"}
    shutil.rmtree(project.cache / "cas")
    assert states(project, "make:a") == {"a": "to run"}


def test_edges_that_others_imply_are_not_drawn(project: Dag) -> None:
    drawn = json.loads(project.doit("graph", "make:d", "--format", "json").stdout)
    assert sorted("".join(name[-1] for name in edge) for edge in drawn["edges"]) == ["ab", "ac", "bd", "cd"]


def test_a_picture_tells_what_a_step_is_made_of(project: Dag) -> None:
    project.doit("make:a")
    nodes = json.loads(project.doit("graph", "make:b", "--format", "json").stdout)["nodes"]
    first, second = (node["details"] for node in nodes)
    assert first["made by"] == second["first to run"] == "python in/step.py"
    assert (first["what"], first["makes"], first["writes"]) == ("make a", "build/a", "a, b, folder")
    assert first["usually takes"].endswith(" s")
    assert first["key"] != second["key"]
    assert (project.cache / "ac" / first["key"][:2] / first["key"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "place", "begins"),
    [
        (["make:a"], "build/graph.svg", "<svg "),
        (["--format", "html", "make:a"], "build/graph.html", "<!DOCTYPE html>"),
        (["make:a", "-o", "deep/a.mmd"], "deep/a.mmd", "flowchart LR"),
        (["make:a", "-o", "a.GV"], "a.GV", "digraph {"),
        (["make:a", "-o", "a.txt", "--format=mermaid"], "a.txt", "flowchart LR"),
    ],
)
def test_a_picture_goes_where_it_is_said_to(project: Dag, arguments: list[str], place: str, begins: str) -> None:
    drawn = project.doit("graph", *arguments)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert drawn.stdout.startswith("1 task: 1 to run; drawn to ")
    assert drawn.stdout.rstrip().endswith(place)
    assert (project.folder / place).read_text().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [(["--format", "mermaid"], "flowchart LR\n"), (["--format", "dot"], "digraph {\n"), (["-o", "-"], "<svg ")],
)
def test_a_picture_as_text_goes_to_standard_output(project: Dag, arguments: list[str], begins: str) -> None:
    drawn = project.doit("graph", "make:a", *arguments)
    assert drawn.stdout.startswith(begins)
    assert project.contents() == {}


def test_wildcards_and_several_tasks_are_one_picture(project: Dag) -> None:
    assert states(project, "make:[bc]", "make:e").keys() == set("abce")
    assert states(project, "make").keys() == set("abcde")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["make:bb"], "there is no task or command 'make:bb'\n  did you mean: make:b"),
        (["--format", "sgv"], "there is no format 'sgv' (did you mean svg?)\n"),
        (["make:a", "--fromat", "svg"], "doit does not take --fromat here\n"),
        (["-o", "graph.txt/a.svg"], "the picture cannot be written: "),
    ],
)
def test_what_cannot_be_done_is_said_in_a_message(project: Dag, arguments: list[str], said: str) -> None:
    refused = project.doit("graph", *arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(said)
    assert "Traceback" not in refused.stderr


def test_a_large_project_is_not_drawn_unasked(tmp_path: Path) -> None:
    project = Dag(tmp_path / "project", " ".join(f"s{n}" for n in range(201)))
    refused = project.doit("graph")
    assert refused.returncode == 1
    assert refused.stderr == "all 201 steps are too many for a picture\n  to do: name tasks: doit graph TASK ...\n"
    assert states(project, "make:s1*").keys() == {f"s{n}" for n in range(201) if str(n).startswith("1")}


def test_a_project_without_a_step_is_no_picture(tmp_path: Path) -> None:
    refused = Dag(tmp_path / "project", "").doit("graph")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("there is nothing to draw\n")
