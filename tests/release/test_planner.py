"""The plan table of the design, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.stores import Access, Colour, Release, Slot, Store
from release.observed import Absent, Blank, Observed, Unclear, View
from release.planner import (
    CheckDrained,
    Create,
    Desired,
    Drain,
    Pair,
    Plan,
    Promote,
    Refusal,
    Stage,
    Step,
    Swap,
    WarmUp,
    plan,
)

P, Q, R = ("1" * 64, "2" * 64, "3" * 64)
BLUE = Store(Colour.BLUE, "ordersblue", "OrdersHub")
GREEN = Store(Colour.GREEN, "ordersgreen", "OrdersHub")
STORES = {Colour.BLUE: BLUE, Colour.GREEN: GREEN}
WANTED = Desired(P, STORES, "2.0")
NEW = {store.colour: Release(store, P, "2.0") for store in (BLUE, GREEN)}
UNCLEAR = Unclear("has a cat in it", "take the cat out")


def planned(production: View, staging: View, desired: Desired = WANTED) -> Plan:
    made = plan(Observed(production, staging), desired)
    assert isinstance(made, Plan), made
    return made


NOTHING: list[View] = [Absent(), Blank()]


@pytest.mark.parametrize("production", NOTHING)
@pytest.mark.parametrize("staging", NOTHING)
@pytest.mark.parametrize("promote", Promote)
def test_no_app_yet_production_gets_the_package_on_blue_and_staging_green_without_one(
    production: View, staging: View, promote: Promote
) -> None:
    made = planned(production, staging, replace(WANTED, promote=promote))
    pair = Pair(NEW[Colour.BLUE], Release(GREEN))
    assert made == Plan((Create(Slot.PRODUCTION, pair.production), Create(Slot.STAGING, pair.staging)), pair, pair)


@pytest.mark.parametrize("staging", [Release(GREEN), Release(GREEN, Q, "1.0"), Release(GREEN, P, "2.0")])
@pytest.mark.parametrize("promote", Promote)
@pytest.mark.parametrize("drain", Drain)
def test_production_runs_it_already_nothing_is_done_and_staging_keeps_what_it_has(
    staging: Release, promote: Promote, drain: Drain
) -> None:
    production = Release(BLUE, P, "2.0")
    made = planned(production, staging, replace(WANTED, promote=promote, drain=drain))
    assert made == Plan((), Pair(production, staging), Pair(production, staging))


def test_a_label_that_config_has_changed_is_told_and_not_written() -> None:
    made = planned(Release(BLUE, P, "1.9"), Release(GREEN))
    assert made.steps == ()
    assert made.notes == ("production's package has the label '1.9' and keeps it, although config has the label '2.0'",)


@pytest.mark.parametrize("production", [Release(BLUE, Q, "1.0"), Release(BLUE)])
@pytest.mark.parametrize("drain", Drain)
def test_staging_holds_it_one_swap_and_nothing_is_written(production: Release, drain: Drain) -> None:
    staging = Release(GREEN, P, "2.0")
    made = planned(production, staging, replace(WANTED, drain=drain))
    check = [CheckDrained(Slot.PRODUCTION, BLUE)] if drain is Drain.BEFORE_SWAP else []
    assert made.steps == (WarmUp(staging), *check, Swap(staging, production))
    assert made.written == Pair(production, staging)
    assert made.after == Pair(staging, production)


@pytest.mark.parametrize("staging", [Release(GREEN, R, "1.1"), Release(GREEN)])
@pytest.mark.parametrize("drain", Drain)
def test_neither_holds_it_staging_is_drained_and_written_on_its_own_store_and_then_swapped(
    staging: Release, drain: Drain
) -> None:
    production, new = Release(BLUE, Q, "1.0"), NEW[Colour.GREEN]
    made = planned(production, staging, replace(WANTED, drain=drain))
    check = [CheckDrained(Slot.PRODUCTION, BLUE)] if drain is Drain.BEFORE_SWAP else []
    assert made.steps == (
        CheckDrained(Slot.STAGING, GREEN),
        Stage(new, staging),
        WarmUp(new),
        *check,
        Swap(new, production),
    )
    assert made.written == Pair(production, new)
    assert made.after == Pair(new, production)


def test_after_a_swap_from_outside_the_package_goes_to_the_store_that_staging_has_now() -> None:
    made = planned(Release(GREEN, R), Release(BLUE, Q))
    assert made.written == Pair(Release(GREEN, R), NEW[Colour.BLUE])


@pytest.mark.parametrize(
    ("staging", "writes"),
    [(Release(GREEN, P, "2.0"), ()), (Release(GREEN, R), (CheckDrained(Slot.STAGING, GREEN), Stage))],
)
def test_manual_stops_with_the_package_in_staging_and_says_so(staging: Release, writes: tuple[object, ...]) -> None:
    production = Release(BLUE, Q, "1.0")
    made = planned(production, staging, replace(WANTED, promote=Promote.MANUAL))
    assert [type(step) if isinstance(step, Stage) else step for step in made.steps] == list(writes)
    assert made.after == made.written == Pair(production, NEW[Colour.GREEN])
    assert made.notes == (
        "staging holds package 111111111111 (2.0), and production keeps package 222222222222 (1.0): promote is manual",
    )


@pytest.mark.parametrize("staging", NOTHING)
def test_a_staging_slot_that_was_lost_gets_the_store_that_production_does_not_have(staging: View) -> None:
    production = Release(GREEN, P, "2.0")
    made = planned(production, staging)
    assert made.steps == (Create(Slot.STAGING, Release(BLUE)),)
    assert made.after == Pair(production, Release(BLUE))

    behind = Release(GREEN, Q)
    made = planned(behind, staging)
    assert made.steps[0] == Create(Slot.STAGING, NEW[Colour.BLUE])
    assert made.after == Pair(NEW[Colour.BLUE], behind)


@pytest.mark.parametrize("production", NOTHING)
def test_production_that_lost_its_settings_gets_the_package_on_the_store_that_staging_does_not_have(
    production: View,
) -> None:
    made = planned(production, Release(BLUE, Q))
    assert made.steps == (Create(Slot.PRODUCTION, NEW[Colour.GREEN]),)
    assert made.after == Pair(NEW[Colour.GREEN], Release(BLUE, Q))


@pytest.mark.parametrize(
    ("production", "staging", "seen", "repair"),
    [
        (UNCLEAR, Release(GREEN), "The production slot has a cat in it", "take the cat out"),
        (Release(BLUE, P), UNCLEAR, "The staging slot has a cat in it", "take the cat out"),
        (Release(BLUE, P), Release(BLUE, Q), "Both slots have their task hub in ordersblue (blue)", "ordersgreen"),
        (Release(GREEN, P), Release(GREEN), "Both slots have their task hub in ordersgreen (green)", "ordersblue"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_was_seen_and_the_repair(
    production: View, staging: View, seen: str, repair: str
) -> None:
    made = plan(Observed(production, staging), WANTED)
    assert isinstance(made, Refusal)
    assert seen in f"{made}"
    assert repair in f"{made}"
    assert "Nothing was changed" in f"{made}"


def test_the_hub_that_the_package_names_goes_with_it_and_the_old_one_stays_with_the_old_package() -> None:
    renamed = {colour: replace(store, hub="NewHub") for colour, store in STORES.items()}
    old = Release(replace(BLUE, hub="OldHub"), Q, hub_setting="TaskHub")
    made = planned(old, Release(GREEN, R), Desired(P, renamed, hub_setting="HubName"))
    assert made.written.production == old
    assert made.written.staging == Release(renamed[Colour.GREEN], P, hub_setting="HubName")


SENTENCES = [
    (
        Create(Slot.PRODUCTION, NEW[Colour.BLUE]),
        "create production with package 111111111111 (2.0) on blue (ordersblue), where no orchestration may be left",
    ),
    (Create(Slot.STAGING, Release(GREEN)), "create staging with no package on green (ordersgreen)"),
    (
        CheckDrained(Slot.STAGING, GREEN),
        "wait until staging's orchestrations on green (ordersgreen) have ended",
    ),
    (
        Stage(NEW[Colour.GREEN], Release(GREEN, Q, "1.0")),
        "stage package 111111111111 (2.0) on green (ordersgreen), in place of package 222222222222 (1.0)",
    ),
    (Stage(NEW[Colour.GREEN], Release(GREEN)), "stage package 111111111111 (2.0) on green (ordersgreen)"),
    (WarmUp(NEW[Colour.GREEN]), "warm up staging with package 111111111111 (2.0)"),
    (
        Swap(NEW[Colour.GREEN], Release(BLUE, Q)),
        "swap: production gets package 111111111111 (2.0) on green (ordersgreen), "
        "staging keeps package 222222222222 on blue (ordersblue) as the way back",
    ),
]


@pytest.mark.parametrize(("step", "sentence"), SENTENCES)
def test_each_step_is_a_sentence_for_a_person(step: Step, sentence: str) -> None:
    assert step.sentence == sentence


releases = st.builds(
    Release,
    st.sampled_from([BLUE, GREEN]),
    st.sampled_from([None, P, Q, R]),
    st.sampled_from([None, "1", "2.0"]),
    access=st.sampled_from(Access),
)
views = st.one_of(releases, st.sampled_from([Absent(), Blank(), UNCLEAR]))
wishes = st.builds(
    Desired,
    st.just(P),
    st.just(STORES),
    st.just("2.0"),
    st.none(),
    st.sampled_from(Promote),
    st.sampled_from(Drain),
    access=st.sampled_from(Access),
)


@given(views, views, wishes)
def test_no_plan_puts_two_slots_on_one_store_or_moves_a_package_off_its_own(
    production: View, staging: View, desired: Desired
) -> None:
    made = plan(Observed(production, staging), desired)
    if isinstance(made, Refusal):
        return
    for pair in (made.written, made.after):
        assert pair.production.store.colour is not pair.staging.store.colour
    if isinstance(production, Release):
        assert made.written.production == production
    if isinstance(staging, Release) and made.written.staging != staging:
        assert made.written.staging.store == staging.store
        assert made.steps[made.steps.index(CheckDrained(Slot.STAGING, staging.store)) + 1] == Stage(
            made.written.staging, staging
        )
    assert (made.swap is not None) == (made.after == made.written.swapped != made.written)
    if made.swap:
        assert made.after.production.package == P


@given(views, views, wishes)
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(production: View, staging: View, desired: Desired) -> None:
    made = plan(Observed(production, staging), desired)
    if isinstance(made, Plan):
        again = plan(Observed(made.after.production, made.after.staging), desired)
        assert isinstance(again, Plan)
        assert again.steps == ()
        assert again.after == made.after


HELD = replace(WANTED, package=Q, version=None, at_hand=False)


def test_a_package_named_by_its_hash_is_promoted_from_staging_and_stays_in_production() -> None:
    back = planned(Release(BLUE, P), Release(GREEN, Q, "1.0"), HELD)
    assert back.swap == Swap(Release(GREEN, Q, "1.0"), Release(BLUE, P))
    assert not any(isinstance(step, Stage) for step in back.steps)

    there = planned(Release(GREEN, Q, "1.0"), Release(BLUE, P), HELD)
    assert there.steps == ()
    assert there.notes == ()


@pytest.mark.parametrize(
    ("production", "staging", "told"),
    [
        (Release(BLUE, P, "2.0"), Release(GREEN), "production has package 111111111111 (2.0), staging has no package"),
        (Blank(), Release(GREEN, P), "production has nothing, staging has package 111111111111"),
        (Absent(), Absent(), "production has nothing, staging has nothing"),
    ],
)
def test_a_package_named_by_its_hash_that_no_slot_holds_is_refused_with_what_they_hold(
    production: View, staging: View, told: str
) -> None:
    refused = plan(Observed(production, staging), HELD)
    assert isinstance(refused, Refusal)
    assert "package 222222222222" in str(refused)
    assert told in str(refused)
    assert "path of its zip" in str(refused)


TRACKED = replace(
    WANTED,
    hub_setting="TaskHub",
    tracking="View",
    stores={store.colour: replace(store, hub=f"OrdersHub{store.colour.title()}") for store in (BLUE, GREEN)},
)


def test_a_staged_package_gets_config_s_hub_and_tracking_store_and_the_one_that_stays_keeps_its_own() -> None:
    stays = Release(replace(BLUE, hub="OldHub"), Q, "1.0", "Hub", "OldView")
    made = planned(stays, Release(GREEN, R), TRACKED)
    staged = Release(replace(GREEN, hub="OrdersHubGreen"), P, "2.0", "TaskHub", "View")
    assert made.written == Pair(stays, staged)
    assert made.after == Pair(staged, stays)
    back = planned(staged, stays, replace(TRACKED, package=Q, at_hand=False, tracking=None, hub_setting=None))
    assert back.after == Pair(stays, staged)


def test_a_package_whose_zip_is_not_at_hand_is_created_as_its_slot_has_it() -> None:
    held = Release(GREEN, Q, "1.0", "Hub", "View")
    made = planned(Blank(), held, HELD)
    assert made.written == Pair(replace(held, store=BLUE), held)


KEYS, IDENTITY = Access.KEYS, Access.IDENTITY
STAYS = "production stays on account keys until its next release, although config has access: identity"
LAST_KEY = "ordersgreen takes its keys for the rest of this run, and none from the next one on"


def test_a_new_app_has_the_form_that_config_asks_for_in_both_slots() -> None:
    made = planned(Absent(), Absent(), replace(WANTED, access=IDENTITY))
    assert [made.written.of(slot).access for slot in Slot] == [IDENTITY, IDENTITY]
    assert made.notes == ()


@pytest.mark.parametrize("staging", [Release(GREEN), Release(GREEN, Q)])
def test_another_form_alone_rewrites_no_slot_and_is_told(staging: Release) -> None:
    production = Release(BLUE, P, "2.0")
    made = planned(production, staging, replace(WANTED, access=IDENTITY))
    assert made == Plan((), Pair(production, staging), Pair(production, staging), (STAYS,))


def test_another_form_comes_with_the_next_package_and_the_keys_go_in_the_run_after_it() -> None:
    production, staging = Release(BLUE, Q, "1.0"), Release(GREEN, R)
    made = planned(production, staging, replace(WANTED, access=IDENTITY))
    assert made.written == Pair(production, replace(NEW[Colour.GREEN], access=IDENTITY))
    assert made.notes == (LAST_KEY,)
    again = planned(made.after.production, made.after.staging, replace(WANTED, access=IDENTITY))
    assert (again.steps, again.notes) == ((), ())
    assert again.after.staging.access is KEYS


def test_the_form_that_waits_in_staging_is_told_where_promotion_is_manual() -> None:
    desired = replace(WANTED, access=IDENTITY, promote=Promote.MANUAL)
    made = planned(Release(BLUE, Q, "1.0"), Release(GREEN, R), desired)
    assert made.notes[1:] == (STAYS, LAST_KEY)


def test_the_way_back_keeps_the_form_in_which_its_package_ran() -> None:
    production, staging = Release(GREEN, Q, "2.1", access=IDENTITY), Release(BLUE, P, "2.0")
    made = planned(production, staging, replace(WANTED, access=IDENTITY))
    assert made.after == Pair(staging, production)
    assert made.notes == (STAYS,)


def test_from_identities_back_to_keys_is_told_as_well() -> None:
    production = Release(BLUE, P, "2.0", access=IDENTITY)
    made = planned(production, Release(GREEN, access=IDENTITY))
    assert made.notes == ("production stays on its identity until its next release, although config has access: keys",)


def test_a_slot_that_was_lost_gets_the_form_of_the_config() -> None:
    made = planned(Release(BLUE, P, "2.0"), Absent(), replace(WANTED, access=IDENTITY))
    assert made.written.staging == Release(GREEN, access=IDENTITY)
