from __future__ import annotations

from collections.abc import Mapping

import pytest

from durable.stores import Access, Colour, Release, Slot, Store
from release.observed import Absent, Blank, Observed, Stores, Unclear, observe, view

ACCOUNTS = {Colour.BLUE: "ordersblue", Colour.GREEN: "ordersgreen"}
STORES = Stores(ACCOUNTS, "DurableManagementStorage", "OrdersHub")
KEY = "c2VjcmV0"
SHA = "0123456789abcdef" * 4


def connection(account: str) -> str:
    return f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={KEY};EndpointSuffix=core.windows.net"


def settings(account: str = "ordersblue", package: str | None = SHA, **more: str) -> dict[str, str]:
    found = {
        "AzureWebJobsStorage": connection("ordershost"),
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "DurableManagementStorage": connection(account),
    }
    if package is not None:
        found["WEBSITE_RUN_FROM_PACKAGE"] = f"https://ordershost.blob.core.windows.net/packages/{package}.zip"
    return found | more


def by_addresses(connection: str, account: str) -> dict[str, str]:
    services = ("blob", "queue", "table")
    return {f"{connection}__{each}ServiceUri": f"http://127.0.0.1:1/{account}" for each in services} | {
        f"{connection}__credential": "managedidentity",
        f"{connection}__clientId": "a-client",
    }


def without(found: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in found.items() if name not in names}


BLUE = Store(Colour.BLUE, "ordersblue", "OrdersHub")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, Absent()),
        ({}, Blank()),
        ({"WEBSITE_HTTPLOGGING_RETENTION_DAYS": "3"}, Blank()),
        ({"FUNCTIONS_EXTENSION_VERSION": "~4", "MODE": "sticky"}, Blank()),
        (settings(), Release(BLUE, SHA)),
        (settings("ordersgreen"), Release(Store(Colour.GREEN, "ordersgreen", "OrdersHub"), SHA)),
        (settings(package=None), Release(BLUE)),
        (settings(WEBSITE_RUN_FROM_PACKAGE=""), Release(BLUE)),
        (settings(RELEASE_VERSION="1.4"), Release(BLUE, SHA, "1.4")),
        (
            settings(RELEASE_HUB_SETTING="TaskHub", TaskHub="OldHub"),
            Release(Store(Colour.BLUE, "ordersblue", "OldHub"), SHA, hub_setting="TaskHub"),
        ),
        (
            without(settings(), "DurableManagementStorage") | {"DurableManagementStorage__accountName": "ordersblue"},
            Release(BLUE, SHA, access=Access.IDENTITY),
        ),
        (
            without(settings(), "DurableManagementStorage", "AzureWebJobsStorage")
            | by_addresses("DurableManagementStorage", "ordersblue")
            | by_addresses("AzureWebJobsStorage", "ordershost"),
            Release(BLUE, SHA, access=Access.IDENTITY),
        ),
        (
            settings() | {"DurableManagementStorage__accountName": "ordersblue"},
            Release(BLUE, SHA, access=Access.KEYS),
        ),
    ],
)
def test_a_slot_is_known_by_its_settings(found: dict[str, str] | None, expected: object) -> None:
    assert view(found, STORES) == expected


@pytest.mark.parametrize(
    ("found", "seen", "repair"),
    [
        (without(settings(), "DurableManagementStorage"), "DurableManagementStorage names no", "connectionName"),
        (without(settings(), "DurableManagementStorage", "AzureWebJobsStorage"), "names no", "ordersblue"),
        (settings() | {"DurableManagementStorage": "@Microsoft.KeyVault(SecretUri=x)"}, "names no", "ordersgreen"),
        (settings("strangers"), "strangers, which is none of this app's stores, ordersblue (blue)", "under stores"),
        (
            settings() | {"AzureWebJobsDurableManagementStorage": connection("ordersgreen")},
            "several accounts, ordersblue, ordersgreen",
            "leave one",
        ),
        (settings(WEBSITE_RUN_FROM_PACKAGE="1"), "doesn't name by its hash", "WEBSITE_RUN_FROM_PACKAGE"),
        (settings(WEBSITE_RUN_FROM_PACKAGE="https://a/b.zip?sig=hush"), "doesn't name by its hash", "<SHA-256>.zip"),
    ],
)
def test_what_does_not_tell_a_release_is_unclear_and_comes_with_a_repair_and_no_secret(
    found: dict[str, str], seen: str, repair: str
) -> None:
    unclear = view(found, STORES)
    assert isinstance(unclear, Unclear)
    assert seen in unclear.seen
    assert repair in unclear.repair
    assert KEY not in unclear.seen + unclear.repair
    assert "hush" not in unclear.seen + unclear.repair


