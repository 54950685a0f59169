"""What a run will do: a pure function of what is in the slots and what is wanted. Everything else carries it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from durable.stores import Access, Colour, Release, Slot, Store, package_text
from release.observed import Observed, Unclear, View


class Promote(StrEnum):
    """Whether a run goes on from a staged package to the swap."""

    AUTO = "auto"
    MANUAL = "manual"


class Drain(StrEnum):
    """When production's orchestrations end: all of them before the swap, or later, in staging, on their own package."""

    BEFORE_SWAP = "before-swap"
    AFTER_SWAP = "after-swap"


@dataclass(frozen=True)
class Desired:
    """What config and package ask for.

    `stores` says which store has which colour, with the name that the package gives its hub; `hub_setting` and
    `tracking` are as in Release, and `access` is the form for what a run writes anew. A package whose file isn't
    `at_hand` can only be one that a slot holds already.
    """

    package: str
    stores: Mapping[Colour, Store]
    version: str | None = None
    hub_setting: str | None = None
    promote: Promote = Promote.AUTO
    drain: Drain = Drain.BEFORE_SWAP
    at_hand: bool = True
    tracking: str | None = None
    access: Access = Access.KEYS

    def on(self, colour: Colour) -> Release:
        """The package as it would be on a store."""
        return Release(self.stores[colour], self.package, self.version, self.hub_setting, self.tracking, self.access)

    def empty(self, colour: Colour) -> Release:
        """A store as it would be without a package."""
        return Release(self.stores[colour], access=self.access)


@dataclass(frozen=True)
class Create:
    """Give a slot that has nothing yet its first settings."""

    slot: Slot
    release: Release

    @property
    def sentence(self) -> str:
        condition = ", where no orchestration may be left" if self.release.package else ""
        return f"create {self.slot} with {self.release}{condition}"


@dataclass(frozen=True)
class CheckDrained:
    """Wait until no orchestration needs the package that a store's hubs belong to."""

    slot: Slot
    store: Store

    @property
    def sentence(self) -> str:
        return f"wait until {self.slot}'s orchestrations on {self.store.colour} ({self.store.account}) have ended"


@dataclass(frozen=True)
class Stage:
    """Write a package into staging, on staging's own store."""

    release: Release
    replaced: Release

    @property
    def sentence(self) -> str:
        old = self.replaced
        instead = f", in place of {package_text(old.package, old.version)}" if old.package else ""
        return f"stage {self.release}{instead}"


@dataclass(frozen=True)
class WarmUp:
    """Have staging answer before it takes over."""

    release: Release

    @property
    def sentence(self) -> str:
        return f"warm up staging with {package_text(self.release.package, self.release.version)}"


@dataclass(frozen=True)
class Swap:
    """Exchange the slots."""

    promoted: Release
    retired: Release

    @property
    def sentence(self) -> str:
        return f"swap: production gets {self.promoted}, staging keeps {self.retired} as the way back"


Step: TypeAlias = Create | CheckDrained | Stage | WarmUp | Swap


@dataclass(frozen=True)
class Pair:
    """A release for each slot."""

    production: Release
    staging: Release

    def of(self, slot: Slot) -> Release:
        return self.production if slot is Slot.PRODUCTION else self.staging

    @property
    def swapped(self) -> Pair:
        return Pair(self.staging, self.production)

    @property
    def packages(self) -> frozenset[str]:
        return frozenset(r.package for r in (self.production, self.staging) if r.package is not None)


