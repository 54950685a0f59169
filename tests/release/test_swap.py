"""The exchange of the slots and the checks around it, against a model of Azure with its own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable.stores import Colour, Release, Slot, Store
from release.observed import Absent, Blank, Observed, Unclear
from release.swap import (
    AccessError,
    AfterSwapError,
    LiveError,
    SwapBusyError,
    SwapError,
    SwapLimits,
    SwapRefusedError,
    SwapUncertainError,
    exchange,
)
from release.warm_up import PING_PATH, PING_STATUSES, check_production, warm_up

WANTED = "b" * 64
OLD = Release(Store(Colour.BLUE, "shopblue", "Hub"), "a" * 64, "1.0")
NEW = Release(Store(Colour.GREEN, "shopgreen", "Hub"), WANTED, "1.1")
STAGED = Observed(OLD, NEW)
PROMOTED = Observed(NEW, OLD)
LIMITS = SwapLimits(timeout=300, settle=20, warm_up=60, poll=1, longest_poll=8)


class Outcome(Enum):
    """What comes of a request for a swap."""

    DONE = auto()
    BUSY = auto()
    REFUSED = auto()
    FAILED_AFTER_THE_EXCHANGE = auto()
    LOST = auto()
    BEGUN = auto()
    BEGINS_LATE = auto()


class Event(Enum):
    """What may happen while time passes."""

    NOTHING = auto()
    OUTSIDE_SWAP = auto()
    LONG_OUTSIDE_SWAP = auto()
    SILENCE = auto()
    KILL = auto()


class Killed(BaseException):
    """The end of the process that is at work."""


@dataclass
class Azure:
    """A model of an app and of time. Implements release.swap.App and release.clock.Clock.

    `outcomes` are those of the requests for a swap, in turn, and DONE after that; `events` happen one at each pause.
    `lag` is how long the settings show what was before a swap of ours, `after` what a swap makes of the slots if it
    doesn't exchange them.
    """

    slots: Observed = STAGED
    outcomes: list[Outcome] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lag: float = 0
    after: Observed | None = None
    statuses: list[int | LiveError] = field(default_factory=list)
    time: float = 0
    pending: bool = False
    silent_until: float = -1
    posts: int = 0
    posts_too_many: int = 0
    asked: list[tuple[Slot, str]] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    _due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _stale: tuple[float, Observed] | None = None

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self._pass(seconds)
        match self.events.pop(0) if self.events else Event.NOTHING:
            case Event.OUTSIDE_SWAP if not self.pending:
                self.exchange()
            case Event.LONG_OUTSIDE_SWAP:
                self.begin(15)
            case Event.SILENCE:
                self.silent_until = self.time + 4
            case Event.KILL:
                raise Killed

    def look(self) -> Observed:
        self._answer()
        if self._stale is not None and self.time < self._stale[0]:
            return self._stale[1]
        return self.slots

    def swapping(self) -> bool:
        self._answer()
        return self.pending

    def ask(self, slot: Slot, path: str, timeout: float) -> int:  # noqa: ARG002
        self.asked.append((slot, path))
        answer = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(answer, LiveError):
            raise answer
        return answer

    def swap(self) -> None:
        self.posts += 1
        self.posts_too_many += isinstance(self.slots.production, Release) and self.slots.production.package == WANTED
        if self.pending:
            raise SwapBusyError("409 Conflict: busy.")
        match self.outcomes.pop(0) if self.outcomes else Outcome.DONE:
            case Outcome.DONE:
                self.begin(5, self.lag)
                while self.pending:
                    self.sleep(1)
            case Outcome.BUSY:
                self.begin(10)
                raise SwapBusyError("409 Conflict: busy.")
            case Outcome.REFUSED:
                raise SwapRefusedError("409 Conflict: staging did not respond.")
            case Outcome.FAILED_AFTER_THE_EXCHANGE:
                self.exchange()
                raise SwapRefusedError("500 InternalServerError: the old app did not restart.")
            case Outcome.LOST:
                raise SwapUncertainError("Connection reset.")
            case Outcome.BEGUN:
                self.begin(30, self.lag)
                raise SwapUncertainError("Connection reset.")
            case Outcome.BEGINS_LATE:
                self.later(LIMITS.settle - 1, lambda: self.begin(30, self.lag))
                raise SwapUncertainError("Connection reset.")

    def begin(self, seconds: float, lag: float = 0) -> None:
        """A swap that takes so long, unless there is one already."""
        if self.pending:
            return
        self.pending = True

        def end() -> None:
            self.pending = False
            self._stale = (self.time + lag, self.slots)
            self.exchange()

        self.later(seconds, end)

    def exchange(self) -> None:
        self.slots = self.after or Observed(self.slots.staging, self.slots.production)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self._due.append((self.time + seconds, action))
        self._due.sort(key=lambda each: each[0])

    def restart(self) -> None:
        """Time between two runs."""
        self.events, events = [], self.events
        self._pass(120)
        self.events = events

    def run(self, limits: SwapLimits = LIMITS) -> None:
        exchange(self, self.look, WANTED, limits, self, self.reports.append)

    def _pass(self, seconds: float) -> None:
        until = self.time + seconds
        while self._due and self._due[0][0] <= until:
            self.time, action = self._due.pop(0)
            action()
        self.time = until

    def _answer(self) -> None:
        if self.time < self.silent_until:
            raise LiveError("503 Service Unavailable.")


def test_a_staged_package_is_promoted_by_one_swap() -> None:
    azure = Azure()
    azure.run()
    assert azure.slots == PROMOTED
    assert azure.posts == 1
    assert azure.reports == [
        "swap: production gets package bbbbbbbbbbbb (1.1) on green (shopgreen), "
        "staging gets package aaaaaaaaaaaa (1.0) on blue (shopblue)",
        "production runs package bbbbbbbbbbbb (1.1) on green (shopgreen)",
    ]


def test_a_package_that_production_runs_is_not_swapped_away_however_often_it_is_asked_for() -> None:
    azure = Azure(PROMOTED)
    for _ in range(3):
        azure.run()
    assert azure.posts == 0
    assert azure.slots == PROMOTED


@pytest.mark.parametrize(
    ("outcome", "posts"),
    [
        (Outcome.DONE, 1),
        (Outcome.BUSY, 1),
        (Outcome.FAILED_AFTER_THE_EXCHANGE, 1),
        (Outcome.LOST, 2),
        (Outcome.BEGUN, 1),
        (Outcome.BEGINS_LATE, 1),
    ],
)
def test_whatever_comes_of_the_request_the_package_ends_up_in_production(outcome: Outcome, posts: int) -> None:
    azure = Azure(outcomes=[outcome])
    azure.run()
    assert azure.slots == PROMOTED
    assert azure.posts == posts
    assert azure.posts_too_many == 0


def test_a_swap_that_was_under_way_when_the_process_died_is_awaited_by_the_next_run() -> None:
    azure = Azure(events=[Event.NOTHING, Event.KILL])
    with pytest.raises(Killed):
        azure.run()
    assert azure.pending
    azure.run()
    assert azure.slots == PROMOTED
    assert azure.posts == 1
    assert "another operation is in progress" in "".join(azure.reports)


def test_a_swap_that_failed_is_told_in_azures_words_with_what_production_runs() -> None:
    azure = Azure(outcomes=[Outcome.REFUSED])
    with pytest.raises(SwapError, match=r"staging did not respond\. Production still runs package aaaaaaaaaaaa"):
        azure.run()
    assert azure.posts == 1
    assert azure.slots == STAGED


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.BEGUN, Outcome.BEGINS_LATE])
def test_the_settings_may_lag_behind_a_swap_without_a_second_one(outcome: Outcome) -> None:
    azure = Azure(outcomes=[outcome], lag=LIMITS.settle - 1)
    azure.run()
    assert azure.posts == 1
    assert azure.slots == PROMOTED


def test_a_swap_back_by_somebody_else_is_followed_by_another_swap() -> None:
    azure = Azure(events=[*[Event.NOTHING] * 4, Event.OUTSIDE_SWAP])
    azure.run()
    assert azure.slots == PROMOTED
    assert azure.posts == 2
    assert azure.posts_too_many == 0


UNCLEAR = Unclear("has its task hub in the account other", "set it back")


@pytest.mark.parametrize(
    ("slots", "says"),
    [
        (Observed(Absent(), Absent()), "The production slot is not deployed.*`pulumi up`"),
        (Observed(OLD, Absent()), "The staging slot is not deployed.*`pulumi up`"),
        (Observed(OLD, Blank()), "The staging slot has no settings.*`pulumi up`"),
        (Observed(OLD, UNCLEAR), "The staging slot has its task hub in the account other.*set it back"),
        (Observed(UNCLEAR, NEW), "The production slot has its task hub in the account other.*set it back"),
        (Observed(OLD, replace(NEW, package=None)), "Staging holds no package on green.*run again"),
        (Observed(OLD, replace(NEW, package="c" * 64)), "Staging holds package cccccccccccc.*run again"),
        (Observed(OLD, replace(NEW, store=OLD.store)), r"Both slots have their task hub in shopblue \(blue\)"),
    ],
)
def test_slots_that_a_swap_would_not_put_right_are_left_alone(slots: Observed, says: str) -> None:
    azure = Azure(slots)
    with pytest.raises(SwapError, match=says) as refused:
        azure.run()
    assert "Nothing was swapped. What to do: " in str(refused.value)
    assert azure.posts == 0


@pytest.mark.parametrize("torn", [Observed(OLD, OLD), Observed(NEW, NEW), Observed(OLD, UNCLEAR)])
def test_a_look_into_the_middle_of_a_swap_is_not_believed(torn: Observed) -> None:
    azure = Azure(PROMOTED)
    looks = iter([torn])
    exchange(azure, lambda: next(looks, azure.slots), WANTED, LIMITS, azure, azure.reports.append)
    assert azure.posts == 0


def test_an_operation_that_does_not_end_is_given_up_on_at_the_limit() -> None:
    azure = Azure(pending=True)
    with pytest.raises(SwapError, match=r"After 300 seconds another operation is still in progress on the site\."):
        azure.run()
    assert azure.now() == 300
    assert azure.posts == 0


def test_a_site_that_stays_busy_without_telling_of_an_operation_is_given_up_on_in_azures_words() -> None:
    azure = Azure()

    def busy() -> None:
        raise SwapBusyError("409 Conflict: the slot is stopped.")

    azure.swap = busy  # type: ignore[method-assign]
    with pytest.raises(
        SwapError, match=r"the swap could not begin\. The last answer: 409 Conflict: the slot is stopped"
    ):
        azure.run()
    assert azure.reports.count("409 Conflict: the slot is stopped. Trying again.") == 1


def test_azures_silence_after_a_request_is_waited_out() -> None:
    azure = Azure(outcomes=[Outcome.BEGUN], events=[Event.SILENCE] * 3)
    azure.run()
    assert azure.slots == PROMOTED
    assert azure.posts == 1


def test_azures_silence_before_any_request_is_not_waited_out() -> None:
    azure = Azure(silent_until=1000)
    with pytest.raises(LiveError, match="503"):
        azure.run()
    assert azure.now() == 0


def test_a_fate_that_stays_unknown_is_told_with_the_last_answer() -> None:
    azure = Azure(outcomes=[Outcome.BEGUN])
    azure.later(0.5, lambda: setattr(azure, "silent_until", 10_000))
    with pytest.raises(SwapError, match=r"not known what has become of the swap\. The last answer: 503"):
        azure.run()
    assert azure.posts == 1


def test_a_right_that_is_lost_on_the_way_is_told_at_once() -> None:
    azure = Azure(outcomes=[Outcome.BEGUN])
    looks = iter([STAGED])

    def look() -> Observed:
        for seen in looks:
            return seen
        raise AccessError("no right to read the app settings")

    with pytest.raises(AccessError):
        exchange(azure, look, WANTED, LIMITS, azure, azure.reports.append)
    assert azure.now() < 60


@pytest.mark.parametrize(
    "after",
    [
        Observed(replace(NEW, store=OLD.store), replace(OLD, store=NEW.store)),
        Observed(replace(OLD, store=NEW.store), replace(NEW, store=OLD.store)),
    ],
    ids=["the store is sticky", "the package is sticky"],
)
def test_a_swap_that_parts_a_store_from_its_package_is_an_alarm_and_not_repeated(after: Observed) -> None:
    azure = Azure(after=after)
    with pytest.raises(SwapError, match=r"a store has not moved with its package.*slotConfigNames"):
        azure.run()
    assert azure.posts == 1


def test_a_swap_is_not_done_before_staging_has_the_other_release() -> None:
    azure = Azure(after=Observed(NEW, Blank()))
    with pytest.raises(
        SwapError, match=r"production runs package b.* staging, which should have package a.*has no sett"
    ):
        azure.run()
    assert azure.posts == 1


def test_a_production_slot_that_a_swap_leaves_without_settings_is_told() -> None:
    azure = Azure(after=Observed(Blank(), NEW))
    with pytest.raises(SwapError, match="The production slot has no settings"):
        azure.run()
    assert azure.posts == 1


def test_what_somebody_stages_right_after_the_swap_is_their_affair() -> None:
    azure = Azure(after=Observed(NEW, replace(OLD, package="c" * 64)))
    azure.run()
    assert azure.posts == 1


CALM = 40


@settings(max_examples=400, deadline=None)
@given(
    outcomes=st.lists(st.sampled_from(Outcome), max_size=6),
    events=st.lists(st.sampled_from(Event), max_size=25),
    slots=st.sampled_from([STAGED, PROMOTED]),
    lag=st.sampled_from([0.0, 3.0, LIMITS.settle - 1]),
)
def test_no_sequence_of_faults_crashes_and_outside_swaps_makes_a_run_swap_the_package_away(
    outcomes: list[Outcome], events: list[Event], slots: Observed, lag: float
) -> None:
    azure = Azure(slots, list(outcomes), list(events), lag)
    for _ in range(CALM):
        try:
            azure.run()
        except (Killed, SwapError, LiveError):
            pass
        else:
            assert azure.look() == PROMOTED
            if not azure.events and not azure.outcomes:
                break
            azure.exchange()
        assert azure.posts_too_many == 0
        azure.restart()
    else:
        pytest.fail("no run has ended well although nothing happens any more")
    assert azure.posts <= 1 + len(outcomes) + len(events)


def answers(*statuses: int | LiveError) -> Azure:
    """Slots that answer these, the last one for ever."""
    return Azure(statuses=list(statuses))


def warm(azure: Azure, **settings: str) -> None:
    warm_up(azure, settings, LIMITS, azure, azure.reports.append)


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404])
def test_staging_is_warm_when_it_answers_anything_but_a_servers_error(status: int) -> None:
    azure = answers(LiveError("no answer"), 503, 503, status)
    warm(azure)
    assert azure.asked == [(Slot.STAGING, "/")] * 4
    assert azure.reports == [
        "staging doesn't answer (no answer): waiting for anything below 500",
        "staging answers 503 at /: waiting for anything below 500",
        f"staging answers {status} at /",
    ]


def test_staging_is_asked_what_app_service_will_ask_it_at_the_swap() -> None:
    azure = answers(200, 404, 202)
    warm(azure, **{PING_PATH: "api/up", PING_STATUSES: "202, 204"})
    assert azure.asked == [(Slot.STAGING, "/api/up")] * 3


def test_a_slot_that_does_not_get_warm_is_told_with_its_last_status_and_production_untouched() -> None:
    azure = answers(200, 418)
    with pytest.raises(
        SwapError, match=r"answers 418 at /up after 60 seconds, and one of 200, 202 is wanted\."
    ) as cold:
        warm(azure, **{PING_PATH: "/up", PING_STATUSES: "202,200"}) if azure.statuses.pop(0) else None
    assert "Production is untouched." in str(cold.value)
    assert azure.now() == LIMITS.warm_up


def test_a_slot_that_never_answers_is_told_with_the_reason() -> None:
    with pytest.raises(SwapError, match=r"staging slot doesn't answer \(connection refused\) after 60 seconds"):
        warm(answers(LiveError("connection refused")))


def test_a_missing_right_is_no_cold_slot() -> None:
    azure = answers(AccessError("no right to read the host name"))
    with pytest.raises(AccessError):
        warm(azure)
    assert azure.now() == 0


def test_a_list_of_statuses_that_is_none_is_refused_by_its_name() -> None:
    azure = answers(200)
    with pytest.raises(SwapError, match=f"{PING_STATUSES} of the staging slot is '2xx'.*200,202"):
        warm(azure, **{PING_STATUSES: "2xx"})
    assert azure.asked == []


def test_production_that_does_not_answer_after_the_swap_is_told_with_the_way_back() -> None:
    azure = answers(500)
    with pytest.raises(
        AfterSwapError, match=r"The production slot answers 500 at /.*swapped.*`python -m release rollback`"
    ):
        check_production(azure, {}, LIMITS, azure, azure.reports.append)
    assert {slot for slot, _ in azure.asked} == {Slot.PRODUCTION}


def test_pauses_double_up_to_the_longest() -> None:
    def first(count: int, pauses: Iterator[float]) -> list[float]:
        return [next(pauses) for _ in range(count)]

    assert first(6, SwapLimits(poll=1, longest_poll=8).pauses()) == [1, 2, 4, 8, 8, 8]


def test_a_slot_that_reaches_storage_as_an_identity_is_given_the_time_that_roles_take() -> None:
    azure = answers(*([503] * 200))
    with pytest.raises(SwapError, match="after 900 seconds"):
        warm(azure, AzureWebJobsStorage__accountName="shophost")
    assert azure.now() == LIMITS.roles == 900
