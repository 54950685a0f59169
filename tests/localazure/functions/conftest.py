"""An app with functions on a local Azure whose workers are fake ones."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.localazure.conftest import GROUP, Arm, serving
from tests.localazure.storage import MemoryStorage

WORKER = (sys.executable, "-m", "tests.localazure.functions.fake_worker")
HUB = "OrdersHub"
HOST_JSON = {
    "version": "2.0",
    "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
    "extensions": {"durableTask": {"hubName": HUB, "storageProvider": {"connectionName": "Store"}}},
}


def zipped(functions: dict[str, Any], host_json: dict[str, Any] | None = None) -> bytes:
    """A package for the fake worker."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("function_app.py", "import azure.durable_functions")
        archive.writestr("host.json", json.dumps(HOST_JSON if host_json is None else host_json))
        archive.writestr("functions.json", json.dumps(functions))
    return file.getvalue()


@dataclass
class Shop:
    """The site `shop` with its slot `staging`, and an account for packages and one for each colour."""

    arm: Arm

    def settings(self, package: bytes, colour: str, **others: str) -> dict[str, str]:
        """App settings that run a package on a store."""
        name = f"{hashlib.sha256(package).hexdigest()}.zip"
        url = self.arm.storage.put_blob("packages", "packages", name, package)
        return {"WEBSITE_RUN_FROM_PACKAGE": f"{url}?sig=x", "Store": self.connection(colour), **others}

    def connection(self, account: str) -> str:
        key = self.arm.storage.accounts[account][0]
        return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key}"

    def run(self, package: bytes, colour: str, slot: str | None = None, **others: str) -> None:
        """Have a slot run a package on a store, and wait until it does."""
        self.arm.put_settings(self.settings(package, colour, **others), slot=slot)
        self.settle()

    def settle(self) -> list[dict[str, Any]]:
        answer = self.arm.http.get("/localazure/workers", params={"settled": 60}, timeout=70).json()
        assert answer["settled"], answer
        workers: list[dict[str, Any]] = answer["workers"]
        return workers

    def worker(self, slot: str = "production") -> dict[str, Any]:
        return next(each for each in self.settle() if each["slot"] == slot)

    def hubs(self) -> dict[str, dict[str, Any]]:
        """The open hubs by account."""
        return {hub["account"]: hub for hub in self.arm.http.get("/localazure/hubs").json()["hubs"]}

    def host_events(self, after: int = 0) -> list[dict[str, Any]]:
        return [event for event in self.arm.events("shop", after) if "host" in event]

    def swap(self) -> None:
        body = {"targetSlot": "staging", "preserveVnet": True}
        self.arm.web.web_apps.begin_swap_slot_with_production(GROUP, "shop", body).result()

    def keys(self, slot: str = "production") -> dict[str, str]:
        apps = self.arm.web.web_apps
        found = (
            apps.list_host_keys("rg", "shop") if slot == "production" else apps.list_host_keys_slot("rg", "shop", slot)
        )
        return {**found.system_keys, "master": found.master_key}

    def manage(
        self, path: str, method: str = "GET", slot: str = "production", code: str | None = None, **options: Any
    ) -> Any:
        """Call the management API of a slot with its key."""
        label = "shop" if slot == "production" else f"shop-{slot}"
        query = {"code": self.keys(slot)["durabletask_extension"] if code is None else code}
        query |= options.pop("params", {})
        headers = {"Host": f"{label}.azurewebsites.localhost", **options.pop("headers", {})}
        url = f"/runtime/webhooks/durabletask{path}"
        return self.arm.http.request(method, url, params=query, headers=headers, timeout=70, **options)


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[Arm]:
    with serving(tmp_path / "arm.sqlite", MemoryStorage(), worker=WORKER) as made:
        made.make_group()
        yield made


@pytest.fixture
def shop(arm: Arm) -> Shop:
    for account in ("packages", "blue", "green"):
        arm.make_account(account)
    arm.make_site()
    arm.make_slot()
    return Shop(arm)
