from __future__ import annotations

import pytest

from durable.swap import stays, stuck, swapped


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("DurableManagementStorage", False),
        ("AzureFunctionsWebHost__hostid", True),
        ("azurefunctionswebhost__HOSTID", True),
        ("FUNCTIONS_EXTENSION_VERSION", True),
        ("functions_extension_version", True),
        ("EXTENSION_VERSIONS", False),
    ],
)
def test_slot_settings_and_extension_versions_stay(setting: str, expected: bool) -> None:
    assert stays(setting, ["AzureFunctionsWebHost__hostid"]) is expected


def test_extension_versions_move_where_the_override_says_so_in_both_slots() -> None:
    override = {"WEBSITE_OVERRIDE_STICKY_EXTENSION_VERSIONS": "0"}
    four, three = {"FUNCTIONS_EXTENSION_VERSION": "~4"}, {"FUNCTIONS_EXTENSION_VERSION": "~3"}
    assert swapped(override | four, override | three, []) == (override | three, override | four)
    assert swapped(override | four, three, []) == (four, override | three)


def test_a_swap_exchanges_all_but_the_sticky_settings() -> None:
    staging = {"Store": "green", "Package": "2", "HostId": "staging", "Disabled": "true", "Same": "x"}
    production = {"Store": "blue", "Package": "1", "HostId": "production", "Same": "x"}
    sticky = ["HostId", "Disabled"]
    after_staging, after_production = swapped(staging, production, sticky)
    assert after_staging == {"Store": "blue", "Package": "1", "HostId": "staging", "Disabled": "true", "Same": "x"}
    assert after_production == {"Store": "green", "Package": "2", "HostId": "production", "Same": "x"}
    assert swapped(after_staging, after_production, sticky) == (staging, production)


SLOT = {
    "AzureWebJobsStorage": "host",
    "DurableManagementStorage": "green",
    "WEBSITE_RUN_FROM_PACKAGE": "url",
    "RELEASE_HUB_SETTING": "TaskHub",
    "TaskHub": "OrdersHub",
    "RELEASE_TRACKING": "Tracking",
    "Tracking__accountName": "view",
    "MODE": "quiet",
}


@pytest.mark.parametrize(
    ("sticky", "expected"),
    [
        ([], set()),
        (["MODE", "AzureWebJobsStorage", "WEBSITE_CONTENTSHARE"], set()),
        (["durablemanagementstorage"], {"DurableManagementStorage"}),
        (["WEBSITE_RUN_FROM_PACKAGE", "MODE"], {"WEBSITE_RUN_FROM_PACKAGE"}),
        (["TaskHub", "RELEASE_HUB_SETTING"], {"TaskHub", "RELEASE_HUB_SETTING"}),
        (["Tracking__accountName", "RELEASE_TRACKING"], {"Tracking__accountName", "RELEASE_TRACKING"}),
    ],
)
def test_what_belongs_to_package_or_store_and_is_sticky_is_stuck(sticky: list[str], expected: set[str]) -> None:
    assert stuck(SLOT, "DurableManagementStorage", sticky) == expected


def test_each_member_of_the_store_s_family_can_be_stuck() -> None:
    family = {"Store__accountName": "green", "AzureWebJobsStore__clientId": "id", "Storey": "x"}
    assert stuck(family, "Store", family) == {"Store__accountName", "AzureWebJobsStore__clientId"}
