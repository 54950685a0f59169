"""What the policy rules about connections, hubs, accounts and stickiness guard against really happens without them.

Each witness is a release onto local Azure by ARM's calls alone, with one rule broken: orchestrations break, or stop, or
two packages meet in a task hub. Its control is the same release with the rule kept, which harms nothing. The rules'
pages name their witnesses (tests/docs/test_witnesses.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.careless import CONNECTION, PACKAGE, STAGING, TIMER, Careless, host_json
from tests.localazure.conftest import serving
from tests.localazure.storage import MemoryStorage

pytestmark = pytest.mark.e2e

HUB_SETTING = "TaskHub"
HUBS = {"blue": "ShopHubBlue", "green": "ShopHubGreen"}
DISABLED = "AzureWebJobs.tick.Disabled"

Make = Callable[..., Careless]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes the app, its sites and accounts."""
    with serving(tmp_path / "arm.sqlite", MemoryStorage()) as arm:

        def begin(*sites: str, **options: Any) -> Careless:
            made = Careless(arm, tmp_path, **options)
            made.make(*sites)
            return made

        yield begin


def released(app: Careless) -> list[str]:
    """Swap with orchestrations under way, and have them go on: what becomes of them."""
    orders = app.start()
    app.swap()
    return app.go_on(orders)


def all_completed(fates: list[str]) -> bool:
    return set(fates) == {"completed"}


def all_broken(fates: list[str]) -> bool:
    return set(fates) == {"broken"}


# The rules kept.


def test_a_release_with_the_rules_kept_harms_nothing(make: Make) -> None:
    app = make()
    app.put(app.settings(1, "blue"))
    app.put(app.settings(2, "green"), STAGING)
    app.sticky("SomethingElse")
    assert all_completed(released(app))
    assert app.met() == []
    assert app.ask("/api/version").json() == {"version": 2}


def test_nor_does_one_with_two_hub_names_in_one_account(make: Make) -> None:
    app = make(host_json=host_json(hubName=f"%{HUB_SETTING}%"))
    app.put(app.settings(1, "blue", TaskHub=HUBS["blue"]))
    app.put(app.settings(2, "blue", TaskHub=HUBS["green"]), STAGING)
    assert all_completed(released(app))
    assert app.met() == []


# Stickiness.


def test_a_sticky_connection_has_new_code_go_on_with_productions_orchestrations(make: Make) -> None:
    app = make()
    app.put(app.settings(1, "blue"))
    app.put(app.settings(2, "green"), STAGING)
    app.sticky(CONNECTION)
    assert all_broken(released(app))
    assert app.met()


def test_a_sticky_hub_name_does_the_same(make: Make) -> None:
    app = make(host_json=host_json(hubName=f"%{HUB_SETTING}%"))
    app.put(app.settings(1, "blue", TaskHub=HUBS["blue"]))
    app.put(app.settings(2, "blue", TaskHub=HUBS["green"]), STAGING)
    app.sticky(HUB_SETTING)
    assert all_broken(released(app))
    assert app.met()


def test_a_sticky_package_stays_behind_while_its_orchestrations_go(make: Make) -> None:
    app = make()
    app.put(app.settings(1, "blue"))
    app.put(app.settings(2, "green"), STAGING)
    app.sticky(PACKAGE)
    assert all_broken(released(app))


# Accounts and hubs.


def test_two_slots_on_one_hub_take_each_others_orchestrations(make: Make) -> None:
    app = make()
    app.put(app.settings(1, "blue"))
    orders = app.start()
    app.put(app.settings(2, "blue"), STAGING)
    assert app.met()
    app.swap()
    app.stop_staging()
    assert all_broken(app.go_on(orders))


def test_a_key_that_durable_ignores_puts_both_slots_into_the_hosts_account(make: Make) -> None:
    app = make(host_json=host_json(storageProvider=None, azureStorageConnectionStringName=CONNECTION))
    app.put(app.settings(1, "blue"))
    orders = app.start()
    app.put(app.settings(2, "green"), STAGING)
    assert {hub.account for hub in app.hubs()} == {"host"}
    assert app.met()
    app.swap()
    app.stop_staging()
    assert all_broken(app.go_on(orders))


def test_two_apps_on_one_hub_take_each_others_orchestrations(make: Make) -> None:
    app = make("shop", "billing")
    app.put(app.settings(1, "blue"))
    orders = app.start()
    app.put(app.settings(2, "blue"), site="billing")
    assert app.met()
    app.stop()
    assert all_broken(app.go_on(orders))


