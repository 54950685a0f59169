from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.app_settings import AppSettings, Extras, Host, PackageReference, Travelling, app_settings
from durable.names import content_share_name
from durable.stores import Colour, Release, Slot, Store
from durable.swap import swapped

SHA = "0123456789abcdef" * 4
PACKAGE = PackageReference(f"https://host/packages/{SHA}.zip", "/identities/app")
HOST = {"": "host's connection"}
BLUE = Travelling(
    Release(Store(Colour.BLUE, "ordersblue", "OrdersHub"), SHA, "1.0"), {"": "blue's connection"}, HOST, PACKAGE
)
GREEN = Travelling(Release(Store(Colour.GREEN, "ordersgreen", "OrdersHub")), {"": "green's connection"}, HOST)
SLOTS = {Slot.PRODUCTION: BLUE, Slot.STAGING: GREEN}


def host(site: str = "orders", **others: Any) -> Host:
    return Host(
        site=site,
        staging_slot="staging",
        connection_name="DurableManagementStorage",
        worker_runtime="python",
        **others,
    )


def settings(host_: Host, extras: Extras | None = None, slots: Mapping[Slot, Travelling] = SLOTS) -> AppSettings:
    return app_settings(host_, slots, extras or Extras())


def with_hub_setting(slot: Travelling, hub: str, setting: str = "TaskHub") -> Travelling:
    """The same with a hub that the package takes from a setting."""
    release = replace(slot.release, store=replace(slot.release.store, hub=hub), hub_setting=setting)
    return replace(slot, release=release)


def test_the_store_goes_with_the_package_and_the_host_storage_is_shared() -> None:
    made = settings(host(insights="insights' connection"))
    common = {
        "AzureWebJobsStorage": "host's connection",
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "insights' connection",
    }
    assert made.by_slot[Slot.PRODUCTION] == common | {
        "DurableManagementStorage": "blue's connection",
        "WEBSITE_RUN_FROM_PACKAGE": PACKAGE.url,
        "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID": "/identities/app",
        "RELEASE_VERSION": "1.0",
    }
    assert made.by_slot[Slot.STAGING] == common | {"DurableManagementStorage": "green's connection"}
    assert made.sticky == ()


def test_starters_are_disabled_in_staging_only_and_stay_there() -> None:
    made = settings(host(), Extras(starters=["nightly", "from_queue"]))
    flags = {"AzureWebJobs.nightly.Disabled": "true", "AzureWebJobs.from_queue.Disabled": "true"}
    assert flags.items() <= made.by_slot[Slot.STAGING].items()
    assert not flags.keys() & made.by_slot[Slot.PRODUCTION].keys()
    assert made.sticky == ("AzureWebJobs.from_queue.Disabled", "AzureWebJobs.nightly.Disabled")


@pytest.mark.parametrize(("length", "explicit"), [(30, False), (31, True), (32, True), (55, True)])
def test_host_ids_are_explicit_and_sticky_where_computed_ones_collide(length: int, explicit: bool) -> None:
    made = settings(host("s" * length))
    ids = [made.by_slot[slot].get("AzureFunctionsWebHost__hostid") for slot in Slot]
    assert all(ids) is explicit
    assert (ids[0] != ids[1]) is explicit
    assert ("AzureFunctionsWebHost__hostid" in made.sticky) is explicit


def test_a_hub_name_that_host_json_takes_from_a_setting_travels_with_the_setting_s_name() -> None:
    slots = {Slot.PRODUCTION: with_hub_setting(BLUE, "OldHub"), Slot.STAGING: with_hub_setting(GREEN, "NewHub", "Hub")}
    made = settings(host(), slots=slots)
    production, staging = (made.by_slot[slot] for slot in Slot)
    assert (production["RELEASE_HUB_SETTING"], production["TaskHub"]) == ("TaskHub", "OldHub")
    assert (staging["RELEASE_HUB_SETTING"], staging["Hub"]) == ("Hub", "NewHub")
    assert "Hub" not in production
    assert "TaskHub" not in staging
    assert made.sticky == ()


