"""ARM over HTTP as the real provider speaks it: retries, status codes, and polling of long-running operations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Event, Lock
from typing import Any, Final
from urllib.parse import urljoin

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_when_event_set,
)
from tenacity.nap import sleep_using_event

from localazure.identity import HEADERS
from localazure.provider.endpoint import metadata_url, require_loopback, resource_manager
from localazure.provider.errors import ArmError, CancelledError, TimedOutError, UnreachableError

RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
ATTEMPTS: Final = 5
FIRST_DELAY: Final = 0.1
"""Seconds. The real provider begins with 20; local Azure answers at once or not at all."""
POLL_INTERVAL: Final = 0.1
"""Seconds between polls where ARM names no interval."""
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_RUNNING: Final = frozenset({"accepted", "creating", "deleting", "inprogress", "pending", "running", "updating"})


@dataclass(frozen=True)
class Query:
    """The api-version and whatever else stands after the question mark."""

    api_version: str
    more: Mapping[str, str] | None = None

    @property
    def parameters(self) -> dict[str, str]:
        return {"api-version": self.api_version, **(self.more or {})}


class ArmClient:
    """`cancelled` ends all waiting. No proxy and no redirect is followed: nothing may lead off this machine."""

    def __init__(
        self,
        metadata_host: str | None,
        cancelled: Event,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._metadata_url = metadata_url(metadata_host)
        self._cancelled = cancelled
        self._http = httpx.Client(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(60, connect=5),
            headers={"Accept": "application/json", **HEADERS},
        )
        self._discovery = Lock()

    @property
    def endpoint(self) -> str:
        with self._discovery:
            return self._endpoint

    @cached_property
    def _endpoint(self) -> str:
        return resource_manager(self._send("GET", self._metadata_url))

    def get(self, path: str, query: Query) -> dict[str, Any]:
        return _body(self.request("GET", path, query, {200}))

    def post(self, path: str, query: Query) -> dict[str, Any]:
        return _body(self.request("POST", path, query, {200, 201}, {}))

    def put(self, path: str, query: Query, body: Mapping[str, Any]) -> httpx.Response:
        """The first answer: ARM has taken the write. `finish` waits until it is done."""
        return self.request("PUT", path, query, {200, 201, 202}, body)

    def delete(self, path: str, query: Query, timeout: float = 0) -> None:
        """What isn't there counts as deleted."""
        answer = self.request("DELETE", path, query, {200, 202, 204, 404})
        if answer.status_code == 202:
            self.finish(answer, timeout)

    def request(
        self, method: str, path: str, query: Query, expected: set[int], body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """The answer to one request, after retries.

        Raises:
            ArmError: another status than the expected ones.
            UnreachableError: no answer.
        """
        # A path may be an id that a user typed, and `@elsewhere` would lead away from the endpoint's host.
        url = require_loopback(self.endpoint + path)
        answer = self._send(method, url, params=query.parameters, json=body)
        if answer.status_code not in expected:
            raise _error(answer)
        return answer

    def finish(self, answer: httpx.Response, timeout: float = 0) -> None:
        """Polls a long-running operation to its end: by Azure-AsyncOperation, else Location, else provisioningState.

        Raises:
            ArmError: it failed.
            CancelledError, TimedOutError: waiting ended before it did; `timeout` is in seconds, 0 for none.
        """
        deadline = time.monotonic() + timeout if timeout else None
        operation, location = answer.headers.get("azure-asyncoperation"), answer.headers.get("location")
        if operation:
            self._poll(operation, answer, deadline, timeout)
        elif location and answer.status_code in (201, 202):
            self._poll(location, answer, deadline, timeout)
        elif answer.request.method == "PUT" and _running(_json(answer)):
            self._poll(str(answer.request.url), answer, deadline, timeout)

    def _poll(self, url: str, answer: httpx.Response, deadline: float | None, timeout: float) -> None:
        url = require_loopback(urljoin(f"{self.endpoint}/", url))
        while True:
            wait = _interval(answer)
            if deadline is not None and time.monotonic() + wait > deadline:
                raise TimedOutError(url, timeout)
            if self._cancelled.wait(wait):
                raise CancelledError(url)
            answer = self._send("GET", url)
            if answer.status_code not in (200, 201, 202, 204):
                raise _error(answer)
            body = _json(answer)
            if _failed(body):
                raise ArmError.of(answer.status_code, body)
            if answer.status_code != 202 and not _running(body):
                return

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        maybe_sent = False

        def once() -> httpx.Response:
            nonlocal maybe_sent
            try:
                return self._http.request(method, url, **options)
            except _NEVER_SENT:
                raise
            except httpx.TransportError:
                maybe_sent = True
                raise

        retrying = Retrying(
            retry=retry_if_exception_type(httpx.TransportError) | retry_if_result(_worth_retrying),
            stop=stop_after_attempt(ATTEMPTS) | stop_when_event_set(self._cancelled),
            wait=_delay,
            sleep=sleep_using_event(self._cancelled),
            retry_error_callback=_last_outcome,
        )
        try:
            answer: httpx.Response = retrying(once)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(method, url.partition("?")[0], reason, maybe_sent=maybe_sent) from error
        return answer


def _worth_retrying(answer: httpx.Response) -> bool:
    """Source of the codes: pulumi_engine.md 4.2. Any other 409 is final."""
    if answer.status_code == 409:
        return _error(answer).code == "AnotherOperationInProgress"
    return answer.status_code in RETRIED


def _delay(state: RetryCallState) -> float:
    answer = state.outcome.result() if state.outcome and not state.outcome.failed else None
    asked = _asked(answer) if isinstance(answer, httpx.Response) else None
    return asked if asked is not None else FIRST_DELAY * 2 ** (state.attempt_number - 1)


def _last_outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None  # noqa: S101 - an attempt was made
    return state.outcome.result()


def _interval(answer: httpx.Response) -> float:
    asked = _asked(answer)
    return POLL_INTERVAL if asked is None else asked


def _asked(answer: httpx.Response) -> float | None:
    """The seconds that ARM asks a client to wait, if it does."""
    for header, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        value: str = answer.headers.get(header, "")
        if value.replace(".", "", 1).isdigit():
            return float(value) * unit
    return None


def _json(answer: httpx.Response) -> Any:
    if "json" not in answer.headers.get("content-type", ""):
        return None
    return answer.json() if answer.content else None


def _body(answer: httpx.Response) -> dict[str, Any]:
    body = _json(answer)
    return body if isinstance(body, dict) else {}


def _error(answer: httpx.Response) -> ArmError:
    return ArmError.of(answer.status_code, _json(answer) or answer.text.strip())


def _state(body: Any) -> str:
    """An operation's status or a resource's provisioningState, in lower case."""
    if not isinstance(body, Mapping):
        return ""
    properties = body.get("properties")
    state = body.get("status") or (properties.get("provisioningState") if isinstance(properties, Mapping) else None)
    return str(state or "").lower()


def _running(body: Any) -> bool:
    return _state(body) in _RUNNING


def _failed(body: Any) -> bool:
    return _state(body) in ("failed", "canceled")
