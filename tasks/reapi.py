"""The messages of the Remote Execution API v2 that an action is made of.

Only the fields that transship uses are described here, with the numbers and types of
``build/bazel/remote/execution/v2/remote_execution.proto``, so that their bytes, and therefore every digest, are
those that any other client or server of the protocol computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Message = Any
"""A message instance; its class is made at import and unknown to a type checker."""

Add = Callable[[Message], Any]

_PACKAGE = "build.bazel.remote.execution.v2"

_FIELDS: dict[str, tuple[tuple[int, str, str], ...]] = {
    "Duration": ((1, "seconds", "int64"), (2, "nanos", "int32")),
    "Timestamp": ((1, "seconds", "int64"), (2, "nanos", "int32")),
    "Digest": ((1, "hash", "string"), (2, "size_bytes", "int64")),
    "FileNode": ((1, "name", "string"), (2, "digest", "Digest"), (4, "is_executable", "bool")),
    "DirectoryNode": ((1, "name", "string"), (2, "digest", "Digest")),
    "Directory": ((1, "files", "FileNode*"), (2, "directories", "DirectoryNode*")),
    "Property": ((1, "name", "string"), (2, "value", "string")),
    "Platform": ((1, "properties", "Property*"),),
    "EnvironmentVariable": ((1, "name", "string"), (2, "value", "string")),
    "Command": (
        (1, "arguments", "string*"),
        (2, "environment_variables", "EnvironmentVariable*"),
        (6, "working_directory", "string"),
        (7, "output_paths", "string*"),
    ),
    "Action": (
        (1, "command_digest", "Digest"),
        (2, "input_root_digest", "Digest"),
        (6, "timeout", "Duration"),
        (7, "do_not_cache", "bool"),
        (9, "salt", "bytes"),
        (10, "platform", "Platform"),
    ),
    "OutputFile": ((1, "path", "string"), (2, "digest", "Digest"), (4, "is_executable", "bool")),
    "ExecutedActionMetadata": (
        (7, "execution_start_timestamp", "Timestamp"),
        (8, "execution_completed_timestamp", "Timestamp"),
    ),
    "ActionResult": (
        (2, "output_files", "OutputFile*"),
        (4, "exit_code", "int32"),
        (9, "execution_metadata", "ExecutedActionMetadata"),
    ),
}

_SCALARS = {
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
}


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="transship/reapi.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for number, name, kind in fields:
            field = described.field.add(name=name, number=number)
            element = kind.removesuffix("*")
            field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
            if element in _SCALARS:
                field.type = _SCALARS[element]
            else:
                field.type = field.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{element}"
    return file


def _messages() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_describe())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _FIELDS
    }


_CLASSES = _messages()

Digest = _CLASSES["Digest"]
Directory = _CLASSES["Directory"]
Command = _CLASSES["Command"]
Action = _CLASSES["Action"]
ActionResult = _CLASSES["ActionResult"]
