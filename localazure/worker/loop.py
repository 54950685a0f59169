"""The event loop of an app's async functions: one for all, as in Azure, since libraries keep sessions bound to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """Runs in a thread of its own, as long as the process does."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="async-functions", daemon=True).start()

    def begin(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Start an async function; safe to call from any thread, and from any other loop."""
        return asyncio.run_coroutine_threadsafe(call, self._loop)
