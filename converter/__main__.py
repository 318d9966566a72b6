"""``python -m converter ir``: one model's files to the IR, without the build system.

    python -m converter ir --graph x-symbol.json --weights x-0000.params --input data:1,3,224,224 -o ir

Says nothing if all went well. A refusal goes to stderr, one to three lines, with exit code 1.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import warnings
from pathlib import Path

import converter
from converter.errors import BadInput, TransshipError
from converter.postponed import postpone


def main() -> int:
    """Run the command of ``sys.argv``; return its exit code."""
    options = _parser().parse_args()
    postpone()
    gc.disable()  # a short process that keeps what it makes: looking through all of that takes as long as the work
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else NumPy starts threads that spin, for algebra never done
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", converter.StructureOnly)
            model = converter.parse(
                options.source,
                graph=options.graph,
                weights=options.weights,
                inputs=dict(map(_shape, options.input)),
                name=options.name,
            )
            converter.save(model, options.output)
    except TransshipError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m converter", description="Read one model's files into the IR.")
    command = parser.add_subparsers(required=True, metavar="ir").add_parser("ir", help="a model's files to the IR")
    command.add_argument("--from", dest="source", default="mxnet", metavar="FRAMEWORK", help="default: mxnet")
    command.add_argument("--graph", required=True, type=Path, metavar="FILE", help="the structure: x-symbol.json")
    command.add_argument(
        "--weights", type=Path, metavar="FILE", help="x-0000.params; without it, the structure alone"
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME:1,3,224,224",
        help='the first may be "batch"; repeatable',
    )
    command.add_argument("--name", default="", help="what to call the model; default: the graph file's name")
    command.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER", help="where to write the IR")
    return parser


def _shape(text: str) -> tuple[str, list[int | str]]:
    """Read ``NAME:1,3,224,224``; a name may hold colons."""
    name, colon, numbers = text.rpartition(":")
    parts = [part.strip() for part in numbers.split(",")]
    if not name or not colon or not all(part.isdecimal() or part == "batch" for part in parts):
        raise BadInput(
            f"--input {text!r:.80} is no shape", fix="write it as NAME:1,3,224,224 or NAME:batch,3,224,224"
        )
    return name, [int(part) if part.isdecimal() else part for part in parts]


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # taking the model apart, object by object, takes as long as putting it together
