"""``python -m bench``: measure, and print the tables. ``--write`` puts them into ``bench/README.md``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench import table
from bench.containers import CONVERTER, PEERS, Bench, prepare
from bench.table import BARE, COPY, EXPORT, MMTOIR, OURS, WORK, Measured, Result
from converter.errors import TransshipError
from tasks.session import default_cache

README = Path(__file__).with_name("README.md")
NETWORKS = {"resnet-152": "ResNet-152", "vgg-19": "VGG-19"}


def main() -> int:
    """Run the command of ``sys.argv``; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare the MXNet frontend with its peers.")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N", help="of each measurement; default: 7")
    parser.add_argument("--write", action="store_true", help="put the result into bench/README.md")
    options = parser.parse_args()
    try:
        report = _report(options.repetitions)
    except TransshipError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(report)  # noqa: T201
    if options.write:
        README.write_text(table.replaced(README.read_text(), report))
    return 0


def _report(repetitions: int) -> str:
    cache = default_cache()
    bench = prepare(cache / "bench", cache / "images", list(NETWORKS))
    results = [_result(bench, name, repetitions) for name in NETWORKS]
    return f"\n{table.ratios(results)}\n{table.medians(results)}\n{_machine(bench, repetitions)}\n"


def _result(bench: Bench, name: str, repetitions: int) -> Result:
    """Measure a network, programs taking turns; the first round only warms the caches up."""
    programs = _programs(bench, f"/in/{name}-symbol.json", f"/in/{name}-0000.params")
    runs: dict[str, list[Measured]] = {program: [] for program in programs}
    for turn in range(repetitions + 1):
        for program, measure in programs.items():
            measured = measure()
            if turn:
                runs[program].append(measured)
    return Result(NETWORKS[name], (bench.inputs / f"{name}-0000.params").stat().st_size, runs)


def _programs(bench: Bench, symbol: str, params: str) -> dict[str, Callable[[], Measured]]:
    """What is measured on one network; reading the files before each run is part of none."""
    files = [symbol, params]
    mmtoir = ["/opt/python/bin/mmtoir", "-f", "mxnet", "-n", symbol, "-w", params]
    ours = ["converter", "ir", "--graph", symbol, "--weights", params, "--input", "data:1,3,224,224", "-o", "/out/ir"]

    def work() -> Measured:
        command = ["python3", "/in/inside/read_and_save.py", *files, "/out/ir"]
        measured = bench.measure(CONVERTER, command, files)
        return replace(measured, seconds=json.loads((bench.outputs / "seconds.json").read_text()))

    return {
        MMTOIR: lambda: bench.measure(
            PEERS, ["python3", *mmtoir, "-d", "/out/ir", "--inputShape", "3,224,224"], files
        ),
        EXPORT: lambda: bench.measure(PEERS, ["python3", "/in/inside/export_onnx.py", *files, "/out/x.onnx"], files),
        OURS: lambda: bench.measure(CONVERTER, ["python3", "-m", *ours], files),
        WORK: work,
        COPY: lambda: bench.measure(CONVERTER, ["cp", params, "/out/x.params"], files),
        BARE: lambda: bench.measure(CONVERTER, ["python3", "-c", "pass"], []),
    }


def _machine(bench: Bench, repetitions: int) -> str:
    """One paragraph on what the numbers were measured with."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = [
        f"{package} {bench.images[image].contents['python'][package].split()[0]}"
        for image, packages in ((PEERS, ("mmdnn", "mxnet")), (CONVERTER, ("onnx", "onnx-ir", "numpy")))
        for package in packages
    ]
    kernel = platform.release().partition("-")[0]
    return (
        f"Medians of {repetitions} runs on {os.cpu_count()} cores ({model}), {memory:.0f} GB of memory,"
        f" Linux {kernel}; {', '.join(versions)}."
    )


if __name__ == "__main__":
    sys.exit(main())
