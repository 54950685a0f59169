"""Long-running operations: kept in SQLite, carried out in threads, taken up again after a restart."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from localazure.arm.database import Database
from localazure.arm.errors import ArmError
from localazure.arm.events import now

_LOG = logging.getLogger(__name__)
Json = dict[str, Any]

RETRY_AFTER_MS: Final = 20
"""What clients are told to wait between two looks at an operation; azure-core and azcore honour `retry-after-ms`."""


class Status(StrEnum):
    """ARM's names for how an operation stands."""

    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class Operation:
    """An operation as stored.

    `subject` is the id of the resource that it changes, `state` how far it has come, `result` what its Location answers
    when it has succeeded (None: nothing), `error` ARM's error with its status when it has failed.
    """

    id: str
    kind: str
    subject: str
    status: Status
    state: Json
    error: Json | None
    result: Json | None
    started: str
    ended: str | None


class ShutdownError(Exception):
    """The server shuts down: the operation goes on at the next start."""


class Handle:
    """What the code of an operation sees of it."""

    def __init__(self, operations: Operations, operation: Operation, stopping: threading.Event) -> None:
        self.id = operation.id
        self.subject = operation.subject
        self.state: Json = dict(operation.state)
        self._operations = operations
        self._stopping = stopping

    def advance(self, **changes: Any) -> None:
        """Note how far the operation has come; call it in the transaction that makes it so."""
        self.state.update(changes)
        self._operations.update(self.id, "state = ?", json.dumps(self.state))

    def succeed(self, result: Json | None = None) -> None:
        self._operations.end(self.id, Status.SUCCEEDED, result=result)

    def fail(self, error: ArmError) -> None:
        self._operations.end(self.id, Status.FAILED, error={"status": error.status, **error.body["error"]})

    def pause(self, seconds: float) -> None:
        """Let time pass; raises ShutdownError as soon as the server shuts down."""
        if self._stopping.wait(seconds):
            raise ShutdownError

    def stop_at_shutdown(self) -> None:
        """Raises ShutdownError if the server shuts down."""
        self.pause(0)


Run = Callable[[Handle], None]


class Operations:
    """All operations, and the threads that carry them out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kinds: dict[str, Run] = {}
        self._stopping = threading.Event()
        self._threads: set[threading.Thread] = set()

    def register(self, kind: str, run: Run) -> None:
        """Name the code of a kind of operation: it goes on from the handle's state and ends with succeed or fail."""
        self._kinds[kind] = run

    def create(self, kind: str, subject: str, state: Json | None = None) -> Operation:
        """Store a new operation; once that is committed, `launch` it."""
        made = Operation(str(uuid.uuid4()), kind, subject, Status.IN_PROGRESS, state or {}, None, None, now(), None)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO operations (id, kind, subject, status, state, started) VALUES (?, ?, ?, ?, ?, ?)",
                (made.id, made.kind, made.subject.lower(), made.status.value, json.dumps(made.state), made.started),
            )
        return made

    def get(self, operation_id: str) -> Operation | None:
        found = self._select("id = ?", operation_id.lower())
        return found[0] if found else None

    def running(self, kind: str, subject: str) -> Operation | None:
        """The operation of this kind that is at work on this resource."""
        found = self._select("status = 'InProgress' AND kind = ? AND subject = ?", kind, subject.lower())
        return found[0] if found else None

    def launch(self, operation: Operation) -> None:
        """Carry an operation out, or on, in a thread of its own."""
        thread = threading.Thread(target=self._run, args=(operation,), name=f"operation-{operation.id}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def resume(self) -> None:
        """Go on with all that an earlier process left unfinished."""
        for operation in self._select("status = 'InProgress'"):
            self.launch(operation)

    def interrupt(self) -> None:
        """Have what is at work stop where it next looks; it goes on at the next start."""
        self._stopping.set()

    def close(self) -> None:
        """Interrupt what is at work, and wait until it has stopped."""
        self.interrupt()
        for thread in list(self._threads):
            thread.join()

    def update(self, operation_id: str, assignment: str, *values: str | None) -> None:
        with self._database.transaction() as connection:
            connection.execute(f"UPDATE operations SET {assignment} WHERE id = ?", (*values, operation_id))  # noqa: S608

    def end(self, operation_id: str, status: Status, *, result: Json | None = None, error: Json | None = None) -> None:
        stored = [None if each is None else json.dumps(each) for each in (result, error)]
        self.update(operation_id, "status = ?, ended = ?, result = ?, error = ?", status.value, now(), *stored)

    def _run(self, operation: Operation) -> None:
        handle = Handle(self, operation, self._stopping)
        try:
            self._kinds[operation.kind](handle)
        except ShutdownError:
            _LOG.info("operation %s goes on at the next start", operation.id)
        except ArmError as error:
            handle.fail(error)
        except Exception as error:
            _LOG.exception("operation %s (%s) failed", operation.id, operation.kind)
            handle.fail(ArmError(500, "InternalServerError", f"{type(error).__name__}: {error}"))
        finally:
            self._threads.discard(threading.current_thread())

    def _select(self, where: str, *values: str) -> list[Operation]:
        columns = "id, kind, subject, status, state, error, result, started, ended"
        with self._database.transaction() as connection:
            rows = connection.execute(f"SELECT {columns} FROM operations WHERE {where}", values).fetchall()  # noqa: S608
        return [_operation(*row) for row in rows]


def _operation(*row: str) -> Operation:
    operation_id, kind, subject, status, state, error, result, started, ended = row
    return Operation(
        operation_id,
        kind,
        subject,
        Status(status),
        state=json.loads(state),
        error=json.loads(error) if error else None,
        result=json.loads(result) if result else None,
        started=started,
        ended=ended,
    )
