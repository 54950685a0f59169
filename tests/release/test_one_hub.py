from __future__ import annotations

import pytest

from release.instances import Instance, StoreUnknownError
from release.one_hub import OneHub
from tests.release.cli.fakes import FakeStore, order

MINE, OTHER = order(1, hub="OrdersHub"), order(2, hub="ShopHub")


def test_only_the_instances_of_the_hub_are_told_in_any_case_of_its_name() -> None:
    store = FakeStore("orders", [(MINE, OTHER)], ("OrdersHub", "ShopHub"))
    listing = OneHub(store, "ordershub").all()
    assert (listing.hubs, listing.active) == (("OrdersHub",), (MINE,))


def test_known_instances_are_looked_at_again_one_by_one() -> None:
    known: tuple[Instance, ...] = (MINE,)
    assert OneHub(FakeStore("orders", [(MINE, OTHER)]), "OrdersHub").still_active(known) == known


def test_a_store_without_any_hub_has_no_instance_and_one_with_others_only_is_unknown() -> None:
    assert OneHub(FakeStore("orders", hubs=()), "OrdersHub").all().active == ()
    with pytest.raises(StoreUnknownError, match=r"no task hub OrdersHub, but ShopHub; check the hub's name"):
        OneHub(FakeStore("orders", hubs=("ShopHub",)), "OrdersHub").all()
