from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from release.instances import Instance, Listing, StoreUnknownError
from release.one_hub import OneHub
from tests.release.cli.fakes import FakeStore, order

MINE, OTHER = order(1, hub="OrdersHub"), order(2, hub="ShopHub")
TRACKED = replace(MINE, tracking="DurableTask")


class Shared:
    """An account as a tracking store, in which rows name some of the hubs that were asked for."""

    account = "orders"

    def __init__(self, *named: str) -> None:
        self.named = frozenset(named)

    def all(self) -> Listing:
        return Listing(("OrdersHub",), (TRACKED,), 9, "orders", self.named)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        return tuple(one for one in known if one == TRACKED)


def one_hub(store: FakeStore, hub: str = "OrdersHub", *named: str) -> OneHub:
    return OneHub(store, Shared(*named), hub)


def test_only_the_instances_of_the_hub_are_told_in_any_case_of_its_name() -> None:
    store = FakeStore("orders", [(MINE, OTHER)], ("OrdersHub", "ShopHub"))
    listing = one_hub(store, "ordershub", "OrdersHub").all()
    assert (listing.hubs, listing.active) == (("OrdersHub",), (MINE,))


def test_known_instances_are_looked_at_again_one_by_one() -> None:
    known = (MINE, TRACKED)
    assert one_hub(FakeStore("orders", [(MINE, OTHER)])).still_active(known) == known


def test_a_hub_without_a_table_is_found_by_the_rows_of_a_tracking_store() -> None:
    store = FakeStore("orders", hubs=("DurableTask",))
    assert one_hub(store, "OrdersHub", "OrdersHub").all() == Listing(
        ("OrdersHub",), (TRACKED,), 9, "", frozenset({"OrdersHub"})
    )


def test_a_store_without_any_hub_has_no_instance_and_one_with_others_only_is_unknown() -> None:
    assert one_hub(FakeStore("orders", hubs=())).all().active == ()
    with pytest.raises(StoreUnknownError, match=r"no task hub OrdersHub, but ShopHub; check the hub's name"):
        one_hub(FakeStore("orders", hubs=("ShopHub",))).all()
