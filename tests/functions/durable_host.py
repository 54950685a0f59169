"""The Durable extension as an app's worker reaches it: the list of instances over HTTP, in pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, Request, answering

CREATED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
"""Whole seconds, since the extension tells no fractions of them."""

TOKEN = "x-ms-continuation-token"


def an_instance(instance_id: str, status: str | None = "Running", name: str = "process_order") -> dict[str, Any]:
    """An instance in the extension's words; entities are among them (azure_facts.md 3.3)."""
    return {
        "name": name,
        "instanceId": instance_id,
        "runtimeStatus": status,
        "input": None,
        "customStatus": None,
        "output": None,
        "createdTime": f"{CREATED:%Y-%m-%dT%H:%M:%SZ}",
        "lastUpdatedTime": f"{CREATED:%Y-%m-%dT%H:%M:%SZ}",
    }


@dataclass
class DurableHost:
    """Pages of instances; `last` is the token of the last page, `failing` may answer a page in its place."""

    pages: Sequence[Sequence[Mapping[str, Any]]]
    last: str = ""
    failing: Callable[[int], Answer | None] = lambda _: None
    log: list[Request] = field(default_factory=list)
    address: str = ""

    @property
    def binding(self) -> str:
        """What the binding `durableClient` hands to a function."""
        return json.dumps(
            {
                "taskHubName": "OrdersHub",
                "creationUrls": {"createNewInstancePostUri": f"{self.address}/orchestrators/x?code=a-secret"},
                "managementUrls": {"id": "INSTANCEID", "statusQueryGetUri": f"{self.address}/INSTANCEID?code=a-secret"},
                "baseUrl": f"{self.address}/runtime/webhooks/durabletask",
                "requiredQueryStringParameters": "code=a-secret",
                "rpcBaseUrl": f"{self.address}/durabletask/",
            }
        )

    @contextmanager
    def serving(self) -> Iterator[DurableHost]:
        with answering(self._answer) as self.address:
            yield self

    def _answer(self, request: Request) -> Answer | None:
        self.log.append(request)
        url = urlsplit(request.target)
        assert url.path == "/durabletask/instances"
        assert parse_qs(url.query) == {"top": ["1000"], "showInput": ["false"]}
        page = int(request.headers.get(TOKEN, "page 0").removeprefix("page "))
        failed = self.failing(page)
        if failed is not None:
            return failed
        token = f"page {page + 1}" if page + 1 < len(self.pages) else self.last
        return Answer(200, json.dumps(self.pages[page]).encode(), {TOKEN: token})
