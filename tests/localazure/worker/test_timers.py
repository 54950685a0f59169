"""When timer functions fire."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localazure.worker.timers import Schedule, times
from tests.localazure.worker.conftest import Launch

TIMER = """
    import pathlib

    @app.timer_trigger(arg_name="timer", schedule="%WHEN%")
    def tick(timer: func.TimerRequest) -> None:
        pathlib.Path({path!r}).touch()
"""


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("0 0 2 * * *", "2026-11-25 12:00:00", "2026-11-26 02:00:00"),
        ("0 */5 * * * *", "2026-11-25 12:01:10", "2026-11-25 12:05:00"),
        ("*/15 * * * * *", "2026-11-25 12:01:15", "2026-11-25 12:01:30"),
        ("0 30 9 * * 1-5", "2026-11-27 09:30:00", "2026-11-30 09:30:00"),
        ("0 0 0 * * Sun", "2026-11-25 00:00:00", "2026-11-29 00:00:00"),
        ("0 0 12 1 jan,Jul *", "2026-11-25 00:00:00", "2027-01-01 12:00:00"),
        ("0 0 0 29 2 *", "2026-11-25 00:00:00", "2028-02-29 00:00:00"),
        ("0 10/20 * * * *", "2026-11-25 12:31:00", "2026-11-25 12:50:00"),
        ("5 4 * * *", "2026-11-25 12:00:00", "2026-11-26 04:05:00"),
    ],
)
def test_the_next_time(schedule: str, after: str, due: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    assert Schedule.parse(schedule).next_after(moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_day_that_never_comes() -> None:
    assert Schedule.parse("0 0 0 31 2 *").next_after(datetime(2026, 11, 25, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("* * *", "needs six fields"),
        ("60 * * * * *", "'60' is no second"),
        ("* * * * 13 *", "'13' is no month"),
        ("* * 5-2 * * *", "'5-2' is no hour"),
        ("0 0 0 * * 7", "'7' is no day of week"),
        ("*/0 * * * * *", "no second"),
        ("x * * * * *", "no second"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Schedule.parse(schedule)


def test_a_wait_that_ends_too_soon_is_no_second_time() -> None:
    soon = datetime(2026, 11, 25, 11, 59, 59, 999_000, tzinfo=UTC)

    due = times(Schedule.parse("0 * * * * *"), lambda: soon)

    assert [each.strftime("%H:%M:%S") for each in (next(due), next(due))] == ["12:00:00", "12:01:00"]


def test_times_that_were_missed_arent_made_up() -> None:
    moments = iter([datetime(2026, 11, 25, 12, tzinfo=UTC), datetime(2026, 11, 25, 15, 30, tzinfo=UTC)])

    due = times(Schedule.parse("0 0 * * * *"), lambda: next(moments))

    assert [each.hour for each in (next(due), next(due))] == [13, 16]


def test_a_timer_fires_once_its_worker_has_joined(launch: Launch, tmp_path: Path) -> None:
    fired = tmp_path / "fired"
    worker = launch(TIMER.format(path=str(fired)), settings={"WHEN": "* * * * * *"})

    while not fired.exists():
        assert worker.process.exit_code is None


def test_a_timer_gets_its_context_and_the_client_of_its_hub(launch: Launch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    worker = launch(
        f"""
        import json, pathlib

        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
        @app.durable_client_input(client_name="client")
        async def nightly(timer: func.TimerRequest, client, context: func.Context) -> None:
            urls = client.create_http_management_payload("abc")
            written = pathlib.Path({str(told)!r} + "-")
            written.write_text(json.dumps([context.function_name, timer.past_due, urls["purgeHistoryDeleteUri"]]))
            written.rename({str(told)!r})
        """
    )

    while not told.exists():
        assert worker.process.exit_code is None

    name, late, url = json.loads(told.read_text())
    assert (name, late) == ("nightly", False)
    assert url.startswith("http://shop.example/runtime/webhooks/durabletask/instances/abc?taskHub=ShopHub&")


def test_a_disabled_timer_doesnt_fire(launch: Launch, tmp_path: Path) -> None:
    """Beside one that isn't disabled, and has fired twice."""
    quiet, loud = tmp_path / "quiet", tmp_path / "loud"
    other = TIMER.replace("tick", "tock").replace(".touch()", ".open('a').write('x')")
    worker = launch(
        TIMER.format(path=str(quiet)) + other.format(path=str(loud)),
        settings={"WHEN": "* * * * * *", "AzureWebJobs.tick.Disabled": "true"},
    )

    while not loud.exists() or len(loud.read_text()) < 2:
        assert worker.process.exit_code is None

    assert not quiet.exists()


def test_all_async_functions_share_one_loop_whatever_starts_them(launch: Launch, tmp_path: Path) -> None:
    """A library's session belongs to the loop that it was made in, and must work in the next call too."""
    ticks = tmp_path / "ticks"
    worker = launch(
        f"""
        import asyncio, pathlib

        loops = set()

        @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
        async def tick(timer: func.TimerRequest) -> None:
            loops.add(id(asyncio.get_running_loop()))
            with pathlib.Path({str(ticks)!r}).open("a") as file:
                file.write("x")

        @app.route(auth_level=func.AuthLevel.ANONYMOUS)
        async def count(req: func.HttpRequest) -> str:
            loops.add(id(asyncio.get_running_loop()))
            return str(len(loops))
        """
    )
    while not ticks.exists() or len(ticks.read_text()) < 2:
        assert worker.process.exit_code is None

    assert worker.ask("/api/count").text == "1"
