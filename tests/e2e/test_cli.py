"""Releases by the command line, with the real engine on local Azure."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableServiceClient
from azure.mgmt.web.models import StringDictionary
from azure.storage.blob import ContainerClient

from tests.clients import storage_client, web_client
from tests.e2e.conftest import LocalAzure, Stack

pytestmark = pytest.mark.e2e

TIMEOUT = 180
"""Seconds after which a command counts as hung."""

GROUP, SITE = "orders-dev-rg", "orders-dev"
STRAY = "d" * 64

STRICT = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_plans(args, report):
    if args.resource_type == "azure-native:web:AppServicePlan":
        report("a plan costs money")

PolicyPack("strict", [ResourceValidationPolicy("no-plans", "No plans.", no_plans, EnforcementLevel.MANDATORY)])
"""
ONCE = ("--timeout", "0", "--steady", "0")
PATIENT = ("--timeout", "600", "--steady", "0", "--poll", "0.1")


@dataclass
class Shop:
    """The stack's app as its engineer works with it; `printed` is all that the commands said."""

    azure: LocalAzure
    stack: Stack
    printed: list[str] = field(default_factory=list)

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.stack.folder / ".venv" / "bin" / "python"), "-m", "release", *args, "--stack", "dev"],
            cwd=self.stack.folder,
            env=dict(self.stack.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process: subprocess.Popen[str], heard: str = "") -> tuple[int, str, str]:
        """Await a command's end: its exit code, stdout and stderr; `heard` is what was read of stderr before."""
        out, err = process.communicate(timeout=TIMEOUT)
        self.printed += [out, heard + err]
        return process.returncode, out, heard + err

    def run(self, *args: str, code: int = 0) -> dict[str, Any]:
        """The document that a command prints."""
        ended, out, err = self.end(self.start(*args, "--json"))
        assert ended == code, out + err
        found: dict[str, Any] = json.loads(out)
        return found

    def lines(self, *args: str, code: int = 0) -> list[dict[str, Any]]:
        """The documents that a command prints, each in a line."""
        ended, out, err = self.end(self.start(*args, "--json"))
        assert ended == code, out + err
        return [json.loads(line) for line in out.splitlines()]

    @contextmanager
    def running(self, *args: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
        """A command to follow by `until`; it is killed if the test gives up on it."""
        process = self.start(*args)
        try:
            yield process, []
        finally:
            if process.poll() is None:
                process.kill()

    def want(self, name: str) -> str:
        """Have config ask for a package, made if there is none of that name, and give its SHA-256."""
        path = self.package(name)
        self.stack.succeed("config", "set", "durable-zero-downtime:package", f"build/{name}.zip")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def package(self, name: str) -> Path:
        path = self.stack.folder / "build" / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(self.stack.folder / "functions" / "host.json", "host.json")
            archive.writestr("release.txt", name)
        return path

    def put(self, instance_id: str, status: str) -> None:
        """An orchestration in the store that staging names."""
        web = web_client(self.azure.env["arm_endpoint"]).web_apps
        settings = web.list_application_settings_slot(GROUP, SITE, "staging").properties or {}
        with TableServiceClient.from_connection_string(settings["DurableManagementStorage"]) as tables:
            row = {"PartitionKey": instance_id, "RowKey": "", "ExecutionId": "1", "Name": "fulfil_order"}
            when = {"CreatedTime": datetime(2026, 7, 1, 8, tzinfo=UTC), "RuntimeStatus": status}
            tables.create_table_if_not_exists("OrdersHubInstances").upsert_entity(row | when)

    def track(self, hub: str, instance_id: str, status: str) -> None:
        """An orchestration of an app in a tracking store, which production names: the host's account plays it."""
        web = web_client(self.azure.env["arm_endpoint"]).web_apps
        settings = web.list_application_settings(GROUP, SITE).properties or {}
        if "RELEASE_TRACKING" not in settings:
            settings["RELEASE_TRACKING"] = "AzureWebJobsStorage"
            web.update_application_settings(GROUP, SITE, StringDictionary(properties=settings))
        with TableServiceClient.from_connection_string(settings["AzureWebJobsStorage"]) as tables:
            row = {"PartitionKey": instance_id, "RowKey": "", "Name": "fulfil_order", "Version": "1.0"}
            when = {"CreatedTime": datetime.now(UTC), "RuntimeStatus": status, "TaskHubName": hub}
            tables.create_table_if_not_exists("DurableTaskInstances").upsert_entity(row | when)

    def upload(self, sha256: str) -> None:
        """A package that nobody knows of."""
        web = web_client(self.azure.env["arm_endpoint"]).web_apps
        settings = web.list_application_settings(GROUP, SITE).properties or {}
        with ContainerClient.from_connection_string(settings["AzureWebJobsStorage"], "packages") as container:
            container.upload_blob(f"{sha256}.zip", b"zip")

    def keys(self) -> set[str]:
        """Every key that local Azure handed out."""
        accounts: Any = storage_client(self.azure.env["arm_endpoint"]).storage_accounts
        return {
            key.value for account in accounts.list() for key in accounts.list_keys(GROUP, account.name).keys_property
        }


@pytest.fixture
def shop(azure: LocalAzure, stack: Stack) -> Iterator[Shop]:
    """The app, not yet deployed. At the end no command may have printed a key or a traceback."""
    made = Shop(azure, stack)
    yield made
    keys = made.keys()
    assert len(keys) == 6
    for text in made.printed:
        assert "Traceback" not in text, text
        assert not [key for key in keys if key in text], text


def until(running: tuple[subprocess.Popen[str], list[str]], text: str) -> None:
    """Read on in stderr to the first line that has this text."""
    process, heard = running
    assert process.stderr is not None
    for line in process.stderr:
        heard.append(line)
        if text in line:
            return
    raise AssertionError(f"ended without {text!r}:\n{''.join(heard)}")


def packages(found: dict[str, Any]) -> tuple[str | None, str | None]:
    return found["slots"]["production"]["package"], found["slots"]["staging"]["package"]


def strict_pack(shop: Shop) -> Path:
    """A policy pack that no app with a plan passes."""
    folder = shop.stack.folder / "strict"
    folder.mkdir()
    virtualenv = shop.stack.folder / ".venv"
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(virtualenv)}}
    (folder / "PulumiPolicy.yaml").write_text(json.dumps({"runtime": runtime}))
    (folder / "__main__.py").write_text(STRICT)
    return folder


