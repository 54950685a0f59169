"""Keeps a hub's Instances table in step with its backend, so that whoever reads it reads what they would in Azure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from durable.instance_ids import to_partition_key
from localazure.hubs.backend import Snapshot
from localazure.hubs.rows import row_of, same
from localazure.hubs.table import HubStorage, Place, Row

_LOG = logging.getLogger(__name__)
_WRITERS: Final = 3
_LANES: Final = 64
_LONGEST_PAUSE: Final = 5.0
_SECONDS_TO_SETTLE: Final = 30.0


class Mirror:
    """Implements localazure.hubs.backend.Ledger with an Instances table.

    `begin` writes before it returns, so a row is active as long as its instance is, and a little longer. What has
    changed is written by a few threads, as it is when they come to it. Rows that differ in the time of the last update
    alone aren't written again.
    """

    def __init__(self, storage: HubStorage, place: Place, hub: str, run: str, look: Callable[[str], Snapshot]) -> None:
        self.place = place
        self._storage = storage
        self._hub = hub
        self._run = run
        self._look = look
        self._lanes = [threading.Lock() for _ in range(_LANES)]
        self._written: dict[str, tuple[int, Row | None]] = {}
        self._news = threading.Condition()
        self._changed: dict[str, None] = {}
        self._under_way: dict[str, int] = {}
        self._closed = False
        self._pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="hub-begin")
        self._threads = [threading.Thread(target=self._work, name="hub-mirror", daemon=True) for _ in range(_WRITERS)]
        for thread in self._threads:
            thread.start()

    @property
    def unwritten(self) -> int:
        """How many instances may be another than their row says; 0 if the table is in step."""
        with self._news:
            return len(self._changed) + len(self._under_way)

    def begin(self, snapshots: Iterable[Snapshot]) -> None:
        first, *others = snapshots
        rest = [self._pool.submit(self._write, each) for each in others]
        self._write(first)
        for each in rest:
            each.result()

    def changed(self, instance_id: str) -> None:
        with self._news:
            self._changed[instance_id] = None
            self._news.notify_all()

    def settle(self, instance_ids: Iterable[str] | None = None, seconds: float = _SECONDS_TO_SETTLE) -> None:
        """Wait until these are written; all, if none are named. Raises TimeoutError after that time."""
        wanted = None if instance_ids is None else set(instance_ids)

        def open_ones() -> set[str]:
            unwritten = {*self._changed, *self._under_way}
            return unwritten if wanted is None else unwritten & wanted

        with self._news:
            if not self._news.wait_for(lambda: self._closed or not open_ones(), seconds):
                raise TimeoutError(f"the table {self.place.table} of {self.place.account} can't be written")

    def close(self) -> None:
        """Stop; what isn't written by now stays unwritten."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()

    def _work(self) -> None:
        pause = 0.0
        while (instance_id := self._next()) is not None:
            try:
                self._write(self._look(instance_id))
                pause = 0.0
            except Exception as error:
                # Whatever it was, the table must be told in the end: it stays noted as changed.
                pause = min(_LONGEST_PAUSE, 2 * pause or 0.1)
                _LOG.warning("a row of %s in %s can't be written: %r", self.place.table, self.place.account, error)
                self.changed(instance_id)
            finally:
                self._done(instance_id)
            if pause:
                with self._news:
                    self._news.wait_for(lambda: self._closed, pause)

    def _next(self) -> str | None:
        with self._news:
            self._news.wait_for(lambda: self._closed or bool(self._changed))
            if self._closed:
                return None
            instance_id = next(iter(self._changed))
            del self._changed[instance_id]
            self._under_way[instance_id] = self._under_way.get(instance_id, 0) + 1
            return instance_id

    def _done(self, instance_id: str) -> None:
        with self._news:
            self._under_way[instance_id] -= 1
            if not self._under_way[instance_id]:
                del self._under_way[instance_id]
            self._news.notify_all()

    def _write(self, found: Snapshot) -> None:
        """Write a snapshot, unless a later one has been written; two of one instance never at a time."""
        row = row_of(found, self._hub, self._run)
        with self._lanes[hash(found.id) % _LANES]:
            version, written = self._written.get(found.id, (0, None))
            if version >= found.version:
                return
            if version == 0 or not same(row, written):
                if row is None:
                    self._storage.delete_row(self.place, to_partition_key(found.id))
                else:
                    self._storage.put_row(self.place, row)
                written = row
            self._written[found.id] = (found.version, written)
