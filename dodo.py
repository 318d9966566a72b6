"""Convert models: download -> IR -> code -> checkpoint -> verify. ``doit`` alone says what can be built."""

from collections.abc import Iterator
from pathlib import Path

from tasks.plan import Described, open_plan
from tasks.progress.reporter import Reporter

plan = open_plan(Path(__file__).parent)

DOIT_CONFIG = {
    "default_tasks": ["overview"],
    "reporter": Reporter(plan.session),
    "backend": "sqlite3-committing",
    "dep_file": str(plan.session.root / ".doit.db"),
    "verbosity": 2,
}


def task_convert() -> Iterator[Described]:
    """convert:<model>-<target>      all of it: a verified model of the target framework"""
    yield from plan.conversions()


def task_download() -> Iterator[Described]:
    """download:<model>              files as published and checked, or exported from a model zoo"""
    yield from plan.downloads()


def task_ir() -> Iterator[Described]:
    """ir:<model>                    ONNX graph + safetensors weights, read without the framework"""
    yield from plan.irs()


def task_reference() -> Iterator[Described]:
    """reference:<model>             the source framework's own answers on fixed inputs"""
    yield from plan.references()


def task_code() -> Iterator[Described]:
    """code:<model>-<target>         the network, readable, in the target's own idiom"""
    yield from plan.codes()


def task_checkpoint() -> Iterator[Described]:
    """checkpoint:<model>-<target>   the target's native files, written by the target"""
    yield from plan.checkpoints()


def task_verify() -> Iterator[Described]:
    """verify:<model>-<target>       the verdict: both frameworks, same inputs, compared"""
    yield from plan.verifications()


def task_layers() -> Iterator[Described]:
    """layers:<model>-<target>       the error of every value between, on one photograph"""
    yield from plan.layers()


def task_top() -> Iterator[Described]:
    """top:<model>-<target>          the classes that both rank first on the photographs"""
    yield from plan.tops()


def task_image() -> Iterator[Described]:
    """image:<toolchain>             the container image that a framework lives in"""
    yield from plan.images()


def task_table() -> Described:
    """table                            the classic models to every target; with weights=seeded without downloads"""
    return plan.table()


def task_report() -> Described:
    """report                           all that is verified as a page; models='resnet*,vgg19' converts these first"""
    return plan.report()


def task_overview() -> Described:
    """overview                         what can be built; what doit alone does"""
    return plan.overview()
