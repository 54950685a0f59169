"""What the provider knows about resource types and invokes: read from the JSON that `introspect` makes once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from localazure.provider.errors import UnknownTypeError

PACKAGE: Final = "azure-native"


class Kind(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ASSET = "asset"
    ANY = "any"
    STRING_SET = "set"
    """A list of strings in the program, in ARM the keys of an object with empty values (userAssignedIdentities)."""
    ARRAY = "array"
    MAP = "map"
    OBJECT = "object"


@dataclass(frozen=True)
class Shape:
    """The type of a property; written `string`, `array:string`, `map:object:web:SkuDescriptionArgs`."""

    kind: Kind
    item: Shape | None = None
    ref: str = ""

    @staticmethod
    @cache
    def parse(text: str) -> Shape:
        kind, _, rest = text.partition(":")
        match Kind(kind):
            case Kind.ARRAY | Kind.MAP as container:
                return Shape(container, item=Shape.parse(rest))
            case Kind.OBJECT:
                return Shape(Kind.OBJECT, ref=rest)
            case plain:
                return Shape(plain)

    def __str__(self) -> str:
        return ":".join(filter(None, (self.kind, str(self.item or ""), self.ref)))


@dataclass(frozen=True)
class Property:
    shape: Shape
    arm: tuple[str, ...]
    """Where a body keeps it, as keys from the outermost inwards; () for a parameter of the path."""
    required: bool


Properties = Mapping[str, Property]


class Autoname(StrEnum):
    """How the last parameter of the path is named where the program doesn't (pulumi_engine.md 4.1)."""

    RANDOM = "random"
    COPY = "copy"
    UUID = "uuid"


@dataclass(frozen=True)
class ResourceType:
    token: str
    api_version: str
    """Empty for what isn't ARM's (a blob)."""
    path: str
    inputs: Properties
    outputs: Properties
    autoname: Autoname | None
    replaces: frozenset[str]
    """Inputs that can't be changed in place, path parameters included."""
    default_body: Mapping[str, Any] | None
    """What a delete puts, for settings that live and die with their site; None for all else."""
    read_suffix: str
    """`/list` where ARM reads by POST, else empty."""
    merges_site_config: bool
    """A read of a site takes its siteConfig from the sub-resource config/web."""

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return path_parameters(self.path)

    @property
    def own_name(self) -> str | None:
        """The input that names the resource itself, None where the path ends in a fixed word."""
        last = self.path.rpartition("/")[2]
        return last[1:-1] if last.startswith("{") else None

    @property
    def singleton(self) -> bool:
        return self.default_body is not None

    def id_of(self, values: Mapping[str, Any], subscription: str) -> str:
        return fill(self.path, {**values, "subscriptionId": subscription})

    def parse_id(self, resource_id: str) -> dict[str, str] | None:
        """The path parameters in an id; fixed words are compared without case, as in ARM."""
        pattern = re.sub(r"\\\{(\w+)\\\}", lambda found: f"(?P<{found[1]}>{_segments(found[1])})", re.escape(self.path))
        match = re.fullmatch(pattern, resource_id, re.IGNORECASE)
        return {name: match[name] for name in self.parameters} if match else None


@dataclass(frozen=True)
class FunctionType:
    token: str
    api_version: str
    method: str
    path: str
    queries: Mapping[str, str]
    """Argument -> name of the query parameter."""
    arguments: Mapping[str, bool]
    """Argument -> required."""
    outputs: Properties
    getter: bool
    """Reads one resource, and so answers azureApiVersion too."""


