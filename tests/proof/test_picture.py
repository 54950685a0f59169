"""The picture of a run shows slots, stores and orchestrations as the event log has them, and is no large file."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from durable.app_settings import PACKAGE, package_file
from durable.stores import Colour, Slot
from proof.account import judge
from proof.ledger import Ledger
from proof.observer import Findings
from proof.picture import Bar, Span, active, draw, slot_bars, store_bars
from proof.run import Run
from proof.scenario import Act, Outcome, Scene
from release.planner import Drain
from tests.proof.told import BLUE, GREEN, at, output, routed, state, stay

ONE, TWO = "1" * 64, "2" * 64
SPAN = Span(at(0), at(100))


def ran(seconds: float, slot: str, account: str, package: str | None) -> dict[str, Any]:
    """An event that tells what a slot's worker runs with."""
    settings = {"DurableManagementStorage": f"AccountName={account};AccountKey=***"}
    if package:
        settings[PACKAGE] = f"http://127.0.0.1:1/host/packages/{package_file(package)}?sig=***"
    return {
        "phase": "settings-changed",
        "time": at(seconds).isoformat(),
        "slot": slot,
        "production": slot == "production",
        "settings": settings,
    }


def made(states: int = 2) -> Run:
    events = [
        ran(1, "production", "shopblue", ONE),
        ran(2, "staging", "shopgreen", None),
        *stay(BLUE, "w1", ONE, 3, 60),
        ran(40, "staging", "shopgreen", TWO),
        *stay(GREEN, "w2", TWO, 41),
        ran(60, "production", "shopgreen", TWO),
        ran(60, "staging", "shopblue", ONE),
        *stay(BLUE, "w3", ONE, 61),
    ]
    lives = [state(f"chain-{n}", BLUE, began=n % 50, ended=n % 50 + 20, output=output(1, 4)) for n in range(states)]
    outcomes = [
        Outcome(Scene(Act.FIRST, Drain.BEFORE_SWAP), at(0), at(10), 1),
        Outcome(Scene(Act.CRASH_SWAP, Drain.AFTER_SWAP), at(30), at(100), 2, killed=1),
    ]
    account = judge(1, 100, Ledger(), lives, [*events, *routed(60)[:1]], outcomes, [Findings()])
    return Run(account, lives, events, outcomes, {ONE: 1, TWO: 2}, [])


def test_a_slot_has_what_its_workers_ran_with() -> None:
    run = made()
    blue, green = Colour.BLUE, Colour.GREEN
    assert slot_bars(run, Slot.PRODUCTION, SPAN) == [Bar(at(1), at(60), 1, blue), Bar(at(60), at(100), 2, green)]
    assert slot_bars(run, Slot.STAGING, SPAN) == [Bar(at(40), at(60), 2, green), Bar(at(60), at(100), 1, blue)]


def test_a_store_has_the_packages_of_its_workers_and_one_that_goes_on_is_one_bar() -> None:
    assert store_bars(made(), Colour.BLUE, SPAN) == [Bar(at(3), at(100), 1, Colour.BLUE)]
    assert store_bars(made(), Colour.GREEN, SPAN) == [Bar(at(41), at(100), 2, Colour.GREEN)]


def test_orchestrations_are_counted_from_their_beginning_to_before_their_end() -> None:
    found = active([state("a", began=1, ended=3), state("b", began=2, ended=None)], [at(n) for n in range(5)])
    assert found == [0, 1, 2, 1, 1]


def test_the_file_is_whole_says_what_it_shows_and_stays_small() -> None:
    text = draw(made(states=2000))
    root = ElementTree.fromstring(text)  # noqa: S314 - it is our own
    told = "".join(root.itertext())
    assert root.tag.endswith("svg")
    assert "killed in the middle of the swap" in told
    assert {"production", "staging", "blue store", "green store"} <= {each.text for each in root.iter()}
    assert len(text) < 60_000
