"""An app whose settings nobody judges: released onto local Azure by ARM's calls alone, as a careless pipeline would."""

from __future__ import annotations

import json
import time
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from durabletask.client import TaskHubGrpcClient

from durable.roles import STORE_ROLES
from localazure.functions.management import Json
from localazure.identity import SUBSCRIPTION_ID
from proof.account import verdict
from proof.azure import Hub
from proof.kinds import EVENT, Kind, Order
from proof.truth import Meeting, meetings, read_hub, stays
from proof.versions import SHOP, Version, Versions, build
from tests.localazure.conftest import GROUP, LOCATION, Arm

ACCOUNTS = ("host", "blue", "green", "packages")
CONNECTION = "DurableManagementStorage"
HOST_STORAGE = "AzureWebJobsStorage"
PACKAGE = "WEBSITE_RUN_FROM_PACKAGE"
SITE = "shop"
STAGING = "staging"
ROLES = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions"
TIMEOUT = 60
TIMER = """

@app.timer_trigger(schedule="* * * * * *", arg_name="tick")
@app.durable_client_input(client_name="client")
async def tick(tick: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    await client.start_new("chain", client_input={"takes": 0, "startedBy": VERSION})
"""
"""A function that starts an orchestration each second, for the end of an app's code."""


def host_json(**durable: Any) -> str:
    """The app's host.json with other keys in its Durable section; None takes one out."""
    root = json.loads((SHOP / "host.json").read_text())
    section = {**root["extensions"]["durableTask"], **durable}
    root["extensions"]["durableTask"] = {name: value for name, value in section.items() if value is not None}
    return json.dumps(root)


