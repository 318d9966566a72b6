"""MMdnn's commands under their own names and flags, on transship's: old scripts go on working.

Each reads the old flags, does the same by transship's commands in a folder of its own, and puts the results where
MMdnn would have put them. Whatever cannot be had is refused by name.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from converter import ir
from converter.errors import BadInput, TransshipError
from converter.formats import recognise
from tasks import report
from tasks.cli import INTERRUPTED, complain, main, results
from tasks.cli.given import called, named
from tasks.cli.mmdnn import names
from tasks.cli.mmdnn.flags import check_source, check_target, parse
from tasks.cli.workplace import known
from tasks.errors import UsageError
from tasks.manifest import Source


class Failed(Exception):
    """A command of transship's has failed, and said why.

    Attributes:
        code: Its exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def mmdownload() -> int:
    """List or download models."""
    return _run("mmdownload", _download)


def mmtoir() -> int:
    """From a framework's files to the IR."""
    return _run("mmtoir", _to_ir)


def mmtocode() -> int:
    """From the IR to code."""
    return _run("mmtocode", _to_code)


def mmtomodel() -> int:
    """From code and weights to a checkpoint."""
    return _run("mmtomodel", _to_model)


def mmconvert() -> int:
    """All of it, and a verdict."""
    return _run("mmconvert", _convert)


def _run(command: str, function: Callable[[Any], int]) -> int:
    try:
        return function(parse(command, sys.argv[1:]))
    except Failed as error:
        return error.code
    except TransshipError as error:
        return complain(str(error), results.USAGE if isinstance(error, UsageError) else results.WRONG)
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)


def _download(given: Any) -> int:
    check_source(given.framework)
    if given.network is None:
        models = [name for name, model in known().items() if isinstance(model.source, Source) and model.source.base]
        sys.stdout.write(f"Supported models: {models}\n")
        return results.SAME
    return main(["download", given.network, "-o", given.path])


def _to_ir(given: Any) -> int:
    check_source(given.srcFramework)
    if given.network is None:
        raise UsageError("mmtoir: the network's file is missing", fix="give it with -n x-symbol.json")
    with _folder() as folder:
        made = folder / named(Path(given.dstPath).name)
        weights = ["-w", given.weights] if given.weights else []
        _transship("ir", "-n", given.network, *weights, *_shapes(given.inputShape), "-o", str(made))
        goal = Path(given.dstPath)
        found = [(made / "ir" / name, goal.with_name(goal.name + ending)) for name, ending in names.IR.items()]
        return _say([names.copy(source, place) for source, place in found if source.is_file()])


def _to_code(given: Any) -> int:
    check_target(given.dstFramework)
    target, code = given.dstFramework, Path(given.dstModelPath)
    if given.dstWeightPath and not given.IRWeightPath:
        raise UsageError("mmtocode: --dstWeightPath is for weights, and none are given", fix="give --IRWeightPath")
    with _folder() as folder:
        name = called(code)
        source, made = folder / "ir" / name, folder / name
        _lay(source / ir.MODEL, Path(given.IRModelPath), "onnx")
        if given.IRWeightPath:
            _lay(source / ir.WEIGHTS, Path(given.IRWeightPath), "safetensors")
        _transship("code", str(source), "--to", target, "-o", str(made))
        written = made / target / "code"
        files = [names.copy(written / names.main_of(target), code)]
        files.append(names.copy(written / "weights.plan.json", names.plan_of(code)))
        if given.dstWeightPath:
            files.append(names.copy(source / ir.WEIGHTS, Path(given.dstWeightPath)))
        return _say(files)


def _to_model(given: Any) -> int:
    check_target(given.framework)
    target, code = given.framework, Path(given.inputNetwork)
    plan = names.plan_of(code)
    if not (code.is_file() and plan.is_file()):
        missing = plan if code.is_file() else code
        raise BadInput("there is no such file", where=str(missing), fix="mmtocode writes it beside the code")
    with _folder() as folder:
        made, written = folder / called(Path(given.outputModel)), folder / "code"
        written.mkdir()
        shutil.copyfile(code, written / names.main_of(target))
        shutil.copyfile(plan, written / "weights.plan.json")
        weights = _lay(folder / "ir" / ir.WEIGHTS, Path(given.inputWeight), "safetensors")
        files = ("--code", str(written), "--weights", str(weights))
        _transship("checkpoint", *files, "--to", target, "-o", str(made))
        return _say(names.deliver(made / target / "checkpoint", target, Path(given.outputModel)))


def _convert(given: Any) -> int:
    check_source(given.srcFramework)
    check_target(given.dstFramework)
    target = given.dstFramework
    with _folder() as folder:
        made = folder / called(Path(given.outputModel))
        words = ["-n", given.inputNetwork, "-w", given.inputWeight, *_shapes(given.inputShape)]
        code, found = _asked("convert", *words, "--to", target, "-o", str(made))
        if code not in (results.SAME, results.DIFFERS):
            raise Failed(code)
        (result,) = found["results"]
        files = names.deliver(made / target / "checkpoint", target, Path(given.outputModel))
        _say(files)
        error = "" if result["max_rel"] is None else f", largest error {result['max_rel']:.2g}"
        sys.stdout.write(f"{report.SYMBOLS[result['verdict']]} {result['verdict']}{error}\n")
        return code


def _shapes(shapes: Sequence[str] | None) -> list[str]:
    return [word for shape in shapes or () for word in ("--input-shape", shape)]


def _lay(place: Path, source: Path, wanted: str) -> Path:
    """Put a file of the user's into a folder, if it is what it has to be; gives back where it is then."""
    found = recognise(source)
    if found.name != wanted:
        what = f"{found.title}, and not what mmtoir writes"
        raise BadInput(what, where=str(source), fix="write it with mmtoir; files of MMdnn's own IR are not read")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.hardlink_to(source.resolve())
    except OSError:  # on another disk
        shutil.copyfile(source, place)
    return place


def _transship(*words: str) -> None:
    """Do what transship does, but for saying where in our folder the results are."""
    code, _ = _asked(*words)
    if code:
        raise Failed(code)


def _asked(*words: str) -> tuple[int, Any]:
    """Exit code and answer of transship."""
    with redirect_stdout(io.StringIO()) as said:
        code = main([*words, "--json"])
    return code, json.loads(said.getvalue() or "{}")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="transship-") as folder:
        yield Path(folder)


def _say(files: Sequence[Path]) -> int:
    """Say what was made."""
    sys.stdout.write("".join(f"{report.shown(path)}\n" for path in files))
    return results.SAME
