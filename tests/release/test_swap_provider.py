"""The swap as Pulumi's verbs, on a real local ARM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from durable.stores import Colour
from localazure.identity import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from release import journal
from release.app_names import AppNames
from release.endings import Ending
from release.observed import Stores
from release.swap import SwapError
from release.swap_provider import SwapProvider
from tests.localazure.conftest import GROUP, Arm, arm

__all__ = ["arm"]

REPOSITORY = Path(__file__).resolve().parents[2]
P, Q = "1" * 64, "2" * 64
STORES = Stores({Colour.BLUE: "ordersblue", Colour.GREEN: "ordersgreen"}, "DurableManagementStorage", "OrdersHub")
NAMES = AppNames(GROUP, "shop", "staging", STORES)


def settings(account: str, package: str) -> dict[str, str]:
    return {
        "DurableManagementStorage": f"AccountName={account};AccountKey=aHVzaA==",
        "RELEASE": f"{package[:3]}",
        "WEBSITE_RUN_FROM_PACKAGE": f"https://elsewhere/packages/{package}.zip",
    }


@pytest.fixture
def shop(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> Arm:
    """A site with package Q in production and P in staging."""
    arm.make_site()
    arm.make_slot()
    arm.put_settings(settings("ordersblue", Q))
    arm.put_settings(settings("ordersgreen", P), slot="staging")
    monkeypatch.setenv("ARM_METADATA_HOSTNAME", arm.url)
    for name, value in (
        ("ARM_SUBSCRIPTION_ID", SUBSCRIPTION_ID),
        ("ARM_TENANT_ID", TENANT_ID),
        ("ARM_CLIENT_ID", CLIENT_ID),
        ("ARM_CLIENT_SECRET", CLIENT_SECRET),
    ):
        monkeypatch.setenv(name, value)
    return arm


def provider() -> SwapProvider:
    made = SwapProvider()
    made.configure(ConfigureRequest(Config({}, "durable-zero-downtime")))
    return made


def inputs(package: str | None, production: str | None) -> dict[str, Any]:
    """As the engine hands them on: without what is None."""
    given = {**NAMES.to_inputs(), "package": package, "production": production, "check": False}
    return {name: value for name, value in given.items() if value is not None}


def package_in(arm: Arm, slot: str | None = None) -> str:
    return arm.settings(slot=slot)["WEBSITE_RUN_FROM_PACKAGE"]


def test_an_app_s_names_survive_the_way_through_inputs() -> None:
    assert AppNames.from_inputs(NAMES.to_inputs()) == NAMES


@pytest.mark.parametrize(
    ("package", "production", "changes"), [(P, P, False), (P, Q, True), (P, None, True), (None, None, False)]
)
def test_there_is_something_to_do_where_production_does_not_run_the_package(
    package: str | None, production: str | None, changes: bool
) -> None:
    olds = inputs(Q, Q)
    assert provider().diff("shop/production", olds, inputs(package, production)).changes is changes


def test_create_and_update_swap_once_however_often_they_are_called(shop: Arm) -> None:
    made = provider().create(inputs(P, Q))
    assert made.id == "shop/production"
    assert made.outs is not None
    assert made.outs["production"] == P
    assert P in package_in(shop)
    assert Q in package_in(shop, "staging")
    again = provider().update(made.id, made.outs, inputs(P, Q))
    assert again.outs is not None
    assert again.outs["production"] == P
    assert P in package_in(shop)
    routed = [event for event in shop.events("shop") if event["phase"] == "swap-routed"]
    assert len(routed) == 2  # one swap, told once for each slot


def test_read_tells_what_production_runs_now(shop: Arm) -> None:
    found = provider().read("shop/production", inputs(P, P))
    assert found.outs is not None
    assert found.outs["production"] == Q
    shop.web.web_apps.delete(GROUP, "shop")
    gone = provider().read("shop/production", inputs(P, P))
    assert gone.outs is not None
    assert gone.outs["production"] is None


def test_a_package_that_staging_does_not_hold_is_refused_and_nothing_is_swapped(shop: Arm) -> None:
    with pytest.raises(SwapError, match="somebody has changed staging"):
        provider().update("shop/production", inputs(Q, Q), inputs("3" * 64, Q))
    assert Q in package_in(shop)


@pytest.mark.parametrize("name", ["DurableManagementStorage", "website_run_from_package"])
def test_nothing_is_swapped_while_a_setting_that_must_travel_is_sticky(shop: Arm, name: str) -> None:
    names = {"properties": {"appSettingNames": [name]}}
    shop.web.web_apps.update_slot_configuration_names(GROUP, "shop", names)
    with pytest.raises(SwapError, match=f"(?i){name}.*Nothing was swapped"):
        provider().update("shop/production", inputs(Q, Q), inputs(P, Q))
    assert Q in package_in(shop)
    assert provider().update("shop/production", inputs(Q, Q), inputs(Q, P)).outs is not None


def test_without_a_package_nothing_is_asked_of_azure() -> None:
    made = provider().create(inputs(None, None))
    assert made.outs is not None
    assert made.outs["production"] is None


def test_deleting_it_swaps_nothing_back(shop: Arm) -> None:
    provider().delete("shop/production", inputs(P, P))
    assert Q in package_in(shop)


def test_whoever_started_the_run_learns_why_nothing_was_swapped(
    shop: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop.url
    monkeypatch.setenv(journal.VARIABLE, str(tmp_path / "journal"))
    with pytest.raises(SwapError) as raised:
        provider().update("id", {}, inputs("3" * 64, Q))
    (stop,) = journal.read(tmp_path / "journal").stops
    assert (stop.ending, stop.reason) == (Ending.REFUSED, str(raised.value))


def test_its_process_ends_when_the_engine_lets_go_of_it() -> None:
    """The process as the engine starts it, with the other end of its stdin in our hands."""
    command = [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            engine = provider_pb2_grpc.ResourceProviderStub(channel)
            engine.Configure(provider_pb2.ConfigureRequest())
            state = struct_pb2.Struct()
            state.update({"__provider": serialize_provider(SwapProvider()), "package": P, "production": Q})
            answer = engine.Diff(provider_pb2.DiffRequest(id="shop/production", olds=state, news=state))
            assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
