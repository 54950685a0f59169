"""Random histories of an app: releases, roll backs, swaps from outside, drift, orchestrations, faults and crashes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from durable.connections import belongs_to
from durable.statuses import InstanceStatus
from durable.stores import Access, Colour, Slot
from release.planner import Drain, Promote
from tests.release.model import (
    ACCOUNTS,
    CONNECTION,
    STRANGER,
    Event,
    Outcome,
    Wish,
    World,
    pulumi_up,
)

PACKAGES = [digit * 64 for digit in "abcd"]
UNKNOWN_STATUS = "Hibernating"
ACTIVE = [InstanceStatus.PENDING, "Running", "Suspended", "ContinuedAsNew", UNKNOWN_STATUS]

scripts = st.lists(st.sampled_from(Event), max_size=12) | st.lists(
    st.sampled_from([Event.NOTHING, Event.NOTHING, Event.NOTHING, *Event]), max_size=60
)


class Releases(RuleBasedStateMachine):
    """Each rule is something that people or Azure do; the model itself finds a broken invariant at once."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.wish = Wish(PACKAGES[0])

    @initialize(access=st.sampled_from(Access))
    def first_deployment(self, access: Access) -> None:
        self.wish = replace(self.wish, access=access)
        assert self.up() is Outcome.DONE
        assert self.world.settings_of[Slot.PRODUCTION] is not None

    def up(self, script: Sequence[Event] = ()) -> Outcome:
        self.world.script = deque(script)
        outcome, _ = pulumi_up(self.world, self.wish)
        self.world.script.clear()
        return outcome

    @rule(package=st.sampled_from(PACKAGES))
    def ask_for_a_package(self, package: str) -> None:
        self.wish = replace(self.wish, package=package)

    @rule(package=st.sampled_from(PACKAGES), status=st.sampled_from(ACTIVE))
    def ship_a_package_while_orchestrations_run(self, package: str, status: str) -> None:
        """The everyday release, which random steps alone seldom come to."""
        self.world.start_orchestration(Slot.PRODUCTION, status)
        self.wish = Wish(package, drain=Drain.AFTER_SWAP, access=self.wish.access)
        self.up()

    @rule(package=st.sampled_from(PACKAGES), calls=st.integers(0, 25))
    def ship_a_package_while_somebody_swaps(self, package: str, calls: int) -> None:
        self.wish = Wish(package, access=self.wish.access)
        self.up([Event.NOTHING] * calls + [Event.OUTSIDE_SWAP])

    @rule(promote=st.sampled_from(Promote), drain=st.sampled_from(Drain))
    def choose_the_strategy(self, promote: Promote, drain: Drain) -> None:
        self.wish = replace(self.wish, promote=promote, drain=drain)

    @rule(access=st.sampled_from(Access))
    def choose_the_access(self, access: Access) -> None:
        self.wish = replace(self.wish, access=access)

    @rule(value=st.sampled_from(["1", "2"]))
    def change_a_common_setting(self, value: str) -> None:
        self.wish = replace(self.wish, extra=value)

    @rule(slot=st.sampled_from([Slot.PRODUCTION, Slot.PRODUCTION, Slot.STAGING]), status=st.sampled_from(ACTIVE))
    def start(self, slot: Slot, status: str) -> None:
        self.world.start_orchestration(slot, status)

    @rule()
    def end(self) -> None:
        self.world.end_orchestration()

    @rule()
    def swap_in_the_portal(self) -> None:
        self.world.begin_swap()

    @precondition(lambda self: self.world.under_way is not None)
    @rule()
    def let_the_swap_go_on(self) -> None:
        self.world.go_on()

    @precondition(lambda self: self.world.under_way is None)
    @rule(slot=st.sampled_from(Slot))
    def change_a_setting_in_the_portal(self, slot: Slot) -> None:
        if (found := self.world.settings_of[slot]) is not None:
            self.world.settings_of[slot] = found | {"EXTRA": "by hand"}

    @rule()
    def delete_the_staging_slot(self) -> None:
        self.world.delete_staging()

    @rule(colour=st.sampled_from(Colour))
    def a_store_is_out_of_reach(self, colour: Colour) -> None:
        self.world.unreachable ^= {ACCOUNTS[colour]}

    @rule(script=scripts)
    def pulumi_up_meets_faults(self, script: list[Event]) -> None:
        before = self.world.swaps, self.world.writes
        wished = self.wish.package
        outcome = self.up(script)
        if outcome is Outcome.DONE and Event.OUTSIDE_SWAP not in script and self.wish.promote is Promote.AUTO:
            assert self.production_runs(wished)
        if outcome is Outcome.REFUSED and not script:
            assert self.world.swaps == before[0]

    @precondition(lambda self: self.world.under_way is None)
    @rule(slot=st.sampled_from(Slot), script=scripts)
    def what_is_unclear_is_refused_and_left_alone(self, slot: Slot, script: list[Event]) -> None:
        own = self.world.settings_of[slot]
        if own is None:
            return
        rest = {name: value for name, value in own.items() if not belongs_to(name, CONNECTION)}
        self.world.settings_of[slot] = rest | {CONNECTION: f"AccountName={STRANGER};AccountKey=k"}
        before = self.world.swaps, self.world.writes
        quiet = [event for event in script if event is not Event.OUTSIDE_SWAP]
        assert self.up(quiet) is not Outcome.DONE
        assert (self.world.swaps, self.world.writes) == before
        self.world.settings_of[slot] = own

    @rule()
    def left_in_peace_it_ends_right_and_then_does_nothing(self) -> None:
        while self.world.under_way is not None:
            self.world.go_on()
        world, unreachable = self.world, self.world.unreachable
        world.unreachable = set()
        outcome = self.up()
        stuck = any(one.status in ACTIVE for rows in world.orchestrations.values() for one in rows.values())
        assert outcome is Outcome.DONE or (outcome is Outcome.REFUSED and stuck)
        if outcome is Outcome.DONE:
            if self.wish.promote is Promote.AUTO:
                assert self.production_runs(self.wish.package)
            before = world.swaps, world.writes
            assert self.up() is Outcome.DONE
            # What slots have left behind by this run, keys or roles, the next one closes.
            granted = world.grants
            assert self.up() is Outcome.DONE
            assert (world.swaps, world.writes, world.grants) == (*before, granted)
        world.unreachable = unreachable

    @invariant()
    def what_must_always_hold(self) -> None:
        self.world.check()

    def production_runs(self, package: str) -> bool:
        runs = self.world._runs(Slot.PRODUCTION)
        return runs is not None and runs[0] == package
