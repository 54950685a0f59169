"""Whether the gate and the SDK's client see the same orchestrations in each task hub, all through a run.

No two readings are of one moment, so a comparison is of four: the client's, the gate's, the client's, the gate's.

- What the client's second reading has as active must be active in one of the gate's. Where it isn't, it must have begun
  since the client's first reading, and have ended before the gate's second was over.
- What both of the gate's have as active must be active in the client's second. Where it isn't, it has begun since;
  or it has ended, and its row is still to be written: once the hub says that all rows are, the gate must see that.

Whatever else is a disagreement. A row is granted no time but until the hub says that it has no more to write.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Protocol

from durabletask.client import OrchestrationQuery, OrchestrationStatus, TaskHubGrpcClient

from proof.azure import Hub
from release.instances import Instance, Instances

ACTIVE: Final = (
    OrchestrationStatus.PENDING,
    OrchestrationStatus.RUNNING,
    OrchestrationStatus.SUSPENDED,
    OrchestrationStatus.CONTINUED_AS_NEW,
)
_SHORTEST_PAUSE: Final = 0.5
_REST: Final = 2.0
"""How many times as long as a comparison took the pause after it is, at least, so that looking leaves room to work."""

_SECONDS_TO_WRITE: Final = 30.0
_SECONDS_BETWEEN_LOOKS: Final = 0.05
_QUIET: Final = logging.getLogger("proof.client")
_QUIET.setLevel(logging.WARNING)


@dataclass(frozen=True)
class Look:
    """Whether an orchestration is active, and when it was changed last, in UTC: for one that isn't, when it ended."""

    active: bool
    changed: datetime


class Client(Protocol):
    """A hub as the SDK's client sees it."""

    def active(self) -> frozenset[str]:
        """The ids of all that are active."""

    def look(self, instance_id: str) -> Look | None:
        """One as it is now, None if it isn't there."""


class SdkClient:
    """Implements Client with the SDK's own."""

    def __init__(self, address: str) -> None:
        self._client = TaskHubGrpcClient(host_address=address, logger=_QUIET)

    def active(self) -> frozenset[str]:
        found = self._client.get_all_orchestration_states(OrchestrationQuery(runtime_status=list(ACTIVE)))
        return frozenset(state.instance_id for state in found)

    def look(self, instance_id: str) -> Look | None:
        state = self._client.get_orchestration_state(instance_id, fetch_payloads=False)
        return None if state is None else Look(state.runtime_status in ACTIVE, utc(state.last_updated_at))

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class Disagreement:
    """An orchestration that only one of the two has as active, without a reason."""

    hub: str
    id: str
    when: datetime
    seen: str


@dataclass
class Findings:
    """What all comparisons of a hub have found."""

    comparisons: int = 0
    compared: int = 0
    """Active orchestrations, each counted in every comparison."""
    between: int = 0
    """Those that the gate didn't meet, since they began and ended between its readings."""
    early: int = 0
    """Those whose row was there already, and that had yet to begin."""
    late: int = 0
    """Those that had ended, and whose row was still to be written."""
    disagreements: list[Disagreement] = field(default_factory=list)


def compare(hub: Hub, gate: Instances, client: Client, unwritten: Callable[[], int], findings: Findings) -> None:
    """Make one comparison of a hub, and note what it finds. `unwritten` tells how many rows the hub has to write."""

    def disagree(instance_id: str, seen: str) -> None:
        findings.disagreements.append(Disagreement(hub.name, instance_id, datetime.now(UTC), seen))

    before = client.active()
    first = _sight(hub, gate)
    listed = client.active()
    second = _sight(hub, gate)
    over = datetime.now(UTC)
    findings.comparisons += 1
    findings.compared += len(listed | first.keys() | second.keys())
    for missing in sorted(listed - first.keys() - second.keys()):
        now = client.look(missing)
        if missing not in before and now is not None and not now.active and now.changed <= over:
            findings.between += 1
        else:
            disagree(missing, "active for the client, and for the gate neither before that nor after it")
    for id_ in sorted((first.keys() & second.keys()) - listed):
        began, written = _beginning_or_end(second[id_], gate, client, unwritten)
        if began and id_ not in before:
            findings.early += 1
        elif written and not began:
            findings.late += 1
        else:
            disagree(id_, "active for the gate before and after a reading of the client's in which it wasn't")


def _beginning_or_end(
    instance: Instance, gate: Instances, client: Client, unwritten: Callable[[], int]
) -> tuple[bool, bool]:
    """Whether what the gate has as active and the client hasn't has begun by now; and whether the gate sees its end."""
    deadline = time.monotonic() + _SECONDS_TO_WRITE
    all_written = 0
    while time.monotonic() < deadline:
        now, left = client.look(instance.id), unwritten()
        if now is not None and now.active:
            return True, False
        if not gate.still_active((instance,)):
            return False, True
        # Twice, since between an orchestration's end and the note that its row is to be written there is a moment.
        all_written += now is not None and left == 0
        if all_written == 2:
            return False, False
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return False, False


def _sight(hub: Hub, gate: Instances) -> Mapping[str, Instance]:
    """What the gate has as active in a hub, by id."""
    return {each.id: each for each in gate.all().active if each.hub == hub.name}


class Observer:
    """Compares in a thread of its own, hub after hub, between `with` and its end.

    `hubs` tells those there are, `gate` opens the store of one as the gate does.
    """

    def __init__(self, hubs: Callable[[], Collection[Hub]], gate: Callable[[Hub], Instances | None]) -> None:
        self.findings: Mapping[tuple[str, str], Findings] = {}
        self._hubs = hubs
        self._open_gate = gate
        self._gates: dict[tuple[str, str], Instances] = {}
        self._clients: dict[str, SdkClient] = {}
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Observer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        for client in self._clients.values():
            client.close()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._leaving.is_set():
                began = time.monotonic()
                for hub in self._hubs():
                    self._compare(hub)
                took = time.monotonic() - began
                self._leaving.wait(max(_SHORTEST_PAUSE, _REST * took))
        except BaseException as error:  # told to whoever ends the observation
            self._failure = error

    def _compare(self, hub: Hub) -> None:
        gate = self._gates.get(hub.key) or self._open_gate(hub)
        if gate is None:
            return
        self._gates[hub.key] = gate
        client = self._clients.setdefault(hub.address, SdkClient(hub.address))
        findings = dict(self.findings)
        mine = findings.setdefault(hub.key, Findings())
        self.findings = findings

        def unwritten() -> int:
            return next((each.unwritten for each in self._hubs() if each.key == hub.key), 0)

        compare(hub, gate, client, unwritten, mine)


def utc(moment: datetime) -> datetime:
    """The SDK's times are in UTC, and don't say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
