"""What a swap moves: the rules as tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localazure.arm.swap_rules import Side, Sticky, differences, laid

NAMES = st.sampled_from(["A", "B", "C", "FUNCTIONS_EXTENSION_VERSION"])
SETTINGS = st.dictionaries(NAMES, st.sampled_from(["1", "2"]))


@pytest.mark.parametrize(
    ("name", "present", "stays"),
    [
        ("Plain", {}, False),
        ("STICKY", {}, True),
        ("FUNCTIONS_EXTENSION_VERSION", {}, True),
        ("DiagnosticServices_EXTENSION_VERSION", {}, True),
        ("FUNCTIONS_EXTENSION_VERSION", {"WEBSITE_OVERRIDE_STICKY_EXTENSION_VERSIONS": "0"}, False),
        ("FUNCTIONS_EXTENSION_VERSION", {"WEBSITE_OVERRIDE_STICKY_EXTENSION_VERSIONS": "1"}, True),
        ("WEBSITE_RUN_FROM_PACKAGE", {}, False),
    ],
)
def test_an_app_setting_stays_if_it_is_named_or_is_a_version_of_an_extension(
    name: str, present: dict[str, str], stays: bool
) -> None:
    assert Sticky.of(["sticky"], [], Side(present), Side(present)).setting(name) is stays


def test_an_override_counts_only_if_both_slots_have_it() -> None:
    override = Side({"WEBSITE_OVERRIDE_STICKY_EXTENSION_VERSIONS": "0"})
    assert Sticky.of([], [], override, Side({})).setting("FUNCTIONS_EXTENSION_VERSION")


@pytest.mark.parametrize(("value", "stays"), [("1", True), ("0", False), ("false", False)])
def test_always_on_stays_unless_the_default_is_overridden_in_both_slots(value: str, stays: bool) -> None:
    side = Side({"WEBSITE_OVERRIDE_PRESERVE_DEFAULT_STICKY_SLOT_SETTINGS": value})
    sticky = Sticky.of([], [], side, side)
    assert sticky.web_property("alwaysOn") is stays
    assert sticky.web_property("linuxFxVersion") is False


def test_what_stays_comes_from_the_slot_and_all_else_with_the_content() -> None:
    content = Side({"A": "new", "Kept": "s"}, {"c": 1, "k": 1}, {"alwaysOn": True, "x": 1}, {"stack": "python"})
    slot = Side({"A": "old", "Kept": "p", "Gone": "1"}, {"c": 2, "k": 2}, {"alwaysOn": False, "x": 2}, {})
    sticky = Sticky.of(["Kept"], ["k"], content, slot)
    assert laid(content, slot, sticky) == Side(
        {"A": "new", "Kept": "p"}, {"c": 1, "k": 2}, {"alwaysOn": False, "x": 1}, {"stack": "python"}
    )


@settings(deadline=None)
@given(SETTINGS, SETTINGS, st.sets(NAMES))
def test_two_swaps_bring_everything_back(one: dict[str, str], other: dict[str, str], names: set[str]) -> None:
    a, b = Side(one), Side(other)
    sticky = Sticky.of(names, [], a, b)
    swapped_a, swapped_b = laid(b, a, sticky), laid(a, b, sticky)
    assert (laid(swapped_b, swapped_a, sticky), laid(swapped_a, swapped_b, sticky)) == (a, b)


@settings(deadline=None)
@given(SETTINGS, SETTINGS, st.sets(NAMES))
def test_differences_tell_what_a_swap_does(one: dict[str, str], other: dict[str, str], names: set[str]) -> None:
    a, b = Side(one), Side(other)
    sticky = Sticky.of(names, [], a, b)
    swapped = laid(b, a, sticky)
    for found in differences(a, b, sticky):
        assert swapped.settings.get(found.name) == (found.target if found.moves else found.current)
