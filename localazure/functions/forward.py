"""A site's requests on their way to its worker and back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from localazure.arm.tree import Json
from localazure.state import HOST

SITE_HEADER: Final = "x-localazure-site"
_SECONDS: Final = httpx.Timeout(230, connect=5)
"""App Service's load balancer waits so long for an answer."""

_OF_A_CONNECTION: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
)
_AGAIN: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class NotTakenError(Exception):
    """The worker has ended without having taken the request: another one may get it."""


class Forwarder:
    """Passes requests on; `close` it in the loop in which it was used."""

    def __init__(self) -> None:
        # A connection that is kept open could be closed by the worker just when a request is on its way.
        limits = httpx.Limits(max_keepalive_connections=0, max_connections=None)
        self._client = httpx.AsyncClient(timeout=_SECONDS, limits=limits, trust_env=False)

    async def send(self, request: Request, port: int, site: Json) -> Response:
        """The worker's answer, as it comes. Raises NotTakenError.

        The worker is told of the site as it is now: a swap may have given it another name and other keys.
        """
        url = f"http://{HOST}:{port}{request.scope['raw_path'].decode('ascii')}"
        if request.url.query:
            url += f"?{request.url.query}"
        dropped = _OF_A_CONNECTION | {SITE_HEADER}
        headers = [(name, value) for name, value in request.headers.raw if name.decode() not in dropped]
        headers.append((SITE_HEADER.encode(), json.dumps(site).encode()))
        passed = self._client.build_request(request.method, url, headers=headers, content=await request.body())
        try:
            answer = await self._client.send(passed, stream=True)
        except httpx.ConnectError as error:
            raise NotTakenError from error
        except httpx.TimeoutException:
            return Response("504 Gateway timeout: the app didn't answer.", 504)
        except httpx.HTTPError as error:
            if request.method in _AGAIN:
                raise NotTakenError from error
            return Response("502 Bad gateway: the app ended while it answered.", 502)
        response = StreamingResponse(_content(answer), answer.status_code, background=BackgroundTask(answer.aclose))
        response.raw_headers = [
            (name.lower(), value) for name, value in answer.headers.raw if name.decode().lower() not in _OF_A_CONNECTION
        ]
        return response

    async def close(self) -> None:
        await self._client.aclose()


async def _content(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for part in answer.aiter_raw():
        yield part
