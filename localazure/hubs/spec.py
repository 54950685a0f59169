"""A task hub as an app names it, and what it has in storage. Pure but for what the storage does."""

from __future__ import annotations

from dataclasses import dataclass

from durable.hub_names import DEFAULT_TRACKING_PREFIX, hub_resources
from localazure.hubs.table import HubStorage, Place


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
