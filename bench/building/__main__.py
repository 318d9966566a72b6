"""``python -m bench.building``: measure the build system, print the table. ``--write`` puts it into the README."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench import table
from bench.building import graphs, transfers

README = Path(__file__).with_name("README.md")


def main() -> int:
    """Run the command of ``sys.argv``; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.building", description="Measure the build system.")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="of each measurement; default: 5")
    parser.add_argument("--write", action="store_true", help="put the result into bench/building/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="transship-bench-") as folder:
        rows = [*_no_ops(Path(folder) / "graphs", options.repetitions), *_files(Path(folder), options.repetitions)]
    report = f"\n{table.markdown(rows)}\nMedians of {options.repetitions} runs on {os.cpu_count()} cores.\n"
    print(report)  # noqa: T201
    if options.write:
        README.write_text(table.replaced(README.read_text(), report))
    return 0


def _no_ops(folder: Path, repetitions: int) -> Iterator[Sequence[str]]:
    projects = graphs.prepare(folder)
    seconds: dict[str, list[float]] = {name: [] for name in (*projects, "single")}
    for turn in range(repetitions + 1):
        for name, project in projects.items():
            took = graphs.run(*project)
            seconds[name] += [took] if turn else []
        took = graphs.run(*projects["transship"], "make:50-99")
        seconds["single"] += [took] if turn else []
    whole, stock = median(seconds["transship"]), median(seconds["doit"])
    yield ("", "goal", "measured", "")
    yield ("nothing to do, 10,000 tasks, times doit alone", "at most 1.0", f"{whole / stock:.2f}", f"{whole:.2f} s")
    yield ("doit alone", "", "", f"{stock:.2f} s")
    ninja = f"{median(seconds['ninja']):.2f} s" if "ninja" in seconds else "not installed"
    yield ("ninja", "", "", ninja)
    single = median(seconds["single"])
    yield ("one of 10,000, nothing to do", "under 0.5 s", f"{single:.2f} s", "")


def _files(folder: Path, repetitions: int) -> Iterator[Sequence[str]]:
    (folder / "disk").mkdir()
    restored = {name: median(each) for name, each in transfers.restoring(folder / "disk", repetitions).items()}
    ratio = restored["transship"] / restored["cp"]
    yield ("500 MB from the cache, times `cp`", "at most 1.5", f"{ratio:.2f}", f"{restored['transship']:.2f} s")
    fetched = {name: median(each) for name, each in transfers.fetching(folder / "net", repetitions).items()}
    share = fetched["curl"] / fetched["transship"]
    yield ("500 MB from nginx, of `curl`'s speed", "at least 60 %", f"{share:.0%}", f"{fetched['transship']:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
