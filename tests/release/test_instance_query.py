"""Which instances are asked for, and their rows page by page, over a table service that answers within the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from durable.statuses import FINISHED, InstanceStatus
from release.instance_query import Filter, Query, Row, Source, first
from release.tables import StoreUnknownError, open_tables
from tests.release.test_instances import BY_KEY, TableService, a_refusal, a_row, assert_no_secret, transport
from tests.release.test_instances import Row as Cells

CREATED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
EVERY = Filter()
COLUMNS = "PartitionKey,Name,Version,RuntimeStatus,CreatedTime,LastUpdatedTime,TaskHubName"


def a_found(instance_id: str = "a", **other: Any) -> Row:
    given = {"account": "blue1", "hub": "Orders", "name": "process_order", "version": "", "status": "Running"}
    return Row(**{**given, "id": instance_id, "created": CREATED, "updated": None, **other})


@dataclass
class Queried(TableService):
    """Takes a query, and doesn't judge by it: what comes is more than what was asked for."""

    filters: list[str] = field(default_factory=list)

    def expect(self, query: Mapping[str, str]) -> None:
        assert query["$select"] == COLUMNS
        self.filters += [query["$filter"]] if "$filter" in query else []


def a_source(service: TableService, *, shared: bool = False) -> Source:
    return Source(open_tables(BY_KEY, "X", transport=transport(service)), shared)


def found(service: TableService, wanted: Filter = EVERY, *, shared: bool = False) -> list[tuple[Row, ...]]:
    return list(a_source(service, shared=shared).pages(wanted))


def ids(service: TableService, wanted: Filter = EVERY, *, shared: bool = False) -> list[str]:
    return [row.id for page in found(service, wanted, shared=shared) for row in page]


@pytest.mark.parametrize(
    ("wanted", "other", "accepted"),
    [
        (Filter(), {}, True),
        (Filter(hubs=frozenset({"orders", "Shop"})), {}, True),
        (Filter(hubs=frozenset({"Shop"})), {}, False),
        (Filter(hubs=frozenset({"Shop"})), {"hub": None}, True),
        (Filter(hubs=frozenset({"Order"})), {}, False),
        (Filter(versions=frozenset({"1.0", "2.0"})), {"version": "2.0"}, True),
        (Filter(versions=frozenset({"1.0"})), {"version": "1.0.1"}, False),
        (Filter(versions=frozenset({"1.0"})), {}, False),
        (Filter(versions=frozenset({""})), {}, True),
        (Filter(versions=frozenset({""})), {"version": "1.0"}, False),
        (Filter(versions=frozenset({"", "1.0"})), {"version": "1.0"}, True),
        (Filter(statuses=frozenset({InstanceStatus.RUNNING, InstanceStatus.FAILED})), {}, True),
        (Filter(statuses=frozenset({InstanceStatus.FAILED})), {}, False),
        (Filter(statuses=frozenset({InstanceStatus.RUNNING})), {"status": "running"}, False),
        (Filter(statuses=frozenset(InstanceStatus)), {"status": ""}, False),
        (Filter(active=True), {"status": "Paused"}, True),
        (Filter(active=True), {"status": ""}, True),
        (Filter(active=True), {"status": "Terminated"}, False),
        (Filter(active=True, entities=True), {"id": "@counter@1"}, False),
        (Filter(name="process_*"), {}, True),
        (Filter(name="Process_*"), {}, False),
        (Filter(name="process_order"), {}, True),
        (Filter(name="process"), {}, False),
        (Filter(name="process_orde[rs]"), {}, True),
        (Filter(name="*"), {"name": ""}, True),
        (Filter(name=""), {}, False),
        (Filter(id_prefix="a"), {"id": "ab"}, True),
        (Filter(id_prefix="A"), {"id": "ab"}, False),
        (Filter(id_prefix="b"), {"id": "ab"}, False),
        (Filter(before=CREATED), {}, False),
        (Filter(before=CREATED + timedelta(microseconds=1)), {}, True),
        (Filter(since=CREATED), {}, True),
        (Filter(since=CREATED + timedelta(microseconds=1)), {}, False),
        (Filter(before=CREATED + timedelta(hours=1)), {"created": None}, False),
        (Filter(since=CREATED - timedelta(hours=1)), {"created": None}, False),
        (Filter(), {"id": "@counter@1"}, False),
        (Filter(entities=True), {"id": "@counter@1"}, True),
        (Filter(), {"id": "@counter"}, True),
        (Filter(active=True, id_prefix="b"), {}, False),
    ],
)
def test_an_instance_is_listed_if_all_conditions_hold(wanted: Filter, other: dict[str, Any], accepted: bool) -> None:
    assert wanted.accepts(a_found(**{"instance_id": other.pop("id", "a"), **other})) is accepted


@pytest.mark.parametrize("status", [*InstanceStatus, "Paused", "running", ""])
def test_active_is_what_a_gate_waits_for(status: str) -> None:
    assert a_found(status=status).active is (status not in FINISHED)


