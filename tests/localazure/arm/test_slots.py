"""Slots and their swap, through azure-mgmt-web."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.localazure.conftest import GROUP, LOCATION, Arm, code_of

SWAP = {"targetSlot": "staging", "preserveVnet": True}


def make_pair(arm: Arm) -> None:
    """A site with a staging slot, whose settings tell them apart."""
    arm.make_site()
    arm.make_slot()
    arm.put_settings({"Code": "one", "Sticky": "p", "FUNCTIONS_EXTENSION_VERSION": "~3"})
    arm.put_settings({"Code": "two", "Sticky": "s", "FUNCTIONS_EXTENSION_VERSION": "~4", "New": "1"}, slot="staging")
    arm.web.web_apps.update_slot_configuration_names(GROUP, "shop", {"properties": {"appSettingNames": ["sticky"]}})


def swap(arm: Arm) -> None:
    arm.web.web_apps.begin_swap_slot_with_production(GROUP, "shop", SWAP).result()


def phases(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["phase"], event["slot"]) for event in events]


def test_a_swap_exchanges_exactly_the_settings_that_are_not_sticky(arm: Arm) -> None:
    make_pair(arm)
    swap(arm)
    assert arm.settings() == {"Code": "two", "Sticky": "p", "FUNCTIONS_EXTENSION_VERSION": "~3", "New": "1"}
    assert arm.settings(slot="staging") == {"Code": "one", "Sticky": "s", "FUNCTIONS_EXTENSION_VERSION": "~4"}
    swap(arm)
    assert arm.settings() == {"Code": "one", "Sticky": "p", "FUNCTIONS_EXTENSION_VERSION": "~3"}


def test_the_swap_of_a_slot_with_production_is_the_same_in_its_slot_form(arm: Arm) -> None:
    make_pair(arm)
    arm.web.web_apps.begin_swap_slot(
        GROUP, "shop", "staging", {"targetSlot": "production", "preserveVnet": True}
    ).result()
    assert arm.settings()["Code"] == "two"
    assert arm.settings(slot="staging")["Sticky"] == "s"


def test_connection_strings_and_general_configuration_follow_their_own_sticky_rules(arm: Arm) -> None:
    arm.make_site(siteConfig={"alwaysOn": True, "use32BitWorkerProcess": False})
    arm.make_slot(siteConfig={"alwaysOn": False, "use32BitWorkerProcess": True})
    apps = arm.web.web_apps
    for slot, value in ((None, "p"), ("staging", "s")):
        body = {"properties": {name: {"value": value, "type": "Custom"} for name in ("Kept", "Moved")}}
        if slot:
            apps.update_connection_strings_slot(GROUP, "shop", slot, body)
        else:
            apps.update_connection_strings(GROUP, "shop", body)
    apps.update_slot_configuration_names(GROUP, "shop", {"properties": {"connectionStringNames": ["Kept"]}})
    swap(arm)
    found = apps.list_connection_strings(GROUP, "shop").properties
    assert {name: entry.value for name, entry in found.items()} == {"Kept": "p", "Moved": "s"}
    config = apps.get_configuration(GROUP, "shop")
    assert (config.always_on, config.use32_bit_worker_process) == (True, True)


def test_the_event_log_shows_the_phases_and_the_settings_that_each_worker_ran_with(arm: Arm) -> None:
    make_pair(arm)
    before = arm.events("shop")[-1]["sequence"]
    swap(arm)
    events = arm.events("shop", before)
    assert phases(events) == [
        ("swap-started", "staging"),
        ("swap-started", "production"),
        ("swap-settings-applied", "staging"),
        ("swap-source-restarted", "staging"),
        ("swap-warmed-up", "staging"),
        ("swap-routed", "production"),
        ("swap-routed", "staging"),
        ("swap-completed", "staging"),
    ]
    assert len({event["operation"] for event in events}) == 1
    assert [event["production"] for event in events] == [event["slot"] == "production" for event in events]
    ran = [(event["settings"]["Code"], event["settings"]["Sticky"]) for event in events]
    assert ran == [
        ("two", "s"),
        ("one", "p"),
        # The new code runs with production's sticky values before it serves production.
        ("two", "s"),
        ("two", "p"),
        ("two", "p"),
        ("two", "p"),
        ("one", "p"),
        ("one", "s"),
    ]


def test_production_answers_all_through_a_swap(arm: Arm) -> None:
    make_pair(arm)
    done = threading.Event()
    statuses: list[int] = []

    def ask() -> None:
        while not done.is_set():
            statuses.append(arm.site("shop").status_code)

    client = threading.Thread(target=ask)
    client.start()
    for _ in range(3):
        swap(arm)
    done.set()
    client.join()
    assert len(statuses) > 10
    assert set(statuses) == {200}


def test_a_failed_warm_up_fails_the_operation_and_leaves_both_slots_as_they_were(arm: Arm) -> None:
    make_pair(arm)
    staging = {**arm.settings(slot="staging"), "WEBSITE_SWAP_WARMUP_PING_PATH": "/api/up"}
    staging["WEBSITE_SWAP_WARMUP_PING_STATUSES"] = "200,202"
    arm.put_settings(staging, slot="staging")
    production = arm.settings()
    with pytest.raises(HttpResponseError, match=r"(?s)answered 404 to the warm-up request at /api/up"):
        swap(arm)
    assert arm.settings() == production
    assert arm.settings(slot="staging") == staging
    assert arm.events("shop")[-1]["phase"] == "swap-failed"
    # The site takes changes again.
    arm.put_settings(production)


def test_a_warm_up_takes_any_answer_unless_statuses_are_named(arm: Arm) -> None:
    make_pair(arm)
    arm.put_settings({**arm.settings(slot="staging"), "WEBSITE_SWAP_WARMUP_PING_PATH": "/missing"}, slot="staging")
    swap(arm)
    assert arm.settings()["Code"] == "two"


def test_a_swap_with_preview_stops_after_the_first_phase_and_completes_with_the_swap(arm: Arm) -> None:
    make_pair(arm)
    apps = arm.web.web_apps
    apps.apply_slot_configuration_slot(GROUP, "shop", "staging", {"targetSlot": "production", "preserveVnet": True})
    assert arm.settings(slot="staging")["Sticky"] == "p"
    assert arm.settings()["Code"] == "one"
    swap(arm)
    assert (arm.settings()["Code"], arm.settings()["Sticky"]) == ("two", "p")
    assert (arm.settings(slot="staging")["Code"], arm.settings(slot="staging")["Sticky"]) == ("one", "s")


def test_a_preview_can_be_reset(arm: Arm) -> None:
    make_pair(arm)
    before = arm.settings(slot="staging")
    apps = arm.web.web_apps
    apps.apply_slot_configuration_slot(GROUP, "shop", "staging", {"targetSlot": "production", "preserveVnet": True})
    apps.reset_slot_configuration_slot(GROUP, "shop", "staging")
    assert arm.settings(slot="staging") == before


def test_another_swap_is_refused_while_a_preview_is_pending(arm: Arm) -> None:
    make_pair(arm)
    arm.make_slot(slot="extra")
    apps = arm.web.web_apps
    apps.apply_slot_configuration_slot(GROUP, "shop", "staging", {"targetSlot": "production", "preserveVnet": True})
    with pytest.raises(HttpResponseError, match="pending") as refused:
        apps.begin_swap_slot(GROUP, "shop", "extra", {"targetSlot": "production", "preserveVnet": True})
    assert refused.value.status_code == 409


def test_differences_tell_what_a_swap_would_move(arm: Arm) -> None:
    make_pair(arm)
    found = {
        each.setting_name: (each.diff_rule, each.value_in_current_slot, each.value_in_target_slot)
        for each in arm.web.web_apps.list_slot_differences_from_production(GROUP, "shop", SWAP)
    }
    assert found == {
        "Code": ("SettingsWillBeSwapped", "one", "two"),
        "New": ("SettingsWillBeSwapped", None, "1"),
        "Sticky": ("SettingsWillNotBeSwapped", "p", "s"),
        "FUNCTIONS_EXTENSION_VERSION": ("SettingsWillNotBeSwapped", "~3", "~4"),
    }


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "targetSlot"),
        ({"targetSlot": "nowhere"}, 404, "shop/slots/nowhere"),
        ({"targetSlot": "production"}, 400, "with itself"),
    ],
)
def test_a_swap_that_makes_no_sense_is_refused(arm: Arm, body: dict[str, Any], status: int, says: str) -> None:
    make_pair(arm)
    url = f"{arm.group}/providers/Microsoft.Web/sites/shop/slotsswap"
    answer = arm.http.post(url, params={"api-version": "2025-05-01"}, json=body)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


def test_a_stopped_slot_is_not_swapped(arm: Arm) -> None:
    make_pair(arm)
    arm.web.web_apps.stop_slot(GROUP, "shop", "staging")
    with pytest.raises(HttpResponseError, match="stopped"):
        swap(arm)


def test_changes_are_refused_during_a_swap_and_reads_are_not(arm: Arm) -> None:
    make_pair(arm)
    arm.put_settings({**arm.settings(slot="staging"), "WEBSITE_SWAP_WARMUP_PING_PATH": "/slow"}, slot="staging")
    # The warm-up hangs until the changes have been tried; then the fault is at an end.
    arm.fault(host="shop-staging", path="/slow", fault={"delay": 1.5})
    poller = arm.web.web_apps.begin_swap_slot_with_production(GROUP, "shop", SWAP)
    apps = arm.web.web_apps
    for change in (
        lambda: arm.put_settings({}),
        lambda: arm.put_settings({}, slot="staging"),
        lambda: apps.delete_slot(GROUP, "shop", "staging"),
        lambda: apps.restart(GROUP, "shop"),
        lambda: apps.update(GROUP, "shop", {"properties": {"httpsOnly": True}}),
        lambda: apps.begin_swap_slot_with_production(GROUP, "shop", SWAP),
    ):
        with pytest.raises(HttpResponseError) as refused:
            change()
        assert refused.value.status_code == 409
        assert code_of(refused.value) == "Conflict"
    assert arm.settings()["Code"] == "one"
    assert apps.get(GROUP, "shop").state == "Running"
    poller.result()
    assert arm.settings()["Code"] == "two"


def test_slots_beyond_what_the_plan_gives_are_refused(arm: Arm) -> None:
    arm.make_site(plan=arm.make_plan(sku="Y1"))
    arm.make_slot()
    with pytest.raises(HttpResponseError, match="'Dynamic' SKU") as refused:
        arm.make_slot(slot="second")
    assert refused.value.status_code == 409


def test_a_plan_without_slots_gives_none_and_none_can_be_taken_by_scaling_down(arm: Arm) -> None:
    plan = arm.make_plan(sku="B1")
    arm.make_site(plan=plan)
    with pytest.raises(HttpResponseError, match="'Basic' SKU"):
        arm.make_slot()
    arm.make_plan(sku="S1")
    arm.make_slot()
    with pytest.raises(HttpResponseError, match="'Basic' SKU"):
        arm.make_plan(sku="B1")


@pytest.mark.parametrize("name", ["production", "-a", "a", "x" * 60])
def test_slot_names_are_checked(arm: Arm, name: str) -> None:
    arm.make_site()
    with pytest.raises(HttpResponseError) as refused:
        arm.make_slot(slot=name)
    assert refused.value.status_code == 400


def test_a_slot_of_a_missing_site_says_that_its_parent_is_missing(arm: Arm) -> None:
    with pytest.raises(HttpResponseError) as refused:
        arm.make_slot(site="missing", serverFarmId=arm.make_plan())
    assert code_of(refused.value) == "ParentResourceNotFound"


def test_a_slot_has_a_host_name_a_plan_and_no_settings_of_production(arm: Arm) -> None:
    arm.make_site()
    arm.put_settings({"A": "1"})
    arm.make_slot()
    slot = arm.web.web_apps.get_slot(GROUP, "shop", "staging")
    assert slot.name == "shop/staging"
    assert slot.type == "Microsoft.Web/sites/slots"
    assert slot.default_host_name == "shop-staging.azurewebsites.localhost"
    assert slot.server_farm_id == arm.web.web_apps.get(GROUP, "shop").server_farm_id
    assert slot.location == LOCATION
    assert arm.settings(slot="staging") == {}
    assert [each.name for each in arm.web.web_apps.list_slots(GROUP, "shop")] == ["shop/staging"]
