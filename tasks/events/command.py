"""``doit log``: what happened in the runs of late."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from converter.errors import BadInput
from tasks.commands import ProjectCommand, option
from tasks.events.critical import critical_path
from tasks.events.log import Record, StepEvent, find, folders, read
from tasks.events.trace import trace
from tasks.session import Session
from tasks.strict import similar
from tasks.terminal import harmless

_REAL = ("ran", "failed")
_COLOURS = {"ran": "", "failed": "bold red", "restored": "cyan", "not run": "yellow"}

Rows = list[dict[str, Any]]


class Log(ProjectCommand):
    """See the module."""

    name = "log"
    doc_purpose = "see what ran of late, what it printed, and what took so long"
    doc_usage = "[what-ran | slowest | critical-path | show STEP | replay | trace] [RUN]"
    doc_description = (
        "RUN is the id of a run, or its end; the latest is meant where there is none. Alone it lists the runs.\n"
        "what-ran       the steps that ran or failed\n"
        "slowest        the steps that took longest, and the actions that they ran\n"
        "critical-path  the chain of steps that the run had to wait for\n"
        "show STEP      what a step printed\n"
        "replay         the run once more, as lines; --speed 1 in its own time\n"
        "trace          a file for chrome://tracing or Perfetto: -o trace.json"
    )
    cmd_options = (
        option("json", bool, "as JSON, for programs"),
        option("count", int, "slowest: how many", default=10),
        option("speed", str, "replay: how many times as fast as it was"),
        option("output", str, "trace: the file to write", short="o"),
    )

    def ask(self, session: Session, options: Mapping[str, Any], words: list[str]) -> int:
        """See :class:`tasks.commands.ProjectCommand`."""
        runs = session.logs / "runs"
        if not words:
            _tell(_runs(runs), _run_line, options)
            return 0
        verbs: dict[str, Callable[[Path, Mapping[str, Any], list[str]], None]] = {
            "what-ran": _what_ran,
            "slowest": _slowest,
            "critical-path": _critical_path,
            "show": _show,
            "replay": _replay,
            "trace": _trace,
        }
        verb = words.pop(0)
        if verb not in verbs:
            raise BadInput(f"doit log does not know {verb!r}{similar(verb, verbs)}", fix="doit help log")
        verbs[verb](runs, options, words)
        return 0


def _runs(runs: Path) -> Rows:
    return [_summary(read(folder)) for folder in folders(runs)]


def _summary(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "time": record.started,
        "arguments": list(record.run.get("arguments", ())),
        "seconds": round(record.seconds, 3),
        "code": record.end.get("code"),
        "counts": dict(record.end.get("counts", {})),
    }


def _run_line(row: Mapping[str, Any]) -> Text:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["time"] / 1e9))
    how = {None: "has no end: it goes on, or was killed", 0: "", 130: "interrupted"}.get(row["code"], "failed")
    counts = ", ".join(f"{count} {did}" for did, count in row["counts"].items())
    asked = " ".join(map(str, row["arguments"]))
    return Text(
        f"{row['id']}  {when}  {row['seconds']:7.1f} s  {harmless(asked)}  {'; '.join(filter(None, (counts, how)))}"
    )


def _what_ran(runs: Path, options: Mapping[str, Any], words: list[str]) -> None:
    _tell([_row(step) for step in _of(runs, words).steps if step.did in _REAL], _step_line, options)


def _slowest(runs: Path, options: Mapping[str, Any], words: list[str]) -> None:
    steps = sorted(_of(runs, words).steps, key=lambda step: step.started - step.ended)
    _tell([_row(step) for step in steps[: options["count"]]], _with_actions, options)


def _critical_path(runs: Path, options: Mapping[str, Any], words: list[str]) -> None:
    record = _of(runs, words)
    links = critical_path(record.steps)
    _tell([asdict(link) for link in links], _link_line, options)
    if not options["json"]:
        whole = sum(link.seconds for link in links)
        sys.stdout.write(f"{whole:.1f} s of the {record.seconds:.1f} s that the run took\n")


def _show(runs: Path, _: Mapping[str, Any], words: list[str]) -> None:
    if not words:
        raise BadInput("doit log show which step?", fix="doit log show verify:<model>-<target>")
    name, *run = words
    record = _of(runs, run)
    known = {step.step: step for step in record.steps if step.log}
    if name not in known:
        raise BadInput(f"{name!r} printed nothing in the run {record.id}{similar(name, known)}")
    sys.stdout.write(harmless((record.folder / Path(known[name].log).name).read_text(errors="replace")))


def _replay(runs: Path, options: Mapping[str, Any], words: list[str]) -> None:
    record, console = _of(runs, words), Console(highlight=False, soft_wrap=True)
    try:
        speed = float(options["speed"] or 0)
    except ValueError:
        raise BadInput(f"{options['speed']!r} is no speed", fix="--speed 10") from None
    now = record.started
    for step in record.steps:
        if speed > 0:
            time.sleep(max(step.ended - now, 0) / 1e9 / speed)
        now = step.ended
        console.print(_step_line(_row(step)))
    console.print(_run_line(_summary(record)))


def _trace(runs: Path, options: Mapping[str, Any], words: list[str]) -> None:
    text = json.dumps(trace(_of(runs, words)))
    if not options["output"]:
        sys.stdout.write(text + "\n")
        return
    try:
        Path(options["output"]).write_text(text)
    except OSError as error:
        raise BadInput(f"the trace cannot be written: {error.strerror}", where=options["output"]) from error


def _of(runs: Path, words: Sequence[str]) -> Record:
    if len(words) > 1:
        raise BadInput(f"one run at a time, not {' and '.join(words)}", fix="doit log lists them")
    return find(runs, *words)


def _row(step: StepEvent) -> dict[str, Any]:
    actions = [{**asdict(act), "seconds": round((act.ended - act.started) / 1e9, 3)} for act in step.actions]
    seconds = round((step.ended - step.started) / 1e9, 3)
    return {"step": step.step, "did": step.did, "seconds": seconds, "error": step.error, "actions": actions}


def _step_line(row: Mapping[str, Any]) -> Text:
    error = f"  {harmless(row['error'])}" if row["error"] else ""
    return Text.assemble(
        (f"{row['did']:9}", _COLOURS.get(row["did"], "")), f" {row['step']}  {row['seconds']:.1f} s{error}"
    )


def _with_actions(row: Mapping[str, Any]) -> Text:
    acts = (f"\n{'':11}{act['seconds']:6.1f} s  {act['title']} in {act['where']}" for act in row["actions"])
    return Text.assemble(f"{row['seconds']:6.1f} s  {row['step']}", (harmless("".join(acts)), "dim"))


def _link_line(row: Mapping[str, Any]) -> Text:
    return Text(f"{row['seconds']:6.1f} s  {row['step']}  without it {row['gain']:.1f} s less")


def _tell(rows: Rows, line: Callable[[Mapping[str, Any]], Text], options: Mapping[str, Any]) -> None:
    if options["json"]:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    for text in _lines(rows, line):
        console.print(text)


def _lines(rows: Rows, line: Callable[[Mapping[str, Any]], Text]) -> Iterator[Text]:
    yield from map(line, rows) if rows else [Text("nothing")]
