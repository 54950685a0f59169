"""What became of each orchestration, as its hub tells, and what the event log tells of the hubs themselves."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from durabletask.client import OrchestrationQuery, TaskHubGrpcClient

from proof.azure import Event, Hub
from proof.observer import ACTIVE, utc

_NON_DETERMINISM: Final = "NonDeterminism"
_QUIET: Final = logging.getLogger("proof.client")

HubKey = tuple[str, str]


@dataclass(frozen=True)
class State:
    """An orchestration in its hub. `ended` is None as long as it is active, `failure` is "" if it hasn't failed."""

    id: str
    hub: HubKey
    status: str
    began: datetime
    ended: datetime | None
    output: Any = None
    failure: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether other code than that it began with was at work on it."""
        return _NON_DETERMINISM in self.failure


def read_hub(hub: Hub) -> list[State]:
    """All orchestrations of a hub."""
    client = TaskHubGrpcClient(host_address=hub.address, logger=_QUIET)
    try:
        found = client.get_all_orchestration_states(OrchestrationQuery(fetch_inputs_and_outputs=True))
    finally:
        client.close()
    return [
        State(
            state.instance_id,
            hub.key,
            state.runtime_status.name.capitalize(),
            utc(state.created_at),
            None if state.runtime_status in ACTIVE else utc(state.last_updated_at),
            json.loads(state.serialized_output) if state.serialized_output else None,
            f"{state.failure_details.error_type}: {state.failure_details.message}" if state.failure_details else "",
        )
        for state in found
    ]


@dataclass(frozen=True)
class Stay:
    """A worker on a hub: with which package, from when to when; `left` is None if it is there still."""

    hub: HubKey
    worker: str
    package: str
    joined: datetime
    left: datetime | None


def stays(events: Iterable[Event]) -> list[Stay]:
    """All stays of a log, in the order in which they began; a worker that died may have several."""
    begun: dict[str, Stay] = {}
    over: list[Stay] = []
    for event in events:
        if event["phase"] == "hub-joined":
            told = event["host"]
            hub = (told["account"], told["hub"])
            begun[told["worker"]] = Stay(hub, told["worker"], told["package"], moment(event), None)
        elif event["phase"] == "hub-left":
            stay = begun.pop(event["host"]["worker"])
            over.append(Stay(stay.hub, stay.worker, stay.package, stay.joined, moment(event)))
    return sorted([*over, *begun.values()], key=lambda stay: stay.joined)


@dataclass(frozen=True)
class Meeting:
    """Two packages at work on one hub at a time."""

    hub: HubKey
    packages: tuple[str, str]
    since: datetime


def meetings(found: Sequence[Stay]) -> list[Meeting]:
    """All meetings there were, given the stays in their order."""
    return [
        Meeting(one.hub, (one.package, other.package), other.joined)
        for number, one in enumerate(found)
        for other in found[number + 1 :]
        if one.hub == other.hub and one.package != other.package and (one.left is None or other.joined < one.left)
    ]


def changes(found: Sequence[Stay]) -> Mapping[HubKey, list[datetime]]:
    """When each hub got another package than it had before."""
    last: dict[HubKey, str] = {}
    times: dict[HubKey, list[datetime]] = {}
    for stay in found:
        if last.setdefault(stay.hub, stay.package) != stay.package:
            times.setdefault(stay.hub, []).append(stay.joined)
        last[stay.hub] = stay.package
    return times


def swaps(events: Iterable[Event]) -> list[datetime]:
    """When production's host name was given to the other worker."""
    return [moment(event) for event in events if event["phase"] == "swap-routed" and event["production"]]


def moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])
