"""The drain gate on a simulated store and clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.clock import SystemClock
from release.drain import State, Verdict, judge, read_once, unknown, wait_until_drained
from release.instances import Instance, Listing, StoreUnknownError
from release.patience import Patience
from tests.release.clock import FakeClock

ACCOUNT = "ordersgreen"
AT_ONCE = Patience(0, 0, 0)
CREATED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


def an_instance(
    instance_id: str,
    status: str = "Running",
    name: str = "process_order",
    created: datetime | None = CREATED,
    hub: str = "Orders",
) -> Instance:
    return Instance(hub, instance_id, name, status, created)


@dataclass(frozen=True)
class Life:
    """When an instance is active: from `begin` on, until before `end`."""

    instance: Instance
    begin: float = -inf
    end: float = inf


@dataclass
class Store:
    """Implements Instances: what it holds depends on the clock, which a full reading moves by `duration`.

    `outages` are times, from and until before, in which it can't be read; `hub_since` is when it gets its first table.
    """

    clock: FakeClock
    lives: Sequence[Life] = ()
    outages: Sequence[tuple[float, float]] = ()
    hub_since: float = -inf
    duration: float = 0
    rows: int = 0
    full: list[float] = field(default_factory=list)
    points: list[tuple[float, int]] = field(default_factory=list)
    account: str = ACCOUNT

    def active(self, at: float) -> tuple[Instance, ...]:
        return tuple(life.instance for life in self.lives if life.begin <= at < life.end)

    def all(self) -> Listing:
        self.clock.time += self.duration
        self._check()
        self.full.append(self.clock.time)
        hubs = ("Orders",) if self.clock.time >= self.hub_since else ()
        return Listing(hubs, self.active(self.clock.time), self.rows)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        self._check()
        self.points.append((self.clock.time, len(known)))
        return tuple(instance for instance in self.active(self.clock.time) if instance in known)

    def _check(self) -> None:
        if any(begin <= self.clock.time < end for begin, end in self.outages):
            raise StoreUnknownError(ACCOUNT, f"no answer at {self.clock.time}; wait")


def wait(store: Store, patience: Patience, report: Callable[[Verdict], None] = lambda _: None) -> Verdict:
    return wait_until_drained(store, patience, store.clock, report)


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "ContinuedAsNew", "Unheard", ""])
def test_one_active_instance_in_any_status_holds_the_gate(status: str) -> None:
    instance = an_instance("a", status)
    verdict = read_once(Store(FakeClock(), [Life(instance)]), AT_ONCE)
    assert verdict == Verdict(State.BUSY, ACCOUNT, ("Orders",), (instance,))


def test_a_store_with_hubs_and_nothing_active_is_drained_by_one_reading_where_no_time_is_asked_for() -> None:
    for verdict in (read_once(Store(FakeClock()), AT_ONCE), wait(Store(FakeClock()), AT_ONCE)):
        assert verdict == Verdict(State.DRAINED, ACCOUNT, ("Orders",))


def test_one_reading_does_not_wait_for_the_store_to_be_steady() -> None:
    store = Store(FakeClock())
    assert read_once(store, Patience(60, 30, 5)).state is State.DRAINED
    assert store.full == [0]


def test_a_store_without_a_hub_is_drained_at_once() -> None:
    store = Store(FakeClock(), hub_since=inf)
    assert wait(store, Patience(60, 30, 5)) == Verdict(State.DRAINED, ACCOUNT)
    assert store.clock.slept == []


def test_a_store_whose_hub_is_deleted_during_the_wait_must_be_steady_too() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"), end=10)])

    def delete_hub(verdict: Verdict) -> None:
        if verdict.active:
            store.hub_since = inf

    assert wait(store, Patience(60, 30, 10), delete_hub) == Verdict(State.DRAINED, ACCOUNT)
    assert store.clock.time == 40


def test_a_store_that_cannot_be_read_is_unknown_with_the_reason() -> None:
    store = Store(FakeClock(), outages=[(0, inf)])
    for verdict in (read_once(store, AT_ONCE), wait(store, AT_ONCE)):
        assert verdict.state is State.UNKNOWN
        assert verdict.account == ACCOUNT
        assert verdict.reason.endswith("storage account ordersgreen: no answer at 0.0; wait")
        assert verdict.sentence() == verdict.reason


def test_an_error_without_an_account_is_a_verdict_too() -> None:
    verdict = unknown(StoreUnknownError("", "no app setting is the connection X; set X"))
    assert verdict.state is State.UNKNOWN
    assert verdict.reason == (
        "can't tell whether orchestrations still run in the store: no app setting is the connection X; set X"
    )


def test_excepted_instances_do_not_hold_the_gate_and_are_reported() -> None:
    eternal, other = an_instance("eternal"), an_instance("other")
    patience = Patience(0, 0, 0, frozenset({"eternal", "not-there"}))
    verdict = read_once(Store(FakeClock(), [Life(eternal), Life(other)]), patience)
    assert (verdict.state, verdict.active, verdict.excepted) == (State.BUSY, (other,), (eternal,))
    verdict = read_once(Store(FakeClock(), [Life(eternal)]), patience)
    assert (verdict.state, verdict.active, verdict.excepted) == (State.DRAINED, (), (eternal,))
    assert verdict.sentence() == (
        "ordersgreen is drained: no active instance in Orders; not waited for: eternal (Running)"
    )


def test_excepted_instances_are_not_asked_for_again_and_stay_in_the_report() -> None:
    store = Store(FakeClock(), [Life(an_instance("eternal")), Life(an_instance("a"), end=20)])
    seen: list[Verdict] = []
    verdict = wait(store, Patience(60, 0, 5, frozenset({"eternal"})), seen.append)
    assert verdict.state is State.DRAINED
    assert {count for _, count in store.points} == {1}
    assert len(seen) > 2
    assert all([instance.id for instance in each.excepted] == ["eternal"] for each in seen)


def test_quiet_must_last_from_the_end_of_one_reading_to_the_beginning_of_another() -> None:
    store = Store(FakeClock(), duration=2)
    assert wait(store, Patience(600, 30, 4)).state is State.DRAINED
    first, last = store.full[0], store.full[-1]
    assert last - store.duration - first == 30


@pytest.mark.parametrize("steady", [1, 7, 30])
def test_an_active_instance_begins_the_window_anew(steady: int) -> None:
    store = Store(FakeClock(), [Life(an_instance("late"), begin=steady, end=steady + 0.5)])
    assert wait(store, Patience(600, steady, 600)).state is State.DRAINED
    assert store.full[0] == 0
    quiet_again = next(at for at in store.full if at >= steady + 0.5)
    assert store.clock.time == quiet_again + steady


def test_a_reading_that_fails_begins_the_window_anew() -> None:
    store = Store(FakeClock(), outages=[(10, 20)])
    assert wait(store, Patience(600, 30, 10)).state is State.DRAINED
    quiet_again = next(at for at in store.full if at >= 20)
    assert store.clock.time == quiet_again + 30


def test_an_outage_is_waited_through() -> None:
    store = Store(FakeClock(), outages=[(0, 50)])
    assert wait(store, Patience(60, 0, 5)).state is State.DRAINED
    assert store.clock.time >= 50


def test_an_outage_that_lasts_is_the_verdict_at_the_deadline() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"))], outages=[(30, inf)])
    verdict = wait(store, Patience(60, 10, 5))
    assert verdict.state is State.UNKNOWN
    assert "no answer at 60" in verdict.reason
    assert store.clock.time == 60


def test_after_an_outage_the_whole_store_is_read_again() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"))], outages=[(1, 10)])
    wait(store, Patience(20, 0, 5))
    assert store.full == [0, 12.5]
    assert store.points == [(20, 1)]


def test_a_busy_store_is_read_at_the_deadline_and_not_after() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"))])
    verdict = wait(store, Patience(100, 0, 7))
    assert (verdict.state, verdict.active) == (State.BUSY, (an_instance("a"),))
    assert store.points[-1] == (100, 1)
    assert store.clock.time == 100


def test_an_instance_that_ends_just_before_the_deadline_is_seen_to_have_ended() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"), end=99.5)])
    assert wait(store, Patience(100, 0, 64)).state is State.DRAINED
    assert store.clock.time == 100


def test_quiet_that_begins_before_the_deadline_may_last_beyond_it() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"), end=95)])
    assert wait(store, Patience(100, 30, 10)).state is State.DRAINED
    assert 125 <= store.clock.time <= 130


def test_quiet_that_ends_after_the_deadline_ends_the_wait_as_busy() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"), end=95), Life(an_instance("b"), begin=110)])
    verdict = wait(store, Patience(100, 30, 10))
    assert (verdict.state, verdict.active) == (State.BUSY, (an_instance("b"),))
    assert 110 <= store.clock.time <= 130


def test_pauses_grow_by_half_up_to_eight_polls() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"))])
    wait(store, Patience(1000, 0, 2))
    pauses = [end - begin for begin, end in store.clock.slept]
    assert pauses[:8] == [2, 3, 4.5, 6.75, 10.125, 15.1875, 16, 16]
    assert max(pauses) == 16


def test_a_poll_asks_only_for_what_was_active_and_a_full_reading_decides() -> None:
    store = Store(FakeClock(), [Life(an_instance(f"{n}"), end=10 * n) for n in range(1, 4)])
    assert wait(store, Patience(600, 0, 4)).state is State.DRAINED
    assert len(store.full) == 2
    assert store.points == [(4, 3), (10, 3), (19, 2), (32.5, 2)]
    assert store.full[1] == 32.5


def test_what_begins_while_others_run_is_found_by_the_full_reading_that_decides() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"), end=10), Life(an_instance("b"), begin=5, end=50)])
    seen: list[Verdict] = []
    assert wait(store, Patience(600, 0, 5), seen.append).state is State.DRAINED
    assert [[instance.id for instance in verdict.active] for verdict in seen][:4] == [["a"], ["a"], ["b"], ["b"]]


def test_point_reads_give_way_to_full_readings_where_those_cost_less() -> None:
    many = [Life(an_instance(f"{n}"), end=10) for n in range(101)]
    for rows, points in ((101, 0), (10_099, 0), (10_100, 1)):
        store = Store(FakeClock(), many, rows=rows)
        assert wait(store, Patience(600, 0, 10)).state is State.DRAINED
        assert len(store.points) == points
    few = Store(FakeClock(), many[:100], rows=100)
    wait(few, Patience(600, 0, 10))
    assert few.points == [(10, 100)]


def test_each_reading_is_reported_as_counts_go_down_and_quiet_is_not_called_drained_too_early() -> None:
    store = Store(FakeClock(), [Life(an_instance("a"), end=5), Life(an_instance("b"), end=8)])
    seen: list[Verdict] = []
    last = wait(store, Patience(60, 10, 4), seen.append)
    assert [(verdict.state, len(verdict.active)) for verdict in seen] == [
        (State.BUSY, 2),
        (State.BUSY, 2),
        (State.BUSY, 0),
        (State.BUSY, 0),
        (State.DRAINED, 0),
    ]
    assert seen[-1] is last
    assert seen[-2].sentence() == "no active instance in ordersgreen, but not for long enough yet"


@pytest.mark.parametrize("times", [(-1, 0, 1), (0, -1, 1), (0, 0, -1), (1, 0, 0), (0, 1, 0)])
def test_times_that_cannot_be_waited_for_are_refused(times: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="can't wait"):
        Patience(*times)


def test_the_machines_clock_goes_forward() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0)
    assert clock.now() >= before


def test_a_verdict_counts_by_status_and_name_and_knows_the_oldest() -> None:
    active = (
        an_instance("a", "Running"),
        an_instance("b", "Pending", created=CREATED - timedelta(hours=1)),
        an_instance("c", "Running", name="other"),
        an_instance("d", "", name="", created=None),
    )
    verdict = judge(ACCOUNT, Listing(("Orders",), active), frozenset())
    assert list(verdict.by_status.items()) == [("Running", 2), ("Pending", 1), ("without a status", 1)]
    assert list(verdict.by_name.items()) == [("process_order", 2), ("other", 1), ("without a name", 1)]
    assert verdict.oldest == active[1]
    assert judge(ACCOUNT, Listing((), ()), frozenset()).oldest is None


def test_the_sentence_of_a_busy_store_has_counts_the_oldest_and_the_ids() -> None:
    active = (an_instance("abc"), an_instance("def", "Pending", created=CREATED + timedelta(days=1)))
    assert judge(ACCOUNT, Listing(("Orders",), active), frozenset()).sentence() == (
        "2 active in ordersgreen: 1 Pending, 1 Running (2 process_order); "
        "oldest abc, process_order, since 2026-07-01 08:00:00+00:00; ids abc, def"
    )


def test_the_sentence_of_a_store_full_of_instances_stays_short_and_one_line() -> None:
    active = tuple(an_instance(f"id{n}\x1b[2J\n", name=f"name{n}", created=None) for n in range(1000))
    verdict = judge(ACCOUNT, Listing(("Orders",), active), frozenset({f"id{n}\x1b[2J\n" for n in range(500)}))
    assert verdict.sentence().isprintable()
    assert verdict.sentence().count("id5") == 6
    assert verdict.sentence().count("and 495 more") == 3
    assert len(verdict.sentence()) < 600


def test_the_sentence_of_a_drained_store_names_its_hubs() -> None:
    drained = Verdict(State.DRAINED, ACCOUNT, ("Orders", "Shop"))
    assert drained.sentence() == "ordersgreen is drained: no active instance in Orders, Shop"
    assert replace(drained, hubs=()).sentence() == "ordersgreen is drained: it has no task hub"


TIMES = st.integers(0, 60)
LIVES = st.builds(
    lambda index, begin, length: Life(an_instance(f"i{index}"), begin, begin + length),
    st.integers(0, 4),
    TIMES,
    st.integers(1, 30),
)
OUTAGES = st.builds(lambda begin, length: (begin, begin + length), TIMES, st.integers(1, 15))
PATIENCES = st.builds(
    Patience,
    st.integers(0, 80),
    st.integers(0, 25),
    st.integers(1, 10),
    st.frozensets(st.sampled_from(["i0", "i1"])),
)


@given(
    st.lists(LIVES, max_size=6),
    st.lists(OUTAGES, max_size=3),
    PATIENCES,
    st.integers(0, 5),
    st.sampled_from([-inf, 0, 10, inf]),
)
def test_a_wait_says_drained_only_where_it_is_true(
    lives: list[Life], outages: list[tuple[float, float]], patience: Patience, duration: int, hub_since: float
) -> None:
    """The rules of the gate, read off the simulated history instead of the gate's own bookkeeping."""
    store = Store(FakeClock(), lives, outages, hub_since, duration)
    verdict = wait(store, patience)

    def waited_for(at: float) -> set[str]:
        return {instance.id for instance in store.active(at)} - patience.excepted

    if verdict.state is State.DRAINED:
        assert store.full[-1] == store.clock.time
        assert not waited_for(store.full[-1])
        a_hub_was_seen = any(at >= hub_since for at in store.full)
        if a_hub_was_seen:
            since = store.full[-1] - patience.steady
            first = max((at for at in store.full if at <= since), default=None)
            assert first is not None
            assert not any(waited_for(at) for at in store.full if at >= first)
    elif verdict.state is State.BUSY:
        assert verdict.active
        assert {instance.id for instance in verdict.active} <= waited_for(store.clock.time)
    if verdict.state is not State.DRAINED:
        assert store.clock.time >= patience.timeout
    assert store.clock.time <= patience.timeout + patience.steady + 3 * duration
    for begin, end in store.clock.slept:
        assert not begin < patience.timeout < end
        assert end - begin <= 8 * patience.poll


@dataclass
class Denying:
    """A store that lets the identity in from a time on."""

    clock: FakeClock
    until: float
    account: str = ACCOUNT

    def all(self) -> Listing:
        if self.clock.now() < self.until:
            raise StoreUnknownError(ACCOUNT, "403", denied=True)
        return Listing(("Orders",), ())

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        raise AssertionError(f"nothing was active, {known} neither")


def test_a_store_that_denies_access_is_asked_again_only_where_a_role_may_take_effect() -> None:
    told: list[Verdict] = []
    for for_roles, state, last in ((False, State.UNKNOWN, 0), (True, State.DRAINED, 41)):
        clock = FakeClock()
        patience = Patience(60, 0, 5, for_roles=for_roles)
        verdict = wait_until_drained(Denying(clock, 33), patience, clock, told.append)
        assert verdict.state is state
        assert verdict.denied is not for_roles
        assert clock.now() <= last
        assert told[0].denied


def test_a_role_that_never_takes_effect_is_given_up_at_the_deadline() -> None:
    clock = FakeClock()
    verdict = wait_until_drained(Denying(clock, inf), Patience(60, 0, 5, for_roles=True), clock)
    assert verdict.state is State.UNKNOWN
    assert clock.now() == 60
