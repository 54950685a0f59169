"""Which of the two packages of an app is the way forward, and which the way back: a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from durable.app_settings import HELD
from durable.stores import Release, Slot, package_text
from release.observed import Observed
from release.planner import Refusal


class Direction(StrEnum):
    """A promotion brings the package in that was uploaded later, a roll back the one that was uploaded earlier."""

    FORWARD = "promote"
    BACK = "rollback"


def target(observed: Observed, uploaded: Mapping[str, datetime], direction: Direction) -> str | Refusal:
    """The package that production is to run, by its SHA-256.

    `uploaded` says when each package was. The answer is the same before and after the swap that it asks for, so that
    a step which is repeated, after a crash as well, never swaps back.
    """
    match observed:
        case Observed(Release(package=str(mine)), Release(package=str(other))):
            if mine == other:
                return mine
            if mine in uploaded and other in uploaded and uploaded[mine] != uploaded[other]:
                later, earlier = sorted((mine, other), key=lambda package: uploaded[package], reverse=True)
                return later if direction is Direction.FORWARD else earlier
            return Refusal(
                f"Production runs {observed.production} and staging holds {observed.staging}, and storage doesn't "
                "tell which of them was uploaded first",
                f"name the one that production is to run: `{direction} --package {HELD}{other}`",
            )
    told = ", ".join(f"{slot} has {_holding(observed, slot)}" for slot in Slot)
    way_out = (
        "stage one, with `python -m release stage`"
        if direction is Direction.FORWARD
        else "set `package` to the zip of before and run `pulumi up`"
    )
    return Refusal(f"There are no two packages to choose from: {told}", way_out)


def _holding(observed: Observed, slot: Slot) -> str:
    found = observed.of(slot)
    return package_text(found.package, found.version) if isinstance(found, Release) else "nothing that is known"
