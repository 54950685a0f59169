"""What must always hold, over random histories; and that a rule made wrong would be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import release.drain
import release.guard
import release.observed
import release.planner
import release.swap
import release.tracked
from components.app_settings import app_settings
from durable import statuses
from durable.app_settings import TRACKING
from durable.stores import Access, Colour, Release, Store, own_hub
from release.access import Needs, needs
from release.observed import Stores
from release.planner import Desired
from tests.release import model
from tests.release.machine import Releases

PATIENT = settings(stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def test_random_histories_break_nothing() -> None:
    run_state_machine_as_test(Releases, settings=settings(PATIENT, max_examples=300))


def sticky_connection(patch: pytest.MonkeyPatch) -> None:
    right = app_settings

    def wrong(*args: Any) -> Any:
        made = right(*args)
        return replace(made, sticky=(*made.sticky, model.CONNECTION))

    patch.setattr(model, "app_settings", wrong)


def suspended_counts_as_finished(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(statuses, "FINISHED", statuses.FINISHED | {statuses.InstanceStatus.SUSPENDED})


def unknown_status_counts_as_finished(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(statuses, "is_active", lambda status: status in {"Pending", "Running", "Suspended", "ContinuedAsNew"})


def no_gate_before_a_write(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(release.guard.Guard, "wait_until_drained", lambda *_: None)


def unknown_counts_as_drained(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(release.drain, "unknown", lambda _: release.drain.Verdict(release.drain.State.DRAINED, "x"))


def no_second_look_after_the_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(release.guard.Guard, "_refuse_if_changed", lambda *_: None)


def slots_remembered_and_not_observed(patch: pytest.MonkeyPatch) -> None:
    seen: dict[object, release.observed.Observed] = {}
    right = release.observed.observe

    def wrong(read: Any, stores: Any) -> Any:
        owner = (id(read.__self__), stores.tracking)
        if owner not in seen or not isinstance(seen[owner].production, Release):
            seen[owner] = right(read, stores)
        return seen[owner]

    patch.setattr(model, "observe", wrong)


def the_package_goes_to_production_s_store(patch: pytest.MonkeyPatch) -> None:
    right = Desired.on
    patch.setattr(Desired, "on", lambda self, colour: right(self, colour.other))


def an_answer_that_was_lost_means_no_swap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(release.swap._Exchange, "_settle", lambda *_: None)
    patch.setattr(release.swap._Exchange, "_await_idle", lambda *_: None)
    patch.setattr(release.swap._Exchange, "_done", lambda *_: False)


def what_is_unclear_counts_as_empty(patch: pytest.MonkeyPatch) -> None:
    right = release.observed.view

    def wrong(*args: Any) -> Any:
        found = right(*args)
        return release.observed.Blank() if isinstance(found, release.observed.Unclear) else found

    patch.setattr(release.observed, "view", wrong)


def the_tracking_store_is_not_remembered(patch: pytest.MonkeyPatch) -> None:
    right = app_settings

    def wrong(*args: Any) -> Any:
        made = right(*args)
        by_slot = {slot: {k: v for k, v in own.items() if k != TRACKING} for slot, own in made.by_slot.items()}
        return replace(made, by_slot=by_slot)

    patch.setattr(model, "app_settings", wrong)


def only_the_hub_that_comes_is_looked_at(patch: pytest.MonkeyPatch) -> None:
    right = release.tracked.tracked_hubs
    patch.setattr(release.tracked, "tracked_hubs", lambda settings, _: right(settings, {}))


def both_stores_have_one_hub_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(model, "own_hub", lambda hub, _: hub)


def a_release_that_stays_gets_the_hub_of_config(patch: pytest.MonkeyPatch) -> None:
    def wrong(stores: Stores, colour: Colour, hub: str | None = None) -> Store:
        return Store(colour, stores.accounts[colour], own_hub(stores.hub, colour) if hub else stores.hub)

    patch.setattr(Stores, "store", wrong)


def keys_are_refused_as_soon_as_config_says_identity(patch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any) -> Needs:
        return needs(*args) if args[2] is Access.KEYS else replace(needs(*args), keys=frozenset())

    patch.setattr(model, "needs", wrong)


def roles_go_as_soon_as_config_says_keys(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(model, "needs", lambda *args: replace(needs(*args), roles=args[2] is Access.IDENTITY))


def what_is_written_over_needs_nothing_any_more(patch: pytest.MonkeyPatch) -> None:
    nothing = release.observed.Observed(release.observed.Blank(), release.observed.Blank())
    patch.setattr(model, "needs", lambda _, *args: needs(nothing, *args))


def production_is_rewritten_in_the_form_of_the_config(patch: pytest.MonkeyPatch) -> None:
    right = release.planner.plan

    def wrong(observed: Any, desired: Desired) -> Any:
        made = right(observed, desired)
        if isinstance(made, release.planner.Refusal):
            return made
        written = replace(made.written, production=replace(made.written.production, access=desired.access))
        return replace(made, written=written)

    patch.setattr(model, "plan", wrong)


@pytest.mark.parametrize(
    "mistake",
    [
        sticky_connection,
        suspended_counts_as_finished,
        unknown_status_counts_as_finished,
        no_gate_before_a_write,
        unknown_counts_as_drained,
        no_second_look_after_the_gate,
        slots_remembered_and_not_observed,
        the_package_goes_to_production_s_store,
        an_answer_that_was_lost_means_no_swap,
        what_is_unclear_counts_as_empty,
        the_tracking_store_is_not_remembered,
        only_the_hub_that_comes_is_looked_at,
        both_stores_have_one_hub_name,
        a_release_that_stays_gets_the_hub_of_config,
        keys_are_refused_as_soon_as_config_says_identity,
        roles_go_as_soon_as_config_says_keys,
        what_is_written_over_needs_nothing_any_more,
        production_is_rewritten_in_the_form_of_the_config,
    ],
)
def test_a_rule_made_wrong_is_found(
    mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    found = settings(PATIENT, max_examples=2000, phases=[Phase.generate], derandomize=True)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Releases, settings=found)