@dataclass(frozen=True)
class Plan:
    """The steps of a run, in order; none if nothing is to be done.

    `written` is what the settings of the slots say once all is written and before any swap, `after` what is in the
    slots at the end. `notes` tell what stays undone on purpose.
    """

    steps: tuple[Step, ...]
    written: Pair
    after: Pair
    notes: tuple[str, ...] = ()

    @property
    def swap(self) -> Swap | None:
        return next((step for step in self.steps if isinstance(step, Swap)), None)

    @property
    def drained(self) -> tuple[Slot, ...]:
        """The slots whose orchestrations the plan waits for."""
        return tuple(step.slot for step in self.steps if isinstance(step, CheckDrained))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The plan for a person, line by line."""
        if not self.steps:
            return (f"Plan: nothing to do, production runs {self.after.production}", *self.notes)
        return ("Plan:", *(f"  {n}. {step.sentence}" for n, step in enumerate(self.steps, 1)), *self.notes)


@dataclass(frozen=True)
class Refusal:
    """No plan is safe: what was seen, and what to do about it."""

    seen: str
    repair: str

    def __str__(self) -> str:
        return f"{self.seen}. Nothing was changed. What to do: {self.repair}."


def plan(observed: Observed, desired: Desired) -> Plan | Refusal:
    """The table of the design, section 5: from what is in the slots to the desired package in production."""
    made = _plan(observed, desired)
    if isinstance(made, Refusal):
        return made
    return replace(made, notes=(*made.notes, *_access_notes(observed, made, desired.access)))


def _plan(observed: Observed, desired: Desired) -> Plan | Refusal:
    for slot in Slot:
        if isinstance(found := observed.of(slot), Unclear):
            return Refusal(f"The {slot} slot {found.seen}", found.repair)
    if (shared := observed.shared_store) is not None:
        return Refusal(
            f"Both slots have their task hub in {shared.account} ({shared.colour}), so two packages can meet in it",
            "find out which slot's orchestrations are in it, leave it to that slot, and set the durable connection of "
            f"the other slot to {desired.stores[shared.colour.other].account}",
        )
    if not desired.at_hand and desired.package not in _held(observed):
        return Refusal(
            f"Config asks for {package_text(desired.package)} by its hash, which takes a slot that holds it: "
            + ", ".join(f"{slot} {_holding(observed.of(slot))}" for slot in Slot),
            "name the package by the path of its zip, or one that a slot holds by sha256: and its whole hash",
        )
    production, staging = _releases(observed, desired)
    now = Pair(production, staging)
    create = tuple(Create(slot, now.of(slot)) for slot in Slot if not isinstance(observed.of(slot), Release))
    if production.package == desired.package:
        return Plan(create, now, now, _label_note(production, desired))
    if staging.package == desired.package:
        return _promotion(create, now, desired)
    staged = Pair(production, desired.on(staging.store.colour))
    if isinstance(observed.staging, Release):
        write: tuple[Step, ...] = (CheckDrained(Slot.STAGING, staging.store), Stage(staged.staging, staging))
    else:
        write = (Create(Slot.STAGING, staged.staging),)
        create = tuple(step for step in create if step.slot is Slot.PRODUCTION)
    return _promotion((*create, *write), staged, desired)


def _held(observed: Observed) -> frozenset[str | None]:
    return frozenset(found.package for slot in Slot if isinstance(found := observed.of(slot), Release))


def _holding(view: View) -> str:
    return f"has {package_text(view.package, view.version)}" if isinstance(view, Release) else "has nothing"


def _releases(observed: Observed, desired: Desired) -> tuple[Release, Release]:
    """What the slots hold; one that holds nothing gets the store that the other doesn't have.

    Production gets the package with it, since there is nothing to keep running; staging's store stays without one.
    """
    match observed:
        case Observed(Release() as production, Release() as staging):
            return production, staging
        case Observed(Release() as production, _):
            return production, desired.empty(production.store.colour.other)
        case Observed(_, Release() as staging):
            colour = staging.store.colour.other
            # What a package that isn't at hand needs, only the slot that holds it tells.
            same = replace(staging, store=desired.stores[colour])
            return desired.on(colour) if desired.at_hand else same, staging
    return desired.on(Colour.BLUE), desired.empty(Colour.GREEN)


def _promotion(before: tuple[Step, ...], written: Pair, desired: Desired) -> Plan:
    """The way from a staged package to production, as far as config lets it go."""
    if desired.promote is Promote.MANUAL:
        staged, kept = (package_text(r.package, r.version) for r in (written.staging, written.production))
        note = f"staging holds {staged}, and production keeps {kept}: promote is manual"
        return Plan(before, written, written, (note,))
    steps: list[Step] = [WarmUp(written.staging)]
    if desired.drain is Drain.BEFORE_SWAP:
        steps.append(CheckDrained(Slot.PRODUCTION, written.production.store))
    steps.append(Swap(written.staging, written.production))
    return Plan((*before, *steps), written, written.swapped)


def _label_note(production: Release, desired: Desired) -> tuple[str, ...]:
    """A label is written together with its package: to change it alone would restart production for a word."""
    if production.version == desired.version or not desired.at_hand:
        return ()
    was, wanted = (f"the label {v!r}" if v else "no label" for v in (production.version, desired.version))
    return (f"production's package has {was} and keeps it, although config has {wanted}",)


_FORMS = {Access.KEYS: "account keys", Access.IDENTITY: "its identity"}


def _access_notes(observed: Observed, made: Plan, wanted: Access) -> Iterator[str]:
    """What of the way to reach storage stays as it is for now: it changes with a package, and never under one."""
    form = made.after.production.access
    if form is not wanted:
        yield f"production stays on {_FORMS[form]} until its next release, although config has access: {wanted}"
    for slot in Slot:
        seen, written = observed.of(slot), made.written.of(slot)
        if isinstance(seen, Release) and (seen.access, written.access) == (Access.KEYS, Access.IDENTITY):
            yield f"{written.store.account} takes its keys for the rest of this run, and none from the next one on"
