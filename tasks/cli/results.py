"""What became of conversions: for a person, for a script, and as an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from tasks import report
from tasks.cli.showing import Showing
from tasks.session import Session
from tasks.terminal import harmless

SAME, WRONG, USAGE, DIFFERS = range(4)
"""Exit codes: it computes the same (or nothing was to be compared); something is wrong; so is how the command was
called; the two sides do not compute the same."""

NOT_VERIFIED: Final = "not verified"
_MADE: Final = ("ran", "restored", "up to date")


@dataclass(frozen=True)
class Result:
    """What became of one conversion.

    Attributes:
        target: The target.
        verdict: ``exact``, ``close``, ``differs``, or ``not verified``; None where it failed.
        max_rel: The largest error of all outputs, relative to the largest number; None where there is none.
        error: Why it failed, or differs.
        reasons: Why the verdict is no better.
        files: The checkpoint's.
        folder: Of the target's files.
    """

    target: str
    verdict: str | None
    max_rel: float | None
    error: str
    reasons: tuple[str, ...]
    files: tuple[str, ...]
    folder: str

    @property
    def is_off(self) -> bool:
        """Whether it computes something else, if only a little."""
        return self.verdict in ("close", "differs")


def result(session: Session, model: str, target: str, *, verified: bool = True) -> Result:
    """What became of ``model`` on ``target`` in this process."""
    folder = session.build / session.place(model) / target
    pair = f"{model}-{target}"
    verdict, worst = None, None
    reasons: tuple[str, ...] = ()
    errors = [str(session.errors[name]) for name in _steps(model, target) if name in session.errors]
    if verified and session.done.get(f"checkpoint:{pair}", _MADE[2]) in _MADE and f"verify:{pair}" in session.done:
        if isinstance(session.errors.get(f"verify:{pair}"), report.Differs) or not errors:
            verdict, worst, reasons = _judged(folder)
    elif not verified and session.done.get(f"checkpoint:{pair}") in _MADE:
        verdict = NOT_VERIFIED
    files = sorted((folder / "checkpoint").rglob("*")) if verdict else []
    paths = tuple(report.shown(path) for path in files if path.is_file())
    return Result(target, verdict, worst, "\n".join(errors[:1]), reasons, paths, report.shown(folder))


def tell(found: Sequence[Result], model: str, output: Path, showing: Showing, ran: int) -> int:
    """Say what became of each, in the form that is asked for, and give the exit code."""
    if showing.json:
        write_json(as_json(found, model, output))
    elif not showing.quiet:
        show(found, model, is_verbose=showing.verbose)
    return code(found, ran)


def code(results: Sequence[Result], ran: int) -> int:
    """The exit code: that of a signal, else 1 where one failed, 3 where one differs, 0."""
    if ran > DIFFERS:
        return ran
    verdicts = [each.verdict for each in results]
    return WRONG if None in verdicts else DIFFERS if "differs" in verdicts else SAME


def show(results: Sequence[Result], model: str, *, is_verbose: bool) -> None:
    """Print what became of each: the verdict and the files; of several a line each."""
    console = Console(highlight=False, soft_wrap=True)
    width = max(len(each.target) for each in results)
    for each in results:
        if each.verdict in report.SYMBOLS and (is_verbose or len(results) == 1):
            report.summary(Path(each.folder), is_verbose=is_verbose)
        line = Text.assemble(f"{each.target:{width}}  " if len(results) > 1 else f"{model} to {each.target}: ")
        console.print(line + _said(each))
        for reason in each.reasons[:1] if len(results) > 1 else ():
            console.print(Text(f"{'':{width}}  {harmless(reason)}"))
        if each.verdict and len(results) > 1:
            console.print(Text(f"{'':{width}}  {_listed(each)}", "dim"))


def write_json(content: Any) -> None:
    """Write ``content`` to standard output; what is no character, as in names of files, is escaped."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")


def as_json(results: Sequence[Result], model: str, output: Path) -> dict[str, Any]:
    """The same for a script."""
    return {"model": model, "output": str(output), "results": [asdict(each) for each in results]}


def _steps(model: str, target: str) -> list[str]:
    """The steps of a conversion, the one that failed first before those that depend on it."""
    shared = [f"download:{model}", f"ir:{model}", "download:photographs", f"reference:{model}"]
    return [*shared, *(f"{kind}:{model}-{target}" for kind in ("code", "checkpoint", "verify"))]


def _judged(folder: Path) -> tuple[str | None, float | None, tuple[str, ...]]:
    content = json.loads((folder / "verify.json").read_text())
    errors = [float(output["max_rel"]) for output in content["outputs"] if output["max_rel"] is not None]
    return content["verdict"], max(errors, default=None), tuple(content["reasons"])


def _listed(each: Result) -> str:
    """The checkpoint's folder, and what lies in it: a SavedModel is one thing, not its five files."""
    folder = f"{each.folder}/checkpoint/"
    names = dict.fromkeys(file.removeprefix(folder).partition("/")[0] for file in each.files)
    return f"{folder}: {', '.join(names)}"


def _said(each: Result) -> Text:
    if each.verdict is None:
        return Text(f"! failed: {each.error.splitlines()[0]}" if each.error else "! failed", "bold red")
    if each.verdict == NOT_VERIFIED:
        return Text("not verified, as --no-verify asks: nothing says that it computes the same", "yellow")
    error = "" if each.max_rel is None else f", largest error {each.max_rel:.2g}"
    return Text(f"{report.SYMBOLS[each.verdict]} {each.verdict}{error}", report.COLOURS[each.verdict])
