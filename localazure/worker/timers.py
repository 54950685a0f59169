"""The app's timer functions, by their NCRONTAB schedules."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from azure.functions.timer import TimerRequest

from localazure.worker.app import App, Function, Kind
from localazure.worker.calls import Calls
from localazure.worker.errors import AppError

_LOG = logging.getLogger(__name__)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final[tuple[tuple[str, int, int, tuple[str, ...]], ...]] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_HORIZON: Final = timedelta(days=4 * 366)
"""The 29th of February is never farther away."""


@dataclass(frozen=True)
class Schedule:
    """A schedule of six fields: the values that each may have."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Six fields, or five, which leave out the seconds; each `*`, numbers, names, ranges, steps or a list of those.

        Raises ValueError.
        """
        fields = text.split()
        if len(fields) == len(_FIELDS) - 1:
            fields = ["0", *fields]
        if len(fields) != len(_FIELDS):
            raise ValueError(f"{text!r} is no NCRONTAB expression: it needs six fields")
        return cls(*(frozenset(_values(field, *rule)) for field, rule in zip(fields, _FIELDS, strict=True)))

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, None if there is none in the next four years."""
        at = moment.replace(microsecond=0) + timedelta(seconds=1)
        end = moment + _HORIZON
        while at < end:
            if at.month not in self.months or at.day not in self.days or at.isoweekday() % 7 not in self.weekdays:
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0, second=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at = at.replace(second=0) + timedelta(minutes=1)
            elif at.second not in self.seconds:
                at += timedelta(seconds=1)
            else:
                return at
        return None


class Timers:
    """Fires the app's timer functions from `begin` on."""

    def __init__(self, app: App, calls: Calls) -> None:
        self._functions = [(function, _schedule(function)) for function in app.of(Kind.TIMER)]
        self._calls = calls

    def begin(self) -> None:
        for function, schedule in self._functions:
            threading.Thread(target=self._fire, args=(function, schedule), name=function.name, daemon=True).start()

    def _fire(self, function: Function, schedule: Schedule) -> None:
        if function.trigger.get("runOnStartup"):
            self._call(function)
        never = threading.Event()
        for due in times(schedule, _now):
            never.wait((due - _now()).total_seconds())
            self._call(function)

    def _call(self, function: Function) -> None:
        try:
            self._calls.in_thread(function, TimerRequest(past_due=False))
        except Exception:
            _LOG.exception("function %s failed", function.name)


def times(schedule: Schedule, now: Callable[[], datetime]) -> Iterator[datetime]:
    """When it is due, each time once, though the wait for it may end a little before; what was missed isn't made up."""
    due = schedule.next_after(now())
    while due is not None:
        yield due
        due = schedule.next_after(max(due, now()))


def _now() -> datetime:
    return datetime.now(UTC)


def _schedule(function: Function) -> Schedule:
    try:
        return Schedule.parse(str(function.trigger["schedule"]))
    except ValueError as error:
        raise AppError(f"function {function.name}: {error}") from error


def _values(field: str, name: str, low: int, high: int, names: tuple[str, ...]) -> Iterator[int]:
    def number(text: str) -> int:
        if text.lower()[:3] in names:
            return names.index(text.lower()[:3]) + low
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    try:
        for part in field.split(","):
            span, _, step = part.partition("/")
            first, _, last = span.partition("-")
            begin, end = (low, high) if span == "*" else (number(first), number(last or first))
            if step and not last and span != "*":
                end = high
            if begin > end or (step and int(step) < 1):
                raise ValueError
            yield from range(begin, end + 1, int(step or 1))
    except ValueError:
        raise ValueError(f"{field!r} is no {name} of an NCRONTAB expression") from None
