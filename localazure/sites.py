"""What a site answers under its host name: what it runs. So "production answers" can be measured."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from durable.connections import accounts_of
from localazure.arm.calls import Reply, Services
from localazure.arm.tree import Json, Resource
from localazure.arm.types.accounts import TYPE as ACCOUNT
from localazure.arm.types.accounts import keys
from localazure.arm.web_apps import PRODUCTION, app_at, site_of, slot_of
from localazure.arm.workers import Running, Worker

_LOG = logging.getLogger(__name__)
_PACKAGE: Final = "WEBSITE_RUN_FROM_PACKAGE"
_READER: Final = "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"
_STORE: Final = "DurableManagementStorage"
_HUB: Final = "AzureFunctionsJobHost__extensions__durableTask__hubName"
_NAMED_BY_HASH: Final = re.compile(r"/([0-9a-f]{64})\.zip$")


class Sites:
    """Answers for all sites and slots."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mounted: set[str] = set()
        """The workers that have read their package: App Service reads it once, when a worker starts."""

    def answer(self, label: str, path: str) -> Reply:
        """The answer of the site whose host name begins with this label."""
        app = app_at(self._services.tree, label)
        if app is None:
            return Reply(404, {"error": f"404 Site not found: no site or slot has the host name '{label}'."})
        worker = Worker.of(app)
        told = _told(app, worker)
        if worker.state is Running.STOPPED:
            return Reply(403, {**told, "error": "403 Site disabled: this app is stopped. Start it to have it answer."})
        if worker.state is Running.RESTARTING:
            return Reply(503, {**told, "error": "503 Service unavailable: this app is restarting."})
        if not worker.settings.get(_PACKAGE, "").startswith("http"):
            # App Service shows a landing page at the root of an app without functions, and knows no other path.
            if path in {"", "/"}:
                return Reply(200, {**told, "message": "This function app is up and running, and has no package yet."})
            return Reply(404, {**told, "error": f"404 Not found: no package, so nothing at {path}."})
        if (problem := self._mount(app, worker)) is not None:
            return Reply(503, {**told, "error": f"503 Service unavailable: {problem}"})
        return Reply(200, told)

    def _mount(self, app: Resource, worker: Worker) -> str | None:
        """Have the worker read its package, once; tells what is wrong if it can't."""
        if worker.id in self._mounted:
            return None
        url = worker.settings[_PACKAGE]
        parts = urlsplit(url)
        reader = worker.settings.get(_READER, "")
        if not parts.query and (problem := _reader_problem(app, reader)) is not None:
            return problem
        account = self._services.tree.named([ACCOUNT], parts.path.split("/")[1] if "/" in parts.path else "")
        bare = parts._replace(query="").geturl()
        if account is None:
            return f"the package at {bare} lies in no storage account of local Azure."
        try:
            found = self._services.storage.blob_exists(bare, keys(account)[0])
        except Exception as error:
            _LOG.exception("the package of %s can't be read", app.id.text)
            return f"the package at {bare} can't be read: {type(error).__name__}."
        if not found:
            return f"there is no blob at {bare}, which {_PACKAGE} names."
        self._mounted.add(worker.id)
        return None


def _reader_problem(app: Resource, reader: str) -> str | None:
    """Why the app may not read a package without a SAS."""
    identity: Json = app.body.get("identity") or {}
    if not reader:
        return f"the package's URL has no SAS and {_READER} names no identity to read it with."
    if reader.lower() == "systemassigned":
        return None if "SystemAssigned" in identity.get("type", "") else "the app has no system-assigned identity."
    assigned = {text.lower() for text in identity.get("userAssignedIdentities") or {}}
    return (
        None
        if reader.lower() in assigned
        else f"the identity {reader}, which {_READER} names, isn't assigned to the app."
    )


def _told(app: Resource, worker: Worker) -> Json:
    settings = worker.settings
    package = _NAMED_BY_HASH.search(urlsplit(settings.get(_PACKAGE, "")).path)
    slot = slot_of(app.id)
    return {
        "site": site_of(app.id).name,
        "slot": slot,
        "production": slot == PRODUCTION,
        "host": app.properties["defaultHostName"],
        "state": app.properties["state"],
        "phase": worker.state.value,
        "package": package[1] if package else None,
        "store": {"account": _account(settings), "hub": settings.get(_HUB)},
        "settingsVersion": worker.id,
    }


def _account(settings: Mapping[str, str]) -> str | None:
    """The account of the app's durable store, if its connection leads to one."""
    return next(iter(sorted(accounts_of(settings, _STORE))), None)
