"""Events, states and findings as a run has them, for tests to put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from proof.truth import HubKey, State

BLUE: HubKey = ("shopblue", "ShopHub")
GREEN: HubKey = ("shopgreen", "ShopHub")
START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def hosted(phase: str, seconds: float, hub: HubKey, worker: str, package: str) -> dict[str, Any]:
    """An event of a Functions host."""
    account, name = hub
    told = {"worker": worker, "package": package, "account": account, "hub": name, "connection": "Durable"}
    return {"phase": phase, "slot": "staging", "production": False, "time": at(seconds).isoformat(), "host": told}


def stay(hub: HubKey, worker: str, package: str, joined: float, left: float | None = None) -> list[dict[str, Any]]:
    """The events of a worker on a hub."""
    events = [hosted("hub-joined", joined, hub, worker, package)]
    return events if left is None else [*events, hosted("hub-left", left, hub, worker, package)]


def routed(seconds: float) -> list[dict[str, Any]]:
    """The events of the middle of a swap."""
    event = {"phase": "swap-routed", "time": at(seconds).isoformat(), "settings": {}}
    return [{**event, "slot": "production", "production": True}, {**event, "slot": "staging", "production": False}]


def output(version: int, steps: int, **others: Any) -> dict[str, Any]:
    done = [{"step": f"step_v{version}", "version": version} for _ in range(steps)]
    return {"startedBy": version, "endedBy": version, "steps": done, **others}


def state(
    instance_id: str,
    hub: HubKey = BLUE,
    status: str = "Completed",
    began: float = 0,
    ended: float | None = 1,
    output: Any = None,
    failure: str = "",
) -> State:
    return State(instance_id, hub, status, at(began), None if ended is None else at(ended), output, failure)
