"""Tracking stores: one account and prefix for the apps that share one, and a hub name of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from durable.hub_names import DEFAULT_TRACKING_PREFIX
from policies.addresses import Address, address_of
from policies.config import Config
from policies.finding import Finding, later, never
from policies.hubs import HUB_OVERRIDE, Hub, hub_of, override
from policies.model import Program, Slot, Value
from policies.packages import host_jsons
from policies.rules.task_hubs import TELL_HUB
from policies.scope import durable_sites
from policies.values import UNKNOWN

DEFAULT_PREFIX = DEFAULT_TRACKING_PREFIX.lower()
"""In lower case, as table names compare (azure_facts.md 1.2). Unrelated apps have it in common."""


@dataclass(frozen=True)
class Tracking:
    """What a slot says about its tracking store: the setting that names it, and the prefix of its tables."""

    slot: Slot
    connection: Value | None
    prefix: Value | None
    address: Address | None

    @property
    def account(self) -> str | None:
        return self.address.account if self.address else None


def consistent(program: Program, config: Config) -> Iterator[Finding]:
    stores = list(_stores(program, config))
    for store in stores:
        yield from _complete(store)
    yield from _agree([store for store in stores if store.account and isinstance(store.prefix, str)])


def hub_unique(program: Program, config: Config) -> Iterator[Finding]:
    by_account: dict[str, list[Tracking]] = {}
    for store in _stores(program, config):
        if store.connection is not None and store.slot.site.has_slots:
            yield from _literal(store.slot, hub_of(program, store.slot, config))
        if store.account:
            by_account.setdefault(store.account, []).append(store)
    for account, users in by_account.items():
        for one, other in combinations(users, 2):
            first, second = (hub_of(program, store.slot, config) for store in (one, other))
            if one.slot.site is other.slot.site and _is_literal(first) and _is_literal(second):
                continue  # said of each already
            if UNKNOWN in (first.name, second.name):
                yield later(other.slot.where, f"the hub names of {one.slot.label} and of {other.slot.label}")
            elif first.known is None or second.known is None:
                yield never(
                    other.slot.where,
                    f"hubName of {one.slot.label} or of {other.slot.label}, which share tracking store {account!r}",
                    TELL_HUB,
                )
            elif first.known.lower() == second.known.lower():
                yield Finding(
                    other.slot.where,
                    f"{one.slot.label} and {other.slot.label} have hub {second.known!r} on the tracking store "
                    f"{account!r}. Since Durable 2.10 leases and large messages are there too, so the two would take "
                    "each other's. Give each a hub name of its own, by %Setting% in host.json for slots",
                )


def _is_literal(hub: Hub) -> bool:
    """Whether host.json itself names the hub, so that each slot that runs the package has the same."""
    return hub.known is not None and hub.setting is None and hub.said_by != HUB_OVERRIDE


def _literal(slot: Slot, hub: Hub) -> Iterator[Finding]:
    if _is_literal(hub):
        yield Finding(
            slot.where,
            f"{slot.label} has a tracking store, and host.json names its hub literally, {hub.known!r} ({hub.said_by}). "
            "The hubs of its site's slots meet in that store, leases and messages too since Durable 2.10, so they "
            'need different names. Write "hubName": "%TaskHub%", and give each slot a TaskHub of its own, not sticky',
        )


def _stores(program: Program, config: Config) -> Iterator[Tracking]:
    for site in durable_sites(program, config):
        for slot in site.slots:
            connection, prefix = _said(program, slot, config)
            if connection is not None or prefix is not None:
                address = address_of(program, slot, connection) if isinstance(connection, str) else None
                yield Tracking(slot, connection, prefix, address)


def _said(program: Program, slot: Slot, config: Config) -> tuple[Value | None, Value | None]:
    """The tracking connection and prefix of a slot, by override or by host.json."""
    found = [durable for _, durable in host_jsons(program, slot, config.package_root)]
    durable = found[0] if len(found) == 1 else None
    keys = ("storageProvider__trackingStoreConnectionName", "storageProvider__trackingStoreConnectionStringName")
    connection = next((value for key in keys if (value := override(slot, key)) is not None), None)
    prefix = override(slot, "storageProvider__trackingStoreNamePrefix")
    return (
        connection if connection is not None else durable.tracking_connection_name if durable else None,
        prefix if prefix is not None else durable.tracking_prefix if durable else None,
    )


def _complete(store: Tracking) -> Iterator[Finding]:
    slot = store.slot
    if store.connection is None:
        yield Finding(
            slot.where,
            f"{slot.label} has a trackingStoreNamePrefix without a tracking store. It has no effect, and the tables "
            "are in the durable account. Set trackingStoreConnectionName too, or neither",
        )
    elif store.prefix is None:
        yield Finding(
            slot.where,
            f"{slot.label} has a tracking store without a trackingStoreNamePrefix. Its tables get the name "
            "'DurableTask', which other apps with that omission share too. Set a prefix, the same in all apps of one "
            "view",
        )
    elif isinstance(store.connection, str) and store.address is None:
        if not slot.complete:
            yield later(slot.where, f"the app settings of {slot.label}")
            return
        yield Finding(
            slot.where,
            f"{slot.label} names {store.connection!r} as its tracking store and lacks that app setting. The host "
            "doesn't start without it. Set it in every slot of every app that shares the store",
        )


def _agree(stores: list[Tracking]) -> Iterator[Finding]:
    """Those who share a store have its account and its prefix; who has one of the two only was meant to share."""
    for index, store in enumerate(stores):
        for earlier in stores[:index]:
            one_account = earlier.account == store.account
            prefix = str.lower(store.prefix)  # type: ignore[arg-type]
            one_prefix = str.lower(earlier.prefix) == prefix  # type: ignore[arg-type]
            if one_account != one_prefix and (one_account or prefix != DEFAULT_PREFIX):
                what, other = ("prefix", "account") if one_account else ("account", "prefix")
                yield Finding(
                    store.slot.where,
                    f"{store.slot.label} shares the {other} of the tracking store with {earlier.slot.label}, but not "
                    f"the {what}. One query then doesn't see all instances. Give both the same account and prefix, or "
                    "neither",
                )
                break
