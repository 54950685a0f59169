"""The worker of each site and slot: the settings that it runs with, which a swap or a restart changes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from localazure.arm.calls import Services
from localazure.arm.events import Phase
from localazure.arm.ids import ResourceId
from localazure.arm.tree import Json, Resource
from localazure.arm.web_apps import config, site_of, slot_of


class Running(StrEnum):
    """How a worker stands."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Worker:
    """What runs under a site's host name; at a swap it goes, as it is, to the other slot's."""

    state: Running
    settings: Mapping[str, str]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, app: Resource) -> Worker:
        stored = app.hidden["worker"]
        return cls(Running(stored["state"]), stored["settings"], stored["id"])

    def to_json(self) -> Json:
        return {"state": self.state.value, "settings": dict(self.settings), "id": self.id}


def start(services: Services, app: ResourceId, why: Phase, operation: str | None = None) -> None:
    """Replace an app's worker by one with today's settings; a stopped one stays stopped until it is `why`.

    App Service overlaps the two: the old worker answers until the new one is up, so nothing fails in between.
    """
    found = services.tree.get(app)
    if found is None:
        return
    old = Worker.of(found)
    stopped = old.state is Running.STOPPED and why is not Phase.STARTED
    settings = config(services.tree, app, "appsettings")
    new = Worker(Running.STOPPED if stopped else Running.RUNNING, settings)
    put(services, found, new, why, operation)


def stop(services: Services, app: Resource) -> None:
    """Stop an app's worker, if it isn't stopped already."""
    worker = Worker.of(app)
    if worker.state is not Running.STOPPED:
        put(services, app, Worker(Running.STOPPED, worker.settings), Phase.STOPPED)


def put(services: Services, app: Resource, worker: Worker, why: Phase, operation: str | None = None) -> None:
    """Set an app's worker and note it in the event log."""
    state = "Stopped" if worker.state is Running.STOPPED else "Running"
    services.tree.put(app.with_properties(state=state).with_hidden(worker=worker.to_json()))
    record(services, app.id, worker, why, operation)
    services.database.after_commit(lambda: services.hosts.follow(app.id))


def deleted(services: Services, app: Resource) -> None:
    """Note that an app is about to leave the tree, and have its host end then."""
    record(services, app.id, Worker.of(app), Phase.DELETED)
    services.database.after_commit(lambda: services.hosts.follow(app.id))


def record(services: Services, app: ResourceId, worker: Worker, why: Phase, operation: str | None = None) -> None:
    services.events.record(
        why, site=site_of(app).name, slot=slot_of(app), settings=worker.settings, operation=operation
    )
