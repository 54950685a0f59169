"""Somebody who uses production all the time."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

import httpx

_PAUSE = 0.02
"""Seconds between two requests, so that the visitor doesn't take a core for itself."""


class Visitor:
    """Asks production again and again between `with` and its end, and notes what it is answered."""

    def __init__(self, endpoint: str, host: str) -> None:
        self._client = httpx.Client(base_url=endpoint, headers={"Host": host}, trust_env=False, timeout=30)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._visit, name="visitor", daemon=True)
        self.answers = 0
        self.failures: list[str] = []
        self.seen: list[tuple[str, str]] = []
        """The durable accounts and packages that answered, whenever they were others than before."""

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        self._client.close()

    def _visit(self) -> None:
        while not self._leaving.wait(_PAUSE):
            try:
                answer = self._client.get("/")
                told: dict[str, Any] = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                self.failures.append(repr(error))
                continue
            if answer.status_code != 200 or not told["production"]:
                self.failures.append(f"{answer.status_code}: {told}")
                continue
            self.answers += 1
            served = (told["store"]["account"], told["package"])
            if not self.seen or self.seen[-1] != served:
                self.seen.append(served)
