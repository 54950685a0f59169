"""Time as the waiting steps of a release see it, so that tests need not wait."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Seconds: `now` never runs backwards and has no zero of its own."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...
