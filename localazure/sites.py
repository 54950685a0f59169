"""What a site answers under its host name: its functions, its orchestrations, and at its root what it runs."""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from durable.app_settings import PACKAGE
from durable.connections import accounts_of
from localazure.arm.calls import Reply, Services
from localazure.arm.tree import Json, Resource
from localazure.arm.web_apps import PRODUCTION, app_at, site_of, slot_of
from localazure.arm.workers import Running, Worker
from localazure.functions import management
from localazure.functions.forward import Forwarder, NotTakenError
from localazure.functions.host import Host, Standing
from localazure.functions.hosts import MANAGEMENT

_STORE: Final = "DurableManagementStorage"
_HUB: Final = "AzureFunctionsJobHost__extensions__durableTask__hubName"
_NAMED_BY_HASH: Final = re.compile(r"/([0-9a-f]{64})\.zip$")
_SECONDS_TO_START: Final = 60.0
"""How long a request waits for a worker that starts."""

_WAITING_AT_ONCE: Final = 200
_SECONDS_BETWEEN_LOOKS: Final = 0.05
_KEYS: Final = ("durabletask_extension", "master")
_KEY_HEADER: Final = "x-functions-key"


class Sites:
    """Answers for all sites and slots."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._forwarder = Forwarder()
        # Requests that wait for a worker take no thread from ARM.
        self._threads = anyio.CapacityLimiter(_WAITING_AT_ONCE)

    async def respond(self, label: str, request: Request) -> Reply | Response:
        """The answer of the site whose host name begins with this label."""
        body = await request.body()
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            found = await anyio.to_thread.run_sync(partial(self._look, label, request, body), limiter=self._threads)
            if isinstance(found, Reply):
                return found
            host, site = found
            with host.answering() as ready:
                if ready is not None:
                    try:
                        return await self._forwarder.send(request, ready.port, site)
                    except NotTakenError:
                        pass
            # It ended between the look and the request: another one is about to be there.
            if time.monotonic() > deadline:
                return Reply(503, {"error": "503 Service unavailable: the app's worker ends again and again."})
            await anyio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def rpc(self, worker_id: str, path: str, request: Request) -> Reply:
        """The answer to a worker's durable client."""
        body = await request.body()
        return await run_in_threadpool(self._rpc, worker_id, path, request, body)

    async def close(self) -> None:
        await self._forwarder.close()

    def _look(self, label: str, request: Request, body: bytes) -> Reply | tuple[Host, Json]:
        """The answer, or the host that has it and what that is told of the site."""
        app = app_at(self._services.tree, label)
        if app is None:
            return Reply(404, {"error": f"404 Site not found: no site or slot has the host name '{label}'."})
        worker, path = Worker.of(app), request.url.path
        told = _told(app, worker)
        if worker.state is Running.STOPPED:
            return Reply(403, {**told, "error": "403 Site disabled: this app is stopped. Start it to have it answer."})
        if worker.state is Running.RESTARTING:
            return Reply(503, {**told, "error": "503 Service unavailable: this app is restarting."})
        if not worker.settings.get(PACKAGE, "").startswith("http"):
            # App Service shows a landing page at the root of an app without functions, and knows no other path.
            if path in {"", "/"}:
                return Reply(200, {**told, "message": "This function app is up and running, and has no package yet."})
            return Reply(404, {**told, "error": f"404 Not found: no package, so nothing at {path}."})
        host = self._services.hosts.answering(app.id, worker.id, _SECONDS_TO_START)
        if host is None:
            return Reply(503, {**told, "error": "503 Service unavailable: this app's worker is still starting."})
        if host.standing is Standing.FAILED:
            return Reply(503, {**told, "error": f"503 Service unavailable: {host.problem}"})
        if host.standing is Standing.IDLE or path in {"", "/"}:
            return Reply(200, told)
        if path.startswith(MANAGEMENT):
            return self._manage(app, worker, host, request, body)
        return host, self._services.hosts.site(app)

    def _manage(self, app: Resource, worker: Worker, host: Host, request: Request, body: bytes) -> Reply:
        """The orchestrations of a site; which they are is told by the settings that it has now."""
        keys = app.hidden["keys"]
        given = request.query_params.get("code") or request.headers.get(_KEY_HEADER, "")
        if not any(hmac.compare_digest(given.encode(), keys[name].encode()) for name in _KEYS):
            return Reply(401, {"error": "401 Unauthorized: 'code' must be the system key durabletask_extension."})
        plan = host.plan
        if plan is None or plan.hub is None or plan.connection is None:
            return Reply(404, {"error": "404 Not found: this app doesn't use Durable Functions."})
        connection = request.query_params.get("connection") or plan.connection
        name = request.query_params.get("taskHub") or plan.hub.name
        accounts = accounts_of(worker.settings, connection)
        if len(accounts) != 1:
            return Reply(400, {"error": f"400 Bad request: no app setting leads to one account as {connection}."})
        hub = self._services.hosts.hubs.find(next(iter(accounts)), name)
        links = management.Links(_base(request), name, connection, keys["durabletask_extension"])
        path = request.url.path.removeprefix(MANAGEMENT)
        return management.answer(hub, _asked(host, request, path, body, links))

    def _rpc(self, worker_id: str, path: str, request: Request, body: bytes) -> Reply:
        host = self._services.hosts.of_worker(worker_id)
        if host is None or host.plan is None or host.plan.hub is None or host.plan.connection is None:
            return Reply(404, {"error": f"404 Not found: no worker {worker_id} has a task hub."})
        app = self._services.tree.get(host.app)
        if app is None:
            return Reply(404, {"error": f"404 Not found: the app of worker {worker_id} is gone."})
        hub, site = host.plan.hub, self._services.hosts.site(app)
        links = management.Links(site["managementBase"], hub.name, host.plan.connection, site["managementKey"])
        return management.answer(hub, _asked(host, request, path, _once(body), links))


def _asked(host: Host, request: Request, path: str, body: bytes, links: management.Links) -> management.Request:
    functions = host.ready.functions if host.ready else ()
    known = {function["name"] for function in functions if function["kind"] == "orchestrationTrigger"}
    return management.Request(request.method, path, request.query_params, request.headers, body, links, known)


def _once(body: bytes) -> bytes:
    """What the Durable client of Python sends, as JSON once: it makes JSON of what is JSON already."""
    try:
        inner = json.loads(body)
        json.loads(inner)
    except (ValueError, TypeError):
        return body
    return str(inner).encode()


def _base(request: Request) -> str:
    """Where the client reached the site, so that what it is handed out leads there again."""
    return f"{request.url.scheme}://{request.headers['host']}{MANAGEMENT}"


def _told(app: Resource, worker: Worker) -> Json:
    settings = worker.settings
    package = _NAMED_BY_HASH.search(urlsplit(settings.get(PACKAGE, "")).path)
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
