"""Two ways to read one hub agree: its tables in Azurite, and StatusCheck over HTTP, which is fed from the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest
from azure.data.tables import TableClient

from durable import app_settings
from durable.instance_ids import from_partition_key, to_partition_key
from release.drain import State, read_once
from release.instances import Instances, Listing
from release.patience import Patience
from release.status_check import open_status_check
from tests.functions import sample
from tests.functions.durable_host import CREATED, DurableHost, an_instance
from tests.localazure.host.test_azurite import Azurite
from tests.loopback import Answer, Request, answering
from tests.release.test_instances_azurite import Account

HUB = "OrdersHub"
SHA = "0123456789abcdef" * 4
KEY = "a-function-key"
ONE_LOOK = Patience(0, 0, 0)
ACTIVE = ("Pending", "Running", "Suspended", "ContinuedAsNew", "Unheard", None)
FINISHED = ("Completed", "Failed", "Canceled", "Terminated")
STATUSES = (*ACTIVE, *FINISHED)


@dataclass(frozen=True)
class Row:
    id: str
    status: str | None
    name: str = "process_order"


def rows_of_all_kinds() -> list[Row]:
    kinds = [Row(f"{prefix}{number}", status) for number, status in enumerate(STATUSES) for prefix in ("id-", "@e@")]
    return [
        *kinds,
        Row("a/b#c?d\\e^f", "Running"),
        Row("@counter", "Running"),
        Row("@@x", "Pending"),
        Row("n", "Running", ""),
    ]


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    process = Azurite(tmp_path_factory.mktemp("azurite"))
    yield process
    process.process.stop()


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(app_settings.PACKAGE, f"https://x.blob.core.windows.net/packages/{SHA}.zip")


@pytest.fixture(scope="module")
def function() -> Any:
    return sample.functions(sample.module("function_app"))["StatusCheck"].get_user_function()


def write(table: TableClient, row: Row) -> None:
    columns = {"PartitionKey": to_partition_key(row.id), "RowKey": "", "Name": row.name, "CreatedTime": CREATED}
    table.upsert_entity({**columns, **({} if row.status is None else {"RuntimeStatus": row.status})})


def pages_of(table: TableClient, size: int) -> list[list[dict[str, Any]]]:
    """The rows that are in the table now as the Durable extension pages them, an empty page after each."""
    found = [
        an_instance(from_partition_key(row["PartitionKey"]), row.get("RuntimeStatus"), row["Name"])
        for row in table.list_entities()
    ]
    pages = [found[start : start + size] for start in range(0, len(found), size)]
    return [page for full in pages for page in (full, [])] or [[]]


@contextmanager
def served(function: Any, pages: Sequence[Sequence[dict[str, Any]]]) -> Iterator[Instances]:
    """The hub by way of StatusCheck, which a server runs as the Functions host does."""

    def run(request: Request) -> Answer:
        if request.headers.get("x-functions-key") != KEY:
            return Answer(401)
        asked = func.HttpRequest(request.method, request.target, headers=dict(request.headers), body=b"")
        answer: func.HttpResponse = asyncio.run(function(asked, host.binding))
        return Answer(answer.status_code, answer.get_body())

    with DurableHost(pages).serving() as host, answering(run) as url:
        yield open_status_check(url, KEY, HUB, SHA)


def both(account: Account, function: Any, table: TableClient, size: int) -> tuple[Listing, Listing]:
    """What the table driver and the StatusCheck driver read; the order in a list means nothing."""

    def sorted_(listing: Listing) -> Listing:
        return Listing(listing.hubs, tuple(sorted(listing.active, key=lambda instance: instance.id)), listing.rows)

    with served(function, pages_of(table, size)) as store:
        return sorted_(account.open().all()), sorted_(store.all())


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_they_agree_on_every_status_and_on_entities_whatever_the_pages(
    azurite: Azurite, function: Any, size: int
) -> None:
    account = Account(azurite)
    table = account.hub(HUB)
    for row in rows_of_all_kinds():
        write(table, row)
    by_table, by_status_check = both(account, function, table, size)
    assert by_status_check == by_table
    assert len(by_table.active) == len(ACTIVE) + 4
    assert by_table.rows == 2 * len(STATUSES) + 4


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("instance_id", ["id-1", "@e@1"])
def test_they_agree_on_whether_a_hub_with_one_instance_is_drained(
    azurite: Azurite, function: Any, status: str | None, instance_id: str
) -> None:
    account = Account(azurite)
    table = account.hub(HUB)
    write(table, Row(instance_id, status))
    with served(function, pages_of(table, 1)) as store:
        states = {read_once(account.open(), ONE_LOOK).state, read_once(store, ONE_LOOK).state}
    busy = status in ACTIVE and instance_id == "id-1"
    assert states == {State.BUSY if busy else State.DRAINED}


def test_they_agree_on_a_hub_without_rows(azurite: Azurite, function: Any) -> None:
    account = Account(azurite)
    by_table, by_status_check = both(account, function, account.hub(HUB), 1)
    assert by_status_check == by_table == Listing((HUB,), (), 0)


def test_they_agree_on_more_rows_than_a_table_gives_at_once(azurite: Azurite, function: Any) -> None:
    account = Account(azurite)
    table = account.hub(HUB)
    rows = [Row(f"id-{number:04}", "Completed") for number in range(1001)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: write(table, row), [*rows, Row("last", "Suspended")]))
    by_table, by_status_check = both(account, function, table, 1000)
    assert by_status_check == by_table
    assert ([instance.id for instance in by_table.active], by_table.rows) == (["last"], 1002)


def test_they_agree_when_they_look_again(azurite: Azurite, function: Any) -> None:
    account = Account(azurite)
    table = account.hub(HUB)
    for row in rows_of_all_kinds():
        write(table, row)
    known = account.open().all().active
    write(table, Row("id-0", "Completed"))
    write(table, Row("id-1", "Suspended"))
    table.delete_entity("id-2", "")
    write(table, Row("new", "Running"))
    with served(function, pages_of(table, 3)) as store:
        seen = store.still_active(known)
    assert seen == account.open().still_active(known)
    assert len(seen) == len(known) - 2