def test_a_deployment_waits_for_a_busy_staging_hub_names_what_is_in_the_way_and_goes_on_when_it_has_ended(
    shop: Shop,
) -> None:
    first = shop.want("first")
    deployed = shop.run("deploy")
    assert packages(deployed) == (first, None)
    shop.put("order-1", "Running")
    shop.put("order-2", "Pending")
    shop.put("order-3", "Completed")
    shop.put("@counter@one", "Running")
    gate = shop.run("gate", "--slot", "staging", *ONCE, code=3)
    assert (gate["state"], gate["active"], gate["byStatus"]) == ("busy", 2, {"Pending": 1, "Running": 1})

    second = shop.want("second")
    config = (shop.stack.folder / "Pulumi.dev.yaml").read_text()
    busy = shop.run("deploy", *ONCE, "--poll", "1", code=3)
    assert (busy["outcome"], packages(busy)) == ("busy", (first, None))
    assert busy["instances"] == gate["instances"]
    assert {one["id"] for one in busy["instances"]} == {"order-1", "order-2"}
    assert "order-1" in busy["reason"]
    assert "before hook" not in busy["reason"]
    assert any("wait until staging's orchestrations" in line for line in busy["plan"])

    with shop.running("deploy", *PATIENT) as running:
        until(running, "2 active in")
        shop.put("order-2", "Terminated")
        until(running, "1 active in")
        shop.put("order-1", "Completed")
        until(running, "is drained")
        code, out, err = shop.end(running[0], "".join(running[1]))
    assert code == 0, out + err
    assert f"production package {second[:12]} on green" in " ".join(out.split())
    assert (shop.stack.folder / "Pulumi.dev.yaml").read_text() == config

    assert shop.run("gate", "--store", "green", *ONCE)["state"] == "drained"
    status = shop.run("status")
    assert packages(status) == (second, first)
    assert status["slots"]["production"]["gate"]["hubs"] == ["OrdersHub"]
    assert status["plan"][0].startswith("Plan: nothing to do")


