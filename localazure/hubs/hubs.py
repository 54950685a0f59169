"""All task hubs: one for each account and name, as long as local Azure runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from durable.hub_names import hub_resources
from localazure.hubs.backend import HubBackend, Snapshot
from localazure.hubs.mirror import Mirror
from localazure.hubs.runs import Run, Runs, close_all_left_behind
from localazure.hubs.table import HubStorage, Place

DEFAULT_TRACKING_PREFIX = "DurableTask"
"""What tables in a tracking store are named by unless host.json says otherwise (azure_facts.md 1.2)."""


@dataclass(frozen=True)
class HubSpec:
    """A task hub as a worker's host.json and settings name it; `tracking` is the account of a tracking store."""

    account: str
    name: str
    partitions: int = 4
    tracking: str | None = None
    tracking_prefix: str = DEFAULT_TRACKING_PREFIX

    @property
    def key(self) -> tuple[str, str]:
        """Accounts and hubs that differ in case are the same."""
        return self.account.lower(), self.name.lower()

    @property
    def place(self) -> Place:
        prefix = self.tracking_prefix if self.tracking else None
        return Place(self.tracking or self.account, hub_resources(self.name, tracking_prefix=prefix).instances_table)

    def make(self, storage: HubStorage) -> None:
        """Make what the Durable extension makes in storage for a hub (azure_facts.md 2.2 and 2.3)."""
        prefix = self.tracking_prefix if self.tracking else None
        named = hub_resources(self.name, partitions=self.partitions, tracking_prefix=prefix)
        storage.make(self.account, queues=[*named.control_queues, named.work_item_queue])
        storage.make(
            self.tracking or self.account,
            tables=[named.history_table, named.instances_table, named.partitions_table],
            containers=[named.lease_container, named.app_lease_container],
        )


class Hub:
    """A task hub that serves; implements localazure.hubs.backend.Ledger by its mirror."""

    def __init__(self, spec: HubSpec, storage: HubStorage, runs: Runs) -> None:
        self.account = spec.account
        self.name = spec.name
        self._storage = storage
        self._runs = runs
        self.backend = HubBackend(self)
        self._mirror = self._mirror_in(spec.place)
        self.address = self.backend.start()

    @property
    def place(self) -> Place:
        return self._mirror.place

    @property
    def unwritten(self) -> int:
        """How many instances the table may not tell as they are; 0 if it is in step."""
        return self._mirror.unwritten

    def move(self, place: Place) -> None:
        """Keep the Instances table elsewhere from now on; what stands in the old one stays as it is."""
        if place == self._mirror.place:
            return
        old, self._mirror = self._mirror, self._mirror_in(place)
        for each in self.backend.snapshots():
            self._mirror.changed(each.id)
        self._mirror.settle()
        old.close()

    def begin(self, snapshots: Iterable[Snapshot]) -> None:
        self._mirror.begin(snapshots)

    def changed(self, instance_id: str) -> None:
        self._mirror.changed(instance_id)

    def settle(self, instance_ids: Iterable[str] | None = None) -> None:
        self._mirror.settle(instance_ids)

    def close(self) -> None:
        self.backend.stop()
        self._mirror.close()

    def _mirror_in(self, place: Place) -> Mirror:
        return Mirror(self._storage, place, self.name, self._runs.begin(place).id, self.backend.snapshot)


@dataclass
class Hubs:
    """Opens hubs when they are first joined. Safe to call from several threads."""

    storage: HubStorage
    runs: Runs
    _open: dict[tuple[str, str], Hub] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _left: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = self.runs.all()

    def join(self, spec: HubSpec) -> Hub:
        """The hub, made if there was none. Raises what the storage raises."""
        with self._lock:
            spec.make(self.storage)
            hub = self._open.get(spec.key)
            if hub is None:
                hub = self._open[spec.key] = Hub(spec, self.storage, self.runs)
            else:
                hub.move(spec.place)
            return hub

    def find(self, account: str, name: str) -> Hub | None:
        """The hub, if a worker has joined it since local Azure started."""
        return self._open.get((account.lower(), name.lower()))

    def all(self) -> list[Hub]:
        """Those that are open, by account and name."""
        return [hub for _, hub in sorted(self._open.items())]

    def close_left_behind(self, served: Callable[[str], bool]) -> None:
        """Have the orchestrations of earlier processes be Failed; `served` tells whether an account is there still."""
        left, self._left = self._left, []
        close_all_left_behind(self.runs, self.storage, left, served)

    def forget(self, account: str) -> None:
        """Close the hubs of an account that was deleted."""
        with self._lock:
            gone = [self._open.pop(key) for key in list(self._open) if key[0] == account.lower()]
        for hub in gone:
            hub.close()

    def close(self) -> None:
        with self._lock:
            gone, self._open = list(self._open.values()), {}
        for hub in gone:
            hub.close()
