"""The app's HTTP functions, as the Functions host answers for them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import azure.functions as func
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from localazure.state import HOST
from localazure.worker.app import App, Function, Kind
from localazure.worker.durable import client_document
from localazure.worker.errors import AppError
from localazure.worker.loop import Loop
from localazure.worker.start import Start

_LOG = logging.getLogger(__name__)
_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_PARAMETER: Final = re.compile(r"\{(\*?)(\w+)(?::(\w+))?(\?)?\}")
_CONSTRAINTS: Final = {None: "str", "int": "int", "alpha": "str", "guid": "uuid", "long": "int"}
_KEY_HEADER: Final = "x-functions-key"
_SITE_HEADER: Final = "x-localazure-site"
_SECONDS_TO_END: Final = 5


class Server:
    """Answers on a loopback port of its own until the process is told to end."""

    def __init__(self, start: Start, app: App, loop: Loop) -> None:
        routes = [route for function in app.of(Kind.HTTP) for route in _routes(function, app, start, loop)]
        config = uvicorn.Config(
            Starlette(routes=routes),
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        self._socket = socket.create_server((HOST, 0))
        self._server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        """Answer until SIGTERM, and then what has been asked before, for five seconds at most."""
        self._server.run(sockets=[self._socket])


def _routes(function: Function, app: App, start: Start, loop: Loop) -> Iterator[Route]:
    route = function.trigger.get("route") or function.name
    methods = function.trigger.get("methods") or _METHODS
    for path in _paths(function.name, f"/{app.route_prefix}/{route}".replace("//", "/")):
        yield Route(path, _endpoint(function, start, loop), methods=methods, name=function.name)


def _paths(function: str, template: str) -> Iterator[str]:
    """A route of ASP.NET as routes of Starlette: two if its last parameter may be left out."""

    def parameter(match: re.Match[str]) -> str:
        rest, name, constraint, _ = match.groups()
        if constraint not in _CONSTRAINTS:
            raise AppError(
                f"function {function} has the route constraint {constraint!r}, which local Azure doesn't know"
            )
        return f"{{{name}:path}}" if rest else f"{{{name}:{_CONSTRAINTS[constraint]}}}"

    yield _PARAMETER.sub(parameter, template)
    if template.endswith("?}"):
        yield _PARAMETER.sub(parameter, template.rpartition("/")[0])


def _endpoint(function: Function, start: Start, loop: Loop) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        here = start.seen_by(request.headers.get(_SITE_HEADER))
        if not _allowed(function, request, here):
            return Response(status_code=401)
        clients = dict.fromkeys(function.clients, client_document(here))
        given: dict[str, Any] = {function.parameter: await _request(request), **clients}
        if function.takes_context:
            given["context"] = SimpleNamespace(
                function_name=function.name, invocation_id=str(uuid.uuid4()), function_directory=str(start.folder)
            )
        try:
            if inspect.iscoroutinefunction(function.call):
                result = await asyncio.wrap_future(loop.begin(function.call(**given)))
            else:
                result = await run_in_threadpool(function.call, **given)
        except Exception:
            _LOG.exception("function %s failed", function.name)
            return Response(status_code=500)
        return _response(function, result)

    return answer


def _allowed(function: Function, request: Request, start: Start) -> bool:
    level = str(function.trigger["authLevel"]).lower()
    if level == "anonymous":
        return True
    names = {"master"} if level == "admin" else {"master", "default"}
    given = request.headers.get(_KEY_HEADER) or request.query_params.get("code")
    return given in {start.keys[name] for name in names if name in start.keys}


async def _request(request: Request) -> func.HttpRequest:
    return func.HttpRequest(
        method=request.method,
        url=str(request.url),
        headers={name: value for name, value in request.headers.items() if name != _SITE_HEADER},
        params=dict(request.query_params),
        route_params={name: str(value) for name, value in request.path_params.items()},
        body=await request.body(),
    )


def _response(function: Function, result: Any) -> Response:
    if isinstance(result, str):
        return Response(result, media_type="text/plain")
    if not isinstance(result, func.HttpResponse):
        _LOG.error("function %s returned %s, which is no HTTP response", function.name, type(result).__name__)
        return Response(status_code=500)
    response = Response(result.get_body(), result.status_code)
    headers = [(name.lower(), value) for name, value in result.headers.items()]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", f"{result.mimetype}; charset={result.charset}"))
    response.raw_headers += [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers]
    return response
