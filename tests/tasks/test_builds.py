"""What a build does, as its user sees it: the real doit, store and local executor on a small project."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.action import WHATEVER, Action, Digest, Image
from tasks.doit_plugins import CommittingDB
from tasks.errors import StepFailed
from tasks.execution import collect
from tasks.store import Store
from tests.support.chain import STEP, Chain

ALL = ("first", "second", "third", "fourth")


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "a project")


def ran(output: str) -> list[str]:
    return [line.split()[1].removeprefix("make:") for line in output.splitlines() if line.startswith("ran ")]


def test_a_first_build_runs_all_and_a_second_nothing(chain: Chain) -> None:
    first = chain.doit()
    assert (first.returncode, first.stderr) == (0, "")
    assert ran(first.stdout) == list(ALL)
    second = chain.doit()
    assert second.returncode == 0
    assert second.stdout == "make: up to date, nothing to run\n"


def test_a_removed_build_folder_is_restored_without_running(chain: Chain) -> None:
    chain.doit()
    before = chain.contents()
    shutil.rmtree(chain.folder / "build")
    restored = chain.doit()
    assert ran(restored.stdout) == []
    assert restored.stdout.count("restored ") == len(ALL)
    assert chain.contents() == before


def test_only_what_is_asked_for_is_restored(chain: Chain) -> None:
    chain.doit()
    shutil.rmtree(chain.folder / "build")
    chain.doit("make:third")
    assert {name.partition("/")[0] for name in chain.contents()} == {"third"}


def test_another_checkout_shares_the_cache(chain: Chain, tmp_path: Path) -> None:
    chain.doit()
    other = Chain(tmp_path / "elsewhere")
    other.cache = chain.cache
    assert ran(other.doit().stdout) == []
    assert other.contents() == chain.contents()


def test_a_change_runs_what_depends_on_it(chain: Chain) -> None:
    chain.doit()
    chain.write("third", STEP.replace("[::-1]", ""))
    assert ran(chain.doit().stdout) == ["third", "fourth"]


def test_a_change_that_changes_no_output_stops_there(chain: Chain) -> None:
    chain.doit()
    chain.write("second", STEP + "# a comment\n")
    again = chain.doit()
    assert ran(again.stdout) == ["second"]
    assert "1 ran, 3 up to date" in again.stdout


def test_a_tampered_output_is_put_right(chain: Chain) -> None:
    chain.doit()
    before = chain.contents()
    target = chain.folder / "build" / "second" / "a"
    stat = target.stat()
    target.chmod(0o644)
    target.write_bytes(b"9" * stat.st_size)
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = chain.doit()
    assert ran(again.stdout) == []
    assert chain.contents() == before


def test_a_damaged_or_lost_blob_is_made_again(chain: Chain) -> None:
    chain.doit()
    before = chain.contents()
    for number, blob in enumerate(sorted((chain.cache / "cas").rglob("*"))):
        if blob.is_file():
            blob.chmod(0o644)
            blob.write_bytes(blob.read_bytes()[::-1] + b"x") if number % 2 else blob.unlink()
    shutil.rmtree(chain.folder / "build")
    again = chain.doit()
    assert (again.returncode, again.stderr) == (0, "")
    assert chain.contents() == before


def test_a_blob_found_damaged_when_it_is_used_is_made_again(chain: Chain) -> None:
    chain.doit()
    for blob in sorted((chain.cache / "cas").rglob("*")):
        if blob.is_file() and blob.read_bytes() == (chain.folder / "build" / "second" / "a").read_bytes():
            blob.chmod(0o644)
            blob.write_bytes(blob.read_bytes()[::-1].replace(b"1", b"7"))
    chain.write("third", STEP.replace("[::-1]", ""))
    again = chain.doit()
    assert (again.returncode, again.stderr) == (0, "")
    assert {"third", "fourth"} <= set(ran(again.stdout))


def test_what_a_dead_run_left_in_build_is_swept_at_the_next(chain: Chain) -> None:
    left = chain.folder / "build" / ".partial" / "0123"
    left.mkdir(parents=True)
    chain.doit()
    assert not left.exists()


def test_a_failure_is_not_kept_and_leaves_the_rest_alone(chain: Chain) -> None:
    chain.doit()
    before = chain.contents()
    chain.write("second", "raise SystemExit('no cargo')")
    failed = chain.doit()
    assert failed.returncode == 1
    assert "make:second failed" in failed.stderr
    assert "no cargo" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert {name: data for name, data in chain.contents().items() if not name.startswith("logs/")} == before
    chain.write("second", STEP)
    assert ran(chain.doit().stdout) == []


def test_a_failure_is_counted_and_never_called_up_to_date(chain: Chain) -> None:
    chain.doit()
    chain.write("fourth", "raise SystemExit(1)")
    failed = chain.doit()
    assert failed.returncode == 1
    assert "nothing to run" not in failed.stdout
    assert failed.stdout.splitlines()[-1] == "4 steps: 3 up to date, 1 failed"


def test_a_store_that_loses_what_it_is_given_is_said_in_a_message(chain: Chain) -> None:
    loses = chain.folder / "loses.py"
    loses.write_text(
        "import runpy, sys\n"
        "from tasks.store import Missing, Store\n"
        "def extract(self, digest, target):\n"
        "    raise Missing(digest.hash)\n"
        "Store.extract = extract\n"
        "sys.argv = ['doit']\n"
        "runpy.run_module('doit', run_name='__main__')\n"
    )
    failed = subprocess.run(
        [sys.executable, str(loses)],
        cwd=chain.folder,
        env=chain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert "the store does not keep what is put into it" in failed.stderr


def test_a_refusal_is_shown_as_the_step_words_it(chain: Chain) -> None:
    chain.write(
        "first", "print('[12:00] chatter\\nthe hull leaks\\n  where: below\\n  to do: pump'); raise SystemExit(65)"
    )
    failed = chain.doit("make:first")
    assert failed.returncode == 1
    assert failed.stderr == "make:first failed: the hull leaks\n  where: below\n  to do: pump\n"


def test_the_log_of_a_failed_step_is_kept_where_the_message_says(chain: Chain) -> None:
    chain.write("first", "print('line one'); raise ValueError('hull')")
    failed = chain.doit()
    log = Path(failed.stderr.partition("full output in ")[2].strip())
    assert "line one" in log.read_text()
    assert "ValueError: hull" in log.read_text()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("pass", "did not write a, b, folder"),
        (STEP + "(out / 'more').write_text('')", "wrote more undeclared"),
        (STEP + "(out / 'a').unlink(); (out / 'a').symlink_to('/etc/passwd')", "not a regular file"),
        (
            STEP + "pathlib.Path('in/text').unlink(); pathlib.Path('in/text').write_text('x')",
            "changed its own inputs",
        ),
    ],
    ids=["missing", "undeclared", "symlink", "inputs"],
)
def test_a_step_that_breaks_its_contract_is_not_recorded(chain: Chain, script: str, said: str) -> None:
    chain.write("first", script)
    for _ in range(2):
        failed = chain.doit("make:first")
        assert failed.returncode == 1
        assert said in failed.stderr


def test_a_step_that_decides_what_it_writes_has_to_write_something(tmp_path: Path) -> None:
    store, image = Store(tmp_path / "store", tmp_path), Image("host", "test")
    action = Action(argv=("true",), image=image, inputs=(), outputs=(WHATEVER,))
    (tmp_path / "out" / "folder").mkdir(parents=True)
    with pytest.raises(StepFailed, match="did not write anything"):
        collect(store, action, tmp_path / "out")
    (tmp_path / "out" / "folder" / "a").write_text("cargo")
    assert collect(store, action, tmp_path / "out") == {"folder/a": Digest.of(b"cargo")}


def test_a_step_has_its_own_environment(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "1")
    chain.write(
        "first", STEP + "import os; assert set(os.environ) <= {'PYTHONDONTWRITEBYTECODE', 'LC_CTYPE'}, os.environ"
    )
    assert chain.doit("make:first").returncode == 0


def is_running(process: int) -> bool:
    """Whether the process exists, and not only as a zombie that nobody has asked about yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.mark.parametrize("options", [[], ["-n", "3"]], ids=["alone", "in a thread"])