@pytest.mark.parametrize(
    "connection",
    [{}, {f"{CONNECTION}__credential": "managedidentity", f"{CONNECTION}__clientId": "1"}],
    ids=["none", "a part of one"],
)
def test_a_slot_without_a_whole_connection_takes_production_down_at_the_swap(
    make: Make, connection: dict[str, str]
) -> None:
    app = make()
    app.put(app.settings(1, "blue"))
    app.put(app.settings(2, None, **connection), STAGING)
    assert app.ask("/api/version").json() == {"version": 1}
    app.swap()
    assert app.worker()["standing"] == "failed"
    assert CONNECTION in app.worker()["problem"]
    assert app.ask("/api/version").status_code == 503


@pytest.mark.parametrize("kept", [False, True], ids=["broken", "kept"])
def test_identities_that_have_roles_on_one_store_each_lose_both_at_the_swap(make: Make, kept: bool) -> None:
    app = make()
    for slot, account in ((None, "blue"), (STAGING, "green")):
        app.give_roles(app.identity(slot), *(("blue", "green") if kept else (account,)))
    app.put(app.settings(1, None, **app.by_identity("blue")))
    app.put(app.settings(2, None, **app.by_identity("green")), STAGING)
    orders = app.start()
    app.swap()
    if kept:
        assert all_completed(app.go_on(orders))
        return
    assert app.worker(STAGING)["standing"] == "failed"
    assert "lacks on the account blue" in app.worker(STAGING)["problem"]
    assert set(app.fates(orders)) == {"stuck"}


@pytest.mark.parametrize("kept", [False, True], ids=["broken", "kept"])
def test_a_store_that_takes_no_keys_any_more_is_closed_to_the_slot_that_has_one(make: Make, kept: bool) -> None:
    app = make()
    app.put(app.settings(1, "blue"))
    orders = app.start()
    app.refuse_keys("green" if kept else "blue")
    app.put(app.settings(1, "blue", Other="a change that restarts the slot"))
    if kept:
        assert all_completed(app.go_on(orders))
        return
    assert app.worker()["standing"] == "failed"
    assert "takes no keys" in app.worker()["problem"]
    assert set(app.fates(orders)) == {"stuck"}


def test_a_hub_without_a_name_is_served_by_nobody_once_it_is_in_staging(make: Make) -> None:
    app = make(host_json=host_json(hubName=None))
    app.put(app.settings(1, "blue"))
    app.host_json = None
    app.put(app.settings(2, "green"), STAGING)
    orders = app.start()
    app.swap()
    assert app.worker(STAGING)["standing"] == "failed"
    assert "Task Hub name must be specified" in app.worker(STAGING)["problem"]
    assert set(app.fates(orders)) == {"stuck"}


def test_settings_in_site_config_bring_the_old_store_back_under_the_new_code(make: Make) -> None:
    app = make()
    app.update_site(app.settings(1, "blue"))
    app.put(app.settings(2, "green"), STAGING)
    orders = app.start()
    app.swap()
    # The program's next update: the newest package for production, and the store that it has always had there.
    app.update_site(app.settings(2, "blue"))
    assert app.met()
    app.stop_staging()
    assert all_broken(app.go_on(orders))


# Starters.


@pytest.mark.parametrize("kept", [False, True], ids=["broken", "kept"])
def test_a_starter_that_is_on_in_staging_starts_orchestrations_of_unreleased_code(make: Make, kept: bool) -> None:
    app = make(more=TIMER)
    app.put(app.settings(1, "blue"))
    app.sticky(DISABLED)
    app.put(app.settings(2, "green", **({DISABLED: "true"} if kept else {})), STAGING)
    if kept:
        # Two more in production: staging has had the time for one.
        app.await_started_in("blue", app.started_in("blue") + 2)
        assert app.started_in("green") == 0
    else:
        app.await_started_in("green", 1)


@pytest.mark.parametrize("kept", [False, True], ids=["broken", "kept"])
def test_of_two_lists_of_slot_settings_the_last_one_counts_and_a_starter_goes_off_in_production(
    make: Make, kept: bool
) -> None:
    app = make(more=TIMER)
    app.put(app.settings(1, "blue"))
    app.put(app.settings(2, "green", **{DISABLED: "true"}), STAGING)
    for names in [[DISABLED, "OrdersQueue"]] if kept else [[DISABLED], ["OrdersQueue"]]:
        app.sticky(*names)
    app.swap()
    ticks = {slot: _is_off(app, slot) for slot in ("production", STAGING)}
    assert ticks == {"production": not kept, STAGING: kept}


def _is_off(app: Careless, slot: str) -> bool:
    (found,) = (each["disabled"] for each in app.worker(slot)["functions"] if each["name"] == "tick")
    return bool(found)