@dataclass
class Careless:
    """The sites of a local Azure, versions of the proof's app for them, and orchestrations that wait in production."""

    arm: Arm
    folder: Path
    host_json: str | None = None
    more: str = ""
    """Code for the end of each version's."""
    _versions: Versions = field(default_factory=lambda: Versions(seed=1))

    def make(self, *sites: str) -> None:
        """Make sites with a staging slot each, and the accounts."""
        self.arm.make_group()
        for account in ACCOUNTS:
            self.arm.make_account(account)
        for site in sites or (SITE,):
            self.arm.make_site(site)
            self.arm.make_slot(site)

    def connection(self, account: str) -> str:
        key = self.arm.storage.accounts[account][0]
        return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key}"

    def settings(self, version: int, account: str | None, **others: str) -> dict[str, str]:
        """App settings that run a version with the durable connection to an account; None leaves that out."""
        package = self._package(self._versions[version])
        url = self.arm.storage.put_blob("packages", "packages", f"{version}.zip", package)
        durable = {CONNECTION: self.connection(account)} if account else {}
        return {PACKAGE: f"{url}?sig=x", HOST_STORAGE: self.connection("host"), **durable, **others}

    def put(self, settings: Mapping[str, str], slot: str | None = None, site: str = SITE) -> None:
        """Write a slot's settings, and wait until its worker runs with them."""
        self.arm.put_settings(dict(settings), site, slot)
        self.settle()

    def sticky(self, *names: str) -> None:
        """Make these the slot settings, and no others."""
        body = {"properties": {"appSettingNames": list(names)}}
        self.arm.web.web_apps.update_slot_configuration_names(GROUP, SITE, body)

    def swap(self) -> None:
        body = {"targetSlot": STAGING, "preserveVnet": True}
        self.arm.web.web_apps.begin_swap_slot_with_production(GROUP, SITE, body).result()
        self.settle()

    def stop_staging(self) -> None:
        """Stop the slot that isn't used after a release, as one does to save money."""
        self.arm.web.web_apps.stop_slot(GROUP, SITE, STAGING)
        self.settle()

    def stop(self) -> None:
        """Stop production."""
        self.arm.web.web_apps.stop(GROUP, SITE)
        self.settle()

    def update_site(self, settings: Mapping[str, str]) -> None:
        """Write the site anew, with its settings in siteConfig, as a program does that has them there."""
        pairs = [{"name": name, "value": value} for name, value in settings.items()]
        plan = self.arm.web.web_apps.get(GROUP, SITE).server_farm_id
        body = {"location": LOCATION, "properties": {"serverFarmId": plan, "siteConfig": {"appSettings": pairs}}}
        self.arm.web.web_apps.begin_create_or_update(GROUP, SITE, {**body, "kind": "functionapp"}).result()
        self.settle()

    def identity(self, slot: str | None = None) -> str:
        """Give a slot an identity of its own, and tell its object id."""
        body, apps = {"identity": {"type": "SystemAssigned"}}, self.arm.web.web_apps
        made = apps.update_slot(GROUP, SITE, slot, body) if slot else apps.update(GROUP, SITE, body)
        return str(made.identity.principal_id)

    def give_roles(self, principal: str, *accounts: str) -> None:
        """Give an identity what Durable needs on each of these accounts, and on the host's."""
        for account in ("host", *accounts):
            scope = self.arm.accounts.storage_accounts.get_properties(GROUP, account).id
            for role in STORE_ROLES:
                properties = {
                    "roleDefinitionId": f"{ROLES}/{role}",
                    "principalId": principal,
                    "principalType": "ServicePrincipal",
                }
                self.arm.roles.role_assignments.create(scope, str(uuid.uuid4()), {"properties": properties})

    def by_identity(self, account: str) -> dict[str, str]:
        """The durable connection to an account by the slot's identity."""
        return {f"{CONNECTION}__accountName": account, f"{CONNECTION}__credential": "managedidentity"}

    def refuse_keys(self, account: str) -> None:
        """Have an account take no keys any more."""
        self.arm.accounts.storage_accounts.update(GROUP, account, {"properties": {"allowSharedKeyAccess": False}})

    def settle(self) -> list[Json]:
        answer = self.arm.http.get("/localazure/workers", params={"settled": TIMEOUT}, timeout=2 * TIMEOUT).json()
        assert answer["settled"], answer
        workers: list[Json] = answer["workers"]
        return workers

    def worker(self, slot: str = "production") -> Json:
        return next(each for each in self.settle() if each["slot"] == slot and each["site"] == SITE)

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """Ask production."""
        headers = {"Host": f"{SITE}.azurewebsites.localhost"}
        return self.arm.http.request(method, path, headers=headers, timeout=2 * TIMEOUT, **options)

    def start(self, count: int = 3) -> list[Order]:
        """Start orchestrations in production that wait for an event, and let them come to where they wait."""
        orders = [Order(f"order-{number}", Kind.EVENT, event_after=0) for number in range(count)]
        for order in orders:
            answer = self.ask(f"/api/start/{order.kind}", "POST", json=order.body)
            assert answer.status_code == 202, answer.text
        for order in orders:
            client = self._client(order)
            _await(lambda client=client, order=order: "TaskCompleted" in _history(client, order))
            client.close()
        return orders

    def go_on(self, orders: Sequence[Order]) -> list[str]:
        """Give orchestrations the event that they wait for, and tell in a word each what becomes of them."""
        for order in orders:
            with self._client(order) as client:
                client.raise_orchestration_event(order.id, EVENT, data=order.id)
                client.wait_for_orchestration_completion(order.id, timeout=TIMEOUT)
        return self.fates(orders)

    def fates(self, orders: Sequence[Order]) -> list[str]:
        states = [state for hub in self.hubs() for state in read_hub(hub)]
        return [verdict(order, [state for state in states if state.id == order.id])[0] for order in orders]

    def hubs(self) -> list[Hub]:
        found = self.arm.http.get("/localazure/hubs").json()["hubs"]
        return [Hub(each["account"], each["hub"], each["address"], each["unwritten"]) for each in found]

    def met(self) -> list[Meeting]:
        """When two packages were on one hub, by the event log."""
        return meetings(stays(self.arm.events()))

    def started_in(self, account: str) -> int:
        """How many orchestrations there are in an account's hubs."""
        return sum(len(read_hub(hub)) for hub in self.hubs() if hub.account == account)

    def await_started_in(self, account: str, count: int) -> None:
        _await(lambda: self.started_in(account) >= count)

    def _client(self, order: Order) -> TaskHubGrpcClient:
        for hub in self.hubs():
            client = TaskHubGrpcClient(host_address=hub.address)
            if client.get_orchestration_state(order.id) is not None:
                return client
            client.close()
        raise AssertionError(f"no hub knows {order.id}")

    def _package(self, version: Version) -> bytes:
        package = build(version, self.folder, self.host_json).path
        if self.more:
            with zipfile.ZipFile(package) as archive:
                files = {name: archive.read(name).decode() for name in archive.namelist()}
            with zipfile.ZipFile(package, "w") as archive:
                for name, text in files.items():
                    archive.writestr(name, text + self.more if name == "function_app.py" else text)
        return package.read_bytes()


def _history(client: TaskHubGrpcClient, order: Order) -> str:
    return repr([type(event).__name__ for event in client.get_orchestration_history(order.id)])


def _await(done: Any) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not done():
        assert time.monotonic() < deadline, "it didn't come about"
        time.sleep(0.05)