@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_stops_the_step_and_leaves_no_partial_output(
    chain: Chain, options: list[str], number: signal.Signals, code: int, said: str
) -> None:
    started = chain.folder / "started"
    note = f"import os, time; open({str(started)!r} + '.new', 'w').write(str(os.getpid()))"
    chain.write("second", f"{note}; os.rename({str(started)!r} + '.new', {str(started)!r}); time.sleep(60)")
    process = chain.start(*options)
    wait_for(started)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert said in err
    assert "Traceback" not in err
    assert not is_running(int(started.read_text()))
    assert {name.partition("/")[0] for name in chain.contents()} == {"first"}
    assert list((chain.cache / "runs").iterdir()) == []
    chain.write("second", STEP)
    assert ran(chain.doit().stdout) == ["second", "third", "fourth"]


def test_kill_at_any_moment_then_a_plain_run_equals_a_clean_build(chain: Chain, tmp_path: Path) -> None:
    clean = Chain(tmp_path / "clean")
    started = time.monotonic()
    clean.doit()
    took = time.monotonic() - started
    moment = random.Random(1)
    for _ in range(20):
        process = chain.start()
        time.sleep(moment.uniform(0.3, 1) * took)
        process.kill()
        process.communicate()
        if moment.random() < 0.3:
            shutil.rmtree(chain.folder / "build", ignore_errors=True)
            shutil.rmtree(chain.cache / "ac", ignore_errors=True)
    last = chain.doit()
    assert (last.returncode, last.stderr) == (0, "")
    assert chain.contents() == clean.contents()
    assert list((chain.cache / "runs").iterdir()) == []
    assert not any((chain.folder / "build" / ".partial").glob("*"))


