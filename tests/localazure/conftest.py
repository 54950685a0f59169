"""A local Azure for each test: the real application, served by uvicorn on a free port, over storage in memory."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from azure.core.exceptions import HttpResponseError

from localazure.app import LocalAzure, create_app
from localazure.functions.process import COMMAND
from localazure.identity import HEADERS, SUBSCRIPTION_ID
from tests.clients import authorization_client, resource_client, storage_client, web_client
from tests.localazure.storage import MemoryStorage

GROUP = "rg"
LOCATION = "westeurope"
PACE = 0.01


def code_of(error: HttpResponseError) -> str:
    """ARM's code of an error that a client raised."""
    assert error.error is not None
    return str(error.error.code)


class _Server(uvicorn.Server):
    """Tells when it listens, or that it never will."""

    def __init__(self, app: LocalAzure) -> None:
        config = uvicorn.Config(app, log_level="warning", lifespan="on", ws="none", timeout_graceful_shutdown=1)
        super().__init__(config)
        self._app = app
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.interrupt()
        await super().shutdown(sockets)


@dataclass
class Arm:
    """A running local Azure, and the clients for it."""

    url: str
    storage: MemoryStorage
    database: Path
    # Any: tests state bodies as plain JSON, which these clients take and their annotations don't allow.
    web: Any = field(init=False)
    accounts: Any = field(init=False)
    resources: Any = field(init=False)
    roles: Any = field(init=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.web = web_client(self.url)
        self.accounts = storage_client(self.url)
        self.resources = resource_client(self.url)
        self.roles = authorization_client(self.url)
        self.http = httpx.Client(base_url=self.url, headers=HEADERS, trust_env=False, timeout=10)

    def close(self) -> None:
        for client in (self.web, self.accounts, self.resources, self.roles, self.http):
            client.close()

    @property
    def subscription(self) -> str:
        return f"/subscriptions/{SUBSCRIPTION_ID}"

    @property
    def group(self) -> str:
        return f"{self.subscription}/resourceGroups/{GROUP}"

    def site(self, label: str, path: str = "/") -> httpx.Response:
        """Ask a site or a slot by the first label of its host name."""
        return self.http.get(path, headers={"Host": f"{label}.azurewebsites.localhost"})

    def events(self, site: str = "", after: int = 0) -> list[dict[str, Any]]:
        answer = self.http.get("/localazure/events", params={"site": site, "after": after})
        found: list[dict[str, Any]] = answer.json()["events"]
        return found

    def fault(self, **rule: Any) -> None:
        answer = self.http.post("/localazure/faults", json=rule)
        assert answer.status_code == 200, answer.text

    def make_group(self) -> None:
        self.resources.resource_groups.create_or_update(GROUP, {"location": LOCATION})

    def make_plan(self, name: str = "plan", sku: str = "EP1", **body: Any) -> str:
        plan = {"location": LOCATION, "sku": {"name": sku}, **body}
        return str(self.web.app_service_plans.begin_create_or_update(GROUP, name, plan).result().id)

    def make_site(self, name: str = "shop", plan: str | None = None, **properties: Any) -> None:
        properties = {"serverFarmId": plan or self.make_plan(), **properties}
        body = {"location": LOCATION, "kind": "functionapp", "properties": properties}
        self.web.web_apps.begin_create_or_update(GROUP, name, body).result()

    def make_slot(self, site: str = "shop", slot: str = "staging", **properties: Any) -> None:
        body = {"location": LOCATION, "properties": properties}
        self.web.web_apps.begin_create_or_update_slot(GROUP, site, slot, body).result()

    def make_account(self, name: str = "account1") -> None:
        body = {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
        self.accounts.storage_accounts.begin_create(GROUP, name, body).result()

    def put_settings(self, settings: dict[str, str], site: str = "shop", slot: str | None = None) -> None:
        body = {"properties": settings}
        if slot is None:
            self.web.web_apps.update_application_settings(GROUP, site, body)
        else:
            self.web.web_apps.update_application_settings_slot(GROUP, site, slot, body)

    def settings(self, site: str = "shop", slot: str | None = None) -> dict[str, str]:
        apps = self.web.web_apps
        found = (
            apps.list_application_settings(GROUP, site)
            if slot is None
            else apps.list_application_settings_slot(GROUP, site, slot)
        )
        return dict(found.properties or {})


@contextmanager
def serving(database: Path, storage: MemoryStorage, worker: Sequence[str] = COMMAND) -> Iterator[Arm]:
    """A local Azure over this state; it goes on with what an earlier one left unfinished."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(database, base_url=url, storage=storage, pace=PACE, worker=worker)
        server = _Server(app)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert server.up.wait(10)
        made = Arm(url, storage, database)
        try:
            yield made
        finally:
            made.close()
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[Arm]:
    """A local Azure with one resource group."""
    with serving(tmp_path / "arm.sqlite", MemoryStorage()) as made:
        made.make_group()
        yield made
