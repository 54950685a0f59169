"""The orchestrations of a slot whose package has a tracking store: in the tables that it shares with other apps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import HttpTransport
from azure.data.tables import TableEntity

from durable import app_settings
from release.instances import Instance, Instances, Listing, StoreUnknownError, TableInstances, open_store
from release.tables import Tables, open_tables

_HUB: Final = "TaskHubName"
"""The column that tells the rows of several hubs apart (azure_facts.md 3.1)."""


@dataclass(frozen=True)
class TrackedHubs:
    """Task hubs in the tracking store that a connection in app settings leads to."""

    settings: Mapping[str, str]
    connection: str
    hubs: tuple[str, ...]


def tracked_hubs(settings: Mapping[str, str], before: Mapping[str, str]) -> TrackedHubs | None:
    """Where, besides their own store, the orchestrations of a slot with these app settings are; None for nowhere.

    `before` are the settings that these are written over, empty if they aren't: a hub that those name in the tracking
    store counts too, whatever it is called from now on. Raises StoreUnknownError where a tracking store is named, and
    no hub in it: its rows can't be told from others.
    """
    found = [(each, each[app_settings.TRACKING]) for each in (settings, before) if each.get(app_settings.TRACKING)]
    if not found:
        return None
    used, connection = found[0]
    return TrackedHubs(used, connection, tuple(dict.fromkeys(_hub(each, name) for each, name in found)))


def _hub(settings: Mapping[str, str], connection: str) -> str:
    if (hub := app_settings.hub_of(settings)) is None:
        raise StoreUnknownError(
            "",
            f"its instances are in the tracking store that {connection} leads to, and no app setting names its task "
            f"hub; let {app_settings.HUB_SETTING} name the setting that host.json takes hubName from, and set that one",
        )
    return hub


def open_slot(
    settings: Mapping[str, str],
    before: Mapping[str, str],
    connection: str,
    credential: Callable[[], TokenCredential] | None = None,
    *,
    transport: HttpTransport[Any, Any] | None = None,
) -> Instances:
    """The store that a slot's app settings lead to, with what tracked_hubs finds. The rest is as in open_store."""
    own = open_store(settings, connection, credential, transport=transport)
    found = tracked_hubs(settings, before)
    if found is None:
        return own
    return Tracked(own, open_tracking(found.settings, found.connection, found.hubs, credential, transport=transport))


def open_tracking(
    settings: Mapping[str, str],
    connection: str,
    hubs: Iterable[str],
    credential: Callable[[], TokenCredential] | None = None,
    *,
    transport: HttpTransport[Any, Any] | None = None,
) -> Instances:
    """Some hubs of the tracking store that a connection leads to, as open_tables opens it."""
    return TrackingInstances(open_tables(settings, connection, credential, transport=transport), hubs)


class TrackingInstances(TableInstances):
    """The instances of some hubs in a tracking store, by their names in any case.

    Every Instances table in the account is read, whatever its prefix. A row that names no hub counts for each.
    """

    columns = (*TableInstances.columns, _HUB)

    def __init__(self, tables: Tables, hubs: Iterable[str]) -> None:
        super().__init__(tables)
        self._hubs = {hub.casefold(): hub for hub in hubs}

    def all(self) -> Listing:
        prefixes = self.tables.prefixes()
        rows = 0
        active: list[Instance] = []
        named: set[str] = set()
        for prefix in prefixes:
            for row in self.rows(prefix):
                rows += 1
                hub = _told(row)
                if not self._is_ours(hub):
                    continue
                if hub:
                    named.add(self._hubs[hub.casefold()])
                if instance := self.instance(row, hub, prefix):
                    active.append(instance)
        hubs = tuple(sorted(self._hubs.values())) if prefixes else ()
        return Listing(hubs, tuple(active), rows, self.account, frozenset(named))

    def again(self, known: Instance, row: TableEntity) -> Instance | None:
        hub = _told(row)
        if known.hub and hub and hub.casefold() != known.hub.casefold():
            # The key of a row is the instance's id alone, so two hubs with one id write over each other.
            raise StoreUnknownError(
                self.account,
                f"the row of the instance {known.id} of the task hub {known.hub} was written over by the task hub "
                f"{hub}; give instances ids that no other app and no other version gives to its own on this store",
            )
        return self.instance(row, hub, known.tracking) if self._is_ours(hub) else None

    def _is_ours(self, hub: str) -> bool:
        return not hub or hub.casefold() in self._hubs


@dataclass(frozen=True)
class Tracked:
    """Implements Instances for a slot: all that is in its own store, and its hub's part of a tracking store."""

    own: Instances
    tracking: Instances

    @property
    def account(self) -> str:
        return self.own.account

    def all(self) -> Listing:
        own, tracked = self.own.all(), self.tracking.all()
        return Listing(
            (*own.hubs, *tracked.hubs),
            own.active + tracked.active,
            own.rows + tracked.rows,
            tracked.tracking,
            tracked.named,
        )

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        own = [instance for instance in known if not instance.tracking]
        tracked = [instance for instance in known if instance.tracking]
        return self.own.still_active(own) + self.tracking.still_active(tracked)


def _told(row: TableEntity) -> str:
    """The hub that a row names, "" if it names none."""
    return str(row.get(_HUB) or "")
