"""The sample app, run by the real worker in both slots of a site."""

from __future__ import annotations

import io
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.localazure.conftest import GROUP, Arm, serving
from tests.localazure.functions.conftest import Shop
from tests.localazure.functions.test_hosts import completed, ended, made
from tests.localazure.storage import MemoryStorage

FUNCTIONS = Path(__file__).parents[3] / "functions"


def package(release: str) -> bytes:
    """The sample with a line more, so that it is another package."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("function_app.py", "status_check.py", "host.json"):
            text = (FUNCTIONS / name).read_text().replace('"DurableManagementStorage"', '"Store"')
            archive.writestr(name, text)
        archive.writestr("release.txt", release)
    return file.getvalue()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with serving(tmp_path / "arm.sqlite", MemoryStorage()) as arm:
        arm.make_group()
        yield made(arm)


def ask(arm: Arm, url: str, method: str = "GET", **options: Any) -> Any:
    """Ask a site at an address that it handed out."""
    parts = urlsplit(url)
    return arm.http.request(
        method, f"{parts.path}?{parts.query}", headers={"Host": parts.netloc}, timeout=70, **options
    )


def status_check(shop: Shop, slot: str = "production") -> dict[str, Any]:
    apps = shop.arm.web.web_apps
    keys = apps.list_host_keys(GROUP, "shop") if slot == "production" else apps.list_host_keys_slot(GROUP, "shop", slot)
    label = "shop" if slot == "production" else f"shop-{slot}"
    url = f"http://{label}.azurewebsites.localhost/api/StatusCheck?code={keys.function_keys['default']}"
    answer = ask(shop.arm, url)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_an_order_outlives_a_swap_and_the_death_of_its_worker(shop: Shop) -> None:
    shop.run(package("one"), "blue")
    shop.run(package("two"), "green", "staging")
    key = shop.arm.web.web_apps.list_host_keys(GROUP, "shop").function_keys["default"]
    orders = f"http://shop.azurewebsites.localhost/api/orders?code={key}"
    first = ask(shop.arm, orders, "POST", json={"item": "lamp", "total": 2000}).json()
    assert ask(shop.arm, first["statusQueryGetUri"]).status_code == 202
    assert status_check(shop)["active"] == 1

    shop.swap()
    shop.settle()
    assert (status_check(shop)["active"], status_check(shop, "staging")["active"]) == (0, 1)
    worker = shop.worker("staging")
    os.kill(worker["pid"], signal.SIGKILL)
    ended(worker["pid"])
    shop.manage(f"/instances/{first['id']}/raiseEvent/Approval", "POST", "staging", json=True)
    told = completed(shop, first["id"], "staging")
    assert told["output"] == {"state": "shipped", "receipt": "receipt for 2000", "parcel": "parcel with 1 of lamp"}

    # The package that serves now began in staging, and hands out production's addresses.
    second = ask(shop.arm, orders, "POST", json={"item": "table", "total": 20}).json()
    completed(shop, second["id"])
    assert ask(shop.arm, second["statusQueryGetUri"]).json()["runtimeStatus"] == "Completed"
    assert ask(shop.arm, second["purgeHistoryDeleteUri"], "DELETE").json() == {"instancesDeleted": 1}
