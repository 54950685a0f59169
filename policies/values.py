"""Property values as the engine sends them to a policy pack, as plain Python data that can't give a secret away.

A Struct becomes a dict: unknowns become `UNKNOWN`, texts inside a secret `Hidden`, assets and archives `Asset`, and
null properties are left out. Source: pulumi/pulumi, pkg/resource/plugin/rpc.go and sdk/go/common/resource/sig/sig.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi_policy.deserialize import SPECIAL_ARCHIVE_SIG, SPECIAL_ASSET_SIG, SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

SENTINELS: Final = frozenset(
    {
        UNKNOWN_ARCHIVE_VALUE,
        UNKNOWN_ARRAY_VALUE,
        UNKNOWN_ASSET_VALUE,
        UNKNOWN_BOOLEAN_VALUE,
        UNKNOWN_NUMBER_VALUE,
        UNKNOWN_OBJECT_VALUE,
        UNKNOWN_STRING_VALUE,
    }
)


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""A value that only an update will tell."""


class Hidden(str):
    """A secret text: it compares and splits as what it is, and shows as `***` in any message."""

    __slots__ = ()

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "'***'"

    def __format__(self, format_spec: str) -> str:
        return "***"


@dataclass(frozen=True)
class Asset:
    """A file, a text, or an archive, which is a file or folder too or a map of members.

    `hash` is the SHA-256 of a file's content; an archive's is of another kind, and left out.
    """

    path: str = ""
    text: str = field(default="", repr=False)
    hash: str = ""
    members: Mapping[str, Asset] = field(default_factory=dict)


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    return _object(struct, hidden=False)


def _object(struct: struct_pb2.Struct, *, hidden: bool) -> dict[str, Any]:
    return {
        key: _plain(value, hidden=hidden)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") != "null_value"
    }


def _plain(value: struct_pb2.Value, *, hidden: bool) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            text = value.string_value
            if text in SENTINELS:
                return UNKNOWN
            return Hidden(text) if hidden else text
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "list_value":
            return [_plain(item, hidden=hidden) for item in value.list_value.values]
        case "struct_value":
            return _special(value.struct_value, hidden=hidden)
    return None


def _special(struct: struct_pb2.Struct, *, hidden: bool) -> Any:
    """An object, or what an object with a signature stands for."""
    if SPECIAL_SIG_KEY not in struct.fields:
        return _object(struct, hidden=hidden)
    signature = struct.fields[SPECIAL_SIG_KEY].string_value
    if signature == SPECIAL_SECRET_SIG:
        return _plain(struct.fields["value"], hidden=True)
    if signature in (SPECIAL_ASSET_SIG, SPECIAL_ARCHIVE_SIG):
        content = _object(struct, hidden=False)
        members = content.get("assets", {})
        return Asset(
            path=content.get("path", ""),
            text=content.get("text", ""),
            hash=content.get("hash", "") if signature == SPECIAL_ASSET_SIG else "",
            members={name: asset for name, asset in members.items() if isinstance(asset, Asset)},
        )
    # An output or a resource reference, which the engine doesn't send to policies today.
    return UNKNOWN