def test_a_killed_run_does_not_lose_what_was_finished(chain: Chain) -> None:
    chain.write("third", f"open({str(chain.folder / 'started')!r}, 'w').close(); import time; time.sleep(60)")
    process = chain.start()
    wait_for(chain.folder / "started")
    process.kill()
    process.communicate()
    chain.write("third", STEP)
    assert ran(chain.doit().stdout) == ["third", "fourth"]


def test_builds_at_the_same_time_agree(chain: Chain) -> None:
    for _ in range(3):
        shutil.rmtree(chain.cache, ignore_errors=True)
        (chain.folder / ".doit.db").unlink(missing_ok=True)
        for process in [chain.start() for _ in range(3)]:
            _, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, "")
    assert chain.doit().stdout == "make: up to date, nothing to run\n"


def test_damaged_records_are_started_anew(chain: Chain) -> None:
    chain.doit()
    (chain.folder / ".doit.db").write_bytes(b"no database" * 1000)
    (chain.cache / "digests.db").write_bytes(b"no database" * 1000)
    again = chain.doit()
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "make: up to date, nothing to run\n"


def test_a_name_that_does_not_exist_gets_the_nearest(chain: Chain) -> None:
    wrong = chain.doit("make:secnod")
    assert wrong.returncode == 1
    assert "there is no task or command 'make:secnod'" in wrong.stderr
    assert "did you mean: make:second" in wrong.stderr


@pytest.mark.parametrize(("typed", "meant"), [("expalin", "explain"), ("chace", "cache"), ("grpah", "graph")])
def test_a_command_that_does_not_exist_gets_the_nearest(chain: Chain, typed: str, meant: str) -> None:
    wrong = chain.doit(typed)
    assert wrong.returncode == 1
    assert f"did you mean: {meant}" in wrong.stderr


@pytest.mark.parametrize("command", ["info", "clean", "forget", "list"])
def test_a_command_about_a_name_that_does_not_exist_gets_the_nearest(chain: Chain, command: str) -> None:
    wrong = chain.doit(command, "make:secnod")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("there is no task or command 'make:secnod'\n  did you mean: make:second")


def test_a_project_that_cannot_be_written_to_is_an_error_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"doit's records cannot be written\n  where: .*gone"):
        CommittingDB(str(tmp_path / "gone" / ".doit.db"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-h"], "doit does not take -h here"),
        (["-n", "257"], "-n takes how many"),
        (["-n", "-1"], "-n takes how many"),
    ],
    ids=["unknown", "many", "negative"],
)
def test_an_option_that_cannot_be_used_is_refused_in_a_line(chain: Chain, options: list[str], said: str) -> None:
    refused = chain.doit(*options)
    assert refused.returncode == 1
    assert refused.stderr.startswith(said)
    assert len(refused.stderr.splitlines()) == 2
    assert chain.contents() == {}


def test_clean_removes_what_was_made(chain: Chain) -> None:
    chain.doit()
    chain.doit("clean", "--clean-all")
    assert chain.contents() == {}
    assert ran(chain.doit().stdout) == []


def test_no_space_is_said_in_one_message(chain: Chain) -> None:
    chain.write("first", STEP.replace("[:1000]", " * 1000"))
    full = chain.folder / "limited.py"
    full.write_text(
        "import resource, runpy, sys, signal\n"
        "from tasks.store import Store\n"
        "def put_file(self, source):\n"
        "    raise OSError(28, 'No space left on device', str(self.root))\n"
        "Store.put_file = put_file\n"
        "sys.argv = ['doit']\n"
        "runpy.run_module('doit', run_name='__main__')\n"
    )
    failed = subprocess.run(
        [sys.executable, str(full)],
        cwd=chain.folder,
        env=chain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert "no space left on the device" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (chain.folder / "build" / "first").exists()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def test_steps_that_give_the_same_twice_are_found_to(chain: Chain) -> None:
    checked = chain.doit("--check-determinism", "make:third")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert ran(checked.stdout) == ["first", "second", "third"]
    assert ran(chain.doit("make:third").stdout) == []


def test_a_step_that_gives_something_else_is_found_and_named(chain: Chain) -> None:
    chain.doit()
    chain.write("third", STEP + "(out / 'b').write_text(str(time.time_ns()))\n")
    assert chain.doit().returncode == 0
    before = chain.contents()
    checked = chain.doit("--check-determinism", "-n", "2")
    assert checked.returncode == 1
    assert (
        "make:third failed: the step 'python in/step.py' in host does not give the same twice: b\n" in checked.stderr
    )
    assert chain.contents() == before


def test_a_failed_step_leaves_the_others_to_go_on_where_that_is_asked_for(chain: Chain) -> None:
    chain.write("second", "raise SystemExit(1)")
    for options, count in (([], 1), (["--keep-going"], 1), (["-n", "2", "-c"], 1)):
        done = chain.doit(*options)
        assert done.returncode == 1
        assert done.stderr.count(" failed: ") == count
    assert done.stdout.splitlines()[-1] == "4 steps: 1 up to date, 1 failed, 2 not run"
