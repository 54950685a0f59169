"""What a running local Azure tells about itself, over HTTP like any other client."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import httpx

from localazure.daemon import running
from localazure.environment import Endpoints
from localazure.errors import LocalAzureError
from localazure.identity import HEADERS, SUBSCRIPTION_ID
from localazure.state import Server, State

_SECONDS: Final = 10.0
_API_VERSION: Final = "2021-04-01"
_GROUPS: Final = "Microsoft.Resources/resourceGroups"


@dataclass(frozen=True)
class Status:
    server: Server
    resources: dict[str, int]
    """Resource type -> how many there are, resource groups included."""
    workers: list[dict[str, Any]]
    hubs: list[dict[str, Any]]


def status(state: State) -> Status | None:
    """None when no server runs."""
    server = running(state)
    if server is None:
        return None
    with _client(server) as client:
        counts = Counter({_GROUPS: len(_list(client, "resourcegroups"))})
        counts.update(resource["type"] for resource in _list(client, "resources"))
        workers = _get(client, "/localazure/workers", {})["workers"]
        hubs = _get(client, "/localazure/hubs", {})["hubs"]
    return Status(server, {kind: counts[kind] for kind in sorted(counts) if counts[kind]}, workers, hubs)


def events(state: State, *, site: str | None, after: int) -> list[dict[str, Any]]:
    """The event log, oldest first: of one site or of all, from the sequence number after `after` on."""
    server = running(state)
    if server is None:
        raise LocalAzureError(
            "Local Azure isn't running, and only it can tell its events: `python -m localazure start`."
        )
    with _client(server) as client:
        query = {"after": str(after)} | ({"site": site} if site else {})
        found: list[dict[str, Any]] = _get(client, "/localazure/events", query)["events"]
        return found


def _list(client: httpx.Client, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    url, query = f"/subscriptions/{SUBSCRIPTION_ID}/{what}", {"api-version": _API_VERSION}
    while url:
        page = _get(client, url, query)
        found += page["value"]
        # The link to the next page carries its own query.
        url, query = page.get("nextLink") or "", {}
    return found


def _get(client: httpx.Client, url: str, query: dict[str, str]) -> dict[str, Any]:
    try:
        response = client.get(url, params=query or None)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise LocalAzureError(f"Local Azure runs, but didn't answer as it should: {error}") from error
    answer: dict[str, Any] = response.json()
    return answer


def _client(server: Server) -> httpx.Client:
    # No proxy of the environment stands between this machine and itself.
    at = Endpoints.of(server.ports).arm
    return httpx.Client(base_url=at, headers=HEADERS, timeout=_SECONDS, trust_env=False)
