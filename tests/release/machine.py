"""Random histories of an app: releases, roll backs, swaps from outside, drift, orchestrations, faults and crashes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from durable.connections import belongs_to
from durable.statuses import InstanceStatus
from durable.stores import Access, Slot
from release.planner import Drain, Promote
from tests.release.model import (
    ACCOUNTS,
    CONNECTION,
    STRANGER,
    TRACKED,
    Event,
    Outcome,
    Tracking,
    Wish,
    World,
    pulumi_up,
)

HUBS = ["OrdersHub", "ShopHub"]
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

    @initialize(tracking=st.sampled_from([Tracking.NONE, Tracking.USED]), access=st.sampled_from(Access))
    def first_deployment(self, tracking: Tracking, access: Access) -> None:
        self.wish = replace(self.wish, tracking=tracking, access=access)
        assert self.up() is Outcome.DONE
        assert self.world.settings_of[Slot.PRODUCTION] is not None

    def up(self, script: Sequence[Event] = ()) -> Outcome:
        self.world.script = deque(script)
        outcome, _ = pulumi_up(self.world, self.wish)
        self.world.script.clear()
        return outcome

    def ask(self, package: str, drain: Drain) -> None:
        """Have config ask for a package to be shipped in this way."""
        self.wish = replace(self.wish, package=package, promote=Promote.AUTO, drain=drain, extra="")

    @rule(package=st.sampled_from(PACKAGES))
    def ask_for_a_package(self, package: str) -> None:
        self.wish = replace(self.wish, package=package)

    @rule(package=st.sampled_from(PACKAGES), status=st.sampled_from(ACTIVE))
    def ship_a_package_while_orchestrations_run(self, package: str, status: str) -> None:
        """The everyday release, which random steps alone seldom come to."""
        self.world.start_orchestration(Slot.PRODUCTION, status)
        self.ask(package, Drain.AFTER_SWAP)
        self.up()

    @rule(package=st.sampled_from(PACKAGES), calls=st.integers(0, 25))
    def ship_a_package_while_somebody_swaps(self, package: str, calls: int) -> None:
        self.ask(package, Drain.BEFORE_SWAP)
        self.up([Event.NOTHING] * calls + [Event.OUTSIDE_SWAP])

    @rule(promote=st.sampled_from(Promote), drain=st.sampled_from(Drain))
    def choose_the_strategy(self, promote: Promote, drain: Drain) -> None:
        self.wish = replace(self.wish, promote=promote, drain=drain)

    @rule(tracking=st.sampled_from(Tracking), hub=st.sampled_from(HUBS))
    def choose_hub_and_tracking_store(self, tracking: Tracking, hub: str) -> None:
        """The next package gets them; the tracking store stays in the config for as long as a slot needs it."""
        if tracking is Tracking.NONE and any(map(self.world.tracks, Slot)):
            tracking = Tracking.RETIRED
        self.wish = replace(self.wish, tracking=tracking, hub=hub)

    @rule(package=st.sampled_from(PACKAGES), tracking=st.sampled_from(Tracking), hub=st.sampled_from(HUBS))
    def ship_a_package_to_another_hub(self, package: str, tracking: Tracking, hub: str) -> None:
        """Twice, so that a store whose hub was called otherwise gets a package too."""
        self.choose_hub_and_tracking_store(tracking, hub)
        self.ship_a_package_while_orchestrations_run(package, "Running")
        self.ship_a_package_while_orchestrations_run(PACKAGES[PACKAGES.index(package) - 1], "Running")

    @precondition(lambda self: any(map(self.world.tracks, Slot)))
    @rule()
    def a_tracking_store_that_a_slot_needs_is_not_taken_away(self) -> None:
        wish, before = self.wish, (self.world.swaps, self.world.writes)
        self.wish = replace(wish, tracking=Tracking.NONE)
        assert self.up() is not Outcome.DONE
        assert (self.world.swaps, self.world.writes) == before
        self.wish = wish

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

    @rule(account=st.sampled_from([*ACCOUNTS.values(), TRACKED]))
    def a_store_is_out_of_reach(self, account: str) -> None:
        self.world.unreachable ^= {account}

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
        return runs is not None and runs.package == package
