"""The event log of local Azure as a proof: which package each task hub met, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

DURABLE = "DurableManagementStorage"
STAGING = "staging"
PRODUCTION = "production"
WRITTEN = ("settings-changed", STAGING)
SWAPPED = (
    ("swap-started", STAGING),
    ("swap-started", PRODUCTION),
    ("swap-settings-applied", STAGING),
    ("swap-source-restarted", STAGING),
    ("swap-warmed-up", STAGING),
    ("swap-routed", PRODUCTION),
    ("swap-routed", STAGING),
    ("swap-completed", STAGING),
)
"""What the log says of one swap, from its beginning to its end, and nothing beside it."""

_PACKAGE = re.compile(r"/([0-9a-f]{64})\.zip(?:\?|$)")
_ACCOUNT = re.compile(r"(?:^|;)AccountName=([^;]+)", re.IGNORECASE)

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Hub:
    """A task hub: its account, and its name if app settings give it. Else host.json does, in each package the same."""

    account: str
    name: str = ""


@dataclass(frozen=True)
class Held:
    """What app settings make a worker: the package that it runs, on which hub. None for what they don't name."""

    hub: Hub | None
    package: str | None

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Held:
        account = _account(settings)
        package = _PACKAGE.search(settings.get("WEBSITE_RUN_FROM_PACKAGE", ""))
        name = settings.get(settings.get("RELEASE_HUB_SETTING", ""), "")
        return cls(Hub(account, name) if account else None, package[1] if package else None)


def _account(settings: Mapping[str, str]) -> str | None:
    """The account that a connection string or the address of a table service names."""
    if by_key := _ACCOUNT.search(settings.get(DURABLE, "")):
        return by_key[1]
    return urlsplit(settings.get(f"{DURABLE}__tableServiceUri", "")).path.strip("/") or None


def steps(events: Iterable[Event]) -> list[tuple[str, str]]:
    """The phase and the slot of each event, but for those that tell of a Functions host."""
    return [(event["phase"], event["slot"]) for event in events if "host" not in event]


def assert_no_hub_met_two_packages(events: Sequence[Event]) -> dict[Hub, list[str]]:
    """Replay a whole event log, and give the packages that each hub had, one after the other.

    Two things must hold after each event: no two slots run different packages on one hub, and a hub has another
    package than before only if it was written into staging, which is what the drain gate guards. Whatever else brings
    a hub to another package, such as a write of production's settings or a swap that leaves a store behind, fails.
    """
    workers: dict[tuple[str, str], Held] = {}
    packages: dict[Hub, list[str]] = {}
    for event in events:
        if "host" in event:
            continue
        app = (event["site"], event["slot"])
        if event["phase"] in {"deleted", "stopped"}:
            workers.pop(app, None)
            continue
        workers[app] = Held.of(event["settings"])
        told = f"event {event['sequence']}, {event['phase']} of {event['slot']}"
        for hub, running in _running(workers.values()).items():
            assert len(running) == 1, f"{told}: {hub} is served by the packages {sorted(running)} at once"
            known, (package,) = packages.setdefault(hub, []), running
            if known and known[-1] != package:
                assert (event["phase"], event["slot"]) == WRITTEN, f"{told}: {hub} went from {known[-1]} to {package}"
            if not known or known[-1] != package:
                known.append(package)
    return packages


def _running(workers: Iterable[Held]) -> dict[Hub, set[str]]:
    """The packages at work on each hub."""
    found: dict[Hub, set[str]] = {}
    for held in workers:
        if held.hub is not None and held.package is not None:
            found.setdefault(held.hub, set()).add(held.package)
    return found