class Catalogue:
    """The resource types, functions and object types of one SDK version."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.version: str = document["version"]
        self._types: Mapping[str, Any] = document["types"]
        self._resources: Mapping[str, Any] = document["resources"]
        self._functions: Mapping[str, Any] = document["functions"]
        self._objects: dict[str, Properties] = {}

    @classmethod
    def load(cls, path: Path) -> Catalogue:
        return cls(json.loads(path.read_bytes()))

    def object(self, shape: Shape) -> Properties:
        """The properties of an object type."""
        if shape.ref not in self._objects:
            self._objects[shape.ref] = _properties(self._types[shape.ref])
        return self._objects[shape.ref]

    def resource(self, token: str) -> ResourceType:
        """The type of a token; `azure-native:web/v20231201:WebApp` is WebApp at that api-version."""
        plain, api_version = _unversioned(token)
        if plain not in self._resources:
            raise UnknownTypeError("resource type", token, self._resources)
        entry = self._resources[plain]
        inputs = _properties(entry["inputs"])
        made = ResourceType(
            token=token,
            api_version=entry["apiVersion"],
            path=entry["path"],
            inputs=inputs,
            outputs=_properties(entry["outputs"]),
            autoname=Autoname(entry["autoname"]) if entry["autoname"] else None,
            replaces=frozenset(entry["replaces"]) | frozenset(path_parameters(entry["path"])),
            default_body=entry["defaultBody"],
            read_suffix=entry["readSuffix"],
            merges_site_config=entry["mergesSiteConfig"],
        )
        return replace(made, api_version=api_version) if api_version and made.api_version else made

    def function(self, token: str) -> FunctionType:
        if token in CLIENT_FUNCTIONS:
            return FunctionType(token, "", "", "", {}, {"endpoint": False}, {}, getter=False)
        plain, api_version = _unversioned(token)
        if plain not in self._functions:
            raise UnknownTypeError("invoke", token, [*self._functions, *CLIENT_FUNCTIONS])
        entry = self._functions[plain]
        return FunctionType(
            token=token,
            api_version=api_version or entry["apiVersion"],
            method=entry["method"],
            path=entry["path"],
            queries=entry["queries"],
            arguments=entry["arguments"],
            outputs=_properties(entry["outputs"]),
            getter=entry["getter"],
        )

    @property
    def document(self) -> Mapping[str, Mapping[str, Any]]:
        """The sections types, resources and functions as they are kept."""
        return {"types": self._types, "resources": self._resources, "functions": self._functions}


CLIENT_CONFIG: Final = f"{PACKAGE}:authorization:getClientConfig"
CLIENT_TOKEN: Final = f"{PACKAGE}:authorization:getClientToken"
CLIENT_FUNCTIONS: Final = (CLIENT_CONFIG, CLIENT_TOKEN)
"""Answered by the provider itself, without ARM."""


def path_parameters(path: str) -> tuple[str, ...]:
    """The names in braces, but for the subscription, which the provider knows."""
    return tuple(name for name in re.findall(r"\{(\w+)\}", path) if name != "subscriptionId")


def fill(path: str, values: Mapping[str, Any]) -> str:
    """The path with its parameters. A scope is a path of its own, so a slash stays a slash."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]).strip("/"), path)


def _properties(entries: Mapping[str, Any]) -> Properties:
    """From `{name: [shape, "outer.inner" or "" for a path parameter, required]}`."""
    return {
        name: Property(Shape.parse(shape), tuple(arm.split(".")) if arm else (), required)
        for name, (shape, arm, required) in entries.items()
    }


def _segments(parameter: str) -> str:
    """What a path parameter may hold: a blob's name and a scope span segments."""
    return ".+" if parameter in ("scope", "blobName") else "[^/]+"


def _unversioned(token: str) -> tuple[str, str]:
    """A token without the api-version in it, and that version ('' if none).

    Local SDK packages made with `pulumi package add azure-native web 2023-12-01` have a package name of their own:
    `azure-native_web_v20231201:web/v20231201:WebApp`.
    """
    _, _, rest = token.partition(":")
    found = re.fullmatch(r"(?P<module>\w+)(?:/v(?P<date>\d{8})(?P<preview>\w*))?:(?P<name>\w+)", rest)
    if not token.startswith(PACKAGE) or not found:
        return token, ""
    plain = f"{PACKAGE}:{found['module']}:{found['name']}"
    if not (date := found["date"]):
        return plain, ""
    suffix = f"-{found['preview']}" if found["preview"] else ""
    return plain, f"{date[:4]}-{date[4:6]}-{date[6:]}{suffix}"
