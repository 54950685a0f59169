"""Faults, and what is left of an operation after the server's sudden death."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from localazure.arm.web_apps import SITE
from localazure.identity import HEADERS, SUBSCRIPTION_ID
from tests.localazure.conftest import GROUP, LOCATION, Arm, serving
from tests.localazure.storage import MemoryStorage

SERVER = """
import sys, uvicorn
from pathlib import Path
from localazure.app import create_app
from tests.localazure.storage import MemoryStorage
port, pace = int(sys.argv[2]), float(sys.argv[3])
app = create_app(Path(sys.argv[1]), base_url=f"http://127.0.0.1:{port}", storage=MemoryStorage(), pace=pace)
class Announced(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("ready", flush=True)
Announced(uvicorn.Config(app, port=port, log_level="warning")).run()
"""
STORAGE = {"api-version": "2024-01-01"}
GROUPS = {"api-version": "2024-03-01"}
WEB = {"api-version": "2025-05-01"}


@contextmanager
def process(database: Path, pace: float = 0.01) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A local Azure in a process of its own, which may die."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(database), str(port), str(pace)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, trust_env=False) as client,
    ):
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        try:
            yield client, server
        finally:
            server.kill()


def put(client: httpx.Client, path: str, query: dict[str, str], body: dict[str, Any]) -> httpx.Response:
    return client.put(f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{path}", params=query, json=body)


def test_a_status_strikes_as_often_as_stated_and_tells_when_to_come_back(arm: Arm) -> None:
    arm.fault(method="GET", path="/resourceGroups/rg$", times=2, fault={"status": 503, "retryAfter": 7, "code": "Busy"})
    query = {"api-version": "2024-03-01"}
    answers = [arm.http.get(arm.group, params=query) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["error"]["code"] == "Busy"


def test_real_clients_retry_what_a_fault_makes_fail(arm: Arm) -> None:
    arm.fault(path="/resourceGroups/rg$", times=1, fault={"status": 503, "retryAfter": 0})
    arm.fault(path="/resourceGroups/rg$", times=1, fault={"reset": True})
    assert arm.resources.resource_groups.get(GROUP).name == GROUP
    assert arm.http.get("/localazure/faults").json() == {"faults": []}


def test_a_reset_closes_the_connection_without_an_answer(arm: Arm) -> None:
    arm.fault(path="/resourceGroups/rg$", fault={"reset": True})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        arm.http.get(arm.group, params=GROUPS)


def test_a_delay_delays(arm: Arm) -> None:
    arm.fault(path="/resourceGroups/rg$", fault={"delay": 0.2})
    answer = arm.http.get(arm.group, params=GROUPS)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2


def test_faults_are_listed_and_cleared(arm: Arm) -> None:
    rule = {"method": "put", "path": "x", "times": 3, "fault": {"status": 500}}
    arm.fault(**rule)
    assert arm.http.get("/localazure/faults").json() == {"faults": [rule]}
    assert arm.http.delete("/localazure/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    "rule",
    [
        [],
        {},
        {"fault": {}},
        {"fault": {"status": 500, "reset": True}},
        {"fault": {"die": "sometimes"}},
        {"path": "(", "fault": {"status": 500}},
        {"times": 0, "fault": {"status": 500}},
        {"pth": "misspelt", "fault": {"status": 500}},
        {"fault": {"status": 500, "retry": 1}},
        {"fault": {"status": 99}},
        {"fault": {"status": 503, "retryAfter": "soon"}},
        {"fault": {"delay": -1}},
        {"fault": {"delay": "nan"}},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(arm: Arm, rule: Any) -> None:
    assert arm.http.post("/localazure/faults", json=rule).status_code == 400


@pytest.mark.parametrize(("die", "groups"), [("before-commit", []), ("after-commit", ["mine"])])
def test_a_death_leaves_the_request_undone_or_done(tmp_path: Path, die: str, groups: list[str]) -> None:
    database = tmp_path / "arm.sqlite"
    with process(database) as (client, server):
        client.post("/localazure/faults", json={"method": "PUT", "path": "mine", "fault": {"die": die}})
        with pytest.raises(httpx.RemoteProtocolError):
            put(client, "mine", GROUPS, {"location": LOCATION})
        assert server.wait(10) == 137
    with serving(database, MemoryStorage()) as again:
        assert [group.name for group in again.resources.resource_groups.list()] == groups


def test_an_account_whose_creation_a_death_interrupted_is_ready_after_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "arm.sqlite"
    with process(database) as (client, server):
        put(client, GROUP, GROUPS, {"location": LOCATION})
        client.post("/localazure/faults", json={"method": "PUT", "path": "account1", "fault": {"die": "after-commit"}})
        body = {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
        with pytest.raises(httpx.RemoteProtocolError):
            put(client, f"{GROUP}/providers/Microsoft.Storage/storageAccounts/account1", STORAGE, body)
        assert server.wait(10) == 137
    with serving(database, MemoryStorage()) as again:
        again.make_account()
        assert again.accounts.storage_accounts.get_properties(GROUP, "account1").provisioning_state == "Succeeded"
        assert set(again.storage.accounts) == {"account1"}


def test_a_group_whose_deletion_a_death_interrupted_goes_after_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "arm.sqlite"
    with process(database) as (client, server):
        put(client, GROUP, GROUPS, {"location": LOCATION})
        client.post("/localazure/faults", json={"method": "DELETE", "fault": {"die": "after-commit"}})
        with pytest.raises(httpx.RemoteProtocolError):
            client.delete(f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}", params=GROUPS)
        assert server.wait(10) == 137
    with serving(database, MemoryStorage()) as again:
        with pytest.raises(HttpResponseError):
            again.resources.resource_groups.begin_delete(GROUP).result()
        assert list(again.resources.resource_groups.list()) == []


@pytest.mark.parametrize("phase", ["swap-started", "swap-settings-applied", "swap-source-restarted", "swap-routed"])
def test_a_swap_killed_in_any_phase_is_completed_after_a_restart(tmp_path: Path, phase: str) -> None:
    database = tmp_path / "arm.sqlite"
    with serving(database, MemoryStorage()) as arm:
        arm.make_group()
        arm.make_site()
        arm.make_slot()
        arm.put_settings({"Code": "one", "Sticky": "p"})
        arm.put_settings({"Code": "two", "Sticky": "s"}, slot="staging")
        arm.web.web_apps.update_slot_configuration_names(GROUP, "shop", {"properties": {"appSettingNames": ["Sticky"]}})
    site = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}/providers/{SITE}/shop"
    # Restarts that take for ever hold the swap after its first phase, and after the routing.
    pace = 60.0 if phase in {"swap-settings-applied", "swap-routed"} else 0.01
    with process(database, pace) as (client, server):
        if phase == "swap-started":
            client.post("/localazure/faults", json={"path": "slotsswap", "fault": {"die": "after-commit"}})
        if phase == "swap-source-restarted":
            client.post("/localazure/faults", json={"host": "shop-staging", "fault": {"delay": 60}})
        if phase == "swap-routed":
            # With the first phase done beforehand, no restart holds it up before the routing.
            preview = {"targetSlot": "production"}
            assert client.post(f"{site}/slots/staging/applySlotConfig", params=WEB, json=preview).status_code == 200
        try:
            client.post(f"{site}/slotsswap", params=WEB, json={"targetSlot": "staging"})
        except httpx.RemoteProtocolError:
            assert phase == "swap-started"
        else:
            wait_for(client, phase)
        server.kill()
        server.wait(10)
    with serving(database, MemoryStorage()) as again:
        wait_for(again.http, "swap-completed")
        assert again.settings() == {"Code": "two", "Sticky": "p"}
        assert again.settings(slot="staging") == {"Code": "one", "Sticky": "s"}


def test_a_swap_that_warms_up_when_the_server_stops_goes_on_at_the_next_start(tmp_path: Path) -> None:
    database = tmp_path / "arm.sqlite"
    with serving(database, MemoryStorage()) as arm:
        arm.make_group()
        arm.make_site()
        arm.make_slot()
        arm.put_settings({"Code": "two", "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200"}, slot="staging")
        arm.fault(host="shop-staging", fault={"delay": 60})
        swap = {"targetSlot": "staging"}
        arm.web.web_apps.begin_swap_slot_with_production(GROUP, "shop", swap, polling=False)
        wait_for(arm.http, "swap-source-restarted")
        wait_until(lambda: arm.http.get("/localazure/faults").json() == {"faults": []})
    with serving(database, MemoryStorage()) as again:
        wait_for(again.http, "swap-completed")
        assert "swap-failed" not in {event["phase"] for event in again.events()}
        assert again.settings()["Code"] == "two"


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline


def wait_for(client: httpx.Client, phase: str) -> None:
    """Read the event log until it tells of this phase."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        events = client.get("/localazure/events").json()["events"]
        if any(event["phase"] == phase for event in events):
            return
    raise AssertionError(json.dumps(events, indent=1))
