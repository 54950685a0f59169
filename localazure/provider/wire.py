"""Pulumi's property values on the wire, as plain Python data.

A Struct becomes a dict: unknowns become `UNKNOWN`, secrets their plain value, assets and archives `Asset` objects,
integral numbers ints, and null properties are left out. Source: pulumi/pulumi, pkg/resource/plugin/rpc.go and
sdk/go/common/resource/sig/sig.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

_UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_SENTINELS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        _UNKNOWN_STRING,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""A value that only an update will tell."""


@dataclass(frozen=True)
class Asset:
    """A file, text or archive of files. In old states only `hash` is left of it, the engine elides the rest."""

    archive: bool
    hash: str = ""
    path: str = ""
    text: str = ""
    uri: str = ""
    assets: Mapping[str, Asset] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """The same content: by hash where both have one."""
        if not isinstance(other, Asset):
            return NotImplemented
        if self.hash and other.hash:
            return (self.archive, self.hash) == (other.archive, other.hash)
        return self._content == other._content

    def __hash__(self) -> int:
        return hash(self.archive)

    @property
    def _content(self) -> tuple[bool, str, str, str, dict[str, Asset]]:
        return self.archive, self.path, self.text, self.uri, dict(self.assets)


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    return {key: _plain(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return struct_pb2.Struct(
        fields={key: _value(value) for key, value in properties.items() if value is not None},
    )


def _plain(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_SENTINELS else value.string_value
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "struct_value":
            return _special(decode(value.struct_value))
    return None


def _special(value: dict[str, Any]) -> Any:
    """An object, or what an object with a signature stands for."""
    match value.get(SIGNATURE):
        case str(signature) if signature == SECRET:
            return value.get("value")
        case str(signature) if signature == OUTPUT:
            return value.get("value", UNKNOWN)
        case str(signature) if signature == RESOURCE:
            return value.get("id", value.get("urn"))
        case str(signature) if signature in (ASSET, ARCHIVE):
            known = {key: value[key] for key in ("hash", "path", "text", "uri", "assets") if key in value}
            return Asset(archive=signature == ARCHIVE, **known)
    return value


def _value(value: object) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case _Unknown():
            return struct_pb2.Value(string_value=_UNKNOWN_STRING)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Asset():
            return struct_pb2.Value(struct_value=encode(_signed(value)))
        case Mapping():
            return struct_pb2.Value(struct_value=encode(value))
        case Sequence():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_value(item) for item in value]))
    raise TypeError(f"not a property value: {type(value).__name__}")


def _signed(asset: Asset) -> dict[str, Any]:
    parts = {"hash": asset.hash, "path": asset.path, "text": asset.text, "uri": asset.uri, "assets": asset.assets}
    return {SIGNATURE: ARCHIVE if asset.archive else ASSET, **{key: part for key, part in parts.items() if part}}