def test_a_tracking_store_goes_with_the_package_that_names_it_and_only_with_that() -> None:
    tracked = replace(GREEN, release=replace(GREEN.release, tracking="View"), tracking={"": "the view's connection"})
    made = settings(host(), slots={Slot.PRODUCTION: replace(BLUE, tracking={"": "unused"}), Slot.STAGING: tracked})
    production, staging = (made.by_slot[slot] for slot in Slot)
    assert (staging["RELEASE_TRACKING"], staging["View"]) == ("View", "the view's connection")
    assert not {"RELEASE_TRACKING", "View"} & production.keys()
    assert made.sticky == ()
    with pytest.raises(ValueError, match="needs its tracking store"):
        settings(host(), slots={Slot.PRODUCTION: BLUE, Slot.STAGING: replace(tracked, tracking=None)})


def test_a_content_share_belongs_to_the_store_and_travels() -> None:
    made = settings(host(content="host's connection"))
    shares = [made.by_slot[slot]["WEBSITE_CONTENTSHARE"] for slot in Slot]
    assert shares == [content_share_name("orders", "blue"), content_share_name("orders", "green")]
    connection = [made.by_slot[slot]["WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"] for slot in Slot]
    assert connection == ["host's connection", "host's connection"]
    assert made.sticky == ()


def test_the_user_s_own_settings_are_common_or_sticky_as_asked() -> None:
    extras = Extras(common={"A": "1"}, sticky={Slot.PRODUCTION: {"P": "2"}, Slot.STAGING: {"S": "3", "P": "4"}})
    made = settings(host(), extras)
    own = {slot: {name for name in values if len(name) == 1} for slot, values in made.by_slot.items()}
    assert own == {Slot.PRODUCTION: {"A", "P"}, Slot.STAGING: {"A", "P", "S"}}
    assert [made.by_slot[slot]["P"] for slot in Slot] == ["2", "4"]
    assert made.sticky == ("P", "S")


def test_a_swap_by_azure_s_rules_takes_the_store_along_and_leaves_the_rest() -> None:
    long_site = host("s" * 40, content="host's connection")
    blue, green = with_hub_setting(BLUE, "OldHub"), with_hub_setting(GREEN, "NewHub", "Hub")
    extras = Extras(starters=["nightly"])
    made = settings(long_site, extras, {Slot.PRODUCTION: blue, Slot.STAGING: green})
    plain = {slot: {name: str(value) for name, value in values.items()} for slot, values in made.by_slot.items()}
    staging, production = swapped(plain[Slot.STAGING], plain[Slot.PRODUCTION], made.sticky)
    other_way = settings(long_site, extras, {Slot.PRODUCTION: green, Slot.STAGING: blue})
    assert production == other_way.by_slot[Slot.PRODUCTION]
    assert staging == other_way.by_slot[Slot.STAGING]


def by_identity(account: str) -> dict[str, str]:
    return {"__accountName": account, "__credential": "managedidentity", "__clientId": "a-client"}


def test_the_form_of_the_connections_goes_with_the_release_that_has_it() -> None:
    new = replace(GREEN, store=by_identity("ordersgreen"), host=by_identity("ordershost"))
    made = settings(host(), slots={Slot.PRODUCTION: BLUE, Slot.STAGING: new})
    production, staging = (made.by_slot[slot] for slot in Slot)
    assert production["DurableManagementStorage"] == "blue's connection"
    assert production["AzureWebJobsStorage"] == "host's connection"
    assert staging == {
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "DurableManagementStorage__accountName": "ordersgreen",
        "DurableManagementStorage__credential": "managedidentity",
        "DurableManagementStorage__clientId": "a-client",
        "AzureWebJobsStorage__accountName": "ordershost",
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": "a-client",
    }
    assert made.sticky == ()
    plain = {slot: {name: str(value) for name, value in values.items()} for slot, values in made.by_slot.items()}
    swapped_staging, swapped_production = swapped(plain[Slot.STAGING], plain[Slot.PRODUCTION], made.sticky)
    assert swapped_production == staging
    assert swapped_staging == production
