"""A clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_SLEEPS = 1000


@dataclass
class FakeClock:
    """Implements release.clock.Clock; sleeping moves it, and `slept` keeps each sleep's beginning and end."""

    time: float = 0.0
    slept: list[tuple[float, float]] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        assert len(self.slept) < MOST_SLEEPS, "this wait never ends"
        self.slept.append((self.time, self.time + seconds))
        self.time += seconds
