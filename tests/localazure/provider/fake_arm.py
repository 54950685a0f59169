"""A small ARM in memory: it keeps what it is sent, adds what ARM adds, and fails when told to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

HOST = "http://127.0.0.1:10400"
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg"

Answer = Callable[[httpx.Request], httpx.Response]


def error(status: int, code: str, message: str = "said ARM") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


@dataclass
class FakeArm:
    """`resources`: body by lower-case id. `scripted`: answers to give first, by a pattern of "METHOD path"."""

    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    scripted: list[tuple[str, Answer]] = field(default_factory=list)
    defaults: dict[str, Any] = field(default_factory=dict)
    """Properties that this ARM adds to all that it keeps."""
    keys: list[dict[str, str]] = field(default_factory=list)
    """The keys of each storage account."""

    def next(self, pattern: str, answer: httpx.Response | Exception | Answer) -> None:
        def given(request: httpx.Request) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, httpx.Response) else answer(request)

        self.scripted.append((pattern, given))

    def sent(self, method: str) -> list[str]:
        """The paths of the requests with a method, in order."""
        return [request.url.path for request in self.requests if request.method == method]

    def body(self, method: str) -> Any:
        """The last body that was sent with a method."""
        return json.loads([request for request in self.requests if request.method == method][-1].content)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        line = f"{request.method} {request.url.path}"
        for index, (pattern, answer) in enumerate(self.scripted):
            if re.search(pattern, line):
                del self.scripted[index]
                return answer(request)
        if request.url.path == "/metadata/endpoints":
            return httpx.Response(200, json={"resourceManager": f"{HOST}/"})
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        key = path.removesuffix("/list").lower()
        if request.method == "PUT":
            self.resources[key] = self.kept(path, json.loads(request.content))
            return httpx.Response(200, json=self.resources[key])
        if request.method == "DELETE":
            return httpx.Response(200 if self.resources.pop(key, None) else 404)
        if key.endswith("/config/web"):
            return httpx.Response(200, json={"properties": self.resources.get(key, {"alwaysOn": False})})
        if key.endswith("/listkeys"):
            return httpx.Response(200, json={"keys": self.keys})
        if key not in self.resources:
            return error(404, "ResourceNotFound")
        return httpx.Response(200, json=self.resources[key])

    def kept(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        if "properties" in body and "/config/" not in path:
            body["properties"] = {**self.defaults, **body["properties"]}
        return {**body, "id": path, "name": name, "type": "a/type", "systemData": {"createdBy": "me"}}
