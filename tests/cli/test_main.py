"""What all commands have in common: help, usage errors, exit codes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tasks import cli
from tests.cli.command import Command

COMMANDS = [name for name in cli.app if not name.startswith("-")]


@pytest.mark.parametrize("words", [[], ["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "\x1b" not in said.out, "plain where no terminal is"
    for name in COMMANDS if words in ([], ["--help"]) else [words[0], "Examples:"]:
        assert name in said.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_help_are_commands(name: str) -> None:
    epilogue = cli.app[name].help_epilogue
    assert isinstance(epilogue, str)
    examples = [line.strip() for line in epilogue.splitlines() if line.startswith("  ")]
    assert examples
    for example in examples:
        program, *words = shlex.split(example)
        assert (program, words[0]) == ("transship", name)
        words = words[: words.index("<")] if "<" in words else words
        cli.app.parse_args([word for word in words if word != "-"], exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["convrt"], 'Did you mean "convert"?'),
        (["convert", "--too", "caffe"], "Did you mean --to?"),
        (["convert"], "--to"),
        (["convert", "--to", "cafe"], "use one of: caffe"),
        (["convert", "--to", "caffe"], "-n x-symbol.json"),
        (["convert", "--to", "caffe", "--option", "profile"], "NAME=VALUE"),
        (["convert", "--to", "caffe", "--mean", "one"], "numbers"),
        (["convert", "--to", "caffe", "--channel-order", "RBG"], "BGR"),
    ],
)
def test_wrong_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "to do: " in captured.err


@pytest.mark.parametrize("name", ["net\udcff-symbol.json", "net\x1b[31m.json"])
def test_names_that_cannot_be_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", name]) == 2
    said = capsys.readouterr().err
    assert ascii(name) in said
    assert "rename it" in said


def test_what_is_wrong_is_said_to_scripts_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "x-symbol.json")
    assert cli.main(["convert", missing, "--to", "caffe", "--json"]) == 1
    said = capsys.readouterr()
    assert missing in json.loads(said.out)["error"]
    assert missing in said.err


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    assert cli.main(["convert"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_shell_completion(tmp_path: Path) -> None:
    done = Command(tmp_path, tmp_path / "cache").run("--install-completion", "--shell", "bash", "--output", "script")
    assert done.returncode == 0, done.stderr
    assert all(name in (tmp_path / "script").read_text() for name in (*COMMANDS, "--input-shape"))
