"""What must hold for storage while a plan is carried out, so that no slot is cut off from its task hub.

A slot's live settings tell in which form it reaches storage, and a release keeps its form for as long as it is in a
slot: production is never rewritten in place. So each form must go on working until no slot has it any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from durable.stores import Access, Colour, Release, Slot
from release.observed import Observed
from release.planner import Pair


@dataclass(frozen=True)
class Needs:
    """`keys` are the stores whose keys must open them; `roles` whether the app's identity must have its roles."""

    keys: frozenset[Colour]
    roles: bool


def needs(observed: Observed, written: Pair, wanted: Access) -> Needs:
    """What the slots need, by their settings of before and after the writes of a run.

    What was seen counts although it is going to be written over: a run may end before it comes to that. So the keys
    of a store are refused in the run after the one that wrote its last key out of a slot. The roles are there as soon
    as they are `wanted`, since they take minutes to take effect.
    """
    releases = [*_seen(observed), written.production, written.staging]
    return Needs(
        keys=frozenset(release.store.colour for release in releases if release.access is Access.KEYS),
        roles=Access.IDENTITY in {wanted, *(release.access for release in releases)},
    )


def _seen(observed: Observed) -> Iterator[Release]:
    for slot in Slot:
        if isinstance(found := observed.of(slot), Release):
            yield found
