"""The command line ``transship``: for the files in front of the user, on the same graph and cache as ``doit``."""

from __future__ import annotations

import os
import signal
import sys
import tomllib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter
from rich.text import Text

from converter.errors import TransshipError
from tasks.cli import comparing, doctor, download, inspecting, results, stages
from tasks.cli.convert import EXAMPLES, convert
from tasks.cli.inspection import DEVICE, STDIN
from tasks.errors import UsageError
from tasks.terminal import console, harmless

INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE

EXIT_CODES = (
    "Exit codes: 0 it computes the same; 1 something is wrong; 2 so is the command; 3 it computes something else."
)

_HELP = "transship --help lists the commands, transship COMMAND --help the options of one"


def _version() -> str:
    try:
        return version("transship")
    except PackageNotFoundError:  # run from a clone
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
        return str(project["version"])


def _default(value: Any) -> str | None:
    """How help shows a default: not at all where it is nothing."""
    return None if value in ((), "", None, False) else str(value)


app = App(
    name="transship",
    help="Move trained networks out of dead or foreign frameworks, and prove that they still compute the same.",
    help_epilogue=EXIT_CODES,
    help_format="plaintext",
    version=_version,
    default_parameter=Parameter(show_default=_default, negative_iterable=(), negative_none=()),
    result_action="return_value",
)
app.register_install_completion_command(add_to_startup=False)


def command(function: Callable[..., int], examples: Sequence[str], **more: Any) -> None:
    """Add a command, with examples below its help."""
    app.command(function, help_epilogue="\n".join(["Examples:", *(f"  {each}" for each in examples)]), **more)


command(download.download, download.EXAMPLES)
command(doctor.doctor, doctor.EXAMPLES)
command(inspecting.inspect, inspecting.EXAMPLES)
command(convert, EXAMPLES)
command(stages.ir, stages.IR_EXAMPLES)
command(stages.code, stages.CODE_EXAMPLES)
command(stages.checkpoint, stages.CHECKPOINT_EXAMPLES)
command(stages.verify, stages.VERIFY_EXAMPLES)
command(comparing.compare, comparing.EXAMPLES)


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; its exit code. What is wrong is said in a line or three, on standard error."""
    given = [DEVICE if word == STDIN else word for word in (sys.argv[1:] if words is None else words)]
    try:
        _check(given)
        code = app(given, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        return complain(f"{error}\n  to do: {_HELP}", results.USAGE)
    except TransshipError as error:
        if "--json" in given:
            results.write_json({"error": str(error)})
        return complain(str(error), results.USAGE if isinstance(error, UsageError) else results.WRONG)
    except BrokenPipeError:  # whoever read the answer has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        where = f"\n  where: {error.filename}" if error.filename else ""
        return complain(f"{error.strerror or error}{where}\n  to do: transship doctor", results.WRONG)
    except KeyboardInterrupt:
        return complain("interrupted; finished steps are kept, run the same command to go on", INTERRUPTED)
    return code if isinstance(code, int) else results.SAME


def _check(words: Sequence[str]) -> None:
    """See that all of them are text that can be shown, as what is shown and written down has to be."""
    for word in words:
        if harmless(word) != word or any("\ud800" <= letter <= "\udfff" for letter in word):
            raise UsageError(f"{word!a:.80} is no text in UTF-8 that can be shown", fix="rename it")


def complain(text: str, code: int) -> int:
    """Say what is wrong on standard error; gives back the exit code."""
    console().print(Text(harmless(text)), soft_wrap=True)
    return code
