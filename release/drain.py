"""The gate before a package is overwritten: whether a store is proven to have no active instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from release.clock import SYSTEM_CLOCK, Clock
from release.instances import Instance, Instances, Listing, StoreUnknownError
from release.patience import Patience

_SHOWN: Final = 5
_GROWTH: Final = 1.5
_LONGEST: Final = 8.0
"""What the pause between two polls is multiplied with after each, and how many times `poll` it is at most."""

_FEW: Final = 100
_ROWS_PER_POINT_READ: Final = 100
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


class State(StrEnum):
    """What is known of a store. Only `drained` opens the gate."""

    DRAINED = "drained"
    BUSY = "busy"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """What a reading, or a whole wait, says about a store.

    `active` are those waited for, `excepted` those active but not waited for, `hubs` all that the last full reading
    found, `tracking` the account of the tracking store if that was read as well. `reason` says why the state is
    unknown, and what to do; else it is "". Busy with nothing active means: the store has not been so for long enough. A
    wait never ends with that. `denied` is for an unknown store that lets the identity which asks read nothing.
    """

    state: State
    account: str
    hubs: tuple[str, ...] = ()
    active: tuple[Instance, ...] = ()
    excepted: tuple[Instance, ...] = ()
    reason: str = ""
    tracking: str = ""
    denied: bool = False

    @property
    def by_status(self) -> Mapping[str, int]:
        """How many are active in each status, most first."""
        return _counts(instance.status or "without a status" for instance in self.active)

    @property
    def by_name(self) -> Mapping[str, int]:
        """How many are active of each orchestrator function, most first."""
        return _counts(instance.name or "without a name" for instance in self.active)

    @property
    def oldest(self) -> Instance | None:
        """The active instance that was created first."""
        return min(self.active, key=lambda instance: instance.created or _LATEST, default=None)

    def sentence(self) -> str:
        """The verdict for a person, in one line that holds a few ids at most."""
        if self.state is State.UNKNOWN:
            return self.reason
        parts = [self._finding()]
        if self.excepted:
            ids = _some(f"{shown(instance.id)} ({shown(instance.status)})" for instance in self.excepted)
            parts.append(f"not waited for: {ids}")
        return "; ".join(parts)

    def _finding(self) -> str:
        if self.state is State.DRAINED:
            where = f"no active instance in {_some(self.hubs)}" if self.hubs else "it has no task hub"
            return f"{self._place} is drained: {where}"
        oldest = self.oldest
        if oldest is None:
            return f"no active instance in {self._place}, but not for long enough yet"
        since = f", since {oldest.created.isoformat(' ', 'seconds')}" if oldest.created else ""
        return (
            f"{len(self.active)} active in {self._place}: {_listed(self.by_status)} ({_listed(self.by_name)}); "
            f"oldest {shown(oldest.id)}, {shown(oldest.name or 'without a name')}{since}; "
            f"ids {_some(shown(instance.id) for instance in self.active)}"
        )

    @property
    def _place(self) -> str:
        return f"{self.account} with its tracking store {self.tracking}" if self.tracking else self.account


def judge(account: str, listing: Listing, excepted: frozenset[str]) -> Verdict:
    """What one full reading says by itself."""
    active = tuple(instance for instance in listing.active if instance.id not in excepted)
    left_out = tuple(instance for instance in listing.active if instance.id in excepted)
    state = State.BUSY if active else State.DRAINED
    return Verdict(state, account, listing.hubs, active, left_out, tracking=listing.tracking)


def unknown(error: StoreUnknownError) -> Verdict:
    """The verdict about a store that couldn't be read."""
    return Verdict(State.UNKNOWN, error.account, reason=str(error), denied=error.denied)


def read_once(instances: Instances, patience: Patience) -> Verdict:
    """What one full reading says by itself, without waiting for anything."""
    return _Watch(instances, patience.excepted).look()


def wait_until_drained(
    instances: Instances,
    patience: Patience,
    clock: Clock = SYSTEM_CLOCK,
    report: Callable[[Verdict], None] = lambda _: None,
) -> Verdict:
    """Read a store until it is drained or the time is over; `report` is called with what each reading says.

    Drained means: full readings found nothing active, the last one begun `steady` seconds or more after the first one
    had ended, and none between them found otherwise or failed. A store that never had a task hub is drained at once.
    An unknown store is asked again until the time is over; one that denies access only where that may be waiting for
    a role.

    A window of quiet that has begun in time is seen to its end, so a wait may last `timeout` + `steady`; it ends
    before that with the first reading after `timeout` that doesn't find the store quiet.
    """
    watch = _Watch(instances, patience.excepted)
    deadline = clock.now() + patience.timeout
    longest = patience.poll * _LONGEST
    pause = patience.poll
    quiet_enough: float | None = None
    while True:
        began = clock.now()
        verdict = watch.look()
        quiet = verdict.state is State.DRAINED
        if quiet and patience.steady and watch.has_seen_a_hub and (quiet_enough is None or began < quiet_enough):
            verdict = replace(verdict, state=State.BUSY)
        report(verdict)
        now = clock.now()
        given_up = now >= deadline or (verdict.denied and not patience.for_roles)
        if verdict.state is State.DRAINED or (not quiet and given_up):
            return verdict
        if not quiet:
            quiet_enough = None
        elif quiet_enough is None:
            quiet_enough = now + patience.steady
        rest = min(pause, deadline - now) if now < deadline else pause
        if quiet_enough is not None:
            rest = min(rest, quiet_enough - now)
        clock.sleep(max(rest, 0))
        pause = min(pause * _GROWTH, longest)


class _Watch:
    """Looks at a store again and again: at everything, and then only at what was active until nothing of it is.

    While something is active, what has newly begun makes no difference to the answer.
    """

    def __init__(self, instances: Instances, excepted: frozenset[str]) -> None:
        self._instances = instances
        self._excepted = excepted
        self._last: Verdict | None = None
        self._rows = 0
        self.has_seen_a_hub = False

    def look(self) -> Verdict:
        try:
            self._last = self._look_again() or self._look_at_all()
        except StoreUnknownError as error:
            self._last = None
            return unknown(error)
        return self._last

    def _look_again(self) -> Verdict | None:
        """What point reads say, or None where only a full reading can tell, or is cheaper."""
        last = self._last
        if last is None or not last.active or not _point_reads_pay(len(last.active), self._rows):
            return None
        active = self._instances.still_active(last.active)
        return replace(last, active=active) if active else None

    def _look_at_all(self) -> Verdict:
        listing = self._instances.all()
        self._rows = listing.rows
        self.has_seen_a_hub = self.has_seen_a_hub or bool(listing.hubs)
        return judge(self._instances.account, listing, self._excepted)


def _point_reads_pay(active: int, rows: int) -> bool:
    """A full reading asks once for 1,000 rows, and such an answer takes as long as about ten point reads."""
    return active <= _FEW or active * _ROWS_PER_POINT_READ <= rows


def _counts(texts: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(texts).items(), key=lambda pair: (-pair[1], pair[0])))


def _listed(counts: Mapping[str, int]) -> str:
    return _some(f"{count} {shown(text)}" for text, count in counts.items())


def _some(texts: Iterable[str]) -> str:
    """A few of the texts, and how many more there are."""
    every = list(texts)
    rest = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def shown(text: str) -> str:
    """A text from a table as a terminal may show it: ids may hold control characters."""
    return text if text.isprintable() else ascii(text)