@pytest.mark.parametrize(
    ("wanted", "text", "values"),
    [
        (
            Filter(id_prefix="order-"),
            "( PartitionKey ge @p0 ) and ( PartitionKey lt @p1 )",
            ["order-", "order."],
        ),
        (Filter(id_prefix="a/b"), "( PartitionKey ge @p0 ) and ( PartitionKey lt @p1 )", ["a", "b"]),
        (Filter(id_prefix="a~"), "( PartitionKey ge @p0 ) and ( PartitionKey lt @p1 )", ["a", "b"]),
        (Filter(name="it's"), "( Name eq @p0 )", ["it's"]),
        (Filter(before=CREATED), "( CreatedTime lt @p0 )", [CREATED + timedelta(milliseconds=1)]),
        (Filter(since=CREATED + timedelta(microseconds=999)), "( CreatedTime ge @p0 )", [CREATED]),
        (Filter(since=datetime(2, 1, 1, tzinfo=UTC)), "( CreatedTime ge @p0 )", [datetime(1601, 1, 1, tzinfo=UTC)]),
        (
            Filter(statuses=frozenset({InstanceStatus.RUNNING, InstanceStatus.FAILED})),
            "( RuntimeStatus eq @p0 or RuntimeStatus eq @p1 )",
            ["Failed", "Running"],
        ),
        (Filter(versions=frozenset({"1.0"})), "( Version eq @p0 )", ["1.0"]),
    ],
)
def test_the_service_is_asked_to_compare_with_values_beside_the_text(
    wanted: Filter, text: str, values: list[str | datetime]
) -> None:
    query = wanted.query()
    assert query == Query(text, dict(zip([f"p{index}" for index in range(len(values))], values, strict=True)))


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(hubs=frozenset({"Orders"})),
        Filter(versions=frozenset({"", "1.0"})),
        Filter(active=True),
        Filter(name="process_*"),
        Filter(name="order?"),
        Filter(name=""),
        Filter(id_prefix="/"),
        Filter(id_prefix="\u00fcber"),
        Filter(entities=True),
    ],
)
def test_what_a_row_without_the_column_or_in_another_order_may_meet_is_not_left_to_the_service(wanted: Filter) -> None:
    assert wanted.query() is None


def test_no_more_comparisons_are_asked_for_than_the_service_takes() -> None:
    wanted = Filter(
        id_prefix="a",
        name="x",
        before=CREATED,
        since=CREATED,
        statuses=frozenset(InstanceStatus),
        versions=frozenset({"1"}),
    )
    query = wanted.query()
    assert query is not None
    assert len(query.parameters) == 14
    more = Filter(**{**vars(wanted), "versions": frozenset({"1", "2", "3"})}).query()
    assert more is not None
    assert len(more.parameters) == 13
    assert "Version" not in more.text


def test_a_row_is_read_with_all_its_columns() -> None:
    row = a_row("a/b", Version="1.0", TaskHubName="Orders")
    row = {**row, "LastUpdatedTime@odata.type": "Edm.DateTime", "LastUpdatedTime": "2026-07-01T09:00:00.0000000Z"}
    service = Queried({"OrdersInstances": [[row]]})
    assert found(service) == [(a_found("a/b", version="1.0", updated=CREATED + timedelta(hours=1)),)]


@pytest.mark.parametrize("null", [{}, dict.fromkeys(COLUMNS.split(",")[1:])])
def test_a_row_without_columns_is_read(null: dict[str, None]) -> None:
    service = Queried({"OrdersInstances": [[{"PartitionKey": "a", **null}]]})
    nothing = Row("blue1", None, "a", "", "", "", None, None)
    assert found(service, shared=True) == [(nothing,)]
    assert found(service) == [(Row(**{**vars(nothing), "hub": "Orders"}),)]


def test_a_key_that_durable_functions_does_not_write_is_shown_as_it_is() -> None:
    service = Queried({"OrdersInstances": [[a_row("a", PartitionKey="a^9")]]})
    assert ids(service) == ["a^9"]
    assert ids(service, Filter(id_prefix="a^")) == ["a^9"]
    assert "'b'" in service.filters[0]


def test_in_a_shared_account_each_row_tells_its_hub_and_each_hub_finds_a_row_that_tells_none() -> None:
    rows: list[Cells] = [a_row("a", TaskHubName="Orders"), a_row("b", TaskHubName="Shop"), a_row("c")]
    service = Queried({"DurableTaskInstances": [rows], "OrdersInstances": [[a_row("d", TaskHubName="Orders")]]})
    assert [(row.id, row.hub) for page in found(service, shared=True) for row in page] == [
        ("a", "Orders"),
        ("b", "Shop"),
        ("c", None),
        ("d", "Orders"),
    ]
    assert ids(service, Filter(hubs=frozenset({"shop"})), shared=True) == ["b", "c"]


