"""All task hubs: one for each account and name, as long as local Azure runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localazure.hubs.runs import Run, Runs, close_all_left_behind
from localazure.hubs.spec import HubSpec
from localazure.hubs.table import HubStorage

if TYPE_CHECKING:
    from localazure.hubs.hub import Hub


@dataclass
class Hubs:
    """Opens hubs when they are first joined. Safe to call from several threads."""

    storage: HubStorage
    runs: Runs
    _open: dict[tuple[str, str], Hub] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _left: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = self.runs.all()

    def join(self, spec: HubSpec) -> Hub:
        """The hub, made if there was none. Raises what the storage raises."""
        with self._lock:
            spec.make(self.storage)
            hub = self._open.get(spec.key)
            if hub is None:
                # It takes a while to load, and a local Azure without orchestrations never needs it.
                from localazure.hubs.hub import Hub

                hub = self._open[spec.key] = Hub(spec, self.storage, self.runs)
            else:
                hub.move(spec.place)
            return hub

    def find(self, account: str, name: str) -> Hub | None:
        """The hub, if a worker has joined it since local Azure started."""
        return self._open.get((account.lower(), name.lower()))

    def all(self) -> list[Hub]:
        """Those that are open, by account and name."""
        return [hub for _, hub in sorted(self._open.items())]

    def close_left_behind(self, served: Callable[[str], bool]) -> None:
        """Have the orchestrations of earlier processes be Failed; `served` tells whether an account is there still."""
        left, self._left = self._left, []
        close_all_left_behind(self.runs, self.storage, left, served)

    def keep(self, accounts: Collection[str]) -> None:
        """Close the hubs of all other accounts: those were deleted."""
        with self._lock:
            kept = {account.lower() for account in accounts}
            gone = [self._open.pop(key) for key in list(self._open) if key[0] not in kept]
        for hub in gone:
            # It may try for a while to write into tables that are gone.
            threading.Thread(target=hub.close, name="close-hub", daemon=True).start()

    def close(self) -> None:
        with self._lock:
            gone, self._open = list(self._open.values()), {}
        for hub in gone:
            hub.close()