VIEW = Stores(ACCOUNTS, "DurableManagementStorage", "OrdersHub", "ordersview")


def tracked(**more: str) -> dict[str, str]:
    """The settings of a slot whose package has a tracking store."""
    own = {"RELEASE_TRACKING": "View", "View": connection("ordersview")}
    return settings(RELEASE_HUB_SETTING="TaskHub", TaskHub="OrdersHubBlue") | own | more


@pytest.mark.parametrize(
    "found",
    [tracked(), without(tracked(), "View") | {"View__accountName": "ordersview"}],
)
def test_a_release_s_tracking_store_and_the_hub_in_it_are_those_of_its_slot(found: dict[str, str]) -> None:
    store = Store(Colour.BLUE, "ordersblue", "OrdersHubBlue")
    assert view(found, VIEW) == Release(store, SHA, None, "TaskHub", "View")


@pytest.mark.parametrize(
    ("found", "stores", "seen", "repair"),
    [
        (tracked(), STORES, "in the tracking store ordersview, and config has no trackingStore", "retire"),
        (
            tracked(View=connection("elsewhere")),
            VIEW,
            "in the tracking store elsewhere, and trackingStore.account in the config is ordersview",
            "set it to elsewhere again",
        ),
        (without(tracked(), "View"), VIEW, "its settings of View name no storage account", "leave one form of View"),
        (
            tracked(AzureWebJobsView=connection("elsewhere")),
            VIEW,
            "its settings of View lead to several accounts, elsewhere, ordersview",
            "leave one form of View",
        ),
        (
            without(tracked(), "TaskHub"),
            VIEW,
            "in the tracking store ordersview, and none of its settings names their task hub",
            "RELEASE_HUB_SETTING",
        ),
        (
            without(tracked(), "RELEASE_HUB_SETTING"),
            VIEW,
            "none of its settings names their task hub",
            "RELEASE_HUB_SETTING",
        ),
    ],
)
def test_a_release_that_config_would_cut_off_from_its_tracking_store_is_unclear(
    found: dict[str, str], stores: Stores, seen: str, repair: str
) -> None:
    unclear = view(found, stores)
    assert isinstance(unclear, Unclear)
    assert seen in unclear.seen
    assert repair in unclear.repair
    assert KEY not in unclear.seen + unclear.repair


def test_a_release_without_a_tracking_store_stays_so_whatever_config_says() -> None:
    assert view(settings(), VIEW) == Release(BLUE, SHA)
    assert view(settings(DurableTrackingStorage=connection("elsewhere"), RELEASE_TRACKING=""), VIEW) == Release(
        BLUE, SHA
    )


class Reading:
    """Answers for each slot in the order of a script, and counts."""

    def __init__(self, **answers: list[dict[str, str] | None]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, slot: Slot) -> dict[str, str] | None:
        self.asked.append(slot)
        return self.answers[slot].pop(0)


def test_both_slots_are_looked_at_once_where_all_is_clear() -> None:
    read = Reading(production=[settings()], staging=[settings("ordersgreen", None)])
    assert observe(read, STORES) == Observed(Release(BLUE, SHA), Release(STORES.store(Colour.GREEN)))
    assert read.asked == ["production", "staging"]


def test_a_look_into_the_middle_of_a_swap_is_repeated() -> None:
    old, new = settings("ordersblue", "a" * 64), settings("ordersgreen", "b" * 64)
    read = Reading(production=[old, new], staging=[old, old])
    seen = observe(read, STORES)
    assert seen.shared_store is None
    assert seen == Observed(view(new, STORES), view(old, STORES))


def test_two_slots_on_one_store_are_believed_at_the_second_look() -> None:
    read = Reading(production=[settings(), settings()], staging=[settings(package=None), settings(package=None)])
    assert observe(read, STORES).shared_store == BLUE
    assert len(read.asked) == 4


def test_no_slot_is_asked_of_a_site_that_is_not_there() -> None:
    read = Reading(production=[None])
    assert observe(read, STORES) == Observed(Absent(), Absent())
    assert read.asked == ["production"]