def test_in_a_store_the_tables_of_other_hubs_are_not_read() -> None:
    service = Queried({"OrdersInstances": [[a_row("a", TaskHubName="Other")]], "ShopInstances": [[a_row("b")]]})
    assert [(row.id, row.hub) for (row,) in found(service)] == [("a", "Orders"), ("b", "Shop")]
    service.log.clear()
    assert ids(service, Filter(hubs=frozenset({"shop"}))) == ["b"]
    assert service.log == ["Tables", "ShopInstances()"]


def test_what_the_service_sends_beyond_the_query_is_not_listed() -> None:
    service = Queried({"OrdersInstances": [[a_row("a", "Running"), a_row("b", "Failed"), a_row("@e@1", "Failed")]]})
    assert ids(service, Filter(statuses=frozenset({InstanceStatus.FAILED}))) == ["b"]
    assert service.filters == ["( RuntimeStatus eq 'Failed' )"]


def test_text_of_the_user_stays_a_value() -> None:
    service = Queried({"OrdersInstances": [[a_row("a")]]})
    assert ids(service, Filter(name="x' or PartitionKey ne ' @p0")) == []
    assert service.filters == ["( Name eq 'x'' or PartitionKey ne '' @p0' )"]


def test_empty_pages_with_more_behind_them_are_passed() -> None:
    pages = [[], [], [a_row("a")], [], [a_row("b"), a_row("c")], []]
    service = Queried({"OrdersInstances": pages, "ShopInstances": [[], [a_row("d")]]})
    assert [[row.id for row in page] for page in found(service)] == [["a"], ["b", "c"], ["d"]]
    assert len(service.log) == 1 + len(pages) + 2


def test_a_page_is_asked_for_when_the_one_before_has_been_taken() -> None:
    service = Queried({"OrdersInstances": [[a_row("a")], [a_row("b")]], "ShopInstances": [[a_row("c")]]})
    pages = a_source(service).pages(Filter())
    assert service.log == []
    asked = [["Tables", "OrdersInstances()"], ["OrdersInstances() 1"], ["ShopInstances()"]]
    for row, requested in zip("abc", asked, strict=True):
        assert [one.id for one in next(pages)] == [row]
        assert service.log == requested
        service.log.clear()
    assert next(pages, None) is None
    assert service.log == []


def test_an_endless_table_is_read_as_far_as_its_rows_are_taken() -> None:
    class Endless(Queried):
        def _answer(self, path: str, query: Mapping[str, str]) -> requests.Response:
            if path != "Tables":
                number = len(self.log)
                assert number < 9, "more is read than is taken"
                self.tables["OrdersInstances"] = [[]] * number + [[a_row(f"{number}-{n}") for n in range(10)]] + [[]]
                query = {**query, "NextPartitionKey": str(number)}
            return super()._answer(path, query)

    service = Endless({"OrdersInstances": []})
    rows = [row.id for page in first(a_source(service).pages(Filter()), 25) for row in page]
    assert rows == [f"{page}-{n}" for page in (2, 3, 4) for n in range(10)][:25]
    assert len(service.log) == 1 + 3


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (9, [2, 2, 1])])
def test_a_limit_cuts_the_last_page_and_asks_for_no_further_one(limit: int, sizes: list[int]) -> None:
    taken = 0

    def pages() -> Iterator[tuple[Row, ...]]:
        nonlocal taken
        for size in (2, 2, 1):
            taken += 1
            yield (a_found(),) * size

    assert [len(page) for page in first(pages(), limit)] == sizes
    assert taken == len(sizes)


def test_a_failure_on_a_later_page_comes_after_the_rows_before_it() -> None:
    service = Queried({"DurableTaskInstances": [[a_row("a")], [], []]})
    service.failing = lambda asked: a_refusal(403, "AuthenticationFailed") if asked.endswith(" 2") else None
    pages = a_source(service, shared=True).pages(Filter())
    assert [row.id for row in next(pages)] == ["a"]
    with pytest.raises(StoreUnknownError) as raised:
        next(pages)
    assert raised.value.account == "blue1"
    assert "answered 403 (AuthenticationFailed) while reading the tracking table DurableTask; " in str(raised.value)
    assert_no_secret(str(raised.value))


def test_a_query_that_is_refused_is_unknown_and_an_interrupt_is_none() -> None:
    service = Queried(
        {"OrdersInstances": [[]]}, failing=lambda asked: None if asked == "Tables" else a_refusal(400, "InvalidInput")
    )
    with pytest.raises(StoreUnknownError, match=r"answered 400 \(InvalidInput\) while reading the task hub Orders; "):
        found(service, Filter(name="x"))

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found(Queried({"OrdersInstances": [[]]}, failing=interrupted))


def test_a_query_travels_as_it_is() -> None:
    seen: list[str] = []

    class Listening(Queried):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            seen.extend(parse_qs(urlsplit(str(request.url)).query).get("$filter", []))
            return super().send(request)

    found(Listening({"OrdersInstances": [[]]}), Filter(name="50% + \u00fc & #1"))
    assert seen == ["( Name eq '50% + \u00fc & #1' )"]
