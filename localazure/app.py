"""The one ASGI application of local Azure: by its Host header a request is ARM's or a site's."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Mount, Route
from starlette.types import Receive, Scope, Send

from localazure.arm import cloud, managed_identity, swap
from localazure.arm.calls import Reply, Services
from localazure.arm.database import Database
from localazure.arm.dispatcher import Dispatcher
from localazure.arm.errors import ArmError, invalid_content, unauthenticated
from localazure.arm.events import EventLog
from localazure.arm.faults import Death, Fault, Faults, die
from localazure.arm.operations import Operations
from localazure.arm.roles import Roles
from localazure.arm.storage_backend import StorageBackend
from localazure.arm.tokens import TokenError, Tokens
from localazure.arm.tree import Tree
from localazure.arm.types import accounts, groups
from localazure.arm.types.registry import all_types
from localazure.arm.web_apps import DOMAIN, SWAP
from localazure.functions.hosts import RPC, Hosts
from localazure.functions.process import COMMAND
from localazure.identity import TENANT_ID
from localazure.sites import Sites

if TYPE_CHECKING:
    from localazure.hubs.hub import Hub

TOKEN_KEY = "token-key"  # noqa: S105
METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS"]


def create_app(
    database: Path,
    *,
    base_url: str,
    storage: StorageBackend,
    pace: float = 0.03,
    folder: Path | None = None,
    worker: Sequence[str] = COMMAND,
) -> LocalAzure:
    """The application over the state in `database`; `base_url` is where it listens, such as http://127.0.0.1:10400.

    `pace` is the time in seconds that a worker's restart takes. Packages are unpacked in `folder`, which is beside the
    database if it isn't given, and `worker` is the command that runs their functions. On startup (lifespan) the storage
    accounts are set up, workers are started, and operations that an earlier process left unfinished go on.
    """
    file = Database(database)
    operations = Operations(file)
    tree = Tree(file)
    services = Services(
        database=file,
        tree=tree,
        events=EventLog(file),
        operations=operations,
        storage=storage,
        base_url=base_url.rstrip("/"),
        pace=pace,
        roles=Roles(tree),
        tokens=Tokens(file.secret(TOKEN_KEY)),
    )
    services.hosts = Hosts(services, folder or database.parent / "functions", worker)
    operations.register(accounts.CREATE, partial(accounts.create_account, services))
    operations.register(groups.DELETE, partial(groups.delete_group, services))
    operations.register(SWAP, partial(swap.run, services))
    return LocalAzure(services)


class LocalAzure(Starlette):
    """ARM and the sites; made by `create_app`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._arm = Dispatcher(services, all_types())
        self._sites = Sites(services)
        self._faults = Faults()
        hosts = ["127.0.0.1", "localhost", f"*.{DOMAIN}", urlsplit(services.base_url).hostname or "localhost"]
        super().__init__(
            routes=[
                Host(f"{{label}}.{DOMAIN}", Mount("", routes=[Route("/{path:path}", self._site, methods=METHODS)])),
                Route("/metadata/endpoints", self._metadata),
                Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
                Route("/{tenant}/oauth2/token", self._token, methods=["POST"]),
                Route(managed_identity.PATH, self._managed_identity),
                Route("/localazure/health", self._health),
                Route("/localazure/events", self._events),
                Route("/localazure/faults", self._set_faults, methods=["GET", "POST", "DELETE"]),
                Route("/localazure/workers", self._workers),
                Route("/localazure/hubs", self._hubs),
                Route(f"{RPC}/{{worker}}/{{path:path}}", self._rpc, methods=METHODS),
                Route("/{path:path}", self._resource_manager, methods=METHODS),
            ],
            # A page from elsewhere that had its name resolved to loopback would come with that name.
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Strike with a fault, if one is set for this request; it must be here, before Starlette answers errors."""
        if scope["type"] == "http" and not scope["path"].startswith("/localazure/"):
            host = Request(scope).url.hostname or ""
            site = host if host.endswith(f".{DOMAIN}") else None
            fault = self._faults.take(scope["method"], scope["path"], site)
            if fault is not None:
                if fault.reset:
                    await _reset(receive, send)
                    return
                if fault.status is not None:
                    await _faulty(fault)(scope, receive, send)
                    return
                if fault.delay is not None:
                    await asyncio.sleep(fault.delay)
                scope["die"], scope["denials"] = fault.die, fault.denials
        await super().__call__(scope, receive, send)

    def interrupt(self) -> None:
        """Have operations stop where they are, to go on at the next start; call it before the server shuts down.

        A swap asks this very server to warm up a site: what it hears from one that shuts down tells nothing.
        """
        self._services.operations.interrupt()
        self._services.hosts.interrupt()

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002
        self._services.storage.trust(self._services.database.secret(TOKEN_KEY))
        await run_in_threadpool(accounts.publish, self._services)
        await run_in_threadpool(accounts.readdress, self._services)
        await run_in_threadpool(self._services.hosts.open)
        self._services.operations.resume()
        yield
        await run_in_threadpool(self._services.operations.close)
        await run_in_threadpool(self._services.hosts.close)
        await self._sites.close()
        self._services.database.close()

    async def _resource_manager(self, request: Request) -> Response:
        try:
            principal = self._principal(request)
            content = _content(await request.body())
        except ArmError as error:
            headers = {"WWW-Authenticate": _challenge(self._services.base_url)} if error.status == 401 else {}
            return _answer(Reply(error.status, error.body, headers))
        death = request.scope.get("die")
        reply = await run_in_threadpool(
            self._arm.handle,
            request.method,
            request.url.path,
            request.query_params,
            content,
            principal=principal,
            denials=request.scope.get("denials"),
            before_commit=die if death is Death.BEFORE_COMMIT else _go_on,
            after_commit=die if death is Death.AFTER_COMMIT else _go_on,
        )
        return _answer(reply)

    def _principal(self, request: Request) -> str:
        """The object id of whoever makes a request of ARM; 401 for one without a token of local Azure's for ARM."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            raise unauthenticated("The 'Authorization' header is missing.", "AuthenticationFailed")
        if kind.lower() != "bearer":
            raise unauthenticated(
                "The 'Authorization' header is provided in an invalid format.", "AuthenticationFailedInvalidHeader"
            )
        base = self._services.base_url
        try:
            return self._services.tokens.principal(token.strip(), [base, f"{base}/"])
        except TokenError as error:
            raise unauthenticated(f"The access token is invalid: {error}.", "InvalidAuthenticationToken") from error

    async def _site(self, request: Request) -> Response:
        found = await self._sites.respond(request.path_params["label"], request)
        return _answer(found) if isinstance(found, Reply) else found

    async def _rpc(self, request: Request) -> Response:
        return _answer(await self._sites.rpc(request.path_params["worker"], request.path_params["path"], request))

    async def _workers(self, request: Request) -> Response:
        """All workers; with `settled`, once all have settled, or when that many seconds have passed."""
        hosts = self._services.hosts
        seconds = request.query_params.get("settled")
        if seconds is not None and not seconds.isdecimal():
            return _answer(Reply(400, invalid_content("'settled' must be a number of seconds").body))
        settled = await run_in_threadpool(hosts.all_settled, float(seconds or 0))
        return JSONResponse({"settled": settled, "workers": hosts.told()})

    async def _hubs(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({"hubs": [_told_hub(hub) for hub in self._services.hosts.hubs.all()]})

    async def _metadata(self, request: Request) -> Response:
        version = request.query_params.get("api-version", "")
        if version < cloud.OLDEST_METADATA:
            error = ArmError(
                400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid: use 2022-09-01."
            )
            return _answer(Reply(400, error.body))
        return JSONResponse(cloud.metadata(self._services.base_url))

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return _answer(cloud.token(self._services.tokens, form))

    async def _managed_identity(self, request: Request) -> Response:
        header = request.headers.get(managed_identity.HEADER, "")
        return _answer(await run_in_threadpool(managed_identity.answer, self._services, header, request.query_params))

    async def _health(self, request: Request) -> Response:  # noqa: ARG002
        counts = await run_in_threadpool(self._services.tree.counts)
        return JSONResponse({"status": "ok", "resources": counts})

    async def _events(self, request: Request) -> Response:
        after = request.query_params.get("after") or "0"
        if not after.isdecimal():
            return _answer(Reply(400, invalid_content("'after' must be the sequence of an event").body))
        site = request.query_params.get("site") or None
        events = await run_in_threadpool(self._services.events.read, site, int(after))
        return JSONResponse({"events": events})

    async def _set_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            try:
                self._faults.add(_content(await request.body()))
            except ArmError as error:
                return _answer(Reply(error.status, error.body))
        return JSONResponse({"faults": self._faults.list()})


def _go_on() -> None:
    """What a request does where no death is set."""


def _challenge(base_url: str) -> str:
    return f'Bearer authorization_uri="{base_url}/{TENANT_ID}", error="invalid_token"'


def _content(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise invalid_content(str(error)) from error


def _answer(reply: Reply) -> Response:
    headers = {**reply.headers, "x-ms-request-id": str(uuid.uuid4())}
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    return JSONResponse(reply.body, reply.status, headers)


def _faulty(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return _answer(Reply(fault.error.status, fault.error.body, headers))


def _told_hub(hub: Hub) -> dict[str, Any]:
    return {
        "account": hub.account,
        "hub": hub.name,
        "address": hub.address,
        "table": {"account": hub.place.account, "name": hub.place.table},
        "workers": hub.backend.workers,
        "unwritten": hub.unwritten,
    }


async def _reset(receive: Receive, send: Send) -> None:
    """Close the connection without an answer.

    ASGI has no word for this: uvicorn's `send` is a method of the object that has the transport.
    """
    cycle: Any = getattr(send, "__self__", None)
    if cycle is None:
        raise RuntimeError("The reset fault needs uvicorn as the server.")
    cycle.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
