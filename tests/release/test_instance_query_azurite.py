"""The listing of instances against real tables: Azurite, with rows in the schema that Durable Functions writes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable.statuses import InstanceStatus
from release.instance_query import Filter, Row, Source
from release.tables import StoreUnknownError, open_tables
from tests.localazure.host.test_azurite import Azurite, new_key
from tests.release.test_instances_azurite import CREATED, ODD_IDS, Account, write

HUBS = ("Orders", "orders2", "Shop", None)
VERSIONS = ("", "1.0", "1.0.1", "it's 2", None)
NAMES = ("process_order", "process_refund", "Process_Order", "50% + \u00fc & #1", None)
STATUSES = (*InstanceStatus, "Paused", "running", None)
TIMES = (*(CREATED + timedelta(microseconds=step) for step in (-1000, -1, 0, 1, 1000, 3_600_000_000)), None)
IDS = (
    *ODD_IDS,
    "order-1",
    "order-10",
    "order.1",
    "Order-1",
    "@counter@1",
    "@@x",
    "~a",
    "a~",
    "a\x7f",
    "\uffffa",
    "\U0001f600",
)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    process = Azurite(tmp_path_factory.mktemp("azurite"))
    yield process
    process.process.stop()


def a_source(account: Account, *, shared: bool = False) -> Source:
    return Source(open_tables(account.by_key, "X"), shared)


def rows(source: Source, wanted: Filter) -> list[Row]:
    return [row for page in source.pages(wanted) for row in page]


@pytest.fixture(scope="module")
def tracking(azurite: Azurite) -> Source:
    """A table that several hubs share, in which each value of a column meets many of the others."""
    account = Account(azurite)
    table = account.hub("DurableTask")
    for number, instance_id in enumerate(IDS * 3):
        write(
            table,
            instance_id if number < len(IDS) else f"{instance_id}:{number}",
            STATUSES[number % len(STATUSES)],
            TaskHubName=HUBS[number % len(HUBS)],
            Version=VERSIONS[number % len(VERSIONS)],
            Name=NAMES[number // 2 % len(NAMES)],
            CreatedTime=TIMES[number % len(TIMES)],
        )
    return a_source(account, shared=True)


def texts(*values: str | None) -> st.SearchStrategy[str]:
    return st.sampled_from([value for value in values if value is not None])


CONDITIONS: dict[str, st.SearchStrategy[object]] = {
    "hubs": st.frozensets(texts(*HUBS, "SHOP", "None"), min_size=1, max_size=2),
    "versions": st.frozensets(texts(*VERSIONS, "2.0"), min_size=1, max_size=2),
    "statuses": st.frozensets(st.sampled_from(InstanceStatus), min_size=1, max_size=4),
    "active": st.just(True),
    "name": texts(*NAMES, "process_*", "*_o?der", "[Pp]*", "", "x' or Name ne '"),
    "id_prefix": st.builds(lambda one, length: one[:length], texts(*IDS), st.integers(1, 9)),
    "before": st.sampled_from([time for time in TIMES if time]),
    "since": st.sampled_from([time for time in TIMES if time]),
    "entities": st.just(True),
}
FILTERS = st.lists(st.sampled_from(sorted(CONDITIONS)), unique=True, max_size=3).flatmap(
    lambda names: st.builds(Filter, **{name: CONDITIONS[name] for name in names})
)


@given(wanted=FILTERS)
@settings(deadline=None, max_examples=200)
def test_what_the_service_lets_through_loses_nothing_that_is_asked_for(tracking: Source, wanted: Filter) -> None:
    everything = rows(tracking, Filter(entities=True))
    assert len(everything) == 3 * len(IDS)
    assert rows(tracking, wanted) == [row for row in everything if wanted.accepts(row)]


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(id_prefix="order-"),
        Filter(name="process_refund"),
        Filter(before=CREATED),
        Filter(since=CREATED + timedelta(seconds=1)),
        Filter(statuses=frozenset({InstanceStatus.FAILED})),
        Filter(versions=frozenset({"it's 2"})),
    ],
)
def test_what_the_service_can_judge_it_does(tracking: Source, wanted: Filter) -> None:
    """Cost: what isn't asked for doesn't travel, but for what is as near as a millisecond."""
    query = replace(wanted, entities=True).query()
    assert query is not None
    table = tracking.tables.of("DurableTask")
    sent = list(table.query_entities(query.text, parameters=dict(query.parameters)))
    asked = rows(tracking, replace(wanted, entities=True))
    assert 0 < len(asked) <= len(sent) < 3 * len(IDS) * 2 / 3


def test_the_hubs_of_a_tracking_table_are_told_apart_and_a_row_without_one_is_of_each(azurite: Azurite) -> None:
    account = Account(azurite)
    table = account.hub("DurableTask")
    for hub in ("OrdersBlue", "OrdersGreen", "ShopBlue"):
        for status in ("Running", "Completed"):
            write(table, f"{hub}-{status}", status, TaskHubName=hub)
    write(table, "stray", TaskHubName=None)
    write(account.hub("Other"), "elsewhere", TaskHubName="OrdersBlue")
    source = a_source(account, shared=True)
    assert {(row.id, row.hub) for row in rows(source, Filter(active=True))} == {
        ("OrdersBlue-Running", "OrdersBlue"),
        ("OrdersGreen-Running", "OrdersGreen"),
        ("ShopBlue-Running", "ShopBlue"),
        ("stray", None),
        ("elsewhere", "OrdersBlue"),
    }
    found = rows(source, Filter(hubs=frozenset({"ordersblue"})))
    assert [row.id for row in found] == ["OrdersBlue-Completed", "OrdersBlue-Running", "stray", "elsewhere"]


def test_rows_of_a_second_page_come_when_it_is_asked_for(azurite: Azurite) -> None:
    account = Account(azurite)
    orders = account.hub("Orders")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write(orders, f"id-{number:04}", "Completed"), range(1001)))
    pages = a_source(account).pages(Filter())
    assert len(next(pages)) == 1000
    account.tables.delete_table("OrdersInstances")
    with pytest.raises(StoreUnknownError, match=r"answered 404 \(TableNotFound\) while reading the task hub Orders; "):
        next(pages)


def test_an_account_without_a_hub_has_no_rows(azurite: Azurite) -> None:
    account = Account(azurite)
    account.tables.create_table("Other")
    assert rows(a_source(account), Filter()) == []


def test_a_wrong_key_is_unknown_and_not_shown(azurite: Azurite) -> None:
    account = Account(azurite)
    account.key = new_key()
    with pytest.raises(StoreUnknownError, match="answered 403") as raised:
        rows(a_source(account), Filter())
    assert account.key not in str(raised.value)
