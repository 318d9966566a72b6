"""Where the benchmark runs: two images, a folder of networks, and one container for each measurement."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker

from bench.table import Measured
from tasks import engine, images
from tasks.builder import Progress
from tasks.errors import StepFailed
from tasks.executors.docker import Box, run

PEERS, CONVERTER = "bench-peers", "bench-converter"
HERE = Path(__file__).resolve().parent
TIMEOUT = 600
MEMORY_SHARE = 0.75
PATHS = "/in:/opt/python"


@dataclass(frozen=True)
class Bench:
    """The containers' images, and the folders that they see.

    Attributes:
        client: The engine.
        images: By toolchain.
        inputs: ``/in`` of every container: the networks, this package's scripts, and ``converter``, compiled.
        outputs: ``/out`` of every container, emptied before each.
    """

    client: docker.DockerClient
    images: Mapping[str, images.Identity]
    inputs: Path
    outputs: Path

    def measure(self, toolchain: str, command: Sequence[str], warm: Sequence[str]) -> Measured:
        """Run ``command`` once, the files ``warm`` being in the page cache.

        Raises:
            StepFailed: It fails. Shows the end of what it said.
        """
        self._run(toolchain, ["python3", "/in/inside/measure.py", *warm, "--", *command])
        measured = json.loads((self.outputs / "measured.json").read_text())
        if measured["status"]:
            said = (self.outputs / "said.txt").read_text(errors="replace").splitlines()[-5:]
            raise StepFailed(f"{' '.join(command)} ended with {measured['status']}", where="\n    ".join(said))
        return Measured(measured["seconds"], measured["bytes"])

    def _run(self, toolchain: str, argv: Sequence[str]) -> None:
        shutil.rmtree(self.outputs, ignore_errors=True)
        self.outputs.mkdir(parents=True)
        os.sync()
        start(self.client, self.images[toolchain], argv, self.inputs, self.outputs)


def prepare(cache: Path, records: Path, networks: Sequence[str]) -> Bench:
    """Build the images, write the networks, and put together what the containers see.

    Args:
        cache: Where networks and outputs go; the networks stay, for the next run.
        records: The folder of what is known about built images.
        networks: Their names.
    """
    client = engine.connect(timeout=TIMEOUT)
    built = {name: images.ensure(name, records, client, Progress(), HERE / "images") for name in (PEERS, CONVERTER)}
    bench = Bench(client, built, cache / "in", cache / "out")
    shutil.rmtree(bench.inputs, ignore_errors=True)
    shutil.copytree(HERE / "inside", bench.inputs / "inside")
    shutil.copytree(
        HERE.parent / "converter", bench.inputs / "converter", ignore=shutil.ignore_patterns("__pycache__")
    )
    compile_all = ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/out/converter"]
    start(client, built[CONVERTER], compile_all, bench.inputs, bench.inputs)
    for network in networks:
        for file in _network(bench, cache, network):
            os.link(file, bench.inputs / file.name)
    return bench


def _network(bench: Bench, cache: Path, name: str) -> tuple[Path, Path]:
    """The symbol and the params file of a network, written by MXNet unless an earlier run did."""
    recipe = (HERE / "inside/networks.py").read_bytes() + bench.images[PEERS].identity.encode()
    folder = cache / f"{name}-{hashlib.sha256(recipe).hexdigest()[:12]}"
    if not folder.exists():
        partial = cache / f"{folder.name}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        start(bench.client, bench.images[PEERS], ["python3", "/in/inside/networks.py", name], bench.inputs, partial)
        partial.rename(folder)
    return folder / f"{name}-symbol.json", folder / f"{name}-0000.params"


def start(
    client: docker.DockerClient, image: images.Identity, argv: Sequence[str], inputs: Path, outputs: Path
) -> None:
    """Run a container as the build does: no network, and the same limits for all.

    Raises:
        StepFailed: The program fails.
    """
    facts = engine.facts(client)
    log = outputs.with_name(f"{outputs.name}.log")
    box = Box(
        image=image.tag,
        argv=argv,
        inputs=inputs,
        outputs=outputs,
        timeout=TIMEOUT,
        user=facts.user,
        memory=int(facts.memory * MEMORY_SHARE),
        env={"PYTHONPATH": PATHS},
        userns=facts.userns,
    )
    if status := run(client, box, log):
        end = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        raise StepFailed(f"{' '.join(argv)} ended with {status}\n{end}", where=f"full output in {log}")
