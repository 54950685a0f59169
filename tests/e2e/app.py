"""A released app, seen from all sides: pulumi and its files, ARM, its task hubs, and whoever uses it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml
from azure.storage.blob import ContainerClient

from durable.connections import accounts_of, connection_string
from durable.roles import StorageRole
from localazure.identity import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_ID, TENANT_ID
from release.cloud import Cloud
from release.login import LoopbackCredential
from tests.clients import authorization_client, storage_client, web_client
from tests.e2e.command import TIMEOUT, Command
from tests.e2e.history import DURABLE, PRODUCTION, STAGING, Event, Held, assert_no_hub_met_two_packages
from tests.e2e.local import LocalAzure, Stack
from tests.e2e.orchestrations import Orchestrations
from tests.e2e.visitor import Visitor

NAMESPACE = "durable-zero-downtime"
SITE = "orders-dev"
GROUP = f"{SITE}-rg"
AT_ONCE: Mapping[str, float] = {"timeout": 0, "steady": 0, "poll": 1}
"""A gate that one reading decides."""

PATIENT: Mapping[str, float] = {"timeout": 600, "steady": 0, "poll": 0.1}
"""A gate that waits for longer than any test takes, and looks often."""

_PAUSE = 0.02
"""Seconds between two looks at the event log, so that looking doesn't take a core for itself."""


@dataclass(frozen=True)
class Preview:
    """What a preview announced: the plan line by line, what else it told, and each change as (operation, name)."""

    plan: tuple[str, ...]
    told: tuple[str, ...]
    changes: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Snapshot:
    """What a release changes: the settings of both slots, and the log of what came of them, by its last event."""

    settings: Mapping[str, Mapping[str, str]]
    events: int


