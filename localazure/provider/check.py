"""Are a program's inputs complete and of the right types? Said per property, with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localazure.provider.catalogue import Catalogue, Kind, Property, ResourceType, Shape
from localazure.provider.wire import UNKNOWN, Asset

LOCATION_HINT: Final = (
    ". Either set it explicitly or configure it with 'pulumi config set azure-native:location <value>'."
)
API_VERSION: Final = "azureApiVersion"


@dataclass(frozen=True)
class Failure:
    """`property` is the path of what is wrong, as in `siteConfig.appSettings[0].name`."""

    property: str
    reason: str


def check(catalogue: Catalogue, resource: ResourceType, inputs: Mapping[str, Any]) -> list[Failure]:
    """All that is wrong with inputs to which names, location and api-version have been added."""
    known = {**resource.inputs}
    if location := known.get("location"):
        # ARM wants it of each tracked resource; the SDK calls it optional since the provider can find it out.
        known["location"] = Property(location.shape, location.arm, required=True)
    given = {name: value for name, value in inputs.items() if not name.startswith("__") and name != API_VERSION}
    return list(_object(catalogue, "", known, given))


def _object(
    catalogue: Catalogue, path: str, known: Mapping[str, Property], values: Mapping[str, Any]
) -> Iterator[Failure]:
    prefix = f"{path}." if path else ""
    for name, declared in known.items():
        if declared.required and name not in values:
            at = f"{prefix}{name}"
            yield Failure(at, f"missing required property '{at}'{LOCATION_HINT if at == 'location' else ''}")
    for name, value in values.items():
        at = f"{prefix}{name}"
        if name in known:
            yield from _value(catalogue, at, known[name].shape, value)
        else:
            yield Failure(at, f"unknown property '{at}'")


def _value(catalogue: Catalogue, path: str, shape: Shape, value: Any) -> Iterator[Failure]:
    if value is UNKNOWN or value is None or shape.kind is Kind.ANY:
        return
    got = _kind_of(value)
    fits = {
        Kind.NUMBER: ("number", "integer"),
        Kind.STRING_SET: ("array",),
        Kind.MAP: ("object",),
    }.get(shape.kind, (shape.kind.value,))
    if got not in fits:
        if shape.kind is Kind.INTEGER and got == "number":
            yield Failure(path, f"'{path}' must be an integer but got {value:f}")
        else:
            article = "an" if got[0] in "aio" else "a"
            wanted = "array" if shape.kind is Kind.STRING_SET else "object" if shape.kind is Kind.MAP else shape.kind
            yield Failure(path, f"'{path}' should be of type '{wanted}' but got {article} {got}")
        return
    match shape.kind:
        case Kind.ARRAY | Kind.STRING_SET:
            item = shape.item or Shape(Kind.STRING)
            for index, member in enumerate(value):
                yield from _value(catalogue, f"{path}[{index}]", item, member)
        case Kind.MAP if shape.item:
            for key, member in value.items():
                yield from _value(catalogue, f"{path}.{key}", shape.item, member)
        case Kind.OBJECT:
            yield from _object(catalogue, path, catalogue.object(shape), value)


def _kind_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Asset():
            return "asset"
        case Mapping():
            return "object"
        case Sequence():
            return "array"
    return type(value).__name__
