"""Which hubs have written into which tables: what a process that has ended left there is told by it."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from durable.entities import is_entity
from durable.instance_ids import from_partition_key
from durable.statuses import InstanceStatus, is_active
from localazure.arm.database import Database
from localazure.hubs.table import HubStorage, Place, Row

_LOG = logging.getLogger(__name__)

RUN_LENGTH = 12

LOST = "Local Azure was restarted. It keeps orchestrations in memory, so this one can't go on."


@dataclass(frozen=True)
class Run:
    """A hub in the life of one process, by the twelve digits with which it begins its ExecutionIds."""

    id: str
    place: Place


class Runs:
    """Remembered in local Azure's database, one row for each run and table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, place: Place) -> Run:
        run = Run(secrets.token_hex(RUN_LENGTH // 2), place)
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO hub_runs VALUES (?, ?, ?)", (run.id, place.account, place.table))
        return run

    def all(self) -> list[Run]:
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT run, account, instances FROM hub_runs").fetchall()
        return [Run(run, Place(account, table)) for run, account, table in rows]

    def forget(self, run: Run) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM hub_runs WHERE run = ?", (run.id,))


def close_left_behind(storage: HubStorage, run: Run) -> int:
    """Have what a run left active be Failed, and its entities gone; returns how many orchestrations there were.

    A gate would wait for them for ever. Rows of others, and those of hand, stay as they are.
    """
    failed = 0
    for row in storage.rows(run.place):
        if not row.get("ExecutionId", "").startswith(run.id) or not is_active(row.get("RuntimeStatus", "")):
            continue
        entity = is_entity(from_partition_key(row["PartitionKey"]))
        storage.change_row(run.place, row, _gone if entity else _failed)
        failed += not entity
    return failed


def close_all_left_behind(runs: Runs, storage: HubStorage, left: list[Run], served: Callable[[str], bool]) -> None:
    """The same for all runs of earlier processes, which are forgotten then."""
    for run in left:
        try:
            failed = close_left_behind(storage, run) if served(run.place.account) else 0
        except Exception:
            # It stays remembered, so the next start tries again.
            _LOG.exception("%s in %s can't be read to its end", run.place.table, run.place.account)
            continue
        if failed:
            _LOG.warning("%s orchestrations of %s in %s were lost", failed, run.place.table, run.place.account)
        runs.forget(run)


def _failed(row: Row) -> Row:
    now = datetime.now(UTC)
    ended = {"RuntimeStatus": InstanceStatus.FAILED.value, "Output": json.dumps(LOST)}
    return {**row, **ended, "LastUpdatedTime": now, "CompletedTime": now}


def _gone(row: Row) -> None:  # noqa: ARG001
    return None