def test_a_roll_back_takes_no_zip_can_be_repeated_and_says_what_keeps_it(shop: Shop) -> None:
    first = shop.want("first")
    shop.run("deploy")
    second = shop.want("second")
    staged = shop.run("stage")
    assert packages(staged) == (first, second)
    assert packages(shop.run("promote", *PATIENT)) == (second, first)
    refused = shop.run("promote", "--package", f"sha256:{'c' * 64}", code=4)
    assert (refused["outcome"], packages(refused)) == ("refused", (second, first))
    assert "takes a slot that holds it" in refused["reason"]

    judged = shop.run("deploy", "--policy-pack", str(strict_pack(shop)), code=4)
    assert (judged["outcome"], packages(judged)) == ("refused", (second, first))
    assert judged["reason"] == "no-plans: No plans.\na plan costs money"

    for name in ("first", "second"):
        (shop.stack.folder / "build" / f"{name}.zip").unlink()
    back = shop.run("rollback", *PATIENT)
    assert packages(back) == (first, second)
    again = shop.run("rollback", *PATIENT)
    assert packages(again) == (first, second)
    assert again["plan"][0].startswith("Plan: nothing to do")
    assert again["keep"] == f"pulumi config set durable-zero-downtime:package sha256:{first} --stack dev"
    shop.stack.succeed(*again["keep"].split()[1:])
    shop.stack.succeed("preview", "--expect-no-changes")

    shop.put("order-1", "Running")
    third = shop.package("third")
    with shop.running("stage", "--package", str(third), *PATIENT) as running:
        until(running, "1 active in")
        running[0].send_signal(signal.SIGINT)
        code, out, err = shop.end(running[0], "".join(running[1]))
    assert code == 130, out + err
    assert "waiting for the engine to come to a clean end" in err
    assert packages(shop.run("status")) == (first, second)
    sha256 = hashlib.sha256(third.read_bytes()).hexdigest()
    shop.upload(STRAY)
    pruned = shop.run("packages", "--prune", "--older-than", "0")
    assert pruned["pruned"] == [STRAY]
    assert [(one["package"], one["slots"], one["inStack"]) for one in pruned["packages"]] == [
        (first, ["production"], True),
        (second, ["staging"], True),
        (sha256, [], True),
    ]
    # Nothing is locked, and what the interrupted run has left behind goes with the next one.
    shop.stack.succeed("up", "--yes", "--skip-preview")
    assert {one["package"] for one in shop.run("packages")["packages"]} == {first, second}


def test_the_orchestrations_of_the_stores_and_of_all_apps_in_a_tracking_store_are_listed(shop: Shop) -> None:
    shop.want("first")
    shop.run("deploy")
    assert shop.lines("instances") == []
    shop.put("order-1", "Running")
    shop.put("order-2", "Completed")
    shop.put("@counter@one", "Running")
    shop.track("OrdersHub", "order-3", "Pending")
    shop.track("ShopHub", "basket-1", "Running")

    found = shop.lines("instances")
    assert [(one["hub"], one["id"], one["status"], one["active"]) for one in found] == [
        ("ShopHub", "basket-1", "Running", True),
        ("OrdersHub", "order-3", "Pending", True),
        ("OrdersHub", "order-1", "Running", True),
        ("OrdersHub", "order-2", "Completed", False),
    ]
    assert [len({one["account"] for one in part}) for part in (found, found[:2], found[2:])] == [2, 1, 1]
    recent = shop.lines("instances", "--hub", "ordershub", "--active", "--newer-than", "1h", "--version", "1.0")
    assert [one["id"] for one in recent] == ["order-3"]

    code, out, err = shop.end(shop.start("instances", "--status", "completed"))
    assert code == 0, err
    assert out.splitlines()[1].split()[1:5] == ["OrdersHub", "order-2", "fulfil_order", "Completed"]
    code, out, err = shop.end(shop.start("instances", "--older-than", "yesterday"))
    assert code == 2
    assert "is no age" in err
