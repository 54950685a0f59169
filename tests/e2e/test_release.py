"""What `pulumi up` does with a changed package, and with slots that somebody has swapped."""

from __future__ import annotations

import pytest

from tests.e2e.app import AT_ONCE, App
from tests.e2e.history import PRODUCTION, STAGING, SWAPPED, WRITTEN, Hub, assert_no_hub_met_two_packages, steps
from tests.e2e.local import REPOSITORY

pytestmark = pytest.mark.e2e

PROMOTED = frozenset({("update", "swap")})
"""The only change of a run that only swaps."""


def test_a_changed_package_is_announced_staged_on_its_own_store_swapped_and_kept_as_long_as_a_slot_runs_it(
    app: App,
) -> None:
    sample = REPOSITORY / "build" / "functions.zip"
    one = app.want("one", like=sample)
    app.up()
    (blue, running), (green, staged) = app.held()
    assert (running, staged) == (one, None)

    app.settle()
    two = app.want("two", like=sample)
    before = app.snapshot()
    preview = app.preview()
    assert preview.plan == (
        "Plan:",
        f"  1. wait until staging's orchestrations on green ({green}) have ended",
        f"  2. stage package {two[:12]} on green ({green})",
        f"  3. warm up staging with package {two[:12]}",
        f"  4. wait until production's orchestrations on blue ({blue}) have ended",
        f"  5. swap: production gets package {two[:12]} on green ({green}), "
        f"staging keeps package {one[:12]} on blue ({blue}) as the way back",
    )
    assert preview.told == (
        f"staging: {green} is drained: it has no task hub",
        f"production: {blue} is drained: no active instance in OrdersHub",
    )
    # The package has two: a component, and the blob in it.
    assert preview.changes == PROMOTED | {("create", f"package-{two[:12]}"), ("update", "settings-staging")}
    assert app.snapshot() == before
    assert app.packages() == {one}

    up = app.up()
    assert all(line in up for line in preview.plan)
    assert app.held() == ((green, two), (blue, one))
    assert steps(app.events(before.events)) == [WRITTEN, *SWAPPED]
    assert app.packages() == {one, two}
    slots = app.stack.outputs()["slots"]
    assert slots[PRODUCTION] == {"store": "green", "storageAccount": green, "package": two, "version": None}
    assert slots[STAGING] == {"store": "blue", "storageAccount": blue, "package": one, "version": None}

    after = app.snapshot()
    app.stack.succeed("preview", "--expect-no-changes")
    app.stack.succeed("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert app.snapshot() == after

    three = app.want("three", like=sample)
    app.up()
    assert app.held() == ((blue, three), (green, two))
    assert app.packages() == {two, three}
    assert assert_no_hub_met_two_packages(app.events()) == {Hub(blue): [one, three], Hub(green): [two]}


def test_swaps_from_outside_are_left_alone_or_taken_back_by_one_swap_and_move_no_store(app: App) -> None:
    one = app.want("one")
    app.up()
    two = app.want("two")
    app.up()
    released = app.held()
    (green, _), (blue, _) = released

    app.swap()
    outside = app.snapshot()
    app.configure(promote="manual")
    manual = app.stack.succeed("preview", "--expect-no-changes")
    assert f"staging holds package {two[:12]}, and production keeps package {one[:12]}: promote is manual" in manual
    app.configure(promote="auto")
    preview = app.preview()
    assert preview.plan[-1].startswith(f"  3. swap: production gets package {two[:12]} on green ({green})")
    assert preview.changes == PROMOTED
    assert app.snapshot() == outside
    app.up()
    assert app.held() == released
    assert steps(app.events(outside.events)) == [*SWAPPED]

    for _ in range(3):
        app.swap()
    outside = app.snapshot()
    app.configure(promote="manual")
    app.stack.succeed("preview", "--expect-no-changes")
    assert app.snapshot() == outside
    app.configure(promote="auto")
    app.up()
    assert app.held() == released
    assert steps(app.events(outside.events)) == [*SWAPPED]
    assert assert_no_hub_met_two_packages(app.events()) == {Hub(blue): [one], Hub(green): [two]}


def test_the_old_package_comes_back_by_one_swap_whatever_runs_on_stagings_hub(app: App) -> None:
    app.configure(gate=AT_ONCE)
    one = app.want("one")
    app.up()
    two = app.want("two")
    app.up()
    (green, _), (blue, _) = app.held()

    app.orchestrations(STAGING).put("begun-on-one", "Running")
    released = app.last_event()
    app.want("one")
    preview = app.preview()
    assert preview.changes == PROMOTED
    assert preview.told == (f"production: {green} is drained: it has no task hub",)
    app.up()
    assert app.held() == ((blue, one), (green, two))
    assert steps(app.events(released)) == [*SWAPPED]

    # Now production is busy as well, which holds up nothing where its orchestrations may end after the swap.
    app.orchestrations(STAGING).put("begun-on-two", "Running")
    rolled_back = app.last_event()
    app.want("two")
    app.configure(drain="after-swap")
    app.up()
    assert app.held() == ((green, two), (blue, one))
    assert steps(app.events(rolled_back)) == [*SWAPPED]
