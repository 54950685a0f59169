"""What the drain gate's readings cost on a hub of 50,000 instances of which 10 are active, on a real Azurite.

Two ratios, of readings made in turn in one run: the first reading of a store to bare paging over the same table and
columns with azure-data-tables, and a later poll, which reads what was active, to a full reading. Run by `make bench`;
it needs Azurite, which `make setup` installs.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import AccountSasPermissions, ResourceTypes, TableServiceClient, generate_account_sas

from release.instances import Listing, open_store
from tests.localazure.host.test_azurite import Azurite
from tests.release.test_instances_azurite import Account

ROWS = 50_000
ACTIVE = 10
WRITERS = 4
PAIRS = 5
POLLS = 20
"""Polls per pair, of which the median counts: one takes a few milliseconds."""

TABLE = "OrdersInstances"
COLUMNS = ["PartitionKey", "Name", "RuntimeStatus", "CreatedTime"]
STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def row(number: int) -> dict[str, Any]:
    """An orchestration as Durable Functions keeps it; the active ones are spread over the whole table."""
    created = (STARTED + timedelta(minutes=number)).isoformat().replace("+00:00", ".1234567Z")
    is_active = number % (ROWS // ACTIVE) == ROWS // ACTIVE // 2
    times = {f"{name}Time": created for name in ("Created", "LastUpdated", "Completed")}
    return {
        "PartitionKey": f"{UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128).hex}",
        "RowKey": "",
        "ExecutionId": f"{UUID(int=number).hex}",
        "Name": "process_order",
        "Version": "",
        "Input": json.dumps({"order": number, "lines": [{"article": line, "count": 1} for line in range(10)]}),
        "Output": '"done"',
        "CustomStatus": "null",
        "RuntimeStatus": "Running" if is_active else "Completed",
        "Generation": 0,
        "TaskHubName": "Orders",
        **times,
        **{f"{name}@odata.type": "Edm.DateTime" for name in times},
    }


def fill(azurite: Azurite, account: Account) -> None:
    """Write the rows, each a partition of its own, by plain HTTP: the client library takes five times as long."""
    signature = generate_account_sas(
        AzureNamedKeyCredential(account.name, account.key),
        ResourceTypes(object=True),
        AccountSasPermissions(add=True),
        datetime.now(UTC) + timedelta(hours=1),
    )
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json;odata=nometadata",
        "Prefer": "return-no-content",
        "x-ms-version": "2019-02-02",
        "DataServiceVersion": "3.0",
    }

    def write(numbers: range) -> None:
        connection = HTTPConnection("127.0.0.1", azurite.ports.table)
        for number in numbers:
            connection.request("POST", f"/{account.name}/{TABLE}?{signature}", json.dumps(row(number)), headers)
            answer = connection.getresponse()
            if answer.status != 204:
                sys.exit(f"Azurite answered {answer.status} to row {number}: {answer.read().decode()}")
            answer.read()
        connection.close()

    account.tables.create_table(TABLE)
    step = ROWS // 5
    with ThreadPoolExecutor(WRITERS) as pool:
        for begin in range(0, ROWS, step):
            list(pool.map(write, (range(begin + writer, begin + step, WRITERS) for writer in range(WRITERS))))
            print(f"{begin + step:6,} of {ROWS:,} rows written", flush=True)


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def bare_paging(account: Account) -> int:
    client = TableServiceClient.from_connection_string(account.by_key["X"])
    return sum(1 for _ in client.get_table_client(TABLE).list_entities(select=COLUMNS))


def measure(account: Account) -> tuple[float, float, float]:
    """Seconds of bare paging, of a store's first reading, and of a later poll."""
    bare = seconds(lambda: bare_paging(account))
    store = open_store(account.by_key, "X")
    readings: list[Listing] = []
    first = seconds(lambda: readings.append(store.all()))
    listing = readings[0]
    if (len(listing.active), listing.rows) != (ACTIVE, ROWS):
        sys.exit(f"{len(listing.active)} active of {listing.rows} were read, not {ACTIVE} of {ROWS}")
    poll = statistics.median(seconds(lambda: store.still_active(listing.active)) for _ in range(POLLS))
    return bare, first, poll


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        azurite = Azurite(Path(folder))
        try:
            account = Account(azurite)
            fill(azurite, account)
            times = [measure(account) for _ in range(PAIRS + 1)][1:]
        finally:
            azurite.process.stop()
    print("bare paging    first reading    ratio    later poll    ratio")
    for bare, first, poll in times:
        print(f"{bare:9.2f} s  {first:13.2f} s  {first / bare:7.2f}  {poll:10.4f} s  {poll / first:7.4f}")
    print(f"median ratio {statistics.median(first / bare for bare, first, _ in times):.2f} (aim: 1.2 or less)")
    print(f"median ratio {statistics.median(poll / first for _, first, poll in times):.4f} (aim: 0.01 or less)")


if __name__ == "__main__":
    main()
