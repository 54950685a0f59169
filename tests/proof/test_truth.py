"""What the event log tells of hubs: who was on them, when two packages met, when one followed another."""

from __future__ import annotations

from proof.truth import changes, meetings, stays, swaps
from tests.proof.told import BLUE, GREEN, at, hosted, routed, stay


def test_a_worker_stays_from_its_joining_to_its_leaving_or_until_now() -> None:
    found = stays([*stay(BLUE, "w1", "one", 1, 5), *stay(BLUE, "w2", "one", 6)])
    assert [(each.worker, each.joined, each.left) for each in found] == [("w1", at(1), at(5)), ("w2", at(6), None)]


def test_a_worker_that_died_and_came_back_stays_twice() -> None:
    found = stays([*stay(BLUE, "w1", "one", 1, 2), *stay(BLUE, "w1", "one", 3)])
    assert [each.joined for each in found] == [at(1), at(3)]


def test_other_events_of_a_host_are_no_stay() -> None:
    assert stays([hosted("host-started", 1, BLUE, "w1", "one"), hosted("host-ended", 2, BLUE, "w1", "one")]) == []


def test_packages_that_follow_each_other_or_are_on_two_hubs_dont_meet() -> None:
    found = stays([*stay(BLUE, "w1", "one", 1, 5), *stay(BLUE, "w2", "two", 6, 9), *stay(GREEN, "w3", "three", 1)])
    assert meetings(found) == []


def test_packages_that_are_on_a_hub_at_a_time_meet_and_one_with_itself_does_not() -> None:
    events = [*stay(BLUE, "w1", "one", 1)[:1], *stay(BLUE, "w2", "one", 2)[:1], *stay(BLUE, "w3", "two", 3)]
    events += [hosted("hub-left", 4, BLUE, "w1", "one"), hosted("hub-left", 4, BLUE, "w2", "one")]
    assert [(each.packages, each.since) for each in meetings(stays(events))] == [(("one", "two"), at(3))] * 2


def test_a_hub_changes_its_package_when_a_worker_joins_with_another() -> None:
    events = [*stay(BLUE, "w1", "one", 1, 2), *stay(BLUE, "w2", "one", 3, 4), *stay(BLUE, "w3", "two", 5)]
    assert changes(stays([*events, *stay(GREEN, "w4", "one", 1)])) == {BLUE: [at(5)]}


def test_a_swap_is_when_productions_name_goes_to_the_other() -> None:
    assert swaps([*routed(3), *routed(8)]) == [at(3), at(8)]
