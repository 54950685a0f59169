"""The proof that no hub met two packages would not hold for a log in which one did."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.history import (
    DURABLE,
    PRODUCTION,
    STAGING,
    SWAPPED,
    Hub,
    assert_no_hub_met_two_packages,
)

BLUE, GREEN = Hub("storeblue"), Hub("storegreen")
ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


class Log:
    """An event log in the making."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, phase: str, slot: str, hub: Hub, package: str | None, **settings: str) -> Log:
        settings = {DURABLE: f"DefaultEndpointsProtocol=http;AccountName={hub.account};AccountKey=***", **settings}
        if package:
            settings["WEBSITE_RUN_FROM_PACKAGE"] = f"http://127.0.0.1:1/host/packages/{package}.zip"
        event = {"sequence": len(self.events) + 1, "phase": phase, "site": "shop", "slot": slot, "settings": settings}
        self.events.append(event)
        return self


def released() -> Log:
    """One in production on blue, two staged on green."""
    log = Log().add("settings-changed", PRODUCTION, BLUE, ONE).add("settings-changed", STAGING, GREEN, None)
    return log.add("settings-changed", STAGING, GREEN, TWO)


def swapped(log: Log, hubs: tuple[Hub, Hub], packages: tuple[str, str]) -> Log:
    """The phases of a swap; `hubs` and `packages` are production's and staging's before it."""
    for phase, slot in SWAPPED:
        at = (slot == STAGING) is not (phase in {"swap-routed", "swap-completed"})
        log.add(phase, slot, hubs[at], packages[at])
    return log


def test_a_release_that_keeps_each_package_on_its_hub_is_no_meeting() -> None:
    log = swapped(released(), (BLUE, GREEN), (ONE, TWO)).add("settings-changed", STAGING, BLUE, THREE)
    assert assert_no_hub_met_two_packages(log.events) == {BLUE: [ONE, THREE], GREEN: [TWO]}


def test_two_slots_that_run_different_packages_on_one_hub_have_met() -> None:
    log = released().add("swap-source-restarted", STAGING, BLUE, TWO)
    with pytest.raises(AssertionError, match=r"swap-source-restarted of staging: .*storeblue.* at once"):
        assert_no_hub_met_two_packages(log.events)


def test_a_store_that_a_swap_leaves_behind_is_a_meeting_even_without_an_overlap() -> None:
    log = swapped(released(), (BLUE, GREEN), (ONE, TWO)).add("stopped", PRODUCTION, GREEN, TWO)
    with pytest.raises(AssertionError, match=r"swap-routed of production: .*storegreen.* from 2+ to 1+"):
        assert_no_hub_met_two_packages(log.add("swap-routed", PRODUCTION, GREEN, ONE).events)


def test_another_package_written_into_production_is_a_meeting() -> None:
    with pytest.raises(AssertionError, match=r"settings-changed of production: .*storeblue.* from 1+ to 3+"):
        assert_no_hub_met_two_packages(released().add("settings-changed", PRODUCTION, BLUE, THREE).events)


def test_hubs_of_other_names_in_one_account_are_not_one_hub() -> None:
    log = Log().add("settings-changed", PRODUCTION, BLUE, ONE, RELEASE_HUB_SETTING="HUB", HUB="Blue")
    log.add("settings-changed", STAGING, BLUE, TWO, RELEASE_HUB_SETTING="HUB", HUB="Green")
    found = assert_no_hub_met_two_packages(log.events)
    assert found == {Hub(BLUE.account, "Blue"): [ONE], Hub(BLUE.account, "Green"): [TWO]}
