"""The app's HTTP functions, as the Functions host answers for them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import azure.functions as func
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localazure.state import HOST
from localazure.worker.app import App, Function, Kind
from localazure.worker.calls import Calls
from localazure.worker.errors import AppError
from localazure.worker.routes import Template
from localazure.worker.start import Start

_LOG = logging.getLogger(__name__)
_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_KEY_HEADER: Final = "x-functions-key"
_MASTER: Final = "master"
_EXTENSION: Final = "durabletask_extension"
_SITE_HEADER: Final = "x-localazure-site"
_OF_THE_CONNECTION: Final = {"content-length", "transfer-encoding", "connection"}
_SECONDS_TO_END: Final = 5


@dataclass(frozen=True)
class Endpoint:
    function: Function
    template: Template
    methods: frozenset[str]


class Server:
    """Answers on a loopback port of its own until the process is told to end."""

    def __init__(self, app: App, calls: Calls) -> None:
        endpoints = [_endpoint(function, app.route_prefix) for function in app.of(Kind.HTTP)]
        self._endpoints = sorted(endpoints, key=lambda endpoint: endpoint.template.rank)
        self._calls = calls
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
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

    async def run(self) -> None:
        """Answer until SIGTERM, and then what has been asked before, for five seconds at most."""
        await self._server.serve(sockets=[self._socket])

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        here = self._calls.start.seen_by(request.headers.get(_SITE_HEADER))
        for endpoint in self._endpoints:
            parameters = endpoint.template.match(request.url.path)
            if parameters is None or request.method not in endpoint.methods:
                continue
            function = endpoint.function
            if not _allowed(function, request, here):
                return Response(status_code=401)
            try:
                return _response(await self._calls.on_loop(function, await _request(request, parameters), here))
            except Exception:
                _LOG.exception("function %s failed", function.name)
                return Response(status_code=500)
        if request.url.path == "/":
            return Response(f"The functions of {here.site} ({here.slot}) run.\n", media_type="text/plain")
        # Of a method that no function has, too: the Functions host knows no 405 (azure-functions-host issue 10098).
        return Response(status_code=404)


def _endpoint(function: Function, prefix: str) -> Endpoint:
    route = function.trigger.get("route") or function.name
    methods = function.trigger.get("methods") or _METHODS
    try:
        template = Template.parse(f"{prefix}/{route}")
    except ValueError as error:
        raise AppError(f"function {function.name}: {error}") from error
    return Endpoint(function, template, frozenset(str(method).upper() for method in methods))


def _allowed(function: Function, request: Request, here: Start) -> bool:
    level = str(function.trigger.get("authLevel", "function")).lower()
    if level == "anonymous":
        return True
    given = request.headers.get(_KEY_HEADER) or request.query_params.get("code")
    names = {_MASTER} if level == "admin" else here.keys.keys() - {_EXTENSION}
    return given in {here.keys[name] for name in names}


async def _request(request: Request, parameters: dict[str, str]) -> func.HttpRequest:
    headers = ((name, value) for name, value in request.headers.items() if name != _SITE_HEADER)
    return func.HttpRequest(
        method=request.method,
        url=str(request.url),
        headers=_joined(headers),
        params=_joined(request.query_params.multi_items()),
        route_params=parameters,
        body=await request.body(),
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One value for each name; what comes more than once is a list with commas, as the host hands it on."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _response(result: Any) -> Response:
    if isinstance(result, str):
        return Response(result, media_type="text/plain")
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"it returned {type(result).__name__}, which is no HTTP response")
    response = Response(result.get_body(), result.status_code)
    headers = [(name.lower(), str(value)) for name, value in result.headers.items()]
    if not any(name == "content-type" for name, _ in headers):
        charset = f"; charset={result.charset}" if result.mimetype.startswith("text/") else ""
        headers.append(("content-type", f"{result.mimetype}{charset}"))
    response.raw_headers += [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name not in _OF_THE_CONNECTION
    ]
    return response
