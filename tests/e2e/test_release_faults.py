"""Production answers, and the next run ends right, whatever happens to a release on its way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.app import PATIENT, SITE, App
from tests.e2e.history import PRODUCTION, STAGING, SWAPPED, WRITTEN, steps
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.e2e

SECONDS_OF_A_SLOW_SWAP = 4
"""Long enough for the engine to be killed, and the next run begun, while the swap is still under way."""

READS = "/config/appsettings/list$"
STAGING_WRITES = "/slots/staging/config/appsettings$"
SWAPS = f"/sites/{SITE}/slotsswap$"
OPERATIONS = "/operation(Statuses|Results)/"

Kind = Mapping[str, Any]
TRANSIENT: tuple[Kind, ...] = ({"status": 503}, {"status": 429, "retryAfter": 1}, {"reset": True})
CONFLICT: Kind = {"status": 409, "code": "Conflict"}


def assert_always_answered(visitor: Visitor) -> None:
    assert visitor.failures == []
    assert visitor.answers > 100


def up_after_a_crash(app: App) -> None:
    """The engine that was killed has left its lock on the stack's file, and says what takes it away."""
    assert "`pulumi cancel`" in app.refused_up()
    app.stack.succeed("cancel", "--yes")
    app.up()


def test_an_engine_killed_before_the_swap_or_after_it_leaves_production_answering_and_the_next_up_ends_right(
    app: App,
) -> None:
    app.configure(gate=PATIENT)
    one = app.want("one")
    app.up()
    ((blue, _), (green, _)) = app.held()
    hub = app.orchestrations(PRODUCTION)
    hub.put("order-7", "Running")
    created = app.last_event()
    with app.visitor() as visitor:
        two = app.want("two")
        with app.begin_up() as up:
            up.until(f"1 active in {blue}", "order-7")
            up.kill()
        assert app.held() == ((blue, one), (green, two))
        assert steps(app.events(created)) == [WRITTEN]
        staged = app.last_event()
        hub.finish("order-7")
        up_after_a_crash(app)
        assert app.held() == ((green, two), (blue, one))
        assert steps(app.events(staged)) == [*SWAPPED]

        swapped = app.last_event()
        three = app.want("three")
        app.fault(OPERATIONS, status=503)
        app.fault(OPERATIONS, delay=60)
        with app.begin_up() as up:
            app.await_event("swap-completed", swapped)
            up.kill()
        assert app.faults() == []
        up_after_a_crash(app)
        assert app.held() == ((blue, three), (green, two))
        assert steps(app.events(swapped)) == [WRITTEN, *SWAPPED]
    assert visitor.seen == [(blue, one), (green, two), (blue, three)]
    assert_always_answered(visitor)
    app.stack.succeed("preview", "--expect-no-changes")


def test_an_engine_killed_during_the_swap_leaves_production_answering_and_the_next_up_ends_right(app: App) -> None:
    app.configure(gate=PATIENT)
    one = app.want("one")
    app.up()
    ((blue, _), (green, _)) = app.held()
    hub = app.orchestrations(PRODUCTION)
    hub.put("order-7", "Running")
    two = app.want("two")
    with app.visitor() as visitor:
        with app.begin_up() as up:
            up.until(f"1 active in {blue}", "order-7")
            staged = app.last_event()
            app.fault("^/$", host=f"{SITE}-{STAGING}", delay=SECONDS_OF_A_SLOW_SWAP)
            hub.finish("order-7")
            app.await_event("swap-source-restarted", staged)
            up.kill()
        up_after_a_crash(app)
        assert app.held() == ((green, two), (blue, one))
        # The engine may write both slots as they are, if the swap comes between its refresh and the plan.
        assert [step for step in steps(app.events(staged)) if step[0] != "settings-changed"] == [*SWAPPED]
    assert visitor.seen == [(blue, one), (green, two)]
    assert_always_answered(visitor)


def test_an_arm_that_fails_for_a_while_is_asked_again_and_one_that_keeps_failing_ends_a_run_in_words(app: App) -> None:
    app.configure(gate=PATIENT)
    hasten_certainty(app)
    one = app.want("one")
    app.up()
    ((blue, _), (green, _)) = app.held()
    created = app.snapshot()
    two = app.want("two")
    with app.visitor() as visitor:
        app.fault(READS, status=403, code="AuthorizationFailed", times=1000)
        refused = app.refused_up()
        assert "Microsoft.Web/sites/config/list/action" in refused
        assert app.events(created.events) == []
        app.end_faults()

        app.fault(STAGING_WRITES, method="PUT", **CONFLICT)
        refused = app.refused_up()
        assert 'Code="Conflict"' in refused
        assert app.faults() == []
        assert app.snapshot() == created

        hub = app.orchestrations(STAGING)
        hub.put("order-7", "Running")
        for kind in TRANSIENT:
            app.fault(READS, **kind)
        with app.begin_up() as up:
            up.until(f"1 active in {green}", "order-7")
            assert app.faults() == []
            for path in (READS, STAGING_WRITES):
                for kind in TRANSIENT:
                    app.fault(path, **kind)
            for kind in (CONFLICT, *reversed(TRANSIENT)):
                app.fault(SWAPS, **kind)
            hub.finish("order-7")
            # What was answered 503 may have been taken all the same, and must not be asked for again then.
            up.until("it is not known whether it does (503")
            app.swap()
            code, output = up.end()
        assert code == 0, output
        assert app.faults() == []
        assert app.held() == ((green, two), (blue, one))
        assert steps(app.events(created.events)) == [WRITTEN, *SWAPPED]
    assert visitor.seen == [(blue, one), (green, two)]
    assert_always_answered(visitor)


def hasten_certainty(app: App) -> None:
    """Have the copy of the program believe sooner that a swap whose request failed has not begun."""
    path = app.stack.folder / "release" / "swap.py"
    text, found = re.subn(r"^(    settle: float =) \d+$", r"\1 3", path.read_text(), flags=re.MULTILINE)
    assert found == 1, f"{path.name} waits in another way by now: say here how to shorten it"
    path.write_text(text)
