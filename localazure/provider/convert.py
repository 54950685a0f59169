"""Between the SDK's shapes and ARM's: inputs to a body, a body to outputs, outputs back to inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localazure.provider.catalogue import Catalogue, Kind, Properties, ResourceType, Shape
from localazure.provider.check import API_VERSION
from localazure.provider.wire import UNKNOWN


def to_body(catalogue: Catalogue, properties: Properties, values: Mapping[str, Any]) -> dict[str, Any]:
    """A request body; parameters of the path and what the shapes don't know stay out."""
    body: dict[str, Any] = {}
    for name, declared in properties.items():
        if declared.arm and values.get(name) is not None:
            *outer, last = declared.arm
            inner = body
            for key in outer:
                inner = inner.setdefault(key, {})
            inner[last] = _to_arm(catalogue, declared.shape, values[name])
    return body


def _to_arm(catalogue: Catalogue, shape: Shape, value: Any) -> Any:
    match shape.kind, value:
        case Kind.OBJECT, Mapping():
            return to_body(catalogue, catalogue.object(shape), value)
        case Kind.ARRAY, list():
            return [_to_arm(catalogue, shape.item, item) if shape.item else item for item in value]
        case Kind.MAP, Mapping():
            return {key: _to_arm(catalogue, shape.item, item) if shape.item else item for key, item in value.items()}
        case Kind.STRING_SET, list():
            return {member: {} for member in value}
    return value


def to_outputs(catalogue: Catalogue, properties: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that the SDK declares, as far as the body has them; nulls are left out."""
    outputs: dict[str, Any] = {}
    for name, declared in properties.items():
        value: Any = body
        for key in declared.arm:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            outputs[name] = _to_sdk(catalogue, declared.shape, value)
    return outputs


def _to_sdk(catalogue: Catalogue, shape: Shape, value: Any) -> Any:
    match shape.kind, value:
        case Kind.OBJECT, Mapping():
            return to_outputs(catalogue, catalogue.object(shape), value)
        case Kind.ARRAY, list():
            return [_to_sdk(catalogue, shape.item, item) if shape.item else item for item in value]
        case Kind.MAP, Mapping():
            return {
                key: _to_sdk(catalogue, shape.item, item) if shape.item else item
                for key, item in value.items()
                if item is not None
            }
        case _, float() if value.is_integer():
            return int(value)
    return value


def preview(catalogue: Catalogue, resource: ResourceType, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs before the resource is written: what the inputs tell, and `UNKNOWN` for all else.

    The resource's `name` is known only where the input of that name names it and ARM joins nothing to it
    (a slot's is `site/slot`, that of settings `appsettings`).
    """
    known = dict(inputs)
    if resource.own_name != "name":
        known.pop("name", None)
    return {
        name: _previewed(catalogue, declared.shape, known.get(name, UNKNOWN)) for name, declared in _outputs(resource)
    }


def _outputs(resource: ResourceType) -> list[tuple[str, Any]]:
    return [
        (name, declared) for name, declared in resource.outputs.items() if name != API_VERSION or resource.api_version
    ]


def _previewed(catalogue: Catalogue, shape: Shape, value: Any) -> Any:
    match shape.kind, value:
        case Kind.OBJECT, Mapping():
            declared = catalogue.object(shape)
            return {
                name: _previewed(catalogue, part.shape, value.get(name, UNKNOWN)) for name, part in declared.items()
            }
        case Kind.ARRAY, list():
            return [_previewed(catalogue, shape.item, item) if shape.item else item for item in value]
        case Kind.MAP, Mapping():
            return {key: _previewed(catalogue, shape.item, item) if shape.item else item for key, item in value.items()}
        case Kind.MAP | Kind.OBJECT | Kind.ARRAY, _:
            return UNKNOWN
    return value


def project(catalogue: Catalogue, properties: Properties, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the outputs that a program could have given; parameters of the path stay out."""
    return {
        name: _projected(catalogue, declared.shape, outputs[name])
        for name, declared in properties.items()
        if declared.arm and outputs.get(name) is not None
    }


def _projected(catalogue: Catalogue, shape: Shape, value: Any) -> Any:
    match shape.kind, value:
        case Kind.OBJECT, Mapping():
            return project(catalogue, catalogue.object(shape), value)
        case Kind.ARRAY, list():
            return [_projected(catalogue, shape.item, item) if shape.item else item for item in value]
        case Kind.MAP, Mapping():
            return {key: _projected(catalogue, shape.item, item) if shape.item else item for key, item in value.items()}
        case Kind.STRING_SET, Mapping():
            return sorted(value)
    return value
