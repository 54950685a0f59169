"""What has the last word before a slot is written or swapped: one more look at live Azure, and at the task hubs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from durable.stores import Release, Slot, package_text
from release.clock import Clock
from release.drain import State, Verdict, read_once, unknown, wait_until_drained
from release.instances import Instances, StoreUnknownError
from release.observed import Absent, Blank, Observed, Unclear, View
from release.patience import Patience
from release.planner import Plan
from release.swap import App, SwapLimits
from release.warm_up import warm_up


class SwapApp(App, Protocol):
    """A function app whose slots' app settings can be read as well."""

    def settings(self, slot: Slot) -> Mapping[str, str] | None: ...


class RefusedError(Exception):
    """A change that would or might hurt. Its text says what was seen, that nothing was changed, and what to do.

    `verdict` is what was found in the store that wasn't drained, None where that isn't the reason.
    """

    def __init__(self, text: str, verdict: Verdict | None = None) -> None:
        super().__init__(text)
        self.verdict = verdict


@dataclass(frozen=True)
class Guard:
    """The checks before each change, for whoever carries it out: hooks of the program, or a model in a test.

    `look` looks at both slots, and `settings` gives the app settings of one. `open_store` leads from app settings to
    the orchestrations in their store, and in the tracking store that the second settings, those of before, name;
    `report` is given sentences for a person while the guard waits.
    """

    look: Callable[[], Observed]
    settings: Callable[[Slot], Mapping[str, str] | None]
    open_store: Callable[[Mapping[str, str], Mapping[str, str]], Instances]
    patience: Patience
    clock: Clock
    report: Callable[[str], None]

    def before_write(self, slot: Slot, planned: Release, seen: View, settings: Mapping[str, str]) -> None:
        """Let a slot's settings be written, or raise RefusedError.

        `seen` is what the plan was made from, `settings` is what is going to be written. The task hubs of a store that
        gets another package, or whose last package isn't known, must be drained. That can't be switched off.
        """
        self._refuse_if_changed(slot, seen)
        if planned.package is None or _is_same(planned, seen):
            return
        tracked = isinstance(seen, Release) and seen.tracking is not None
        self.wait_until_drained(
            settings,
            f"{package_text(planned.package, planned.version)} was not written into {slot}",
            (self.settings(slot) or {}) if tracked else {},
        )
        self._refuse_if_changed(slot, seen)

    def before_swap(self, app: SwapApp, plan: Plan, limits: SwapLimits, *, warm: bool) -> None:
        """Let the swap of a plan begin, or raise: staging answers if `warm`, and production is drained if planned.

        Where production runs the package by now there is nothing to hold up. Staging comes first, since a package that
        doesn't start is better known before a long wait than after it. Raises RefusedError or SwapError.
        """
        swap = plan.swap
        if swap is None or self.look().production == swap.promoted:
            return
        if warm:
            warm_up(app, app.settings(Slot.STAGING) or {}, limits, self.clock, self.report)
        if Slot.PRODUCTION in plan.drained:
            self.wait_until_drained(app.settings(Slot.PRODUCTION) or {}, "the slots were not swapped")

    def tell(self, slot: Slot, settings: Mapping[str, str]) -> None:
        """Report how the store of a slot with these settings stands, without waiting or refusing anything."""
        try:
            sentence = read_once(self.open_store(settings, {}), self.patience).sentence()
        except StoreUnknownError as error:
            sentence = f"{error}"
        self.report(f"{slot}: {sentence}")

    def wait_until_drained(
        self, settings: Mapping[str, str], undone: str, before: Mapping[str, str] | None = None
    ) -> None:
        """Wait for the orchestrations in the store that app settings lead to; RefusedError if they don't end in time.

        `undone` is what therefore doesn't happen, as a sentence. `before` are the settings that are written over.
        """
        try:
            instances = self.open_store(settings, before or {})
        except StoreUnknownError as error:
            raise RefusedError(f"{error}. Therefore {undone}.", unknown(error)) from error
        told: set[str] = set()

        def tell(verdict: Verdict) -> None:
            sentence = verdict.sentence()
            if verdict.denied and self.patience.for_roles:
                sentence += ". Waiting for the role to take effect"
            if sentence not in told:
                self.report(sentence)
                told.add(sentence)

        verdict = wait_until_drained(instances, self.patience, self.clock, tell)
        match verdict.state:
            case State.BUSY:
                raise RefusedError(
                    f"{verdict.sentence()}. After {self.patience.timeout:g} s {undone}. What to do: run again when "
                    "they have ended, end them (terminate or purge), give them more time (gate.timeout), or list the "
                    "ids that may break under gate.except.",
                    verdict,
                )
            case State.UNKNOWN:
                raise RefusedError(f"{verdict.sentence()}. Therefore {undone}.", verdict)

    def _refuse_if_changed(self, slot: Slot, seen: View) -> None:
        now = self.look().of(slot)
        if now != seen and not (_is_empty(now) and _is_empty(seen)):
            raise RefusedError(
                f"The {slot} slot was changed while this run was under way: it had {_told(seen)}, and has {_told(now)} "
                "now. It was left as it is. What to do: run again, which starts from what is there now."
            )


def _is_same(planned: Release, seen: View) -> bool:
    """Whether a write leaves a slot its package and store, so that it changes nothing for the orchestrations."""
    return isinstance(seen, Release) and seen.package == planned.package and seen.store.colour is planned.store.colour


def _is_empty(view: View) -> bool:
    return isinstance(view, Absent | Blank)


def _told(view: View) -> str:
    match view:
        case Release():
            return str(view)
        case Unclear():
            return f"settings it can't tell the release from: it {view.seen}"
    return "nothing"