@dataclass
class App:
    """The app of a stack. `secrets` are texts that must not be printed, as far as they are known by now."""

    azure: LocalAzure
    stack: Stack
    secrets: set[str] = field(default_factory=set)
    site: str = SITE

    @property
    def group(self) -> str:
        return f"{self.site}-rg"

    @cached_property
    def endpoint(self) -> str:
        return str(self.azure.env["arm_endpoint"])

    # Any: the annotations of these clients are narrower than what they take and give.
    @cached_property
    def web(self) -> Any:
        return web_client(self.endpoint).web_apps

    @cached_property
    def accounts(self) -> Any:
        return storage_client(self.endpoint).storage_accounts

    @cached_property
    def roles(self) -> Any:
        return authorization_client(self.endpoint).role_assignments

    def configure(self, **values: object) -> None:
        """Set keys of the program's config."""
        path = self.stack.config
        content = yaml.safe_load(path.read_text())
        content["config"] |= {f"{NAMESPACE}:{key}": value for key, value in values.items()}
        path.write_text(yaml.safe_dump(content))

    def unset(self, key: str) -> None:
        """Take a key out of the program's config."""
        content = yaml.safe_load(self.stack.config.read_text())
        del content["config"][f"{NAMESPACE}:{key}"]
        self.stack.config.write_text(yaml.safe_dump(content))

    def want(self, name: str, like: Path | None = None, host_json: str | None = None) -> str:
        """Have config ask for a package, and give its SHA-256: a small one, or a copy of another with a file more."""
        path = self.stack.folder / "build" / f"{name}.zip"
        if not path.exists():
            if like is not None:
                shutil.copy(like, path)
            with zipfile.ZipFile(path, "a") as archive:
                if like is None:
                    given = host_json or (self.stack.folder / "functions" / "host.json").read_text()
                    archive.writestr("host.json", given)
                archive.writestr("release.txt", name)
        self.configure(package=f"build/{name}.zip")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def up(self) -> str:
        return self.stack.succeed("up", "--yes", "--skip-preview")

    def refused_up(self) -> str:
        """What an `up` prints that ends with an error."""
        code, output = self.stack.run("up", "--yes", "--skip-preview")
        assert code != 0, output
        return output

    def begin_up(self) -> Command:
        return self.stack.begin("up", "--yes", "--skip-preview")

    def release(self, *args: str) -> str:
        """What a command of `python -m release` prints that succeeds."""
        command = [str(self.stack.folder / ".venv" / "bin" / "python"), "-m", "release", *args, "--stack", "dev"]
        done = subprocess.run(
            command,
            cwd=self.stack.folder,
            env=dict(self.stack.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        self.stack.printed.extend((done.stdout, done.stderr))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def preview(self) -> Preview:
        """What a preview announces; it must pass."""
        announced = json.loads(self.stack.succeed("preview", "--json"))
        plan, *told = (each["message"].strip() for each in announced["diagnostics"])
        assert {each["severity"] for each in announced["diagnostics"]} == {"info"}, announced["diagnostics"]
        steps = ((step["op"], step["urn"].rpartition("::")[2]) for step in announced["steps"])
        changes = frozenset(step for step in steps if step[0] not in {"same", "refresh"})
        return Preview(tuple(plan.splitlines()), tuple(told), changes)

    def settings(self) -> dict[str, dict[str, str]]:
        """The app settings of both slots, as ARM has them."""
        production = self.web.list_application_settings(self.group, self.site).properties
        staging = self.web.list_application_settings_slot(self.group, self.site, STAGING).properties
        return {PRODUCTION: dict(production), STAGING: dict(staging)}

    def held(self) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
        """The durable account and the package, of production and of staging."""
        found = self.settings()
        production, staging = (_held(found[slot]) for slot in (PRODUCTION, STAGING))
        return production, staging

    def packages(self) -> frozenset[str]:
        """The SHA-256 of each package that is uploaded."""
        (host,) = accounts_of(self.settings()[PRODUCTION], "AzureWebJobsStorage")
        with ContainerClient.from_connection_string(self.connection(host), "packages") as container:
            return frozenset(name.removesuffix(".zip") for name in container.list_blob_names())

    def swap(self) -> None:
        """Swap the slots from outside, as the portal or a script would."""
        body = {"targetSlot": STAGING, "preserveVnet": True}
        self.web.begin_swap_slot_with_production(self.group, self.site, body).result()

    def orchestrations(self, slot: str) -> Orchestrations:
        """Those in the store that a slot's settings lead to: by the account's present key, or as an identity."""
        settings = self.settings()[slot]
        account, _ = _held(settings)
        if DURABLE in settings:
            return Orchestrations.by_key(self.connection(account))
        self.let_write(account)
        return Orchestrations.as_identity(settings[f"{DURABLE}__tableServiceUri"], self.credential)

    @property
    def credential(self) -> LoopbackCredential:
        """The login that local Azure has for whoever runs the program."""
        cloud = Cloud(self.endpoint, self.endpoint, self.endpoint, loopback=True)
        return LoopbackCredential(cloud, TENANT_ID, CLIENT_ID, CLIENT_SECRET)

    def let_write(self, account: str) -> None:
        """Give that login the role by which the app itself writes orchestrations, once."""
        scope = self.accounts.get_properties(GROUP, account).id
        definitions = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions"
        body = {
            "properties": {
                "roleDefinitionId": f"{definitions}/{StorageRole.TABLE_DATA_CONTRIBUTOR}",
                "principalId": CLIENT_ID,
                "principalType": "ServicePrincipal",
            }
        }
        self.roles.create(scope, str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{account}/test")), body)

    def connection(self, account: str) -> str:
        """A connection string of an account with its present key."""
        endpoints = self.accounts.get_properties(GROUP, account).primary_endpoints
        return connection_string(account, self.key(account), endpoints)

    def tracked(self) -> Orchestrations:
        """Those in the tracking store that production's settings name."""
        settings = self.settings()[PRODUCTION]
        return Orchestrations.by_key(settings[settings["RELEASE_TRACKING"]])

    def key(self, account: str) -> str:
        """The present key of a storage account that connections are made with."""
        return str(self.accounts.list_keys(self.group, account).keys_property[0].value)

    def visitor(self) -> Visitor:
        return Visitor(self.endpoint, f"{self.site}.azurewebsites.localhost")

    def events(self, after: int = 0) -> list[Event]:
        answer = httpx.get(f"{self.endpoint}/localazure/events", params={"after": after}, trust_env=False, timeout=30)
        found: list[Event] = answer.json()["events"]
        return found

    def settle(self) -> None:
        """Wait until each slot's worker has joined its hub, or has shown that it can't."""
        query = {"settled": str(TIMEOUT)}
        answer = httpx.get(f"{self.endpoint}/localazure/workers", params=query, trust_env=False, timeout=TIMEOUT + 30)
        assert answer.json()["settled"], answer.text

    def last_event(self) -> int:
        """The last one that changed what a slot runs; those of Functions hosts follow from it, each in its time."""
        return int([event for event in self.events() if "host" not in event][-1]["sequence"])

    def await_event(self, phase: str, after: int) -> None:
        """Look at the log again and again until it has an event of this phase; fails if that takes too long."""
        deadline = time.monotonic() + TIMEOUT
        while not any(event["phase"] == phase for event in self.events(after)):
            assert time.monotonic() < deadline, f"no event {phase}"
            time.sleep(_PAUSE)

    def snapshot(self) -> Snapshot:
        return Snapshot(self.settings(), self.last_event())

    def fault(
        self, path: str, *, method: str | None = None, host: str | None = None, times: int = 1, **kind: Any
    ) -> None:
        """Have requests go wrong; `kind` is one of status (with retryAfter, code), reset, delay."""
        rule = {"method": method, "path": path, "host": host, "times": times, "fault": kind}
        answer = httpx.post(f"{self.endpoint}/localazure/faults", json=rule, trust_env=False)
        assert answer.status_code == 200, answer.text

    def faults(self) -> list[dict[str, Any]]:
        """The faults that have not struck as often as they were meant to."""
        answer = httpx.get(f"{self.endpoint}/localazure/faults", trust_env=False)
        found: list[dict[str, Any]] = answer.json()["faults"]
        return found

    def end_faults(self) -> None:
        httpx.delete(f"{self.endpoint}/localazure/faults", trust_env=False).raise_for_status()

    def note_keys(self) -> None:
        """Learn the keys of all storage accounts, which are secrets; do it before one is renewed."""
        for account in self.accounts.list():
            group = account.id.split("/")[4]
            self.secrets |= {key.value for key in self.accounts.list_keys(group, account.name).keys_property}

    def assert_clean(self) -> None:
        """That no hub met two packages, and that pulumi printed neither a secret nor a traceback, in the whole test."""
        events = self.events()
        assert_no_hub_met_two_packages(events)
        self.note_keys()
        assert self.secrets or not events, "no key is known, so none can be missed"
        for output in self.stack.printed:
            assert "Traceback (most recent call last)" not in output, output
            leaked = [secret for secret in self.secrets if secret in output]
            assert not leaked, f"a secret was printed: {output}"


def _held(settings: Mapping[str, str]) -> tuple[str, str | None]:
    held = Held.of(settings)
    assert held.hub is not None, "the slot names no store"
    return held.hub.account, held.package
