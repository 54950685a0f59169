from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.hub_names import (
    claim_container,
    default_hub_name,
    hub_name_problem,
    hub_of_instances_table,
    hub_resources,
    tracking_prefix_problem,
)

CONTAINER_OR_QUEUE = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}")
TABLE = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
explicit_names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{2,44}", fullmatch=True)


@pytest.mark.parametrize("name", ["OrdersHub", "abc", "a" * 45, "H2O"])
def test_an_explicit_name_of_letters_and_digits_is_valid(name: str) -> None:
    assert hub_name_problem(name) is None


@pytest.mark.parametrize("name", ["", "ab", "a" * 46, "9lives", "orders-hub", "orders hub", "Zähler", "a.b.c", "abc\n"])
def test_an_explicit_name_is_never_sanitised_but_refused(name: str) -> None:
    assert repr(name) in (hub_name_problem(name) or "")


@pytest.mark.parametrize(
    ("site", "hub"),
    [
        ("orders-dev", "ordersdev"),
        ("orders", "orders"),
        ("2fast", "t2fast"),
        ("ab", "abHub"),
        ("a", "aHub"),
        ("7", "t7Hub"),
        ("---", "DefaultTaskHub"),
        ("", "DefaultTaskHub"),
        ("x" * 60, "x" * 45),
        ("1" * 45, "t" + "1" * 44),
    ],
)
def test_the_default_name_is_the_sanitised_name_of_the_site(site: str, hub: str) -> None:
    assert default_hub_name(site) == hub


@given(st.from_regex(r"[A-Za-z0-9-]{0,60}", fullmatch=True))
def test_every_default_name_is_a_valid_explicit_name(site: str) -> None:
    assert hub_name_problem(default_hub_name(site)) is None


def test_a_hub_is_known_by_its_resources() -> None:
    resources = hub_resources("OrdersHub", partitions=2)
    assert resources.control_queues == ("ordershub-control-00", "ordershub-control-01")
    assert resources.work_item_queue == "ordershub-workitems"
    assert resources.history_table == "OrdersHubHistory"
    assert resources.instances_table == "OrdersHubInstances"
    assert resources.partitions_table == "OrdersHubPartitions"
    assert resources.lease_container == "ordershub-leases"
    assert resources.large_message_container == "ordershub-largemessages"
    assert resources.app_lease_container == "ordershub-applease"


def test_a_tracking_store_names_history_and_instances_but_not_partitions() -> None:
    resources = hub_resources("OrdersHub", tracking_prefix="Shop")
    assert resources.history_table == "ShopHistory"
    assert resources.instances_table == "ShopInstances"
    assert resources.partitions_table == "OrdersHubPartitions"
    assert len(resources.control_queues) == 4


@given(explicit_names, st.integers(1, 16))
def test_a_valid_hub_name_gives_valid_names_in_storage(hub: str, partitions: int) -> None:
    resources = hub_resources(hub, partitions=partitions)
    containers = [resources.lease_container, resources.large_message_container, resources.app_lease_container]
    for name in [*resources.control_queues, resources.work_item_queue, *containers]:
        assert CONTAINER_OR_QUEUE.fullmatch(name)
    for table in (resources.history_table, resources.instances_table, resources.partitions_table):
        assert TABLE.fullmatch(table)


@given(explicit_names)
def test_a_valid_hub_name_gives_a_valid_claim_that_hubs_equal_but_for_case_have_in_common(hub: str) -> None:
    assert CONTAINER_OR_QUEUE.fullmatch(claim_container(hub))
    assert claim_container(hub) == claim_container(hub.swapcase())
    resources = hub_resources(hub)
    assert claim_container(hub) not in (resources.lease_container, resources.app_lease_container)


@pytest.mark.parametrize("prefix", ["D", "DurableTask", "Orders2", "a" * 54])
def test_a_prefix_gives_a_valid_table(prefix: str) -> None:
    assert tracking_prefix_problem(prefix) is None
    assert TABLE.fullmatch(hub_resources("OrdersHub", tracking_prefix=prefix).instances_table)


@pytest.mark.parametrize("prefix", ["", "2Orders", "a-b", "a" * 55, "\u00fcber"])
def test_a_prefix_that_gives_no_table_is_refused(prefix: str) -> None:
    assert "54 letters" in str(tracking_prefix_problem(prefix))


@pytest.mark.parametrize("partitions", [0, 17])
def test_a_number_of_partitions_that_durable_refuses_is_refused(partitions: int) -> None:
    with pytest.raises(ValueError, match=f"not {partitions}"):
        hub_resources("OrdersHub", partitions=partitions)


@pytest.mark.parametrize(
    ("table", "hub"),
    [
        ("OrdersHubInstances", "OrdersHub"),
        ("ordershubinstances", "ordershub"),
        ("ORDERSINSTANCES", "ORDERS"),
        ("OrdersHubHistory", None),
        ("Instances", None),
        ("Hub", None),
    ],
)
def test_a_hub_is_found_by_its_instances_table(table: str, hub: str | None) -> None:
    assert hub_of_instances_table(table) == hub
