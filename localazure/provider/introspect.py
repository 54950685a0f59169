"""Derives the catalogue from the installed azure-native SDK and the hand-written table.

Importing the SDK takes seconds, so this runs at installation only, never in the provider's process.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from types import ModuleType
from typing import Any

from pulumi import Archive, Asset, _types

from localazure.provider.catalogue import PACKAGE, Kind, Shape, path_parameters
from localazure.provider.table import ENVELOPE, FUNCTIONS, QUERIES, RENAMES, RESOURCES, Function, Resource

SDK = "pulumi_azure_native"
PLAIN = {str: Kind.STRING, int: Kind.INTEGER, float: Kind.NUMBER, bool: Kind.BOOLEAN}

Entries = dict[str, tuple[str, str, bool]]
"""Property -> shape, place in ARM's body, required; as `catalogue` reads it."""


def document(version: str) -> dict[str, Any]:
    """The catalogue as JSON data: types, resources and functions by token."""
    return _Builder().build(version)


class _Builder:
    def __init__(self) -> None:
        self.types: dict[str, Entries] = {}

    def build(self, version: str) -> dict[str, Any]:
        resources = {f"{PACKAGE}:{entry.module}:{entry.name}": self.resource(entry) for entry in RESOURCES}
        functions = dict(self.function(entry) for entry in FUNCTIONS)
        functions |= dict(self.getter(entry, entry.getter) for entry in RESOURCES if entry.getter)
        return {"version": version, "types": self.types, "resources": resources, "functions": functions}

    def resource(self, entry: Resource) -> dict[str, Any]:
        sdk = _sdk(entry.module)
        resource = getattr(sdk, entry.name)
        outputs: dict[str, Any] = _types.resource_types(resource)
        return {
            "apiVersion": _api_version(resource.__init__),
            "path": entry.path,
            "inputs": self.inputs(entry, getattr(sdk, f"{entry.name}Args")),
            "outputs": self.flattened(entry, outputs),
            "autoname": entry.autoname,
            "replaces": sorted(entry.replaces),
            "defaultBody": entry.default_body,
            "readSuffix": entry.read_suffix,
            "mergesSiteConfig": entry.merges_site_config,
        }

    def inputs(self, entry: Resource, args: type) -> Entries:
        types = _types.input_type_types(args)
        required = _required(args)
        parameters = path_parameters(entry.path)
        flat = self.flattened(entry, types)
        made: Entries = {}
        for name, (shape, arm, _) in flat.items():
            if name in parameters:
                made[name] = (shape, "", True)
            else:
                made[name] = (shape, arm, name in required)
        # The SDK offers it as optional where the provider can name it; on the way to ARM it is always needed.
        for name in parameters:
            made.setdefault(name, (str(Shape(Kind.STRING)), "", True))
        return made

    def flattened(self, entry: Resource, types: dict[str, Any]) -> Entries:
        """Places the properties in ARM's body: at the top, or under the `properties` that the SDK flattened."""
        whole = "properties" in types
        renames = RENAMES.get(f"{entry.module}:{entry.name}", {})
        made: Entries = {}
        for name, annotation in types.items():
            top = whole or (name in ENVELOPE and name not in entry.inside_properties)
            arm = renames.get(name, name)
            made[name] = (str(self.shape(annotation, name)), arm if top else f"properties.{arm}", False)
        return made

    def function(self, entry: Function) -> tuple[str, dict[str, Any]]:
        function, result = _function(entry.module, entry.name)
        outputs = {
            name: (str(self.shape(annotation, name)), name, False)
            for name, annotation in _types.output_type_types(result).items()
        }
        return self.described(function, entry.module, entry.path, "POST", outputs)

    def getter(self, entry: Resource, name: str) -> tuple[str, dict[str, Any]]:
        function, result = _function(entry.module, name)
        outputs = self.flattened(entry, _types.output_type_types(result))
        return self.described(function, entry.module, entry.path, "GET", outputs)

    def described(
        self, function: Callable[..., Any], module: str, path: str, method: str, outputs: Entries
    ) -> tuple[str, dict[str, Any]]:
        parameters = path_parameters(path)
        arguments = [_camel(name) for name in inspect.signature(function).parameters if name != "opts"]
        described = {
            "apiVersion": _api_version(function),
            "method": method,
            "path": path,
            "queries": {name: QUERIES.get(name, name) for name in arguments if name not in parameters},
            "arguments": {name: name in parameters for name in arguments},
            "outputs": outputs,
            "getter": method == "GET",
        }
        return f"{PACKAGE}:{module}:{_camel(function.__name__)}", described

    def shape(self, annotation: Any, name: str) -> Shape:
        """The shape of an SDK annotation, with `Input[…]` taken off at each level."""
        annotation = _bare(annotation)
        origin = typing.get_origin(annotation)
        if annotation in PLAIN:
            return Shape(PLAIN[annotation])
        if origin is collections.abc.Sequence:
            item = self.shape(typing.get_args(annotation)[0], name)
            # The one list in the SDK that ARM takes as the keys of an object.
            return Shape(Kind.STRING_SET) if name == "userAssignedIdentities" else Shape(Kind.ARRAY, item)
        if origin is collections.abc.Mapping:
            return Shape(Kind.MAP, self.shape(typing.get_args(annotation)[1], name))
        if isinstance(annotation, type):
            if issubclass(annotation, Enum):
                return self.shape(type(next(iter(annotation)).value), name)
            if issubclass(annotation, Asset | Archive):
                return Shape(Kind.ASSET)
            if _types.is_input_type(annotation) or _types.is_output_type(annotation):
                return Shape(Kind.OBJECT, ref=self.object(annotation))
        return Shape(Kind.ANY)

    def object(self, cls: type) -> str:
        """Adds an object type, once, and gives its name: `web:SiteConfigArgs`."""
        module = cls.__module__.split(".")[1]
        ref = f"{module}:{cls.__name__}"
        if ref not in self.types:
            entries: Entries = {}
            self.types[ref] = entries  # before its properties: a type may refer to itself
            takes = _types.is_input_type(cls)
            types = _types.input_type_types(cls) if takes else _types.output_type_types(cls)
            required = _required(cls) if takes else frozenset()
            renames = RENAMES.get(f"{module}:{re.sub('(Args|Response)$', '', cls.__name__)}", {})
            for name, annotation in types.items():
                entries[name] = (str(self.shape(annotation, name)), renames.get(name, name), name in required)
        return ref


