"""The catalogue as a Pulumi package schema, which `pulumi import` wants for writing code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localazure.provider.catalogue import PACKAGE, Catalogue, Kind, Shape

Entries = Mapping[str, Any]


def schema(catalogue: Catalogue) -> str:
    """JSON of a package with the types, resources and functions that local Azure knows."""
    kept = catalogue.document
    return json.dumps(
        {
            "name": PACKAGE,
            "version": catalogue.version,
            "types": {
                _token(ref): {"type": "object", "properties": _properties(entries), "required": _required(entries)}
                for ref, entries in kept["types"].items()
            },
            "resources": {
                token: {
                    "inputProperties": _properties(entry["inputs"]),
                    # What the provider can name itself is optional for a program.
                    "requiredInputs": [
                        name for name in _required(entry["inputs"]) if not (entry["autoname"] and _last(entry, name))
                    ],
                    "properties": _properties(entry["outputs"]),
                }
                for token, entry in kept["resources"].items()
            },
            "functions": {
                token: {
                    "inputs": {
                        "type": "object",
                        "properties": {name: {"type": "string"} for name in entry["arguments"]},
                        "required": [name for name, required in entry["arguments"].items() if required],
                    },
                    "outputs": {"type": "object", "properties": _properties(entry["outputs"])},
                }
                for token, entry in kept["functions"].items()
            },
        }
    )


def _properties(entries: Entries) -> dict[str, Any]:
    return {name: _type(Shape.parse(shape)) for name, (shape, _, _) in entries.items()}


def _required(entries: Entries) -> list[str]:
    return [name for name, (_, _, required) in entries.items() if required]


def _last(entry: Mapping[str, Any], name: str) -> bool:
    path: str = entry["path"]
    return path.endswith(f"{{{name}}}")


def _type(shape: Shape) -> dict[str, Any]:
    match shape.kind:
        case Kind.OBJECT:
            return {"$ref": f"#/types/{_token(shape.ref)}"}
        case Kind.ARRAY if shape.item:
            return {"type": "array", "items": _type(shape.item)}
        case Kind.STRING_SET:
            return {"type": "array", "items": {"type": "string"}}
        case Kind.MAP if shape.item:
            return {"type": "object", "additionalProperties": _type(shape.item)}
        case Kind.ASSET:
            return {"$ref": "pulumi.json#/Asset"}
        case Kind.ANY:
            return {"$ref": "pulumi.json#/Any"}
    return {"type": shape.kind.value}


def _token(ref: str) -> str:
    """`web:SiteConfigArgs` is the SDK's class for the schema's type `azure-native:web:SiteConfig`."""
    return f"{PACKAGE}:{ref.removesuffix('Args')}"
