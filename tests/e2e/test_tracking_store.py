"""Apps that share a tracking store are released independently of each other, and a store is joined and left again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.app import AT_ONCE, NAMESPACE, App
from tests.e2e.history import PRODUCTION, STAGING
from tests.e2e.local import LocalAzure, Stack
from tests.e2e.orchestrations import Orchestrations

pytestmark = pytest.mark.e2e

ACCOUNT = "sharedview"
TABLES = "DurableTask"
TRACKING = "DurableTrackingStorage"
CONNECTION = "DurableManagementStorage"
TRACKED = json.dumps(
    {
        "version": "2.0",
        "extensions": {
            "durableTask": {
                "hubName": "%TaskHub%",
                "storageProvider": {
                    "connectionName": CONNECTION,
                    "trackingStoreConnectionName": TRACKING,
                    "trackingStoreNamePrefix": TABLES,
                },
            }
        },
    }
)


@pytest.fixture
def orders(app: App) -> App:
    """An app that owns the tracking store."""
    app.configure(gate=AT_ONCE, trackingStore={"account": ACCOUNT})
    return app


@pytest.fixture
def billing(tmp_path: Path, azure: LocalAzure, orders: App) -> Iterator[App]:
    """An app of another stack, which joins the tracking store of the first."""
    made = App(azure, Stack.make(tmp_path / "billing", azure, "billing"), site="billing-dev")
    made.configure(
        site=made.site,
        taskHub="BillingHub",
        gate=AT_ONCE,
        trackingStore={"account": ACCOUNT, "resourceGroup": orders.group},
    )
    yield made
    made.assert_clean()


def put(tables: Orchestrations, instance_id: str, hub: str | None, status: str = "Running") -> None:
    """A row as the extension writes it into the tables of a tracking store."""
    tables.put(instance_id, status, TABLES, told=hub)


def test_two_apps_on_one_tracking_store_are_released_each_by_its_own_orchestrations(orders: App, billing: App) -> None:
    apps = {"orders": orders, "billing": billing}
    for name, app in apps.items():
        app.want(f"{name}-one", host_json=TRACKED)
        app.up()
    settings = orders.settings()
    assert settings[PRODUCTION]["TaskHub"] == "OrdersHubBlue"
    assert f"AccountName={ACCOUNT};" in settings[PRODUCTION][TRACKING]
    assert billing.settings()[PRODUCTION]["TaskHub"] == "BillingHubBlue"
    assert billing.settings()[PRODUCTION][TRACKING] == settings[PRODUCTION][TRACKING]
    assert not {TRACKING, "TaskHub"} & settings[STAGING].keys()

    (blue, _), (green, _) = orders.held()
    tables = orders.tracked()
    put(tables, "order-7", "OrdersHubBlue")
    billing_two = billing.want("billing-two", host_json=TRACKED)
    billing.up()
    assert billing.held()[0][1] == billing_two
    assert billing.settings()[PRODUCTION]["TaskHub"] == "BillingHubGreen"

    put(tables, "invoice-1", "BillingHubGreen")
    orders_two = orders.want("orders-two", host_json=TRACKED)
    refused = orders.refused_up()
    assert (
        f"1 active in {blue} with its tracking store {ACCOUNT}: 1 Running (1 process_order); oldest order-7" in refused
    )
    assert "invoice-1" not in refused
    assert "the slots were not swapped" in refused
    assert orders.held()[1] == (green, orders_two)

    put(tables, "order-7", "OrdersHubBlue", "Completed")
    orders.up()
    assert orders.held()[0] == (green, orders_two)

    put(tables, "whose", None)
    for name, app in apps.items():
        three = app.want(f"{name}-three", host_json=TRACKED)
        before = app.snapshot()
        refused = app.refused_up()
        assert "oldest whose" in refused
        assert f"package {three[:12]} was not written into staging" in refused
        assert app.snapshot() == before

    put(tables, "whose", None, "Terminated")
    orders.up()
    assert "oldest invoice-1" in billing.refused_up()
    put(tables, "invoice-1", "BillingHubGreen", "Failed")
    billing.up()


def test_equal_hub_names_on_one_tracking_store_are_refused_in_preview_before_anything_is_made(
    orders: App, billing: App
) -> None:
    orders.want("one", host_json=TRACKED)
    billing.want("one", host_json=TRACKED)
    code, missing = billing.stack.run("preview")
    assert code != 0
    assert f"There is no storage account {ACCOUNT} in the resource group {orders.group}" in missing

    orders.up()
    billing.configure(taskHub="ORDERSHUB")
    code, refused = billing.stack.run("preview")
    assert code != 0
    assert "ORDERSHUBBlue belongs to orders-dev-rg/orders-dev" in refused
    assert f"What to do: give {NAMESPACE}:taskHub another name" in refused
    assert "Nothing was changed" in refused
    assert not any(event["site"] == billing.site for event in billing.events())

    billing.configure(taskHub="BillingHub")
    billing.up()
    orders.stack.succeed("preview", "--expect-no-changes")
    billing.stack.succeed("preview", "--expect-no-changes")


def test_a_tracking_store_is_joined_and_left_with_packages_and_never_taken_from_one_that_needs_it(app: App) -> None:
    app.configure(gate=AT_ONCE)
    untracked = app.want("untracked")
    app.up()
    app.configure(trackingStore={"account": ACCOUNT})
    tracked = app.want("tracked", host_json=TRACKED)
    app.up()
    ((green, _), _) = app.held()
    app.swap()
    app.configure(package=f"sha256:{untracked}")
    app.stack.succeed("up", "--yes", "--skip-preview", "--expect-no-changes")
    app.configure(package=f"sha256:{tracked}")
    app.up()
    assert app.held()[0] == (green, tracked)
    assert app.settings()[PRODUCTION]["TaskHub"] == "OrdersHubGreen"
    tables = app.tracked()

    app.unset("trackingStore")
    before = app.snapshot()
    refused = app.refused_up()
    assert f"The production slot has its orchestrations in the tracking store {ACCOUNT}" in refused
    assert "config has no trackingStore" in refused
    assert app.snapshot() == before

    app.configure(trackingStore={"account": ACCOUNT, "retire": True}, drain="after-swap")
    app.want("untracked-two")
    put(tables, "order-7", "OrdersHubGreen")
    app.up()
    assert app.held()[1] == (green, tracked)
    app.want("untracked-three")
    refused = app.refused_up()
    assert (
        f"1 active in {green} with its tracking store {ACCOUNT}: 1 Running (1 process_order); oldest order-7" in refused
    )
    put(tables, "order-7", "OrdersHubGreen", "Completed")
    app.up()
    app.unset("trackingStore")
    app.up()
    assert not any(TRACKING in settings for settings in app.settings().values())
