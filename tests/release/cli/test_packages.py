from __future__ import annotations

import pytest

from durable.stores import Slot
from tests.release.cli.fakes import GREEN, NEW, OLD, STRAY, Scene, slot, uploaded

WAITING = "d" * 64


@pytest.fixture
def stored(scene: Scene) -> Scene:
    """Beside the slots' packages one that nobody names, and one so young that a run may wait with it."""
    scene.site.packages.stored += [uploaded(STRAY, 27), uploaded(WAITING, 25)]
    return scene


def hashes(scene: Scene) -> set[str]:
    return {one.sha256 for one in scene.site.packages.stored}


def test_packages_are_listed_with_who_names_them(stored: Scene) -> None:
    found = stored.document("packages")
    assert [(one["package"], one["slots"], one["wanted"]) for one in found["packages"]] == [
        (OLD, ["staging"], False),
        (NEW, ["production"], True),
        (STRAY, [], False),
        (WAITING, [], False),
    ]
    assert found["packages"][0]["size"] == 1000
    assert found["packages"][0]["uploaded"] == "2026-06-29T12:00:00Z"
    assert found["pruned"] == []
    assert len(hashes(stored)) == 4


def test_prune_deletes_what_neither_slot_holds_and_no_run_can_wait_with(stored: Scene) -> None:
    found = stored.document("packages", "--prune")
    assert found["pruned"] == [STRAY]
    assert [one["package"] for one in found["packages"]] == [OLD, NEW, WAITING]
    assert hashes(stored) == {OLD, NEW, WAITING}

    assert stored.document("packages", "--prune", "--older-than", "0")["pruned"] == [WAITING]
    assert hashes(stored) == {OLD, NEW}


def test_prune_keeps_what_config_asks_for(stored: Scene) -> None:
    stored.configure(package=f"sha256:{STRAY}")
    assert stored.document("packages", "--prune")["pruned"] == []


def test_prune_leaves_to_pulumi_what_the_stack_s_state_has(stored: Scene) -> None:
    stored.project.state = frozenset({STRAY})
    found = stored.document("packages", "--prune")
    assert found["pruned"] == []
    assert [one["package"] for one in found["packages"] if one["inStack"]] == [STRAY]
    rows = [line.split() for line in stored.command("packages").stdout.splitlines()]
    assert [STRAY[:12], "1,000", "2026-07-01", "09:00:00", "stack"] in rows


def test_prune_refuses_where_it_is_not_certain_what_the_slots_hold(stored: Scene) -> None:
    before = hashes(stored)
    stored.site.busy = True
    assert "in progress" in stored.document("packages", "--prune", code=4)["reason"]
    stored.site.busy = False
    stored.site.slots[Slot.STAGING] = slot("strangers", OLD)
    assert "strangers" in stored.document("packages", "--prune", code=4)["reason"]
    stored.site.slots = {Slot.PRODUCTION: slot(GREEN, None), Slot.STAGING: None}
    assert "runs no package" in stored.document("packages", "--prune", code=4)["reason"]
    assert hashes(stored) == before


def test_packages_for_a_person(stored: Scene) -> None:
    rows = [line.split() for line in stored.command("packages").stdout.splitlines()]
    assert [OLD[:12], "1,000", "2026-06-29", "12:00:00", "staging"] in rows
    assert [NEW[:12], "1,000", "2026-06-30", "12:00:00", "production,", "config"] in rows
    assert [STRAY[:12], "1,000", "2026-07-01", "09:00:00", "nobody"] in rows
    assert f"deleted package {STRAY[:12]}" in stored.command("packages", "--prune").stdout
    stored.site.packages.stored = []
    assert stored.command("packages").stdout == "No package is stored.\n"
