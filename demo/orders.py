"""Orders at the shop, as a customer places them over HTTP: each starts an orchestration that waits for its approval."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from localazure.identity import ACCESS_TOKEN, SUBSCRIPTION_ID

_KEYS: Final = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{{group}}/providers/Microsoft.Web/sites/{{site}}"
    "/host/default/listkeys?api-version=2024-11-01"
)
_TOTAL: Final = 1200
"""So much has to be approved."""

_SECONDS: Final = 60.0
_PAUSE: Final = 0.1


class Shop:
    """The app at production's host name. `endpoint` is local Azure's."""

    def __init__(self, endpoint: str, group: str, site: str) -> None:
        self._host = f"{site}.azurewebsites.localhost"
        # A host name below localhost isn't found on each machine, so it goes into a header.
        self._client = httpx.Client(base_url=endpoint, trust_env=False, timeout=_SECONDS)
        token = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
        keys = self._client.post(_KEYS.format(group=group, site=site), headers=token)
        self._key = str(_told(keys)["functionKeys"]["default"])

    def close(self) -> None:
        self._client.close()

    def order(self, item: str) -> Order:
        """Place an order, and wait until its orchestration runs."""
        answer = self.ask(f"/api/orders?code={self._key}", "POST", {"item": item, "total": _TOTAL})
        order = Order(self, item, _told(answer))
        order.await_status("Running")
        return order

    def ask(self, url: str, method: str = "GET", body: Any = None) -> httpx.Response:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}"
        return self._client.request(method, target, headers={"Host": parts.netloc or self._host}, json=body)


class Order:
    """An order under way, by the URLs that the shop has given for it."""

    def __init__(self, shop: Shop, item: str, urls: Mapping[str, str]) -> None:
        self.item = item
        self._shop = shop
        self._urls = urls

    def approve(self) -> Any:
        """Approve it, and wait for its end: what the orchestration gives."""
        answer = self._shop.ask(self._urls["sendEventPostUri"].replace("{eventName}", "Approval"), "POST", True)
        answer.raise_for_status()
        return self.await_status("Completed")["output"]

    def await_status(self, status: str) -> Mapping[str, Any]:
        """Its status once it is so. Raises RuntimeError if it doesn't become so, or has failed."""
        deadline = time.monotonic() + _SECONDS
        while True:
            told: Mapping[str, Any] = _told(self._shop.ask(self._urls["statusQueryGetUri"]))
            if told["runtimeStatus"] == status:
                return told
            if told["runtimeStatus"] in {"Failed", "Terminated"} or time.monotonic() > deadline:
                raise RuntimeError(f"the order of {self.item} should be {status}, and is: {told}")
            time.sleep(_PAUSE)


def _told(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
