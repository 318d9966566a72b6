"""The flags of MMdnn's commands, as its last release has them, and what becomes of each."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from tasks.errors import UsageError

SOURCES = ("mxnet",)
TARGETS = ("caffe", "cntk", "coreml", "keras", "mxnet", "onnx", "pytorch", "tensorflow")
"""MMdnn's destinations that there are here."""

GONE = {"caffe2": "Caffe2 has become a part of PyTorch: ask for pytorch or onnx"}
_NOT_RUN = "nothing is run when a model is downloaded"
_ONLY = "only models of mxnet can be read here"


@dataclass(frozen=True)
class Flag:
    """A flag, under all its spellings.

    Attributes:
        names: Its spellings.
        here: What it is in transship's own words, for the table of the documentation.
        required: Whether it has to be given.
        several: Whether it takes several values.
        default: Its value where it is not given.
        refused: Why it cannot be given; empty where it can.
        harmless: The values that change nothing, where no others can be given.
    """

    names: tuple[str, ...]
    here: str
    required: bool = False
    several: bool = False
    default: str | None = None
    refused: str = ""
    harmless: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The attribute of what is parsed."""
        return self.names[-1].lstrip("-")


_SHAPE = Flag(("--inputShape",), "`--input-shape 3,224,224`, once for each input", several=True)
_CUT = "it cuts graphs of TensorFlow, which are not read"
_IN_NODES = Flag(("-inode", "--inNodeName"), "refused", several=True, refused=_CUT)
_OUT_NODES = Flag(("-node", "--dstNodeName"), "refused", several=True, refused=_CUT)
_TAG = Flag(
    ("--dump_tag",),
    "`SERVING` is what is made; `TRAINING` is refused",
    harmless=("SERVING",),
    refused="a SavedModel of transship's is for serving, and its code, model.py, can go on training",
)

COMMANDS: Mapping[str, tuple[Flag, ...]] = {
    "mmdownload": (
        Flag(("-f", "--framework"), "only `mxnet`", required=True),
        Flag(("-n", "--network"), "`transship download NAME`; without it the list, `transship download --list`"),
        Flag(("-p", "-o", "--path"), "`-o FOLDER`", default="./"),
        Flag(
            ("-i", "--image"),
            "refused",
            refused=f"{_NOT_RUN}; transship convert --image verifies it on a photograph",
        ),
        Flag(
            ("-l", "--label"),
            "refused",
            refused=f"{_NOT_RUN}; transship download --labels writes the classes' names",
        ),
    ),
    "mmtoir": (
        Flag(("-f", "--srcFramework"), "`--from`; only `mxnet`"),
        Flag(("-n", "-in", "--network"), "`-n x-symbol.json`"),
        Flag(("-w", "-iw", "--weights"), "`-w x-0000.params`; without it, the structure alone"),
        Flag(
            ("-d", "-o", "--dstPath"),
            "`transship ir -o FOLDER`; here it is the beginning of three names",
            required=True,
        ),
        _SHAPE,
        _IN_NODES,
        _OUT_NODES,
        Flag(("--caffePhase",), "for models of Caffe: changes nothing", harmless=("TRAIN", "TEST")),
        Flag(("--darknetStart",), "for models of Darknet: changes nothing", harmless=("0", "1")),
    ),
    "mmtocode": (
        Flag(("-f", "--dstFramework"), "`transship code --to`", required=True),
        Flag(("-n", "-in", "--IRModelPath"), "the IR's `model.onnx`", required=True),
        Flag(("-w", "-iw", "--IRWeightPath"), "the IR's `weights.safetensors`"),
        Flag(("-d", "-o", "--dstModelPath"), "the file of the code", required=True),
        Flag(("-dw", "-ow", "--dstWeightPath"), "a copy of the IR's weights"),
        Flag(
            ("--phase",),
            "`test` is what is made; `train` is refused",
            harmless=("test",),
            refused="the code is of the network as it answers; of PyTorch, Keras and CNTK it can go on training",
        ),
    ),
    "mmtomodel": (
        Flag(("-f", "--framework"), "`transship checkpoint --to`", required=True),
        Flag(("-in", "--inputNetwork"), "the file of the code, as mmtocode has written it", required=True),
        Flag(("-iw", "--inputWeight"), "the weights, as mmtoir or mmtocode has written them", required=True),
        Flag(
            ("-o", "-om", "--outputModel"), "the checkpoint's file, folder, or beginning of two names", required=True
        ),
        _TAG,
    ),
    "mmconvert": (
        Flag(("-sf", "--srcFramework"), "`--from`; only `mxnet`"),
        Flag(("-in", "--inputNetwork"), "`-n x-symbol.json`", required=True),
        Flag(("-iw", "--inputWeight"), "`-w x-0000.params`", required=True),
        Flag(("-df", "--dstFramework"), "`transship convert --to`", required=True),
        Flag(("-om", "--outputModel"), "the checkpoint's file, folder, or beginning of two names", required=True),
        _TAG,
        _SHAPE,
        _IN_NODES,
        _OUT_NODES,
    ),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", fix=f"{self.prog} --help shows its flags")


def parse(command: str, words: list[str]) -> argparse.Namespace:
    """What the ``words`` of a command line say.

    Raises:
        UsageError: There is no such flag, one is missing, or one cannot be had here.
    """
    parser = _Parser(prog=command, allow_abbrev=False, description=f"MMdnn's {command}, on transship.")
    for flag in COMMANDS[command]:
        takes = "+" if flag.several else None
        text = flag.here.replace("`", "")
        parser.add_argument(
            *flag.names, dest=flag.key, required=flag.required, default=flag.default, nargs=takes, help=text
        )
    found = parser.parse_args(words)
    for flag in COMMANDS[command]:
        value = getattr(found, flag.key)
        if value is None or value == flag.default or value in flag.harmless:
            continue
        if flag.refused:
            raise UsageError(f"{command} {flag.names[-1]} cannot be had: {flag.refused}", fix="leave it out")
        if flag.harmless:
            what = f"{command} {flag.names[-1]} is not {value!r:.40}"
            raise UsageError(what, fix=f"give {' or '.join(flag.harmless)}, or leave it out")
    return found


def check_source(framework: str | None) -> None:
    """See that models of ``framework`` are read.

    Raises:
        UsageError: They are not.
    """
    if framework not in (None, *SOURCES):
        raise UsageError(f"models of {framework!r:.40} cannot be read", fix=f"{_ONLY}; for others use MMdnn itself")


def check_target(framework: str) -> None:
    """See that there is such a target.

    Raises:
        UsageError: There is none.
    """
    if framework not in TARGETS:
        fix = GONE.get(framework, f"use one of: {', '.join(TARGETS)}")
        raise UsageError(f"there is no target {framework!r:.40}", fix=fix)
