"""Which hub names are an app's own in a tracking store."""

from __future__ import annotations

import json

import pytest

from durable.stores import Colour, Release, Store
from release.claims import claimant, hubs_to_claim, missing, refusal
from release.config import load
from release.observed import Absent, Observed
from release.planner import Plan, plan
from release.settings import Settings

P, Q = "1" * 64, "2" * 64
ME, OTHER = "orders-dev-rg/orders-dev", "billing-rg/billing"


def settings(site: str = "orders-dev", **keys: object) -> Settings:
    config = {"site": site, "taskHub": "OrdersHub", "trackingStore": {"account": "view"}, **keys}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return load(
        {"azure-native:location": "westeurope"} | {f"durable-zero-downtime:{key}": text for key, text in texts.items()}
    )


def planned(settings: Settings, observed: Observed) -> Plan:
    made = plan(observed, settings.desired(P, "TaskHub"))
    assert isinstance(made, Plan)
    return made


def test_an_app_is_named_by_group_and_site_in_characters_that_metadata_may_have() -> None:
    assert claimant(settings().app_names) == ME
    odd = settings(site="Orders", resourceGroup="Gr\u00fcn_(1).x")
    assert claimant(odd.app_names) == "gr%C3%BCn_(1).x/orders"


def test_the_names_of_config_are_claimed_before_any_slot_has_them() -> None:
    empty = Observed(Absent(), Absent())
    assert hubs_to_claim(settings(), planned(settings(), empty)) == {"OrdersHubBlue", "OrdersHubGreen"}


def test_the_names_of_releases_that_stay_are_claimed_for_as_long_as_they_do() -> None:
    production = Release(Store(Colour.BLUE, "a", "OldHubBlue"), Q, None, "TaskHub", "View")
    staging = Release(Store(Colour.GREEN, "b", "LiteralHub"), Q)
    seen = Observed(production, staging)
    names = {"OrdersHubBlue", "OrdersHubGreen"}
    assert hubs_to_claim(settings(), planned(settings(), seen)) == names | {"OldHubBlue"}
    retired = settings(trackingStore={"account": "view", "retire": True})
    assert hubs_to_claim(retired, planned(retired, seen)) == {"OldHubBlue"}


@pytest.mark.parametrize("claims", [{}, {"OrdersHubBlue": None, "OrdersHubGreen": ME}])
def test_names_that_nobody_else_has_are_free(claims: dict[str, str | None]) -> None:
    assert refusal("view", ME, claims) is None


@pytest.mark.parametrize(("owner", "told"), [(OTHER, OTHER), ("", "an app that its claim does not name")])
def test_a_name_that_another_app_has_is_refused_with_hub_app_key_and_container(owner: str, told: str) -> None:
    refused = refusal("view", ME, {"OrdersHubBlue": owner, "OrdersHubGreen": ME})
    text = str(refused)
    assert "In the tracking store view" in text
    assert f"OrdersHubBlue belongs to {told}, and this app is {ME}" in text
    assert "OrdersHubGreen" not in text
    assert "give durable-zero-downtime:taskHub another name" in text
    assert "delete the container ordershubblue-claim in view" in text


def test_an_account_that_is_not_there_yet_is_refused_with_its_group() -> None:
    assert "no storage account view in the resource group shared" in str(missing("view", "shared"))
