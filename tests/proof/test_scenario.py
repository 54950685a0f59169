"""The scenes of a run: all that is promised to happen, and as many releases as asked for."""

from __future__ import annotations

import pytest

from proof.scenario import Act, Scene, schedule
from release.planner import Drain

AFTER, BEFORE = Drain.AFTER_SWAP, Drain.BEFORE_SWAP


def releases(scenes: list[Scene]) -> int:
    return sum(scene.releases for scene in scenes)


def test_a_whole_run_has_all_acts_in_both_modes_and_24_releases() -> None:
    scenes = schedule(24, tuple(Drain), seed=1)
    assert releases(scenes) == 24
    played = {drain: {scene.act for scene in scenes if scene.drain is drain} for drain in Drain}
    assert played == {BEFORE: set(Act) - {Act.FIRST}, AFTER: set(Act) - {Act.FIRST, Act.CRASH_DRAIN}}


@pytest.mark.parametrize("drain", Drain)
def test_a_mode_begins_with_two_plain_releases_so_that_both_slots_have_a_package(drain: Drain) -> None:
    mine = [scene.act for scene in schedule(40, tuple(Drain), seed=9) if scene.drain is drain]
    assert mine[:2] == [Act.DEPLOY, Act.UP]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_there_are_as_many_releases_as_asked_for(count: int) -> None:
    for drains in ((AFTER,), tuple(Drain)):
        assert releases(schedule(count, drains, seed=2)) == count


def test_a_short_run_has_a_release_that_is_killed_in_a_drain_and_a_roll_back() -> None:
    assert [scene.act for scene in schedule(3, (AFTER,), seed=5)] == [Act.DEPLOY, Act.CRASH_GATE, Act.ROLLBACK]


def test_the_order_is_the_seeds() -> None:
    one, again, other = (schedule(24, tuple(Drain), seed) for seed in (1, 1, 2))
    assert one == again != other
