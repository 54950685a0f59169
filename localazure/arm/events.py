"""The event log: what each site's worker ran with, and when, so that a test can prove that no hub met two packages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from localazure.arm.database import Database

_SECRET = re.compile(
    r"((?:AccountKey|SharedAccessKey|SharedAccessSignature|Password)=)[^;]*|([?&]sig=)[^&;]*", re.IGNORECASE
)


class Phase(StrEnum):
    """What happened to a site's worker."""

    CREATED = "created"
    STARTED = "started"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    DELETED = "deleted"
    SETTINGS_CHANGED = "settings-changed"
    SWAP_STARTED = "swap-started"
    SWAP_SETTINGS_APPLIED = "swap-settings-applied"
    SWAP_SOURCE_RESTARTED = "swap-source-restarted"
    SWAP_WARMED_UP = "swap-warmed-up"
    SWAP_ROUTED = "swap-routed"
    SWAP_COMPLETED = "swap-completed"
    SWAP_FAILED = "swap-failed"
    SWAP_RESET = "swap-reset"
    HOST_STARTED = "host-started"
    HOST_FAILED = "host-failed"
    HOST_ENDED = "host-ended"
    HUB_JOINED = "hub-joined"
    HUB_LEFT = "hub-left"


def redacted(value: str) -> str:
    """The value without its secrets; the name of an account stays readable."""
    return _SECRET.sub(lambda match: f"{match[1] or match[2]}***", value)


def now() -> str:
    """The time in UTC as ARM writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class EventLog:
    """Appends to and reads the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        phase: Phase,
        *,
        site: str,
        slot: str,
        settings: Mapping[str, str],
        operation: str | None = None,
        host: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what a worker has come to.

        `settings` are the app settings that it runs with from then on. It serves production if its slot is production.
        `host` is there in the phases of a Functions host alone, and tells of it and its hub.
        """
        event = {
            "time": now(),
            "phase": phase.value,
            "site": site,
            "slot": slot,
            "production": slot == "production",
            "settings": {name: redacted(value) for name, value in settings.items()},
            "operation": operation,
        }
        if host is not None:
            event["host"] = dict(host)
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO events (site, event) VALUES (?, ?)", (site.lower(), json.dumps(event)))

    def read(self, site: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        """The events in their order, of one site if given, with a `sequence` above `after`."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT sequence, event FROM events WHERE sequence > ? AND (? IS NULL OR site = ?) ORDER BY sequence",
                (after, site and site.lower(), site and site.lower()),
            ).fetchall()
        return [{"sequence": sequence, **json.loads(event)} for sequence, event in rows]
