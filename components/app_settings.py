"""The app settings of both slots: which are common, which travel with store and package, which stay with the slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pulumi

from durable import app_settings as names
from durable import connections, host_ids
from durable.stores import Slot, Store

Values: TypeAlias = dict[str, pulumi.Input[str]]


@dataclass(frozen=True)
class PackageReference:
    """A package as a slot runs it: the address of its blob, the identity to read it with, and the user's label."""

    sha256: str
    url: pulumi.Input[str]
    identity_id: pulumi.Input[str]
    version: str | None = None


@dataclass(frozen=True)
class Release:
    """What travels at a swap: a store, the connection to it (a secret), and the package that its hub belongs to."""

    store: Store
    connection: pulumi.Input[str]
    package: PackageReference | None = None

    @property
    def summary(self) -> dict[str, str | None]:
        """What the stack's outputs say about a slot that has this release."""
        return {
            "store": str(self.store.colour),
            "storageAccount": self.store.account,
            "package": self.package.sha256 if self.package else None,
            "version": self.package.version if self.package else None,
        }


@dataclass(frozen=True)
class Host:
    """What both slots have in common. Connections are secrets.

    `hub_setting` is the setting that host.json takes the hub's name from, where it has `%Setting%`.
    """

    site: str
    staging_slot: str
    connection: pulumi.Input[str]
    connection_name: str
    worker_runtime: str
    insights: pulumi.Input[str] | None = None
    hub_setting: str | None = None
    needs_content_share: bool = False


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


def app_settings(host: Host, releases: Mapping[Slot, Release], extras: Extras) -> AppSettings:
    """All app settings. `releases` says which store, with which package, sits in which slot."""
    common = _common(host, extras)
    sticky = {slot: _sticky(slot, host, extras) for slot in Slot}
    return AppSettings(
        by_slot={slot: common | _travelling(host, releases[slot]) | sticky[slot] for slot in Slot},
        sticky=tuple(sorted({name for values in sticky.values() for name in values})),
    )


def _common(host: Host, extras: Extras) -> Values:
    values: Values = {
        connections.HOST_STORAGE: host.connection,
        names.EXTENSION_VERSION: "~4",
        names.WORKER_RUNTIME: host.worker_runtime,
    }
    if host.insights is not None:
        values[names.INSIGHTS] = host.insights
    if host.needs_content_share:
        values[names.CONTENT_CONNECTION] = host.connection
    return values | dict(extras.common)


def _travelling(host: Host, release: Release) -> Values:
    """Never sticky: at a swap the store goes with the package that its orchestrations were started by."""
    store = release.store
    values: Values = {host.connection_name: release.connection}
    if host.hub_setting is not None:
        values[host.hub_setting] = store.hub
    if host.needs_content_share:
        # Unique per slot and never sticky (azure_facts.md 5.4), so that no swap shows a slot the other's files.
        values[names.CONTENT_SHARE] = f"{store.hub.lower()}-content-{store.colour}"
    if release.package is not None:
        values[names.PACKAGE] = release.package.url
        values[names.PACKAGE_IDENTITY] = release.package.identity_id
        if release.package.version is not None:
            values[names.VERSION_LABEL] = release.package.version
    return values


def _sticky(slot: Slot, host: Host, extras: Extras) -> Values:
    values: Values = {}
    if host_ids.colliding_slots(host.site, [host.staging_slot]):
        name = None if slot is Slot.PRODUCTION else host.staging_slot
        values[host_ids.SETTING] = host_ids.explicit_host_id(host.site, name)
    if slot is Slot.STAGING:
        values |= {names.disabled_setting(function): "true" for function in extras.starters}
    return values | dict(extras.sticky.get(slot, {}))