def _sdk(module: str) -> ModuleType:
    return importlib.import_module(f"{SDK}.{module}")


def _function(module: str, name: str) -> tuple[Callable[..., Any], type]:
    sdk = _sdk(module)
    camel = _camel(name)
    return getattr(sdk, name), getattr(sdk, f"{camel[0].upper()}{camel[1:]}Result")


def _api_version(documented: Callable[..., Any]) -> str:
    """From "Uses Azure REST API version 2025-05-01."; empty where the docstring names none."""
    texts: Iterable[Callable[..., Any]] = (*typing.get_overloads(documented), documented)
    for text in texts:
        if found := re.search(r"Uses Azure REST API version (\d{4}-\d{2}-\d{2}(?:-\w+)?)", text.__doc__ or ""):
            return found[1]
    return ""


def _required(cls: type) -> frozenset[str]:
    """The properties that the constructor of an input type has no default for."""
    names = _types.input_type_py_to_pulumi_names(cls)
    parameters = inspect.signature(cls).parameters.values()
    return frozenset(
        names[parameter.name]
        for parameter in parameters
        if parameter.name in names and parameter.default is inspect.Parameter.empty
    )


def _bare(annotation: Any) -> Any:
    """Without Input and Optional; of a union with an enum or an asset, the plain one."""
    if typing.get_origin(annotation) is not typing.Union:
        return annotation
    members = [member for member in typing.get_args(annotation) if not _wraps(member)]
    for member in members:
        if member in PLAIN or (isinstance(member, type) and issubclass(member, Asset)):
            return member
    return members[0] if len(members) == 1 else Any


def _wraps(member: Any) -> bool:
    """Whether a union's member only says that the value may come later, or not at all."""
    origin = typing.get_origin(member)
    named = getattr(origin or member, "__name__", "")
    return member is type(None) or origin is collections.abc.Awaitable or named == "Output"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
