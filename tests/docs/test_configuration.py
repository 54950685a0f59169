"""The page of the config has each key with its type and default, and refuses what it says that it refuses."""

from __future__ import annotations

import json
import re
import types
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from release.config import LOCATION, NAMESPACE, SettingsError, load
from release.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text()
SITE = "orders-dev"
GOOD = {LOCATION: "westeurope", f"{NAMESPACE}:site": SITE, f"{NAMESPACE}:taskHub": "OrdersHub"}
DERIVED = {
    "resourceGroup": lambda settings: settings.group_name,
    "plan.name": lambda settings: settings.plan_name,
}
FROM_SITE = {"hostStorage", "stores.blue", "stores.green"}
ITEMS = {"starters": "function names", "gate.except": "instance ids"} | {
    f"readers.{kind}": "object ids" for kind in ("users", "groups", "servicePrincipals")
}


@dataclass(frozen=True)
class Row:
    key: str
    type: str
    default: str
    refused: str


def rows() -> list[Row]:
    found = re.findall(r"^\| `([\w.:-]+)` \| (.+?) \| (.+?) \| .+? \| (.+?) \|$", PAGE, re.MULTILINE)
    return [Row(*cells) for cells in found]


def fields(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The model's keys as config writes them, down to those that hold values."""
    for field in model.model_fields.values():
        key = f"{before}{field.alias}"
        kinds = get_args(field.annotation) or (field.annotation,)
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if models:
            yield from fields(models[0], f"{key}.")
        else:
            yield LOCATION if key == "location" else key, field


KEYS = dict(fields(Settings))
ROWS = {row.key: row for row in rows()}


def choices(values: list[str]) -> str:
    quoted = [f"`{value}`" for value in values]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def limits(field: FieldInfo) -> str:
    low = next(rule for rule in field.metadata if isinstance(rule, annotated_types.Ge | annotated_types.Gt))
    high = next(rule.le for rule in field.metadata if isinstance(rule, annotated_types.Le))
    return f"above {low.gt} to {high}" if isinstance(low, annotated_types.Gt) else f"{low.ge} to {high}"


def type_of(key: str, field: FieldInfo) -> str:
    kind: Any = field.annotation
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    match get_origin(kind) or kind:
        case found if found is Literal:
            return choices(list(get_args(kind)))
        case found if isinstance(found, type) and issubclass(found, StrEnum):
            return choices(list(found))
        case found if found is str:
            return "text"
        case found if found is bool:
            return "true or false"
        case found if found is float:
            return f"number, {limits(field)}"
        case found if found is tuple:
            return f"list of {ITEMS[key]}"
        case found if found is dict:
            return "group of name and text"
    raise AssertionError(f"{key} is of a kind that this page has no word for: {kind}")


def default_of(key: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if key in FROM_SITE:
        return "from the site's name"
    if key in DERIVED:
        return f"`{DERIVED[key](load(GOOD)).replace(SITE, '<site>')}`"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ((), {}):
        return "none"
    return f"`{json.dumps(default)}`" if isinstance(default, bool | int | float) else f"`{default}`"


def test_the_page_has_each_key_and_no_other() -> None:
    assert sorted(ROWS) == sorted(KEYS)
    assert len(rows()) == len(ROWS)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_has_its_type_and_its_default(key: str) -> None:
    assert (ROWS[key].type, ROWS[key].default) == (type_of(key, KEYS[key]), default_of(key, KEYS[key]))


@pytest.mark.parametrize("key", KEYS)
def test_the_example_of_a_key_is_refused_in_these_words(key: str) -> None:
    refused = re.fullmatch(
        r"(?:nothing|an empty text|`(?P<value>.+)`(?: without quotes)?): `(?P<words>[^`]+)`", ROWS[key].refused
    )
    assert refused is not None
    config = dict(GOOD)
    full = key if key == LOCATION else f"{NAMESPACE}:{key}"
    if key == LOCATION:
        del config[LOCATION]
    else:
        nest(config, key, refused["value"] or "")
    with pytest.raises(SettingsError) as raised:
        load(config)
    told = [line for line in raised.value.problems if line.startswith(full)]
    assert any(refused["words"] in line for line in told), raised.value.problems


def nest(config: dict[str, str], key: str, value: str) -> None:
    """Set a key as Pulumi hands it to the program: what is below the first name is JSON."""
    name, *path = key.split(".")
    if not path:
        config[f"{NAMESPACE}:{name}"] = value
        return
    node: Any = json.loads(value) if re.match(r"[\[{\d-]", value) else value
    for part in reversed(path):
        node = {part: node}
    config[f"{NAMESPACE}:{name}"] = json.dumps(node)


@pytest.mark.parametrize("words", re.findall(r": `([^`]+)`\.$", PAGE.partition("## Rules about several keys")[2], re.M))
def test_a_rule_about_several_keys_is_in_the_model(words: str) -> None:
    contradictory = {
        "stagingSlot": "a" * 59,
        "hostStorage": "shared",
        "stores": json.dumps({"blue": "shared"}),
        "readers": json.dumps({"users": [str(uuid.UUID(int=1))] * 2}),
        "settings": json.dumps(
            {"common": {"A": "1", "DurableManagementStorage": "x"}, "sticky": {"staging": {"A": "2"}}}
        ),
        "taskHub": "H" * 41,
        "trackingStore": json.dumps({"account": "view", "connectionName": "DurableManagementStorage"}),
    }
    with pytest.raises(SettingsError) as raised:
        load(GOOD | {f"{NAMESPACE}:{key}": value for key, value in contradictory.items()})
    pattern = ".*".join(map(re.escape, (part.strip() for part in words.split("…"))))
    assert any(re.search(pattern, line) for line in raised.value.problems), raised.value.problems


@pytest.mark.parametrize("command", re.findall(r"^pulumi config set .*$", PAGE, re.MULTILINE))
def test_each_command_sets_a_key_that_there_is(command: str) -> None:
    key = re.search(rf"{NAMESPACE}:(\S+)", command)
    assert key is not None
    assert any(key[1] == known or key[1].startswith(f"{known}.") for known in KEYS)
    assert ("." in key[1]) is ("--path" in command)


def test_the_required_keys_are_as_many_as_the_page_says() -> None:
    assert "Two keys are required, and `trackingStore.account` where there is a tracking store." in PAGE
    required = [key for key, field in KEYS.items() if field.is_required() and key != LOCATION]
    assert required == ["site", "taskHub", "trackingStore.account"]
