"""Classes for the messages of ``caffe.proto``, made when they are asked for: neither Caffe nor ``protoc`` is needed.

They live in a pool of their own, because Caffe's Python module fills the usual one with messages of the same names.
A ``.proto`` is read as far as this one goes: messages of fields and enumerations, a line each, proto2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

FILE = "caffe.proto"
_SCALARS = ("double", "float", "int64", "uint64", "int32", "bool", "string", "uint32")
_LINE = re.compile(
    r"(?:(?P<kind>message|enum) (?P<opened>\w+) \{"
    r"|(?P<label>optional|repeated) (?P<type>[\w.]+) (?P<field>\w+) = (?P<number>\d+)"
    r"(?: \[(?:default = (?P<default>[\w.-]+)|(?P<packed>packed = true))\])?;"
    r"|(?P<value>\w+) = (?P<place>\d+);"
    r'|package (?P<package>\w+);|syntax = "(?P<syntax>\w+)";|(?P<end>\}))'
)


def message(name: str) -> Any:
    """The class of the message ``name``, such as ``NetParameter``."""
    return _classes()[f"caffe.{name}"]


@cache
def _classes() -> MappingProxyType[str, type[Message]]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(read(Path(__file__).with_name(FILE).read_text()))
    return MappingProxyType(message_factory.GetMessageClassesForFiles([FILE], pool))


def read(text: str) -> descriptor_pb2.FileDescriptorProto:
    """The description of what the ``text`` of a ``.proto`` declares.

    Raises:
        ValueError: A line is more than is read here.
    """
    file = descriptor_pb2.FileDescriptorProto(name=FILE)
    enums: set[str] = set()
    open_: list[Any] = [file]
    for line in _lines(text):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not read: {line}")
        _declare(file, open_, enums, {key: value for key, value in found.groupdict().items() if value is not None})
    for each in file.message_type:
        for field in each.field:
            _settle(field, each.name, enums)
    return file


def _lines(text: str) -> Iterator[str]:
    bare = (line.partition("//")[0].strip() for line in text.splitlines())
    return (line for line in bare if line)


def _declare(file: Any, open_: list[Any], enums: set[str], found: dict[str, str]) -> None:
    """Add what one line declares to the innermost of what is ``open_``."""
    match found:
        case {"package": name}:
            file.package = name
        case {"syntax": name}:
            file.syntax = name
        case {"kind": "message", "opened": name}:
            open_.append(open_[-1].message_type.add(name=name))
        case {"kind": "enum", "opened": name}:
            enums.add(f"{open_[-1].name}.{name}")
            open_.append(open_[-1].enum_type.add(name=name))
        case {"value": name, "place": number}:
            open_[-1].value.add(name=name, number=int(number))
        case {"end": _}:
            open_.pop()
        case _:
            _add_field(open_[-1], found)


def _add_field(owner: Any, found: dict[str, str]) -> None:
    labels = descriptor_pb2.FieldDescriptorProto.Label
    field = owner.field.add(name=found["field"], number=int(found["number"]), type_name=found["type"])
    field.label = labels.Value(f"LABEL_{found['label'].upper()}")
    if "default" in found:
        field.default_value = found["default"]
    if "packed" in found:
        field.options.packed = True


def _settle(field: Any, owner: str, enums: set[str]) -> None:
    """Say of which type a ``field`` of the message ``owner`` is, whose type's name is known."""
    types = descriptor_pb2.FieldDescriptorProto.Type
    name = field.type_name
    own = f"{owner}.{name}"
    if name in _SCALARS:
        field.type = types.Value(f"TYPE_{name.upper()}")
        field.ClearField("type_name")
    elif own in enums or name in enums:
        field.type = types.TYPE_ENUM
        field.type_name = f".caffe.{own if own in enums else name}"
    else:
        field.type = types.TYPE_MESSAGE
        field.type_name = f".caffe.{name}"
