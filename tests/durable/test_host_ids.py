from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.host_ids import colliding_slots, computed_host_id, explicit_host_id, host_id_problem
from durable.names import site_name_problem

sites = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,58}[A-Za-z0-9])", fullmatch=True)


@pytest.mark.parametrize(
    ("site", "slot", "host_id"),
    [
        ("Orders", None, "orders"),
        ("Orders", "Staging", "orders-staging"),
        ("s" * 30, "staging", "s" * 30 + "-s"),
        ("s" * 31, "staging", "s" * 31),
        ("s" * 32, "staging", "s" * 32),
        ("s" * 40, None, "s" * 32),
        ("s" * 31 + "-tail", None, "s" * 31),
    ],
)
def test_a_computed_host_id_is_cut_to_32_characters_without_dashes_at_its_end(
    site: str, slot: str | None, host_id: str
) -> None:
    assert computed_host_id(site, slot) == host_id


@pytest.mark.parametrize(
    ("site", "slots", "collisions"),
    [
        ("s" * 30, ["staging"], {}),
        ("s" * 31, ["staging"], {"s" * 31: (None, "staging")}),
        ("s" * 32, ["staging"], {"s" * 32: (None, "staging")}),
        ("s" * 30, ["stage1", "stage2"], {"s" * 30 + "-s": ("stage1", "stage2")}),
        ("s" * 29, ["stage1", "stage2"], {"s" * 29 + "-st": ("stage1", "stage2")}),
        ("orders", ["stage1", "stage2"], {}),
        ("orders", [], {}),
    ],
)
def test_slots_collide_where_their_computed_ids_are_equal(
    site: str, slots: list[str], collisions: dict[str, tuple[str | None, ...]]
) -> None:
    assert colliding_slots(site, slots) == collisions


@pytest.mark.parametrize("host_id", ["a", "0", "orders-staging", "a" * 32, "a-b-c"])
def test_an_explicit_host_id_may_have_single_dashes_inside(host_id: str) -> None:
    assert host_id_problem(host_id) is None


@pytest.mark.parametrize("host_id", ["", "a" * 33, "Orders", "-a", "a-", "a--b", "a_b", "ä", "a\n"])
def test_other_explicit_host_ids_are_refused(host_id: str) -> None:
    assert repr(host_id) in (host_id_problem(host_id) or "")


@given(sites, st.sampled_from(["staging", "stage1", "s"]))
def test_ids_made_for_a_site_and_its_slot_are_valid_and_distinct(site: str, slot: str) -> None:
    assert site_name_problem(site) is None
    production, staging = explicit_host_id(site), explicit_host_id(site, slot)
    assert host_id_problem(production) is None
    assert host_id_problem(staging) is None
    assert production != staging
    assert explicit_host_id(site.upper(), slot) == explicit_host_id(site.lower(), slot)
