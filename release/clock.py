"""Time as the waiting steps of a release see it, so that tests need not wait."""

from __future__ import annotations

import time
from typing import Final, Protocol


class Clock(Protocol):
    """Seconds: `now` never runs backwards and has no zero of its own."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """Implements Clock with the machine's time."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SYSTEM_CLOCK: Final = SystemClock()
