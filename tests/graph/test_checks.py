"""A graph that cannot be run is refused as it is loaded, and says all that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.errors import BadInput
from tasks.graph.checks import check, circles
from tasks.session import Step
from tests.support.chain import Chain


def dag(text: str) -> dict[str, list[str]]:
    """A graph from ``a: b c; b: d``: what each task comes after."""
    found: dict[str, list[str]] = {}
    for line in text.split(";"):
        name, _, after = line.partition(":")
        found[name.strip()] = after.split()
    return found


def steps(**folders: str) -> dict[str, Step]:
    """Steps by name: ``*`` behind a folder says that it is shared."""
    return {
        f"{name}:x": Step(f"{name}:x", lambda _: {}, Path(folder.rstrip("*")), whole=not folder.endswith("*"))
        for name, folder in folders.items()
    }


CIRCLES = {
    "a: b; b: a": ["a -> b -> a"],
    "a: a": ["a -> a"],
    "a: b; b: c; c: b; d: a": ["b -> c -> b"],
    "x: a; a: b; b: c; c: a; y: d; d: y": ["a -> b -> c -> a", "y -> d -> y"],
    "a: b c; b: d; c: d; d": [],
    "a: b c; b: c; c": [],
}


@pytest.mark.parametrize("text", CIRCLES)
def test_circles(text: str) -> None:
    assert list(circles(dag(text))) == CIRCLES[text]
    if CIRCLES[text]:
        with pytest.raises(BadInput, match=CIRCLES[text][0]):
            check(dag(text), {})
    else:
        check(dag(text), {})


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ({"one": "m/code", "two": "m/code"}, "one:x and two:x both make m/code"),
        ({"one": "m/code", "two": "m/code/below"}, "two:x makes m/code/below in the folder of one:x"),
        ({"one": "m/code", "verify": "m/code*"}, "verify:x makes m/code/verify.json in the folder of one:x"),
        ({"one": "m", "two": "m/code/below"}, "two:x makes m/code/below in the folder of one:x"),
    ],
)
def test_two_producers(folders: dict[str, str], said: str) -> None:
    made = steps(**folders)
    with pytest.raises(BadInput, match=said):
        check({name: [] for name in made}, made)


def test_two_that_verify_into_one_folder() -> None:
    one, two = (Step(f"verify:{name}", lambda _: {}, Path("m"), whole=False) for name in "ab")
    with pytest.raises(BadInput, match=r"verify:a and verify:b both make m/verify\.json"):
        check({"verify:a": [], "verify:b": []}, {"verify:a": one, "verify:b": two})


def test_folders_side_by_side_are_right() -> None:
    made = steps(one="m/a", two="m/b", verify="m*", layers="m*")
    check({name: [] for name in made}, made)


def test_a_task_that_there_is_not_is_named_with_the_nearest_and_all_else_that_is_wrong() -> None:
    made = steps(code="m/a", ir="m/a")
    with pytest.raises(BadInput) as caught:
        check({"code:x": ["ir:y"], "ir:x": []}, made)
    assert "code:x comes after ir:y, which there is not (did you mean ir:x?)" in str(caught.value)
    assert "code:x and ir:x both make m/a" in str(caught.value)


def test_many_problems_are_counted() -> None:
    with pytest.raises(BadInput, match="and 5 more"):
        check({f"t{number}": ["nothing"] for number in range(15)}, {})


@given(st.integers(1, 30), st.data())
def test_a_graph_has_a_circle_where_an_edge_leads_back(count: int, data: st.DataObject) -> None:
    some = st.lists(st.integers(0, count - 1), max_size=3)
    forward = {f"t{n}": [f"t{each}" for each in data.draw(some) if each < n] for n in range(count)}
    assert list(circles(forward)) == []
    first = data.draw(st.integers(0, count - 1))
    chain = [first]
    while (after := forward[f"t{chain[-1]}"]) and data.draw(st.booleans()):
        chain.append(int(after[0][1:]))
    back = {**forward, f"t{chain[-1]}": [*forward[f"t{chain[-1]}"], f"t{first}"]}
    assert list(circles(back)) != []


@pytest.mark.parametrize("command", [[], ["list"], ["explain"], ["-n", "2"]])
def test_a_project_whose_steps_form_a_circle(command: list[str], tmp_path: Path) -> None:
    chain = Chain(tmp_path / "a project")
    dodo = chain.folder / "dodo.py"
    dodo.write_text(dodo.read_text().replace("if index else ()", 'if index else ("make:fourth",)'))
    done = chain.doit(*command)
    assert done.returncode == 1
    assert "make:first -> make:fourth -> make:third -> make:second -> make:first" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (chain.folder / "build").exists()


def test_a_project_with_two_producers_or_a_stage_that_there_is_not(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "a project")
    dodo = chain.folder / "dodo.py"
    text = dodo.read_text()
    dodo.write_text(text.replace("Path(name), after", "Path('same'), after"))
    assert "make:first and make:second both make same" in chain.doit().stderr
    dodo.write_text(text.replace('(f"make:{NAMES[index - 1]}",)', '("make:zeroth",)'))
    done = chain.doit()
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "make:second comes after make:zeroth, which there is not" in done.stderr
