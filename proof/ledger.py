"""What the load has done: each orchestration that it started, each request, and how they were answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from durable.stores import Slot
from proof.kinds import Order


@dataclass(frozen=True)
class Started:
    """An orchestration that the app was asked to start. `urls` are those of its check status response, None if there
    was none; `moved` tells whether its event had to be raised at the other slot, where a swap had taken it."""

    order: Order
    slot: Slot
    asked: datetime
    urls: Mapping[str, str] | None = None
    raised: bool = False
    moved: bool = False


@dataclass(frozen=True)
class Problem:
    """A request that wasn't answered as it must be: what was asked, when, and what came instead."""

    what: str
    when: datetime
    seen: str


@dataclass
class Ledger:
    """Safe to use from several threads."""

    started: dict[str, Started] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    """How many there were, by what was asked."""
    problems: list[Problem] = field(default_factory=list)
    elsewhere: int = 0
    """How many status URLs led to nothing since a swap had taken the orchestration to the other slot."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, order: Order, slot: Slot) -> None:
        with self._lock:
            self.started[order.id] = Started(order, slot, datetime.now(UTC))

    def accepted(self, order: Order, urls: Mapping[str, str]) -> None:
        self._change(order, urls=urls)

    def raised(self, order: Order, *, moved: bool) -> None:
        self._change(order, raised=True, moved=moved)

    def asked(self, what: str) -> None:
        with self._lock:
            self.requests[what] += 1

    def led_elsewhere(self) -> None:
        with self._lock:
            self.elsewhere += 1

    def problem(self, what: str, seen: str) -> None:
        with self._lock:
            self.problems.append(Problem(what, datetime.now(UTC), seen))

    def _change(self, order: Order, **values: object) -> None:
        with self._lock:
            self.started[order.id] = replace(self.started[order.id], **values)  # type: ignore[arg-type]
