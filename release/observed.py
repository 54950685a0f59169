"""What sits in the slots of a live app, read from their app settings alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from durable import app_settings, connections
from durable.stores import Access, Colour, Release, Slot, Store


@dataclass(frozen=True)
class Absent:
    """The slot, its site or their resource group is not deployed."""


@dataclass(frozen=True)
class Blank:
    """The slot is there, and nothing has been told to run in it."""


@dataclass(frozen=True)
class Unclear:
    """A slot that must not be touched: what was seen in it, as the rest of a sentence about it, and the way out."""

    seen: str
    repair: str


View: TypeAlias = Absent | Blank | Release | Unclear


@dataclass(frozen=True)
class Observed:
    """Both slots at one moment."""

    production: View
    staging: View

    def of(self, slot: Slot) -> View:
        return self.production if slot is Slot.PRODUCTION else self.staging

    @property
    def shared_store(self) -> Store | None:
        """The store that both slots name, which must never be."""
        match self:
            case Observed(Release(store=mine), Release(store=other)) if mine.colour is other.colour:
                return mine
        return None

    @property
    def dubious(self) -> bool:
        """Whether it may be a look into the middle of a swap: one slot read before the exchange, the other after it."""
        return self.shared_store is not None or Unclear in (type(self.production), type(self.staging))


@dataclass(frozen=True)
class Stores:
    """Where config says that the app's task hubs are.

    `connection_name` is the app setting that names a slot's store; `hub` is the name of the hub in both, unless a
    slot's settings give its package another. `tracking` is the account of the tracking store, if there is one.
    """

    accounts: Mapping[Colour, str]
    connection_name: str
    hub: str
    tracking: str | None = None

    def store(self, colour: Colour, hub: str | None = None) -> Store:
        return Store(colour, self.accounts[colour], hub or self.hub)


Read: TypeAlias = Callable[[Slot], Mapping[str, str] | None]
"""Gives a slot's live app settings, None if and only if the slot is not deployed; raises where that isn't sure."""


def observe(read: Read, stores: Stores) -> Observed:
    """Look at both slots. A dubious look is repeated once, since a swap exchanges the slots between two readings."""
    seen = _look(read, stores)
    return _look(read, stores) if seen.dubious else seen


def _look(read: Read, stores: Stores) -> Observed:
    production = view(read(Slot.PRODUCTION), stores)
    if isinstance(production, Absent):
        return Observed(production, Absent())
    return Observed(production, view(read(Slot.STAGING), stores))


def view(settings: Mapping[str, str] | None, stores: Stores) -> View:
    """What a slot with these app settings holds."""
    if settings is None:
        return Absent()
    if not _configured(settings, stores.connection_name):
        return Blank()
    store = _store(settings, stores)
    if isinstance(store, Unclear):
        return store
    tracking = settings.get(app_settings.TRACKING)
    if tracking and (unclear := _untracked(settings, tracking, stores.tracking)) is not None:
        return unclear
    package = app_settings.package_of(settings)
    if package is None and settings.get(app_settings.PACKAGE):
        return Unclear(
            f"runs a package that {app_settings.PACKAGE} doesn't name by its hash",
            f"let {app_settings.PACKAGE} name a blob <SHA-256>.zip in the container for packages, or, if the code in "
            "this slot may go, take the setting out",
        )
    return Release(
        store,
        package,
        settings.get(app_settings.VERSION_LABEL),
        settings.get(app_settings.HUB_SETTING),
        tracking or None,
        connections.access_of(settings, stores.connection_name) or Access.KEYS,
    )


def _configured(settings: Mapping[str, str], connection_name: str) -> bool:
    """Whether something makes a Functions host of the slot.

    The platform may have settings of its own in it before. FUNCTIONS_EXTENSION_VERSION stays behind where a slot was
    swapped with an empty one (azure_facts.md 4.2), so it tells nothing.
    """
    own = {app_settings.PACKAGE, app_settings.WORKER_RUNTIME}
    return any(
        name in own
        or connections.belongs_to(name, connections.HOST_STORAGE)
        or connections.belongs_to(name, connection_name)
        for name in settings
    )


def _store(settings: Mapping[str, str], stores: Stores) -> Store | Unclear:
    name = stores.connection_name
    known = " and ".join(f"{account} ({colour})" for colour, account in stores.accounts.items())
    found = sorted(connections.accounts_of(settings, name))
    if not found:
        return Unclear(
            f"has app settings, but {name} names no storage account in them",
            f"set {name} in this slot to the connection of the store that its orchestrations are in, one of {known}; "
            "if connectionName was changed in the config, change it back",
        )
    if len(found) > 1:
        return Unclear(
            f"has settings of {name} that lead to several accounts, {', '.join(found)}",
            f"leave one form of {name} in this slot, the one that leads to the store of its orchestrations",
        )
    colour = next((colour for colour, account in stores.accounts.items() if account == found[0]), None)
    if colour is None:
        return Unclear(
            f"has its task hub in the account {found[0]}, which is none of this app's stores, {known}",
            f"name the account under stores in the config, or set {name} in this slot back to the store of its "
            "orchestrations",
        )
    return stores.store(colour, app_settings.hub_of(settings))


def _untracked(settings: Mapping[str, str], name: str, wanted: str | None) -> Unclear | None:
    """Why the orchestrations of a slot can't be followed into its tracking store, or None.

    `name` is the connection that leads there, `wanted` the account that config names. In another account the hub's
    leases, messages and history aren't (azure_facts.md 2.3), so a hub that runs is never moved.
    """
    found = sorted(connections.accounts_of(settings, name))
    if len(found) != 1:
        leads = f"lead to several accounts, {', '.join(found)}" if found else "name no storage account"
        return Unclear(
            f"has its orchestrations in a tracking store, and its settings of {name} {leads}",
            f"leave one form of {name} in this slot, the one that leads to the tracking store of its orchestrations",
        )
    if app_settings.hub_of(settings) is None:
        return Unclear(
            f"has its orchestrations in the tracking store {found[0]}, and none of its settings names their task hub",
            f"let {app_settings.HUB_SETTING} in this slot name the setting that its host.json takes hubName from, and "
            "set that one to the hub's name",
        )
    if wanted is None:
        return Unclear(
            f"has its orchestrations in the tracking store {found[0]}, and config has no trackingStore",
            f"set trackingStore.account to {found[0]} again, and trackingStore.retire until no slot needs it any more",
        )
    if found[0] != wanted:
        return Unclear(
            f"has its orchestrations in the tracking store {found[0]}, and trackingStore.account in the config is "
            f"{wanted}",
            f"set it to {found[0]} again, and trackingStore.retire until no slot needs that account any more",
        )
    return None
