"""The app settings of both slots: which are common, which travel with store and package, which stay with the slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pulumi

from components.storage_account import Connection
from durable import app_settings as names
from durable import connections, host_ids
from durable.names import content_share_name
from durable.stores import Release, Slot

Values: TypeAlias = dict[str, pulumi.Input[str]]


@dataclass(frozen=True)
class PackageReference:
    """Where a package is and with which identity a slot reads it."""

    url: pulumi.Input[str]
    identity_id: pulumi.Input[str]


@dataclass(frozen=True)
class Travelling:
    """A release with what its slot needs for it: its store, the host's storage, and its package's address.

    All connections have the release's form, so that they change it together, and at a swap go with what uses them.
    `tracking` is the connection to the tracking store of a release that has one.
    """

    release: Release
    store: Connection
    host: Connection
    package: PackageReference | None = None
    tracking: Connection | None = None


@dataclass(frozen=True)
class Host:
    """What both slots have in common. `insights` is a connection string, a secret.

    `content` is that of the account with the content shares, on plans that need them, and a secret too: there Azure
    takes no identity (azure_facts.md 6).
    """

    site: str
    staging_slot: str
    connection_name: str
    worker_runtime: str
    insights: pulumi.Input[str] | None = None
    content: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class Extras:
    """What the user adds: functions to keep off in staging, and app settings, which may be secrets."""

    starters: Sequence[str] = ()
    common: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    sticky: Mapping[Slot, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class AppSettings:
    """The settings of each slot, and the names of those that stay with it at a swap."""

    by_slot: Mapping[Slot, Values]
    sticky: tuple[str, ...]


def app_settings(host: Host, slots: Mapping[Slot, Travelling], extras: Extras) -> AppSettings:
    """All app settings. `slots` says which store, with which package, sits in which slot."""
    common = _common(host, extras)
    sticky = {slot: _sticky(slot, host, extras) for slot in Slot}
    return AppSettings(
        by_slot={slot: common | _travelling(host, slots[slot]) | sticky[slot] for slot in Slot},
        sticky=tuple(sorted({name for values in sticky.values() for name in values})),
    )


def _common(host: Host, extras: Extras) -> Values:
    values: Values = {
        names.EXTENSION_VERSION: "~4",
        names.WORKER_RUNTIME: host.worker_runtime,
    }
    if host.insights is not None:
        values[names.INSIGHTS] = host.insights
    if host.content is not None:
        values[names.CONTENT_CONNECTION] = host.content
    return values | dict(extras.common)


def _travelling(host: Host, slot: Travelling) -> Values:
    """Never sticky: at a swap the store goes with the package that its orchestrations were started by.

    The host's storage is one account for both slots, but each slot's settings name it in the form of its release.
    """
    release = slot.release
    values = _family(host.connection_name, slot.store) | _family(connections.HOST_STORAGE, slot.host)
    if release.hub_setting is not None:
        values[names.HUB_SETTING] = release.hub_setting
        values[release.hub_setting] = release.store.hub
    if release.tracking is not None:
        if slot.tracking is None:
            raise ValueError(f"{release} needs its tracking store, and there is no connection for {release.tracking}")
        values[names.TRACKING] = release.tracking
        values |= _family(release.tracking, slot.tracking)
    if host.content is not None:
        # Unique per slot and never sticky (azure_facts.md 5.4), so that no swap shows a slot the other's files.
        values[names.CONTENT_SHARE] = content_share_name(host.site, release.store.colour)
    if slot.package is not None:
        values[names.PACKAGE] = slot.package.url
        values[names.PACKAGE_IDENTITY] = slot.package.identity_id
        if release.version is not None:
            values[names.VERSION_LABEL] = release.version
    return values


def _family(name: str, connection: Connection) -> Values:
    """The settings of a connection of this name."""
    return {name + part: value for part, value in connection.items()}


def _sticky(slot: Slot, host: Host, extras: Extras) -> Values:
    values: Values = {}
    if host_ids.colliding_slots(host.site, [host.staging_slot]):
        name = None if slot is Slot.PRODUCTION else host.staging_slot
        values[host_ids.SETTING] = host_ids.explicit_host_id(host.site, name)
    if slot is Slot.STAGING:
        values |= {names.disabled_setting(function): "true" for function in extras.starters}
    return values | dict(extras.sticky.get(slot, {}))
