"""The reading of a store together with its hub's part of a tracking store, which other hubs have their rows in too."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
import requests

from release.drain import State, judge, read_once, wait_until_drained
from release.instances import Instance, Instances, Listing, StoreUnknownError
from release.patience import Patience
from release.tables import _Transport
from release.tracked import open_slot, tracked_hubs
from tests.release.clock import FakeClock
from tests.release.test_instances import CREATED, KEY, Row, TableService, a_refusal, a_row

SETTINGS = {
    "X": f"AccountName=blue1;AccountKey={KEY}",
    "RELEASE_HUB_SETTING": "TaskHub",
    "TaskHub": "OrdersHubBlue",
    "RELEASE_TRACKING": "View",
    "View": f"AccountName=view1;AccountKey={KEY}",
}
BEFORE = SETTINGS | {"TaskHub": "OldHubBlue"}
COLUMNS = "PartitionKey,Name,RuntimeStatus,CreatedTime,TaskHubName"
MINE, NEXT_DOOR, OLD = "OrdersHubBlue", "BillingHubBlue", "OldHubBlue"


def without(settings: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in names}


def of(hub: str | None, instance_id: str, status: str | None = "Running") -> Row:
    """A row of a tracking store that names a hub, or none."""
    return a_row(instance_id, status, **({} if hub is None else {"TaskHubName": hub}))


def an_instance(hub: str, instance_id: str, status: str = "Running", tracking: str = "Shop") -> Instance:
    return Instance(hub, instance_id, "process_order", status, CREATED, tracking)


def a_view(*rows: Row, **tables: list[list[Row]]) -> TableService:
    return TableService({"ShopInstances": [list(rows)], **tables}, columns=COLUMNS)


def opened(
    view: TableService,
    own: TableService | None = None,
    settings: Mapping[str, str] = SETTINGS,
    before: Mapping[str, str] | None = None,
) -> Instances:
    session = requests.Session()
    session.mount("https://blue1.", own or TableService({}))
    session.mount("https://view1.", view)
    return open_slot(settings, before or {}, "X", transport=_Transport(session=session, session_owner=False))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def test_only_rows_of_the_slot_s_hub_in_any_case_and_rows_of_no_hub_count() -> None:
    rows = [of(MINE, "a"), of(NEXT_DOOR, "b"), of(MINE.upper(), "c", "Pending"), of(None, "d"), of("", "e")]
    done = [of(MINE, "f", "Completed"), of(NEXT_DOOR, "g", None), of(MINE, "@counter@1")]
    store = opened(a_view(*rows, *done))
    assert store.account == "blue1"
    assert store.all() == Listing(
        (MINE,),
        (
            an_instance(MINE, "a"),
            an_instance(MINE.upper(), "c", "Pending"),
            an_instance("", "d"),
            an_instance("", "e"),
        ),
        8,
        "view1",
        frozenset({MINE}),
    )


def test_the_store_s_own_hubs_count_all_of_them_besides() -> None:
    own = TableService({"RetiredHubInstances": [[a_row("a")]]})
    listing = opened(a_view(of(NEXT_DOOR, "b")), own).all()
    assert listing.active == (an_instance("RetiredHub", "a", tracking=""),)
    assert listing.hubs == ("RetiredHub", MINE)


def test_each_table_of_instances_is_read_whatever_its_prefix_and_page() -> None:
    view = a_view(of(NEXT_DOOR, "a"), OtherInstances=[[], [of(MINE, "b")]], ShopHistory=[[of(MINE, "c")]])
    assert opened(view).all().active == (an_instance(MINE, "b", tracking="Other"),)


def test_a_tracking_store_without_tables_has_no_hub() -> None:
    listing = opened(TableService({}, columns=COLUMNS)).all()
    assert (listing.hubs, listing.active) == ((), ())


def test_a_key_that_durable_does_not_write_matters_only_where_the_row_may_be_the_slot_s() -> None:
    assert opened(a_view({**of(NEXT_DOOR, "a"), "PartitionKey": "a^9"})).all().active == ()
    for hub in (MINE, None):
        with pytest.raises(StoreUnknownError, match=r"a row whose partition key, 'a\^9'") as raised:
            opened(a_view({**of(hub, "a"), "PartitionKey": "a^9"})).all()
        assert raised.value.account == "view1"


def test_the_hub_of_the_package_that_goes_counts_too_and_others_still_do_not() -> None:
    view = a_view(of(OLD, "a"), of(NEXT_DOOR, "b"))
    assert opened(view).all().active == ()
    listing = opened(view, before=BEFORE).all()
    assert listing.active == (an_instance(OLD, "a"),)
    assert listing.hubs == (OLD, MINE)


def test_a_package_that_leaves_the_tracking_store_is_looked_for_where_it_was() -> None:
    leaving = without(SETTINGS, "RELEASE_TRACKING", "View")
    view = a_view(of(OLD, "a"), of(MINE, "b"))
    assert opened(view, settings=leaving, before=BEFORE).all().active == (an_instance(OLD, "a"),)
    own = TableService({"OrdersHubInstances": [[a_row("c")]]})
    assert opened(view, own, settings=leaving).all() == Listing(
        ("OrdersHub",), (an_instance("OrdersHub", "c", tracking=""),), 1
    )


@pytest.mark.parametrize("missing", ["TaskHub", "RELEASE_HUB_SETTING"])
def test_a_hub_that_is_not_known_is_unknown(missing: str) -> None:
    with pytest.raises(StoreUnknownError, match="no app setting names its task hub; let RELEASE_HUB_SETTING name"):
        opened(a_view(), settings=without(SETTINGS, missing))
    with pytest.raises(StoreUnknownError, match="the tracking store that View leads to"):
        tracked_hubs({}, without(SETTINGS, missing))


def test_a_tracking_connection_that_is_missing_is_unknown() -> None:
    with pytest.raises(StoreUnknownError, match="no app setting is the connection View; set View"):
        opened(a_view(), settings=without(SETTINGS, "View"))


@pytest.mark.parametrize(("failing", "account"), [("own", "blue1"), ("view", "view1")])
def test_an_account_that_can_not_be_read_is_unknown_by_its_name(failing: str, account: str) -> None:
    view, own = a_view(), TableService({})
    {"own": own, "view": view}[failing].failing = lambda _: a_refusal(403, "AuthorizationFailure")
    verdict = read_once(opened(view, own), Patience(0, 0, 0))
    assert (verdict.state, verdict.account) == (State.UNKNOWN, account)
    assert f"storage account {account}: the table service answered 403 (AuthorizationFailure)" in verdict.reason
    assert KEY not in verdict.reason


def test_looking_again_asks_for_each_row_in_the_account_and_the_table_that_it_is_in() -> None:
    own = TableService({"OrdersHubInstances": [[a_row("a", "Suspended"), a_row("b", "Failed")]]})
    view = a_view(of(MINE, "a", "Pending"), of(MINE, "b", "Failed"), of(None, "c"))
    known = [
        *(an_instance("OrdersHub", instance_id, tracking="") for instance_id in "ab"),
        *(an_instance(MINE, instance_id) for instance_id in "ab"),
        an_instance("", "c"),
        an_instance(MINE, "gone"),
    ]
    assert opened(view, own).still_active(known) == (
        an_instance("OrdersHub", "a", "Suspended", tracking=""),
        an_instance(MINE, "a", "Pending"),
        an_instance("", "c"),
    )
    assert sorted(own.log) == [f"OrdersHubInstances(PartitionKey='{key}',RowKey='')" for key in "ab"]
    assert sorted(view.log) == [f"ShopInstances(PartitionKey='{key}',RowKey='')" for key in ("a", "b", "c", "gone")]


def test_a_row_that_another_hub_has_written_over_is_unknown_and_one_that_found_its_hub_is_that_hub_s() -> None:
    with pytest.raises(StoreUnknownError, match=f"of the task hub {MINE} was written over by the task hub {NEXT_DOOR}"):
        opened(a_view(of(NEXT_DOOR, "a"))).still_active([an_instance(MINE, "a")])
    store = opened(a_view(of(NEXT_DOOR, "a"), of(MINE, "b")))
    assert store.still_active([an_instance("", "a"), an_instance("", "b")]) == (an_instance(MINE, "b"),)


def test_a_verdict_names_both_accounts() -> None:
    view = a_view(of(MINE, "a"))
    busy = read_once(opened(view), Patience(0, 0, 0))
    assert busy.sentence().startswith("1 active in blue1 with its tracking store view1: 1 Running (1 process_order)")
    view.tables["ShopInstances"] = [[of(NEXT_DOOR, "b")]]
    drained = wait_until_drained(opened(view), Patience(10, 2, 1), FakeClock())
    assert drained.sentence() == f"blue1 with its tracking store view1 is drained: no active instance in {MINE}"
    assert judge("blue1", Listing((), ()), frozenset()).sentence() == "blue1 is drained: it has no task hub"


def test_a_hub_that_shares_tables_is_drained_only_after_a_while() -> None:
    """Its rows may have been purged, so that there are tables tells more than whether there are rows."""
    clock = FakeClock()
    seen: list[State] = []
    wait_until_drained(opened(a_view(of(NEXT_DOOR, "b"))), Patience(10, 2, 1), clock, lambda v: seen.append(v.state))
    assert seen[0] is State.BUSY
    assert clock.now() >= 2
