"""What the gate and the client may see differently, since no two readings are of one moment, and what they may not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from proof.azure import Hub
from proof.observer import Findings, Look, compare
from release.instances import Instance, Listing

HUB = Hub("shopblue", "ShopHub", "127.0.0.1:1", 0)
ENDED = Look(active=False, changed=datetime(2020, 1, 1, tzinfo=UTC))
RUNNING = Look(active=True, changed=datetime(2020, 1, 1, tzinfo=UTC))


class Gate:
    """Implements Instances: what it has as active, reading by reading; after that, in each look at one."""

    account = HUB.account

    def __init__(self, first: Iterable[str], second: Iterable[str], later: Iterable[bool] = ()) -> None:
        self._readings = iter([first, second])
        self._later = iter(later)

    def all(self) -> Listing:
        active = [Instance(HUB.name, id_, "", "Running", None) for id_ in next(self._readings)]
        return Listing((HUB.name,), tuple(active), len(active))

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        return tuple(known) if next(self._later) else ()


class Client:
    """Implements Client in the same way."""

    def __init__(self, first: Iterable[str], second: Iterable[str], looks: Iterable[Look | None] = ()) -> None:
        self._readings = iter([first, second])
        self._looks = iter(looks)

    def active(self) -> frozenset[str]:
        return frozenset(next(self._readings))

    def look(self, instance_id: str) -> Look | None:  # noqa: ARG002
        return next(self._looks)


def compared(gate: Gate, client: Client, unwritten: Iterable[int] = ()) -> Findings:
    findings = Findings()
    left: Iterator[int] = iter(unwritten)
    count: Callable[[], int] = lambda: next(left)  # noqa: E731
    compare(HUB, gate, client, count, findings)
    return findings


def test_two_that_see_the_same_agree() -> None:
    assert compared(Gate("ab", "ab"), Client("ab", "ab")) == Findings(comparisons=1, compared=2)


@pytest.mark.parametrize(("first", "second"), [("a", "ab"), ("ab", "a")])
def test_one_of_the_gates_readings_is_enough(first: str, second: str) -> None:
    assert compared(Gate(first, second), Client("a", "ab")).disagreements == []


def test_what_began_and_ended_between_the_readings_need_not_be_seen() -> None:
    found = compared(Gate("", ""), Client("", "b", [ENDED]))
    assert (found.between, found.disagreements) == (1, [])


@pytest.mark.parametrize(
    ("before", "look"),
    [
        ("b", ENDED),
        ("", RUNNING),
        ("", None),
        ("", Look(active=False, changed=datetime.now(UTC) + timedelta(hours=1))),
    ],
    ids=["it was active before the gate looked", "it still is", "it is gone", "it ended after the gate had looked"],
)
def test_else_what_the_client_has_and_the_gate_has_not_is_a_disagreement(before: str, look: Look | None) -> None:
    (found,) = compared(Gate("", ""), Client(before, "b", [look])).disagreements
    assert (found.hub, found.id) == (HUB.name, "b")


def test_a_row_that_is_still_to_be_written_is_late() -> None:
    found = compared(Gate("a", "a", [True, False]), Client("a", "", [ENDED, ENDED]), [1, 1])
    assert (found.late, found.disagreements) == (1, [])


def test_a_row_that_stays_active_with_all_rows_written_is_a_disagreement() -> None:
    found = compared(Gate("a", "a", [True, True]), Client("a", "", [ENDED, ENDED]), [0, 0])
    assert [each.id for each in found.disagreements] == ["a"]


def test_a_row_may_be_there_before_its_orchestration_begins() -> None:
    found = compared(Gate("a", "a", [True]), Client("", "", [None, RUNNING]), [0, 0])
    assert (found.early, found.disagreements) == (1, [])


def test_one_that_was_active_before_cannot_begin_once_more() -> None:
    found = compared(Gate("a", "a"), Client("a", "", [RUNNING]), [0])
    assert [each.id for each in found.disagreements] == ["a"]
