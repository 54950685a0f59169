"""Which task hub an app joins, by its host.json and its settings: the rules of the Durable extension. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from durable.app_settings import HOST_JSON_OVERRIDE
from durable.connections import HOST_STORAGE, KeyAccess, family, parse_connection_string, table_access
from durable.host_json import (
    AZURE_STORAGE,
    DurableGeneration,
    DurableSettings,
    HostJsonError,
    generation_of,
    read_host_json,
)
from durable.hub_names import (
    DEFAULT_TRACKING_PREFIX,
    DURABLE_1_DEFAULT,
    MAX_PARTITIONS,
    default_hub_name,
    hub_name_problem,
)
from localazure.arm.web_apps import PRODUCTION
from localazure.functions.errors import HostError
from localazure.hubs.spec import HubSpec

Keys = Callable[[str], tuple[str, ...] | None]
"""The keys that open a storage account now, by its name, none if it takes no keys; None if there is no such account."""

Denied = Callable[[str], str | None]
"""Why the app can't use a connection by identity, by the connection's name; None if it can."""


@dataclass(frozen=True)
class Binding:
    """A task hub, and the name of the connection that leads to its account."""

    hub: HubSpec
    connection: str


def bind(
    host_json: str, settings: Mapping[str, str], site: str, slot: str, keys: Keys, denied: Denied = lambda _: None
) -> Binding:
    """The hub of an app that runs in this slot. Raises HostError for what the real host doesn't start with."""
    text = overridden(host_json, settings)
    try:
        durable = read_host_json(text)
    except HostJsonError as error:
        raise HostError(f"{error}. Correct the package's host.json.") from error
    if durable.provider.lower() != AZURE_STORAGE.lower():
        raise HostError(f"storageProvider.type is {durable.provider}, and local Azure has {AZURE_STORAGE} alone.")
    if family(settings, HOST_STORAGE):
        account_of(settings, HOST_STORAGE, keys, denied)
    account = account_of(settings, durable.connection_name, keys, denied)
    tracking = durable.tracking_connection_name
    return Binding(
        HubSpec(
            account,
            _hub_name(text, durable, settings, site, slot),
            _partitions(text),
            account_of(settings, tracking, keys, denied) if tracking else None,
            durable.tracking_prefix or DEFAULT_TRACKING_PREFIX,
        ),
        durable.connection_name,
    )


def account_of(settings: Mapping[str, str], connection: str, keys: Keys, denied: Denied) -> str:
    """The account that a connection leads to. Raises HostError if it can't be used."""
    try:
        access = table_access(settings, connection)
    except ValueError as error:
        raise HostError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    known = keys(access.account)
    if known is None:
        raise HostError(
            f"The connection {connection} leads to the storage account {access.account}, which doesn't exist. "
            f"Make it, or correct {connection}."
        )
    if not isinstance(access, KeyAccess):
        if (problem := denied(connection)) is not None:
            raise HostError(f"{problem[:1].upper()}{problem[1:]}.")
    elif not known:
        raise HostError(
            f"The connection {connection} is by key, and the storage account {access.account} takes no keys. "
            "Connect by identity, or set allowSharedKeyAccess of the account to true."
        )
    else:
        key = parse_connection_string(access.connection_string).get("accountkey")
        if key not in known:
            raise HostError(
                f"The connection {connection} has no key that the storage account {access.account} has now. "
                f"Write one of its present keys into {connection}."
            )
    return access.account


def overridden(host_json: str, settings: Mapping[str, str]) -> str:
    """A host.json with what app settings put in its place (azure_facts.md 1.6)."""
    found = {name: value for name, value in settings.items() if name.lower().startswith(HOST_JSON_OVERRIDE.lower())}
    if not found:
        return host_json
    try:
        root = json.loads(host_json.removeprefix("\ufeff"))
    except ValueError:
        return host_json
    for name, value in found.items():
        *path, last = name[len(HOST_JSON_OVERRIDE) :].replace(":", "__").split("__")
        node = root
        for part in path:
            node = _child(node, part)
        node[_spelling(node, last)] = value
    return json.dumps(root)


def _child(node: dict[str, Any], name: str) -> dict[str, Any]:
    spelling = _spelling(node, name)
    if not isinstance(node.get(spelling), dict):
        node[spelling] = {}
    child: dict[str, Any] = node[spelling]
    return child


def _spelling(node: Mapping[str, Any], name: str) -> str:
    return next((each for each in node if each.lower() == name.lower()), name)


def _hub_name(text: str, durable: DurableSettings, settings: Mapping[str, str], site: str, slot: str) -> str:
    """Sources: azure_facts.md 1.6 and 2.1."""
    first_generation = generation_of(json.loads(text.removeprefix("\ufeff"))) is DurableGeneration.V1
    default = DURABLE_1_DEFAULT if first_generation else default_hub_name(site)
    name = durable.hub_name
    if durable.hub_setting is not None:
        values = {setting.lower(): value for setting, value in settings.items()}
        name = values.get(durable.hub_setting.lower())
        if not name:
            raise HostError(
                f"host.json takes the task hub's name from the app setting {durable.hub_setting}, which isn't set. "
                "Set it."
            )
    if name is None or name == default:
        if slot != PRODUCTION and not first_generation:
            raise HostError(
                "Task Hub name must be specified in host.json when using slots: in the slot "
                f"{slot} it would be {default}, the default, which production has, too. Set hubName in host.json."
            )
        return default
    if (problem := hub_name_problem(name)) is not None:
        raise HostError(f"{problem}. Correct hubName in host.json, or the setting that it names.")
    return name


def _partitions(text: str) -> int:
    node: Any = json.loads(text.removeprefix("\ufeff"))
    for name in ("extensions", "durableTask", "storageProvider", "partitionCount"):
        node = node.get(_spelling(node, name)) if isinstance(node, dict) else None
    if node is None:
        return HubSpec("", "").partitions
    if not str(node).isdecimal() or not 1 <= int(node) <= MAX_PARTITIONS:
        raise HostError(f"partitionCount in host.json is {node!r}: a task hub has 1 to {MAX_PARTITIONS} partitions.")
    return int(node)
