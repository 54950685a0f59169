"""All Functions hosts: which slot has which, as the resource tree wants it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from durable.app_settings import PACKAGE, PACKAGE_IDENTITY
from localazure.arm.calls import Services
from localazure.arm.events import Phase
from localazure.arm.ids import ResourceId
from localazure.arm.managed_identity import connection_problem, environment, package_problem
from localazure.arm.roles import keys_allowed
from localazure.arm.tree import Json, Resource
from localazure.arm.types.accounts import TYPE as ACCOUNT
from localazure.arm.types.accounts import keys as keys_of
from localazure.arm.web_apps import DOMAIN, PRODUCTION, apps, host_label, site_of, slot_of
from localazure.arm.workers import Running, Worker
from localazure.functions.binding import bind
from localazure.functions.errors import HostError
from localazure.functions.host import ANSWERS, SETTLED, Host, Plan, Standing
from localazure.functions.packages import Packages
from localazure.functions.process import COMMAND, WorkerProcess
from localazure.hubs.hubs import Hubs
from localazure.hubs.runs import Runs

_LOG = logging.getLogger(__name__)
MANAGEMENT: Final = "/runtime/webhooks/durabletask"
"""Where a site answers for its orchestrations (azure_facts.md 3.5)."""

RPC: Final = "/localazure/rpc"
"""Where a worker finds the same for its own hub, without a key."""


class Hosts:
    """Follows the tree: `follow` is called once a change of a slot's worker is committed.

    Implements localazure.functions.host.Surroundings. Safe to call from several threads.
    """

    def __init__(self, services: Services, folder: Path, command: Sequence[str] = COMMAND) -> None:
        self.hubs = Hubs(services.storage.hubs, Runs(services.database))
        self._services = services
        self._folder = folder
        self._command = command
        self._packages = Packages(folder / "packages")
        self._changed = threading.Condition()
        self._slots: dict[str, list[Host]] = {}
        """By the slot's id: the hosts that are being replaced, then the one that the tree wants."""
        self._leaving: set[Host] = set()
        self._open = False
        self._closed = False

    def open(self) -> None:
        """Begin: have a host for all that runs, and clean up after an earlier process that was killed."""
        self._note_who_left()
        with self._changed:
            self._open = True
        self.follow_all()
        # The gate of a release reads what an earlier process left, whether or not anyone joins its hubs again.
        clean_up = threading.Thread(
            target=self.hubs.close_left_behind, args=(lambda account: self._keys(account) is not None,), daemon=True
        )
        clean_up.start()

    def follow(self, app: ResourceId) -> None:
        """Have a slot's hosts be what the tree wants by now."""
        with self._changed:
            if not self._open or self._closed:
                return
            wanted = self._wanted(app)
            hosts = self._slots.setdefault(app.key, [])
            if wanted is None:
                self._end_soon(self._slots.pop(app.key), at_once=False)
            elif wanted.state is Running.RUNNING and all(host.id != wanted.id for host in hosts):
                if (other := self._slot_with(wanted.id)) is not None:
                    self._exchange(app, other)
                else:
                    self._begin(app, wanted, hosts)
            self._changed.notify_all()

    def follow_all(self) -> None:
        """The same for all slots, those that were deleted, too."""
        with self._changed:
            known = {host.app.key: host.app for hosts in self._slots.values() for host in hosts}
        for each in [*known.values(), *(app.id for app in apps(self._services.tree))]:
            self.follow(each)

    def follow_accounts(self, names: Collection[str]) -> None:
        """Close the hubs of all storage accounts but these."""
        self.hubs.keep(names)

    def settled(self, app: ResourceId, worker_id: str, seconds: float) -> Host | None:
        """Wait until a host has come as far as it comes by itself; None if it hasn't in that time, or isn't there."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or ((host := self._find(app, worker_id)) is not None and host.standing in SETTLED),
                seconds,
            )
            host = self._find(app, worker_id)
            return host if host is not None and host.standing in SETTLED else None

    def all_settled(self, seconds: float) -> bool:
        """Wait until all hosts that the tree wants have settled, and those that they replace have gone."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (
                    not self._leaving
                    and all(len(hosts) == 1 and hosts[0].standing in SETTLED for hosts in self._slots.values() if hosts)
                ),
                seconds,
            )

    def answering(self, app: ResourceId, worker_id: str, seconds: float) -> Host | None:
        """Who answers for a slot with this worker: its host, or as long as that starts the one that it replaces.

        One that failed is tried again first. None if nobody could answer within that time.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            if (failed := self._find(app, worker_id)) is not None:
                failed.try_again()
            while not self._closed:
                host = self._find(app, worker_id)
                if host is not None and host.standing is not Standing.STARTING:
                    return host
                for each in reversed(self._slots.get(app.key, [])):
                    if each.standing in ANSWERS:
                        return each
                if not self._changed.wait(deadline - time.monotonic()) or time.monotonic() > deadline:
                    return None
        return None

    def of_worker(self, worker_id: str) -> Host | None:
        """The host with this id, wherever it runs."""
        with self._changed:
            return next((host for hosts in self._slots.values() for host in hosts if host.id == worker_id), None)

    def told(self) -> list[Json]:
        """All hosts as `GET /localazure/workers` shows them."""
        with self._changed:
            return [_told(host) for _, hosts in sorted(self._slots.items()) for host in hosts]

    def interrupt(self) -> None:
        """Have nobody wait any longer: local Azure ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """End all workers and hubs."""
        self.interrupt()
        with self._changed:
            hosts = [*self._leaving, *(host for each in self._slots.values() for host in each)]
        for host in hosts:
            host.leave()
        for host in hosts:
            if host.process is not None or host.standing in ANSWERS:
                host.end(at_once=True)
        self.hubs.close()

    # What hosts ask.

    def plan(self, host: Host) -> Plan | None:
        app = self._services.tree.get(host.app)
        if app is None or not host.settings.get(PACKAGE, "").startswith("http"):
            return None
        package = self._packages.open(self._read(app, host.settings))
        if package.folder is None:
            return None
        site, slot = site_of(host.app).name, slot_of(host.app)
        binding = hub = None
        if package.durable:
            denied = partial(connection_problem, self._services, app, host.settings)
            binding = bind(package.host_json, host.settings, site, slot, self._keys_in_force, denied)
            hub = self.hubs.join(binding.hub)
        start = {
            "folder": str(package.folder),
            "settings": dict(host.settings),
            "environment": environment(self._services, app),
            "site": site,
            "hub": {"name": hub.name, "address": hub.address} if hub else None,
            "rpc": f"{self._services.base_url}{RPC}/{host.id}/",
            "connectionName": binding.connection if binding else None,
            **self.site(app),
        }
        log = self._folder / "logs" / f"{host_label(host.app)}.log"
        return Plan(package.sha256, start, log, hub, binding.connection if binding else None)

    def site(self, app: Resource) -> Json:
        """What a worker hands out and checks in the name of the slot that it serves."""
        keys = app.hidden["keys"]
        port = urlsplit(self._services.base_url).port
        return {
            # App Service writes production's name so.
            "slot": "Production" if slot_of(app.id) == PRODUCTION else slot_of(app.id),
            "managementBase": f"http://{host_label(app.id)}.{DOMAIN}:{port}{MANAGEMENT}",
            "managementKey": keys["durabletask_extension"],
            "keys": keys,
        }

    def launch(self, plan: Plan) -> WorkerProcess:
        return WorkerProcess(dict(plan.start), plan.log, self._command)

    def record(self, host: Host, phase: Phase, **details: Any) -> None:
        plan = host.plan
        about = {"worker": host.id, "package": plan.package if plan else None, **_hub_told(plan), **details}
        app = host.app
        self._services.events.record(
            phase, site=site_of(app).name, slot=slot_of(app), settings=host.settings, host=about
        )

    def gone(self, host: Host) -> None:
        with self._changed:
            for hosts in self._slots.values():
                if host in hosts:
                    hosts.remove(host)
            self._leaving.discard(host)
            self._changed.notify_all()

    # Parts.

    def _read(self, app: Resource, settings: Mapping[str, str]) -> bytes:
        """The content of the package. Raises HostError if it can't be read."""
        parts = urlsplit(settings[PACKAGE])
        bare = parts._replace(query="").geturl()
        account = parts.path.split("/")[1] if "/" in parts.path else ""
        known = self._keys(account)
        if known is None:
            raise HostError(f"the package at {bare} lies in no storage account of local Azure.")
        if not parts.query:
            problem = package_problem(self._services, app, settings.get(PACKAGE_IDENTITY, ""), bare)
            if problem is not None:
                raise HostError(f"{problem}.")
        try:
            content = self._services.storage.read_blob(bare, known[0])
        except Exception as error:
            _LOG.exception("the package of %s can't be read", app.id.text)
            raise HostError(f"the package at {bare} can't be read: {type(error).__name__}.") from error
        if content is None:
            raise HostError(f"there is no blob at {bare}, which {PACKAGE} names.")
        return content

    def _account(self, name: str) -> Resource | None:
        """A storage account that is there for its users."""
        found = self._services.tree.named([ACCOUNT], name)
        return None if found is None or found.properties["provisioningState"] != "Succeeded" else found

    def _keys(self, account: str) -> tuple[str, str] | None:
        found = self._account(account)
        return None if found is None else keys_of(found)

    def _keys_in_force(self, account: str) -> tuple[str, ...] | None:
        found = self._account(account)
        if found is None:
            return None
        return keys_of(found) if keys_allowed(found) else ()

    def _note_who_left(self) -> None:
        """Have the log tell of workers that were on a hub when local Azure was killed that they are gone."""
        joined: dict[str, Json] = {}
        for event in self._services.events.read():
            if event["phase"] == Phase.HUB_JOINED:
                joined[event["host"]["worker"]] = event
            elif event["phase"] == Phase.HUB_LEFT:
                joined.pop(event["host"]["worker"], None)
        for event in joined.values():
            about = {name: event[name] for name in ("site", "slot", "settings")}
            self._services.events.record(Phase.HUB_LEFT, **about, host=event["host"])

    # The same, with `_changed` held.

    def _wanted(self, app: ResourceId) -> Worker | None:
        found = self._services.tree.get(app)
        worker = Worker.of(found) if found is not None else None
        return None if worker is None or worker.state is Running.STOPPED else worker

    def _begin(self, app: ResourceId, wanted: Worker, hosts: list[Host]) -> None:
        overtaken = [host for host in hosts if host.standing in {Standing.STARTING, Standing.FAILED}]
        host = Host(wanted.id, app, wanted.settings, self, self._changed, tuple(hosts))
        hosts.append(host)
        self._end_soon(overtaken, at_once=True)
        host.start()

    def _exchange(self, app: ResourceId, other: str) -> None:
        """The routing of two slots was exchanged: each host serves under the other's name now."""
        here, there = self._slots[app.key], self._slots[other]
        there_id = there[0].app
        self._slots[app.key], self._slots[other] = there, here
        for host in there:
            host.app = app
        for host in here:
            host.app = there_id

    def _slot_with(self, worker_id: str) -> str | None:
        return next((key for key, hosts in self._slots.items() if any(host.id == worker_id for host in hosts)), None)

    def _find(self, app: ResourceId, worker_id: str) -> Host | None:
        return next((host for host in self._slots.get(app.key, []) if host.id == worker_id), None)

    def _end_soon(self, hosts: list[Host], *, at_once: bool) -> None:
        def end(host: Host) -> None:
            host.end(at_once=at_once)
            self.gone(host)

        for host in hosts:
            self._leaving.add(host)
            threading.Thread(target=end, args=(host,), name="end-host", daemon=True).start()


def _hub_told(plan: Plan | None) -> Json:
    if plan is None or plan.hub is None:
        return {}
    return {"account": plan.hub.account, "hub": plan.hub.name, "connection": plan.connection}


def _told(host: Host) -> Json:
    return {
        "worker": host.id,
        "site": site_of(host.app).name,
        "slot": slot_of(host.app),
        "standing": host.standing.value,
        "problem": host.problem or None,
        "pid": host.process.pid if host.process else None,
        "port": host.ready.port if host.ready and host.standing in ANSWERS else None,
        "functions": host.ready.functions if host.ready else None,
        "package": host.plan.package if host.plan else None,
        "log": str(host.plan.log) if host.plan else None,
        **_hub_told(host.plan),
    }
