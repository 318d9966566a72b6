"""An Action: the canonical record of a step, and its key.

The record has the shape of the Remote Execution API (``Action``, ``Command``, ``Directory``), and the key is the
SHA-256 of the encoded ``Action``. Nothing of the machine, the user or the project's location is in it: an action
sees its inputs below ``in/`` and writes below ``out/`` of a working folder of its own.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tasks import reapi

SALT = b"transship 1"
"""Part of every key: a new value disowns all results that were ever recorded."""


class Digest(NamedTuple):
    """Content of a file: its SHA-256 in lower-case hexadecimal and its size in bytes."""

    hash: str
    size: int

    @staticmethod
    def of(data: bytes) -> Digest:
        """The digest of ``data``."""
        return Digest(hashlib.sha256(data).hexdigest(), len(data))


Tree = Mapping[str, Digest]
"""Files by relative POSIX path."""


@dataclass(frozen=True)
class Image:
    """Where an action runs.

    Attributes:
        toolchain: The folder below ``images/``, or ``host``; a name for people, not part of a key.
        identity: SHA-256 over what the image holds.
    """

    toolchain: str
    identity: str


WHATEVER = "."
"""As an output: all that there is below ``out/``."""


@dataclass(frozen=True)
class Action:
    """A program run once, on declared inputs, for declared outputs, without network.

    Attributes:
        argv: The command; paths are relative to the working folder.
        image: What it runs in.
        inputs: Files below ``in/``, by path relative to it.
        outputs: Files or folders below ``out/`` that it has to write, by path relative to it; no others. Of a step
            that decides itself what it writes: :data:`WHATEVER` alone.
        env: The whole environment.
        timeout: Seconds. Part of the key, so that a slow machine cannot hide a limit that is too short.
    """

    argv: tuple[str, ...]
    image: Image
    inputs: tuple[tuple[str, Digest], ...]
    outputs: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    timeout: int = 600

    def __post_init__(self) -> None:
        """Refuse paths that leave the working folder."""
        outputs = () if self.outputs == (WHATEVER,) else self.outputs
        for path in (*(path for path, _ in self.inputs), *outputs):
            if not is_plain(path):
                raise ValueError(f"not a plain relative path: {path!r}")


_ELSEWHERE = frozenset(("", ".", ".."))
"""Parts of a path that lead elsewhere than to a name below, or nowhere."""


@functools.lru_cache(maxsize=1 << 14)
def is_plain(path: str) -> bool:
    """Whether ``path`` is relative, leads nowhere else, and is written in the one way."""
    return _ELSEWHERE.isdisjoint(path.split("/"))


def inputs(tree: Tree) -> tuple[tuple[str, Digest], ...]:
    """``tree`` in the form that an :class:`Action` holds: sorted by path."""
    return tuple(sorted(tree.items()))


def below(folder: str, tree: Tree) -> dict[str, Digest]:
    """``tree`` moved into ``folder``."""
    return {f"{folder}/{path}": digest for path, digest in tree.items()}


@dataclass(frozen=True)
class Encoded:
    """An action in its canonical encoding.

    Attributes:
        key: Digest of the ``Action`` message: the name of the result in every cache.
        blobs: The ``Action``, ``Command`` and ``Directory`` messages by digest, as a remote executor needs them.
    """

    key: Digest
    blobs: Mapping[Digest, bytes]


def encode(action: Action) -> Encoded:
    """Encode ``action``; equal actions have equal bytes on any machine."""
    blobs: dict[Digest, bytes] = {}

    def add(message: reapi.Message) -> Digest:
        data: bytes = message.SerializeToString(deterministic=True)
        digest = Digest.of(data)
        blobs[digest] = data
        return digest

    root = add(_directory({f"in/{path}": digest for path, digest in action.inputs}, add))
    command = reapi.Command(
        arguments=action.argv,
        environment_variables=[{"name": name, "value": value} for name, value in sorted(action.env)],
        output_paths=sorted("out" if path == WHATEVER else f"out/{path}" for path in action.outputs),
    )
    key = add(
        reapi.Action(
            command_digest=_message(add(command)),
            input_root_digest=_message(root),
            timeout={"seconds": action.timeout},
            salt=SALT,
            platform={"properties": [{"name": "image", "value": action.image.identity}]},
        )
    )
    return Encoded(key, blobs)


def decode(key: Digest, read: Callable[[Digest], bytes]) -> Action:
    """The action of a key.

    Args:
        key: Digest of its ``Action`` message.
        read: Gives the content of a message by its digest, and raises where it cannot.

    Returns:
        The action that was encoded; the image's toolchain is not in it, and empty.

    Raises:
        google.protobuf.message.DecodeError: A blob is no such message.
    """
    message = reapi.Action.FromString(read(key))
    command = reapi.Command.FromString(read(_digest(message.command_digest)))
    identities = [each.value for each in message.platform.properties if each.name == "image"]
    files = dict(_files(_digest(message.input_root_digest), read))
    return Action(
        argv=tuple(command.arguments),
        image=Image("", identities[0] if identities else ""),
        inputs=inputs({path.removeprefix("in/"): digest for path, digest in files.items()}),
        outputs=tuple(WHATEVER if path == "out" else path.removeprefix("out/") for path in command.output_paths),
        env=tuple((each.name, each.value) for each in command.environment_variables),
        timeout=message.timeout.seconds,
    )


def messages(key: Digest, read: Callable[[Digest], bytes]) -> Iterator[Digest]:
    """All blobs that an action is made of: its messages, and its input files.

    Raises:
        google.protobuf.message.DecodeError: A blob is no such message.
    """
    action = reapi.Action.FromString(read(key))
    yield from (key, _digest(action.command_digest))
    todo = [_digest(action.input_root_digest)]
    while todo:
        digest = todo.pop()
        folder = reapi.Directory.FromString(read(digest))
        yield digest
        yield from (_digest(file.digest) for file in folder.files)
        todo += [_digest(each.digest) for each in folder.directories]


def _files(folder: Digest, read: Callable[[Digest], bytes]) -> Iterator[tuple[str, Digest]]:
    """All files below the folder of a ``Directory`` message, by path."""
    todo = [("", folder)]
    while todo:
        path, digest = todo.pop()
        message = reapi.Directory.FromString(read(digest))
        yield from ((f"{path}{file.name}", _digest(file.digest)) for file in message.files)
        todo += [(f"{path}{each.name}/", _digest(each.digest)) for each in message.directories]


@dataclass(frozen=True)
class Result:
    """What an action that succeeded left on record.

    Attributes:
        outputs: The files below ``out/``.
        started: When its command began, in nanoseconds since 1970; 0 where that is not on record.
        ended: When it ended.
    """

    outputs: Tree
    started: int = 0
    ended: int = 0

    @property
    def took(self) -> float | None:
        """Seconds that the command ran; None where that is not on record."""
        return (self.ended - self.started) / 1e9 if 0 < self.started <= self.ended else None


def encode_result(result: Result) -> bytes:
    """The ``ActionResult`` message of ``result``."""
    files = [{"path": f"out/{path}", "digest": _message(digest)} for path, digest in sorted(result.outputs.items())]
    message = reapi.ActionResult(output_files=files)
    if result.took is not None:
        _stamp(message.execution_metadata.execution_start_timestamp, result.started)
        _stamp(message.execution_metadata.execution_completed_timestamp, result.ended)
    data: bytes = message.SerializeToString(deterministic=True)
    return data


def decode_result(data: bytes) -> Result:
    """The content of an ``ActionResult`` message.

    Raises:
        google.protobuf.message.DecodeError: ``data`` is not such a message.
    """
    message = reapi.ActionResult.FromString(data)
    outputs = {file.path.removeprefix("out/"): _digest(file.digest) for file in message.output_files}
    timing = message.execution_metadata
    started, ended = timing.execution_start_timestamp, timing.execution_completed_timestamp
    return Result(outputs, _nanoseconds(started), _nanoseconds(ended))


def _stamp(timestamp: reapi.Message, nanoseconds: int) -> None:
    timestamp.seconds, timestamp.nanos = divmod(nanoseconds, 10**9)


def _nanoseconds(timestamp: reapi.Message) -> int:
    return int(timestamp.seconds * 10**9 + timestamp.nanos)


def _digest(message: reapi.Message) -> Digest:
    return Digest(message.hash, message.size_bytes)


def _message(digest: Digest) -> reapi.Message:
    return reapi.Digest(hash=digest.hash, size_bytes=digest.size)


def _directory(tree: Tree, add: reapi.Add) -> reapi.Message:
    """The ``Directory`` message of ``tree``: names sorted, sub-folders added to the blobs first."""
    files = {path: digest for path, digest in tree.items() if "/" not in path}
    return reapi.Directory(
        files=[{"name": name, "digest": _message(digest)} for name, digest in sorted(files.items())],
        directories=[
            {"name": name, "digest": _message(add(_directory(content, add)))} for name, content in _folders(tree)
        ],
    )


def _folders(tree: Tree) -> Iterator[tuple[str, dict[str, Digest]]]:
    folders: dict[str, dict[str, Digest]] = {}
    for path, digest in tree.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = digest
    yield from sorted(folders.items())
