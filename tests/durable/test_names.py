from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable import names

sites = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,58}[A-Za-z0-9])", fullmatch=True)


@pytest.mark.parametrize(
    ("rule", "valid"),
    [
        (names.site_name_problem, ["ab", "a" * 60, "orders-dev", "2Fast"]),
        (names.slot_name_problem, ["staging", "a" * 59, "s1"]),
        (names.plan_name_problem, ["p", "a" * 40, "orders-plan"]),
        (names.resource_group_name_problem, ["orders-rg", "(a).b_c", "ä", "a" * 90]),
        (names.storage_account_name_problem, ["abc", "a" * 24, "0a1"]),
        (names.function_name_problem, ["start_order", "Start-Order", "a" * 127]),
    ],
)
def test_valid_names_have_no_problem(rule: Callable[[str], str | None], valid: list[str]) -> None:
    assert [rule(name) for name in valid] == [None] * len(valid)


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        (names.site_name_problem, ["", "a", "a" * 61, "-ab", "ab-", "a_b", "a.b", "ä1", "ab\n"]),
        (names.slot_name_problem, ["s", "a" * 60, "-s", "production", "Production"]),
        (names.plan_name_problem, ["", "a" * 41, "a_b"]),
        (names.resource_group_name_problem, ["", "a" * 91, "a.", "a b", "a/b"]),
        (names.storage_account_name_problem, ["ab", "a" * 25, "Abc", "a-c", "äbc"]),
        (names.function_name_problem, ["", "1st", "a b", "a.b", "a" * 128]),
    ],
)
def test_a_problem_names_what_was_refused(rule: Callable[[str], str | None], refused: list[str]) -> None:
    for name in refused:
        assert repr(name) in (rule(name) or ""), name


def test_a_slot_whose_host_name_is_too_long_for_dns_is_refused() -> None:
    assert names.slot_host_problem("s" * 55, "staging") is None
    assert "64 characters" in (names.slot_host_problem("s" * 56, "staging") or "")


@given(sites, st.sampled_from(["host", "blue", "green"]))
def test_names_derived_from_a_site_are_valid(site: str, role: str) -> None:
    assert names.storage_account_name_problem(names.storage_account_name(site, role)) is None
    assert names.plan_name_problem(names.plan_name(site)) is None
    assert 4 <= len(names.workspace_name(site)) <= 63


def test_storage_account_names_differ_by_role_and_by_what_is_left_out_of_the_site() -> None:
    derived = {names.storage_account_name(site, role) for site in ("a-b", "ab", "a--b") for role in ("blue", "green")}
    assert len(derived) == 6
    assert names.storage_account_name("Orders-Dev", "blue") == names.storage_account_name("orders-dev", "blue")


@given(sites, st.sampled_from(["blue", "green"]))
def test_a_content_share_has_a_valid_name(site: str, colour: str) -> None:
    share = names.content_share_name(site, colour)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9]|-(?!-))*[a-z0-9]", share)
    assert 3 <= len(share) <= 63


def test_content_shares_differ_by_store_and_by_what_is_left_out_of_the_site() -> None:
    sites = ("a-b", "a--b", "a" * 50, "a" * 51)
    assert len({names.content_share_name(site, colour) for site in sites for colour in ("blue", "green")}) == 8
