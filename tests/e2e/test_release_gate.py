"""No package is overwritten while its task hub has an active instance, whatever else is in the hub."""

from __future__ import annotations

import signal
from itertools import zip_longest

import pytest

from tests.e2e.app import AT_ONCE, GROUP, PATIENT, App
from tests.e2e.history import DURABLE, PRODUCTION, STAGING, SWAPPED, WRITTEN, steps
from tests.e2e.orchestrations import HUB

pytestmark = pytest.mark.e2e

SECONDS_TO_BE_SURE = 8
"""How long a gate waits that is to see a store go: longer than a test takes to have it go."""


def test_each_kind_of_active_instance_alone_holds_up_the_write_and_finished_ones_and_entities_do_not(app: App) -> None:
    """One run meets all kinds in turn: the next one is there before the one that it waits for ends."""
    app.configure(gate=PATIENT)
    app.want("one")
    app.up()
    ((blue, one), (green, _)) = app.held()
    hub = app.orchestrations(STAGING)
    hub.put_finished(1001)
    hub.put("@counter@all", "Running", name="@counter")
    in_turn = (
        ("a-pending", "Pending", HUB),
        ("a-running", "Running", HUB),
        ("a-suspended", "Suspended", HUB),
        ("a-continued", "ContinuedAsNew", HUB),
        ("a-stranger", "Hibernating", HUB),
        ("on-page-two", "Running", HUB),
        ("in-a-retired-hub", "Running", "RetiredHub"),
    )
    hub.put(*in_turn[0])
    first_page = hub.first_page()
    assert len(first_page) == 1000
    assert "a-pending" in first_page
    assert max(first_page) < "on-page-two"

    before = app.snapshot()
    two = app.want("two")
    with app.begin_up() as up:
        for (instance, status, its_hub), following in zip_longest(in_turn, in_turn[1:]):
            assert instance in up.until(f"1 active in {green}: 1 {status} (1 process_order)")
            assert app.snapshot() == before
            if following:
                hub.put(*following)
            hub.finish(instance, its_hub)
        code, output = up.end()
    assert code == 0, output
    assert f"{green} is drained: no active instance in {HUB}, RetiredHub" in output
    assert app.held() == ((green, two), (blue, one))
    assert steps(app.events(before.events)) == [WRITTEN, *SWAPPED]


def test_a_busy_staging_is_told_by_preview_and_refused_by_up_and_an_interrupted_wait_changes_nothing(app: App) -> None:
    app.configure(gate=AT_ONCE)
    app.want("one")
    app.up()
    ((blue, one), (green, _)) = app.held()
    hub = app.orchestrations(STAGING)
    hub.put("order-7", "Suspended")
    hub.put("order-8", "Completed")
    before = app.snapshot()

    two = app.want("two")
    preview = app.preview()
    assert preview.told[0].startswith(f"staging: 1 active in {green}: 1 Suspended (1 process_order); oldest order-7")
    assert ("update", "settings-staging") in preview.changes
    assert app.snapshot() == before

    refused = app.refused_up()
    assert "oldest order-7, process_order" in refused
    assert f"After 0 s package {two[:12]} was not written into staging. What to do: run again when" in refused
    assert app.snapshot() == before

    app.configure(gate=PATIENT)
    with app.begin_up() as up:
        up.until(f"1 active in {green}", "order-7")
        up.send(signal.SIGINT)
        code, output = up.end()
    # Not by the time limit of the test, which kills, nor by that of the gate, which is longer.
    assert code not in {0, -signal.SIGKILL}, output
    assert app.snapshot() == before

    hub.finish("order-7")
    app.up()
    assert app.held() == ((green, two), (blue, one))
    assert steps(app.events(before.events)) == [WRITTEN, *SWAPPED]


def test_a_store_that_takes_the_key_no_more_or_does_not_answer_is_unknown_and_therefore_refused(app: App) -> None:
    app.configure(gate={**AT_ONCE, "timeout": SECONDS_TO_BE_SURE, "poll": 0.1})
    app.want("one")
    app.up()
    ((blue, one), (green, _)) = app.held()
    app.orchestrations(STAGING).put("order-7", "Running")
    before = app.snapshot()
    two = app.want("two")
    unknown = f"can't tell whether orchestrations still run in storage account {green}: "
    unwritten = f"package {two[:12]} was not written into staging"

    with app.begin_up() as up:
        up.until(f"1 active in {green}", "order-7")
        app.note_keys()
        app.accounts.regenerate_key(GROUP, green, {"keyName": "key1"})
        up.until(f"{unknown}the table service answered 403")
        code, refused = up.end()
    assert code != 0
    assert unwritten in refused
    assert app.snapshot() == before
    preview = app.preview()
    assert preview.told[0].startswith(f"staging: {unknown}the table service answered 403")
    assert app.snapshot() == before

    with app.begin_up() as up:
        up.until(f"1 active in {green}", "order-7")
        app.azure.stop()
        up.until(f"{unknown}the table service can't be reached")
        code, refused = up.end()
    assert code != 0
    assert unwritten in refused
    app.azure.start()
    assert app.snapshot() == before

    app.orchestrations(STAGING).finish("order-7")
    app.up()
    assert app.held() == ((green, two), (blue, one))
    assert app.key(green) in app.settings()[PRODUCTION][DURABLE]
    assert steps(app.events(before.events)) == [WRITTEN, *SWAPPED]


def test_a_busy_production_holds_up_the_swap_after_the_package_is_staged_and_then_only_the_swap_is_left(
    app: App,
) -> None:
    app.configure(gate=AT_ONCE)
    app.want("one")
    app.up()
    ((blue, one), (green, _)) = app.held()
    hub = app.orchestrations(PRODUCTION)
    hub.put("order-7", "Running")
    created = app.last_event()

    two = app.want("two")
    refused = app.refused_up()
    assert "staging answers 200 at /" in refused
    assert f"1 active in {blue}: 1 Running (1 process_order); oldest order-7" in refused
    assert "After 0 s the slots were not swapped." in refused
    assert app.held() == ((blue, one), (green, two))
    assert steps(app.events(created)) == [WRITTEN]

    hub.finish("order-7")
    staged = app.last_event()
    app.up()
    assert app.held() == ((green, two), (blue, one))
    assert steps(app.events(staged)) == [*SWAPPED]
