"""What a change runs, shared out; and the recipes, as far as a shell can try them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ci.shards import shared_out
from tests.support.chain import ROOT, STEP, Chain

CI = ROOT / "ci"


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.floats(0.1, 100), max_size=12),
    st.integers(1, 5),
)
def test_everything_is_shared_out_once_and_subjects_stay_together(seconds: dict[str, float], count: int) -> None:
    subject = {task: task[0] for task in seconds}
    shards = shared_out(seconds, subject, count)
    tasks = [task for shard in shards for task in shard.tasks]
    assert sorted(tasks) == sorted(seconds)
    assert len(shards) == min(count, len(set(subject.values())))
    homes = {
        name: {n for n, shard in enumerate(shards) for task in shard.tasks if subject[task] == name} for name in tasks
    }
    assert all(len(home) <= 1 for home in homes.values())
    if shards:
        whole = [
            sum(each for task, each in seconds.items() if subject[task] == name) for name in set(subject.values())
        ]
        assert max(shard.seconds for shard in shards) <= sum(whole) / len(shards) + max(whole) + 0.2


def test_the_longest_come_first() -> None:
    seconds = {"a:1": 5.0, "b:1": 4.0, "c:1": 3.0, "d:1": 3.0, "e:1": 3.0}
    shards = shared_out(seconds, {task: task[0] for task in seconds}, 2)
    assert sorted(shard.seconds for shard in shards) == [8.0, 10.0]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "a project")


def test_a_plan_before_and_after(chain: Chain) -> None:
    before = json.loads(chain.doit("ci-plan", "--format", "json").stdout)
    assert [each["step"] for each in before["runs"]] == ["make:first", "make:second", "make:third", "make:fourth"]
    chain.doit()
    assert chain.doit("ci-plan").stdout == "0 of 4 steps would run, for 0 of 1 tasks\n"
    assert chain.doit("ci-plan", "--format", "github").stdout == ""
    chain.write("third", STEP + "# a comment\n")
    told = chain.doit("ci-plan").stdout
    assert "make:third  there is no result of step as it is now" in told
    assert "2 of 4 steps would run, for 1 of 1 tasks" in told
    assert json.loads(chain.doit("ci-plan", "--format", "github").stdout) == {
        "include": [{"shard": "1", "tasks": "make"}]
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "jsn"], "there is no format 'jsn' (did you mean json?)"),
        (["--shards", "0"], "cannot be shared out to 0 machines"),
        (["make:thrid"], "did you mean: make:third"),
    ],
)
def test_what_is_not_right_is_one_message(chain: Chain, words: list[str], said: str) -> None:
    done = chain.doit("ci-plan", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def lines(recipe: str) -> list[str]:
    """The shell lines of a recipe that run something of ours."""
    found = re.findall(r"^\s*(?:- )?(?:run: |- )?(.*\.venv/bin/doit .*)$", (CI / recipe).read_text(), re.MULTILINE)
    assert found
    return [line.strip().removeprefix("run: ") for line in found]


@pytest.mark.parametrize("recipe", ["github-actions.yml", "gitlab-ci.yml", "gitlab-convert.yml"])
def test_what_the_recipes_run_runs(recipe: str, chain: Chain) -> None:
    (chain.folder / ".venv" / "bin").mkdir(parents=True)
    program = chain.folder / ".venv" / "bin" / "doit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m doit "$@"\n')
    program.chmod(0o755)
    output = chain.folder / "output"
    environment = {**chain.environment(), "GITHUB_OUTPUT": str(output), "TASKS": "make:second make:first"}
    for line in lines(recipe):
        done = subprocess.run(
            ["sh", "-euc", line], cwd=chain.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), line
    if recipe == "github-actions.yml":
        name, _, value = output.read_text().partition("=")
        assert (name, json.loads(value)) == ("matrix", {"include": [{"shard": "1", "tasks": "make"}]})
    if recipe == "gitlab-ci.yml":
        plan = json.loads((chain.folder / "plan.yml").read_text())
        assert (ROOT / plan["include"][0]["local"]).is_file()
        assert plan["convert"]["parallel"]["matrix"] == [{"SHARD": "1", "TASKS": "make"}]


def test_only_who_is_trusted_writes() -> None:
    github = (CI / "github-actions.yml").read_text()
    assert "github.event_name == 'push' && 'read-write' || 'read-only'" in github
    assert "github.event_name == 'push' && secrets.TRANSSHIP_REMOTE_CACHE_TOKEN" in github
    assert "pull_request_target" not in github
    assert 'if [ "$CI_COMMIT_REF_PROTECTED" = true ]' in (CI / "gitlab-convert.yml").read_text()
