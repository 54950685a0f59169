"""What changed from the old inputs to the new ones, and what of it can't be changed in place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from localazure.provider.catalogue import Catalogue, Kind, Property, ResourceType
from localazure.provider.naming import CREATE_BEFORE_DELETE
from localazure.provider.wire import UNKNOWN


class Change(Enum):
    """Kinds of a property's difference, as in pulumirpc's PropertyDiff."""

    ADD = "add"
    ADD_REPLACE = "add-replace"
    DELETE = "delete"
    DELETE_REPLACE = "delete-replace"
    UPDATE = "update"
    UPDATE_REPLACE = "update-replace"

    @property
    def replacing(self) -> Change:
        return Change(f"{self.value}-replace")


@dataclass(frozen=True)
class Diff:
    """`changes`: by property path (`siteConfig.alwaysOn`, `properties["a.b"]`, `list[0]`)."""

    changes: Mapping[str, Change]
    properties: tuple[str, ...]
    """The top-level properties that changed."""
    replaces: tuple[str, ...]
    """Those of them that force a replacement."""
    delete_before_replace: bool


def diff(catalogue: Catalogue, resource: ResourceType, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Diff:
    changes: dict[str, Change] = {}
    properties = []
    replaces = []
    for name in sorted({*olds, *news}):
        if name.startswith("__"):
            continue
        old, new = (_canonical(catalogue, resource.inputs.get(name), name, values.get(name)) for values in (olds, news))
        found = dict(_changes(_step("", name), old, new))
        if not found:
            continue
        properties.append(name)
        if name in resource.replaces:
            replaces.append(name)
            found = {path: change.replacing for path, change in found.items()}
        changes |= found
    named_by_program = olds.get(CREATE_BEFORE_DELETE) is not True
    return Diff(changes, tuple(properties), tuple(replaces), bool(replaces) and named_by_program)


def _canonical(catalogue: Catalogue, declared: Property | None, name: str, value: Any) -> Any:
    """The value without differences that Azure doesn't see."""
    if name == "location" and isinstance(value, str):
        return value.replace(" ", "").lower()
    match declared.shape.kind if declared else None, value:
        case Kind.STRING_SET, list():
            return sorted(value, key=str)
        case Kind.OBJECT, Mapping() if declared:
            known = catalogue.object(declared.shape)
            return {key: _canonical(catalogue, known.get(key), "", member) for key, member in value.items()}
    return value


def _changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, Change]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, Change.ADD
    elif new is None:
        yield path, Change.DELETE
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes(_step(path, key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            member = (values[index] if index < len(values) else None for values in (old, new))
            yield from _changes(f"{path}[{index}]", *member)
    elif new is UNKNOWN or type(old) is not type(new) or old != new:
        # Equal numbers are of one type here: the wire makes integral ones ints.
        yield path, Change.UPDATE


def _step(path: str, key: str) -> str:
    """A path one key further; keys that aren't plain words are quoted, as the engine parses paths."""
    if re.fullmatch(r"[A-Za-z_$][\w$]*", key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key)}]"
