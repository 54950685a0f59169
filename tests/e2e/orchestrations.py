"""Orchestrations in a task hub, as the rows of its Instances table that a gate goes by."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from azure.core.credentials import TokenCredential
from azure.data.tables import TableServiceClient, UpdateMode

from release.plain_http import LoopbackTransport, secured

HUB = "OrdersHub"
FINISHED = ("Completed", "Failed", "Canceled", "Terminated")
CREATED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


class Orchestrations:
    """The orchestrations of the hubs in a storage account."""

    def __init__(self, tables: TableServiceClient) -> None:
        self._tables = tables

    @classmethod
    def by_key(cls, connection: str) -> Orchestrations:
        return cls(TableServiceClient.from_connection_string(connection, retry_total=0))

    @classmethod
    def as_identity(cls, endpoint: str, credential: TokenCredential) -> Orchestrations:
        """In local Azure, which gives the token too."""
        transport = LoopbackTransport()
        return cls(TableServiceClient(secured(endpoint), credential=credential, transport=transport, retry_total=0))

    def put(
        self, instance_id: str, status: str, hub: str = HUB, name: str = "process_order", told: str | None = None
    ) -> None:
        """Begin an orchestration, or change its status. Ids are free of the characters that would be escaped.

        In a tracking store `hub` is the prefix of its tables, and `told` the hub that the row names.
        """
        table = self._tables.create_table_if_not_exists(f"{hub}Instances")
        row = {
            "PartitionKey": instance_id,
            "RowKey": "",
            "ExecutionId": f"{instance_id}-1",
            "Name": name,
            "RuntimeStatus": status,
            "CreatedTime": CREATED,
            "LastUpdatedTime": CREATED,
        }
        told_hub = {} if told is None else {"TaskHubName": told}
        table.upsert_entity(row | told_hub, mode=UpdateMode.REPLACE)

    def finish(self, instance_id: str, hub: str = HUB) -> None:
        self.put(instance_id, "Completed", hub)

    def first_page(self) -> list[str]:
        """The ids that the table service gives before it asks to come again for the rest."""
        rows = self._tables.get_table_client(f"{HUB}Instances").list_entities(select=["PartitionKey"])
        return [row["PartitionKey"] for row in next(rows.by_page())]

    def put_finished(self, count: int) -> None:
        """As many finished ones, of each kind, with ids from `done-0000` on."""
        self._tables.create_table_if_not_exists(f"{HUB}Instances")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: self.put(f"done-{n:04}", FINISHED[n % len(FINISHED)]), range(count)))
