from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from release.drain import State, Verdict
from release.endings import Ending
from release.guard import RefusedError
from release.instances import Instance
from release.journal import VARIABLE, Journal, Stop, read, stops_told, write_plan, write_stop
from release.swap import LiveError

BUSY = (
    Instance("OrdersHub", "order-7", "process_order", "Running", datetime(2026, 7, 1, 8, 0, tzinfo=UTC)),
    Instance("OrdersHub", "order-\u00fc\n8", "", "", None),
)


def test_plan_and_stops_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    environ = {VARIABLE: str(path)}
    write_plan(["Plan:", "  1. wait"], environ)
    write_stop(RefusedError("2 active", Verdict(State.BUSY, "ordersgreen", active=BUSY)), environ=environ)
    write_stop(LiveError("503"), environ=environ)
    assert read(path) == Journal(
        ("Plan:", "  1. wait"), (Stop(Ending.BUSY, "2 active", BUSY), Stop(Ending.UNKNOWN, "503"))
    )


def test_an_ending_that_is_given_goes_before_that_of_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    write_stop(RuntimeError("no answer"), Ending.UNKNOWN, {VARIABLE: str(path)})
    assert read(path).stops == (Stop(Ending.UNKNOWN, "no answer"),)


def test_a_run_that_told_nothing_is_an_empty_journal(tmp_path: Path) -> None:
    assert read(tmp_path / "journal") == Journal()


def test_nothing_is_written_where_nobody_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_plan(["Plan:"], {})
    write_stop(LiveError("503"), environ={})
    assert list(tmp_path.iterdir()) == []


def test_keys_of_connections_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    write_stop(LiveError("AccountName=a;AccountKey=aHVzaA==;"), environ={VARIABLE: str(path)})
    assert "aHVzaA==" not in path.read_text()


def test_an_error_is_told_and_goes_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(LiveError), stops_told():
        raise LiveError("503")
    assert read(path).stops == (Stop(Ending.UNKNOWN, "503"),)
