"""What a step takes of the machine, and what the machine has."""

from __future__ import annotations

import os
from dataclasses import dataclass

_GIB = 1 << 30

_TRANSFERS = 4
"""Downloads at a time: more make none of them faster."""

_BUILDERS = 1
"""Image builds at a time: each fills the disk's queue, and the compilers among them take all cores by themselves."""

_SHARE = 0.8
"""Of the machine's memory, for all steps together."""


@dataclass(frozen=True)
class Needs:
    """Resources, of a step or of a machine.

    Attributes:
        cores: Processors.
        memory: Bytes.
        disk: How many stream to the disk all the time.
        network: How many stream from the network.
    """

    cores: int = 0
    memory: int = 0
    disk: int = 0
    network: int = 0

    def __add__(self, other: Needs) -> Needs:
        """Both together."""
        return Needs(
            self.cores + other.cores,
            self.memory + other.memory,
            self.disk + other.disk,
            self.network + other.network,
        )

    def __sub__(self, other: Needs) -> Needs:
        """What is left."""
        return Needs(
            self.cores - other.cores,
            self.memory - other.memory,
            self.disk - other.disk,
            self.network - other.network,
        )

    def fits(self, room: Needs) -> bool:
        """Whether no resource is short."""
        return (
            self.cores <= room.cores
            and self.memory <= room.memory
            and self.disk <= room.disk
            and self.network <= room.network
        )

    def within(self, most: Needs) -> Needs:
        """The same, but of no resource more than there is: who needs more than the machine has runs alone."""
        return Needs(
            min(self.cores, most.cores),
            min(self.memory, most.memory),
            min(self.disk, most.disk),
            min(self.network, most.network),
        )


NOTHING = Needs()

_FRAMEWORK = Needs(cores=1, memory=2 * _GIB)
"""A container: measured, the largest of the classic models take 1.6 GiB in the hungriest framework."""

_BY_KIND = {
    "download": Needs(network=1, disk=0),
    "image": Needs(cores=1, disk=1, network=1),
    "ir": Needs(cores=1, memory=_GIB),
    "code": Needs(cores=1, memory=_GIB // 4),
    "reference": _FRAMEWORK,
    "checkpoint": _FRAMEWORK,
    "verify": _FRAMEWORK,
    "layers": _FRAMEWORK,
    "top": Needs(cores=1, memory=_GIB // 4),
}


def needs(task: str) -> Needs:
    """What the task called ``kind:name`` takes while it runs; what is no step of a conversion takes a core."""
    return _BY_KIND.get(task.partition(":")[0], Needs(cores=1))


def machine(workers: int) -> Needs:
    """What there is for ``workers`` steps at a time: a core for each, whatever the machine has, as was asked for."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Needs(workers, int(memory * _SHARE), _BUILDERS, _TRANSFERS)
