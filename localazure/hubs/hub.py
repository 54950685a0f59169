"""A task hub that serves: its backend and the mirror of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from localazure.hubs.backend import HubBackend, Snapshot
from localazure.hubs.mirror import Mirror
from localazure.hubs.runs import Runs
from localazure.hubs.spec import HubSpec
from localazure.hubs.table import HubStorage, Place

_LOG = logging.getLogger(__name__)
_SECONDS_TO_CLOSE: Final = 3.0


class Hub:
    """A task hub that serves; implements localazure.hubs.backend.Ledger by its mirror."""

    def __init__(self, spec: HubSpec, storage: HubStorage, runs: Runs) -> None:
        self.account = spec.account
        self.name = spec.name
        self._storage = storage
        self._runs = runs
        self.backend = HubBackend(self)
        self._mirror = self._mirror_in(spec.place)
        self.address = self.backend.start()

    @property
    def place(self) -> Place:
        return self._mirror.place

    @property
    def unwritten(self) -> int:
        """How many instances the table may not tell as they are; 0 if it is in step."""
        return self._mirror.unwritten

    def move(self, place: Place) -> None:
        """Keep the Instances table elsewhere from now on; what stands in the old one stays as it is."""
        if place == self._mirror.place:
            return
        old, self._mirror = self._mirror, self._mirror_in(place)
        for each in self.backend.snapshots():
            self._mirror.changed(each.id)
        self._mirror.settle()
        old.close()

    def begin(self, snapshots: Iterable[Snapshot]) -> None:
        self._mirror.begin(snapshots)

    def changed(self, instance_id: str) -> None:
        self._mirror.changed(instance_id)

    def settle(self, instance_ids: Iterable[str] | None = None) -> None:
        self._mirror.settle(instance_ids)

    def close(self) -> None:
        """Stop, with the table in step if it can be written."""
        self.backend.stop()
        try:
            self._mirror.settle(seconds=_SECONDS_TO_CLOSE)
        except TimeoutError as error:
            _LOG.warning("%s", error)
        self._mirror.close()

    def _mirror_in(self, place: Place) -> Mirror:
        return Mirror(self._storage, place, self.name, self._runs.begin(place).id, self.backend.snapshot)
