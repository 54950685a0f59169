from __future__ import annotations

import json
from typing import Any

import pytest

from durable.stores import Access, Colour, Release, Store
from release.config import SettingsError, load
from release.patience import Patience
from release.planner import Drain, Promote
from release.settings import Settings

NAMESPACE = "durable-zero-downtime"
LEAST = {
    f"{NAMESPACE}:site": "orders-dev",
    f"{NAMESPACE}:taskHub": "OrdersHub",
    "azure-native:location": "westeurope",
}

VIEW = {"account": "view"}


def loaded(**keys: Any) -> Settings:
    """Settings of the least config with these keys beside it, or in place of its own."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}
    return load(LEAST | {f"{NAMESPACE}:{key}": text for key, text in texts.items()})


def problems(**keys: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        loaded(**keys)
    return raised.value.problems


def test_site_hub_and_location_are_enough() -> None:
    settings = loaded()
    assert settings.location == "westeurope"
    assert settings.connection_name == "DurableManagementStorage"
    assert settings.group_name == "orders-dev-rg"
    assert settings.plan_name == "orders-dev-plan"
    assert settings.plan.sku == "S1"
    assert settings.staging_slot == "staging"
    assert settings.runtime.linux_fx_version == "PYTHON|3.11"
    assert settings.package == "build/functions.zip"
    assert settings.version is None
    assert settings.protect_stores
    assert settings.insights
    assert len({settings.host_account, *(settings.store_account(colour) for colour in Colour)}) == 3


def test_a_release_is_careful_unless_config_says_otherwise() -> None:
    settings = loaded()
    assert (settings.promote, settings.drain, settings.warm_up) == (Promote.AUTO, Drain.BEFORE_SWAP, True)
    assert settings.patience == Patience(timeout=1800, steady=10, poll=5)
    gate = {"timeout": 60, "steady": 0, "poll": 0.5, "except": ["stuck-1", "stuck-2"]}
    assert loaded(gate=gate).patience == Patience(60, 0, 0.5, frozenset({"stuck-1", "stuck-2"}))


def test_missing_keys_are_named_one_by_one_with_the_command_that_sets_them() -> None:
    with pytest.raises(SettingsError) as raised:
        load({})
    assert raised.value.problems == (
        "azure-native:location: is required; set it with `pulumi config set azure-native:location westeurope`",
        f"{NAMESPACE}:site: is required; set it with `pulumi config set {NAMESPACE}:site VALUE`",
        f"{NAMESPACE}:taskHub: is required; set it with `pulumi config set {NAMESPACE}:taskHub VALUE`",
    )


def test_keys_of_other_namespaces_are_left_alone() -> None:
    assert load(LEAST | {"azure-native:metadataHost": "http://127.0.0.1:1", "other:site": "x"}).site == "orders-dev"


@pytest.mark.parametrize(
    ("keys", "key", "says"),
    [
        ({"site": "-bad-"}, "site", "'-bad-' is no site name"),
        ({"taskHub": "9"}, "taskHub", "'9' is no task hub name"),
        ({"connectionName": "AzureWebJobsStorage"}, "connectionName", "both slots share"),
        ({"connectionName": "AzureWebJobsStorage__accountName"}, "connectionName", "both slots share"),
        ({"connectionName": "WEBSITE_CONTENTSHARE"}, "connectionName", "another meaning"),
        ({"connectionName": "A.B"}, "connectionName", "Linux"),
        ({"resourceGroup": "a."}, "resourceGroup", "no resource group name"),
        ({"stagingSlot": "production"}, "stagingSlot", "names the site itself"),
        ({"site": "s" * 60}, "stagingSlot", "DNS"),
        ({"plan": {"sku": "FC1"}}, "plan.sku", "no slot besides production"),
        ({"plan": {"sku": "B1"}}, "plan.sku", "no slot besides production"),
        ({"plan": {"sku": "X9"}}, "plan.sku", "'X9' is no known plan SKU"),
        ({"plan": {"name": "a_b"}}, "plan.name", "no plan name"),
        ({"plan": "S1"}, "plan", "pulumi config set --path durable-zero-downtime:plan.NAME VALUE"),
        ({"hostStorage": "Host"}, "hostStorage", "no storage account name"),
        ({"stores": {"blue": "Not_A_Name"}}, "stores.blue", "no storage account name"),
        ({"stores": {"blue": "one", "green": "one"}}, "stores.green", "stores.blue"),
        ({"hostStorage": "one", "stores": {"green": "one"}}, "stores.green", "hostStorage"),
        ({"protectStores": "maybe"}, "protectStores", "true or false"),
        ({"insights": 1}, "insights", "true or false"),
        ({"runtime": {"name": "ruby"}}, "runtime.name", "'python'"),
        ({"runtime": {"version": 3.11}}, "runtime.version", "in quotes"),
        ({"package": ""}, "package", "empty"),
        ({"package": "sha256:12"}, "package", "64 hex digits"),
        ({"package": "sha256:" + "A" * 64}, "package", "in lower case"),
        ({"starters": "start"}, "starters", "a list"),
        ({"starters": ["a b"]}, "starters.0", "no function name"),
        ({"tags": {"team": 1}}, "tags.team", "in quotes"),
        ({"settings": {"common": {"AzureWebJobsStorage": "x"}}}, "settings.common.AzureWebJobsStorage", "itself"),
        ({"settings": {"common": {"website_contentshare": "x"}}}, "settings.common.website_contentshare", "itself"),
        (
            {"settings": {"common": {"DurableManagementStorage__accountName": "x"}}},
            "settings.common.DurableManagementStorage__accountName",
            "itself",
        ),
        (
            {"settings": {"sticky": {"staging": {"AzureFunctionsJobHost__extensions__durableTask__hubName": "x"}}}},
            "settings.sticky.staging.AzureFunctionsJobHost__extensions__durableTask__hubName",
            "scale controller",
        ),
        ({"settings": {"common": {"A.B": "x"}}}, "settings.common.A.B", "Linux"),
        ({"settings": {"common": {"A": "1"}, "sticky": {"staging": {"A": "2"}}}}, "settings.common.A", "sticky"),
        ({"settings": {"common": {"A": 1}}}, "settings.common.A", "in quotes"),
        ({"location": "westeurope"}, "location", "azure-native:location"),
        ({"version": ""}, "version", "empty"),
        ({"promote": "never"}, "promote", "'auto' or 'manual'"),
        ({"drain": "soon"}, "drain", "'before-swap' or 'after-swap'"),
        ({"gate": {"timeout": -1}}, "gate.timeout", "greater than or equal to 0"),
        ({"gate": {"poll": 0}}, "gate.poll", "greater than 0"),
        ({"gate": {"steady": "long"}}, "gate.steady", "a valid number"),
        ({"gate": {"except": ["@counter@a"]}}, "gate.except.0", "marks entities"),
        ({"gate": {"except": "a"}}, "gate.except", "a list"),
        ({"gate": {"waitt": 1}}, "gate.waitt", "known are except, poll, steady, timeout"),
        ({"warmUp": "often"}, "warmUp", "true or false"),
        (
            {"trackingStore": {}},
            "trackingStore.account",
            "--path durable-zero-downtime:trackingStore.account VALUE",
        ),
        (
            {"trackingStore": "view"},
            "trackingStore",
            "pulumi config set --path durable-zero-downtime:trackingStore.NAME",
        ),
        ({"trackingStore": VIEW | {"account": "View"}}, "trackingStore.account", "no storage account name"),
        ({"trackingStore": VIEW | {"prefix": "a-b"}}, "trackingStore.prefix", "no prefix of tables"),
        ({"trackingStore": VIEW | {"resourceGroup": "a."}}, "trackingStore.resourceGroup", "no resource group name"),
        (
            {"trackingStore": VIEW | {"connectionName": "AzureWebJobsStorage"}},
            "trackingStore.connectionName",
            "both slots share",
        ),
        (
            {"trackingStore": VIEW | {"connectionName": "DurableManagementStorage"}},
            "trackingStore.connectionName",
            "are one connection",
        ),
        (
            {"trackingStore": VIEW | {"connectionName": "AzureWebJobsdurablemanagementstorage__x"}},
            "trackingStore.connectionName",
            "are one connection",
        ),
        ({"trackingStore": VIEW | {"retire": 1}}, "trackingStore.retire", "true or false"),
        ({"trackingStore": VIEW | {"prefx": "a"}}, "trackingStore.prefx", "'prefix'"),
        ({"trackingStore": VIEW, "hostStorage": "view"}, "trackingStore.account", "account of hostStorage too"),
        ({"trackingStore": VIEW, "stores": {"green": "view"}}, "trackingStore.account", "account of stores.green too"),
        ({"trackingStore": VIEW, "taskHub": "H" * 41}, "taskHub", "has 46 characters, and 45 is the most"),
        (
            {"trackingStore": VIEW, "settings": {"common": {"DurableTrackingStorage__accountName": "x"}}},
            "settings.common.DurableTrackingStorage__accountName",
            "itself",
        ),
        ({"settings": {"common": {"RELEASE_TRACKING": "x"}}}, "settings.common.RELEASE_TRACKING", "itself"),
        ({"settings": {"common": {"RELEASE_HUB_SETTING": "x"}}}, "settings.common.RELEASE_HUB_SETTING", "itself"),
    ],
)
def test_a_bad_value_is_refused_with_its_full_key(keys: dict[str, Any], key: str, says: str) -> None:
    (problem,) = problems(**keys)
    assert problem.startswith(f"{NAMESPACE}:{key}: ")
    assert says in problem


@pytest.mark.parametrize(
    ("keys", "key", "near"),
    [
        ({"taskhub": "x"}, "taskhub", "'taskHub'"),
        ({"stagingslot": "x"}, "stagingslot", "'stagingSlot'"),
        ({"plan": {"skuu": "S1"}}, "plan.skuu", "'sku'"),
        ({"settings": {"sticky": {"produktion": {}}}}, "settings.sticky.produktion", "'production'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(keys: dict[str, Any], key: str, near: str) -> None:
    assert problems(**keys) == (f"{NAMESPACE}:{key}: is no key of this program; did you mean {near}?",)


def test_an_unknown_key_without_a_near_one_is_answered_with_all_that_are_known() -> None:
    (problem,) = problems(colour="red")
    assert problem.startswith(f"{NAMESPACE}:colour: ")
    assert all(known in problem for known in ("connectionName", "site", "taskHub", "version"))


def test_all_problems_are_told_at_once() -> None:
    found = problems(site="-bad-", taskHub="9", stores={"blue": "B"}, colour="red")
    assert [problem.split(": ")[0].partition(":")[2] for problem in found] == [
        "site",
        "taskHub",
        "stores.blue",
        "colour",
    ]


def test_all_contradictions_are_told_at_once() -> None:
    assert len(problems(site="s" * 60, stores={"blue": "one", "green": "one"})) == 2


def test_no_message_holds_the_value_of_an_app_setting() -> None:
    settings = {"common": {"A": "hush1", "A.B": "hush2"}, "sticky": {"staging": {"A": "hush3", "C": ["hush4"]}}}
    assert "hush" not in "".join(problems(settings=settings))


def test_texts_that_look_like_numbers_stay_texts() -> None:
    assert loaded(version="1.10").version == "1.10"
    assert loaded(site="42").site == "42"


def test_a_sku_is_taken_in_any_case() -> None:
    assert loaded(plan={"sku": "p1V3"}).plan.sku == "P1v3"


def hubs(settings: Settings) -> list[str]:
    return [settings.store(colour).hub for colour in Colour]


def test_in_a_tracking_store_each_store_brings_its_own_hub_name() -> None:
    settings = loaded(trackingStore=VIEW)
    assert settings.tracking_in_use is not None
    assert (settings.tracking_in_use.connection_name, settings.tracking_in_use.prefix) == (
        "DurableTrackingStorage",
        "DurableTask",
    )
    assert hubs(settings) == ["OrdersHubBlue", "OrdersHubGreen"]
    assert settings.app_names.stores.tracking == "view"
    desired = settings.desired("1" * 64, "TaskHub")
    assert desired.on(Colour.GREEN) == Release(
        Store(Colour.GREEN, settings.store_account(Colour.GREEN), "OrdersHubGreen"),
        "1" * 64,
        None,
        "TaskHub",
        "DurableTrackingStorage",
        Access.IDENTITY,
    )
    assert hubs(loaded()) == ["OrdersHub", "OrdersHub"]
    assert hubs(loaded(trackingStore=VIEW, taskHub="H" * 40)) == ["H" * 40 + "Blue", "H" * 40 + "Green"]


def test_a_tracking_store_that_is_retired_is_known_and_not_used_by_new_packages() -> None:
    settings = loaded(trackingStore=VIEW | {"retire": True})
    assert settings.tracking_in_use is None
    assert hubs(settings) == ["OrdersHub", "OrdersHub"]
    assert settings.app_names.stores.tracking == "view"
    assert settings.desired("1" * 64, None).tracking is None


@pytest.mark.parametrize(
    ("keys", "owner"), [({}, None), ({"resourceGroup": "Orders-dev-RG"}, None), ({"resourceGroup": "shared"}, "shared")]
)
def test_a_tracking_store_belongs_to_this_stack_unless_it_is_in_another_group(
    keys: dict[str, str], owner: str | None
) -> None:
    assert loaded(trackingStore=VIEW | keys).tracking_group == owner


ONE, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7C9E6679-7425-40DE-944B-E07FC1F90AE7"


def test_access_is_by_identity_unless_config_says_keys() -> None:
    assert loaded().access is Access.IDENTITY
    assert loaded(access="keys").access is Access.KEYS


def test_readers_are_object_ids_by_kind_and_let_the_gate_wait_for_their_roles() -> None:
    found = loaded(readers={"users": [ONE], "servicePrincipals": [OTHER]})
    assert (found.readers.users, found.readers.service_principals) == ((ONE,), (OTHER,))
    assert found.patience.for_roles
    assert not loaded().patience.for_roles


def test_a_reader_is_an_object_id_and_is_listed_once() -> None:
    assert problems(readers={"users": ["someone@contoso.com"]})[0].startswith(
        f"{NAMESPACE}:readers.users.0: 'someone@contoso.com' is no object id"
    )
    (twice,) = problems(readers={"users": [ONE], "groups": [ONE.upper()]})
    assert twice.startswith(f"{NAMESPACE}:readers.groups: {ONE.upper()!r} is listed twice")
