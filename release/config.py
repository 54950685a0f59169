"""From Pulumi's config to settings: texts in, a model or one line per problem out."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from release.settings import Settings

NAMESPACE = "durable-zero-downtime"
LOCATION = "azure-native:location"

_PLAIN = frozenset(field.alias for field in Settings.model_fields.values() if field.annotation in (str, str | None))


class SettingsError(Exception):
    """Config that can't be used. Its text has one line per problem, each beginning with the full key."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load(config: Mapping[str, str]) -> Settings:
    """The settings in a stack's whole config.

    `config` holds what Pulumi hands a program: full keys, such as `durable-zero-downtime:site`, with texts; structured
    values, numbers and truth values as JSON. Keys of other namespaces are left alone, except `azure-native:location`.
    Raises SettingsError.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for key, text in config.items():
        namespace, _, name = key.partition(":")
        if namespace != NAMESPACE:
            continue
        if name == "location":
            problems.append(f"{key}: is no key of this program; the region is set with {LOCATION}")
        elif name in _PLAIN:
            values[name] = text
        else:
            values[name] = _decoded(text)
    if location := config.get(LOCATION):
        values["location"] = location
    try:
        settings = Settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        problems += [line for detail in error.errors() for line in _lines(detail)]
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _lines(error: ErrorDetails) -> list[str]:
    if error["type"] == "contradictions":
        return [f"{NAMESPACE}:{key}: {message}" for key, message in error["ctx"]["by_key"]]
    path = [str(part) for part in error["loc"] if part != "[key]"]
    key = LOCATION if path == ["location"] else f"{NAMESPACE}:{'.'.join(path)}"
    return [f"{key}: {_what(error, key, path)}"]


def _what(error: ErrorDetails, key: str, path: list[str]) -> str:
    """What is wrong and what to write instead. Values are told only by the rules for names: others may be secret."""
    match error["type"]:
        case "missing":
            example = "westeurope" if key == LOCATION else "VALUE"
            option = "--path " if len(path) > 1 else ""
            return f"is required; set it with `pulumi config set {option}{key} {example}`"
        case "extra_forbidden":
            known = _known_keys(path[:-1])
            near = difflib.get_close_matches(path[-1], known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            return f"is no key of this program; {hint}"
        case "string_type":
            return "must be text: write it in quotes"
        case "bool_type":
            return "must be true or false"
        case "tuple_type":
            return "must be a list"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a group of keys: set one with `pulumi config set --path {key}.NAME VALUE`"
        case "string_too_short":
            return "can't be empty"
        case _:
            return error["msg"]


def _known_keys(path: list[str]) -> list[str]:
    """The keys that the model has at a path."""
    model: type[BaseModel] = Settings
    for name in path:
        field = next(field for field in model.model_fields.values() if field.alias == name)
        models = [kind for kind in get_args(field.annotation) or (field.annotation,) if _is_model(kind)]
        if not models:
            return []
        (model,) = models
    return [field.alias for field in model.model_fields.values() if field.alias and field.alias != "location"]


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
