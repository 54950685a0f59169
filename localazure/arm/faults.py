"""Faults that tests switch on: an answer that isn't ARM's, none at all, a late one, the death of the server, or a role
assignment that takes effect late.
"""

from __future__ import annotations

import math
import os
import re
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from localazure.arm.errors import ArmError, invalid_content
from localazure.arm.tree import Json

EXIT_CODE: Final = 137
"""What a shell reports for a process that was killed by signal 9."""


_RULE: Final = frozenset({"method", "path", "host", "times", "fault"})
_FAULT: Final = frozenset({"status", "retryAfter", "code", "reset", "delay", "die", "denials"})


class Death(StrEnum):
    """When the server dies: with the request undone, or done and unanswered."""

    BEFORE_COMMIT = "before-commit"
    AFTER_COMMIT = "after-commit"


@dataclass(frozen=True)
class Fault:
    """What goes wrong; one of its fields is set."""

    status: int | None = None
    retry_after: int | None = None
    """Seconds; goes with `status`."""
    code: str = "ServerError"
    reset: bool = False
    delay: float | None = None
    die: Death | None = None
    denials: int | None = None
    """The role assignment that the request makes takes effect at each place once it was denied there so often."""

    @property
    def error(self) -> ArmError:
        return ArmError(self.status or 500, self.code, "A fault that was switched on in local Azure.")


@dataclass
class Rule:
    """Which requests a fault strikes, and how many are left to strike."""

    method: str | None
    path: re.Pattern[str]
    host: re.Pattern[str] | None
    times: int
    fault: Fault
    stated: Json

    def matches(self, method: str, path: str, site: str | None) -> bool:
        """`site` is the host name if the request is a site's; a rule without `host` is for ARM alone."""
        if self.method not in {None, method} or not self.path.search(path):
            return False
        return site is None if self.host is None else site is not None and self.host.search(site) is not None


class Faults:
    """The rules in force, in the order in which they were set; they don't outlive the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, stated: Any) -> None:
        """Take a rule as the HTTP interface states it; raises an ArmError for one that makes no sense."""
        rule = _read(stated)
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def list(self) -> list[Json]:
        with self._lock:
            return [{**rule.stated, "times": rule.times} for rule in self._rules]

    def take(self, method: str, path: str, site: str | None) -> Fault | None:
        """The fault that strikes this request, used up by one."""
        with self._lock:
            rule = next((each for each in self._rules if each.matches(method, path, site)), None)
            if rule is None:
                return None
            rule.times -= 1
            if rule.times == 0:
                self._rules.remove(rule)
            return rule.fault


def die() -> None:
    """End the process at once, as kill -9 does: nothing is flushed, closed or rolled back."""
    os._exit(EXIT_CODE)


def _read(stated: Any) -> Rule:
    if not isinstance(stated, dict) or not isinstance(stated.get("fault"), dict):
        raise invalid_content(
            "a fault is {method?, path, host?, times?, fault: {status | reset | delay | die | denials}}"
        )
    given = stated["fault"]
    for keys, known in ((stated, _RULE), (given, _FAULT)):
        if unknown := sorted(set(keys) - known):
            raise invalid_content(f"{', '.join(unknown)}: a fault knows {', '.join(sorted(known))} here")
    times = stated.get("times", 1)
    try:
        fault = Fault(
            status=None if given.get("status") is None else int(given["status"]),
            retry_after=None if given.get("retryAfter") is None else int(given["retryAfter"]),
            code=str(given.get("code", "ServerError")),
            reset=bool(given.get("reset", False)),
            delay=None if given.get("delay") is None else float(given["delay"]),
            die=None if given.get("die") is None else Death(given["die"]),
            denials=None if given.get("denials") is None else int(given["denials"]),
        )
        path = re.compile(str(stated.get("path", "")), re.IGNORECASE)
        host = re.compile(str(stated["host"]), re.IGNORECASE) if stated.get("host") else None
    except (ValueError, TypeError, re.error) as error:
        raise invalid_content(str(error)) from error
    kinds = (fault.status, fault.reset or None, fault.delay, fault.die, fault.denials)
    if sum(kind is not None for kind in kinds) != 1:
        raise invalid_content("a fault has exactly one of status, reset, delay, die and denials")
    if fault.denials is not None and fault.denials < 1:
        raise invalid_content("'denials' must be a whole number above 0")
    if fault.status is not None and not 200 <= fault.status <= 599:
        raise invalid_content("'status' must be from 200 to 599")
    if fault.delay is not None and not (math.isfinite(fault.delay) and fault.delay >= 0):
        raise invalid_content("'delay' must be a number of seconds")
    if not isinstance(times, int) or times < 1:
        raise invalid_content("'times' must be a whole number above 0")
    method = stated.get("method")
    return Rule(str(method).upper() if method else None, path, host, times, fault, stated)
