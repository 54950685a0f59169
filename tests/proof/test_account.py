"""Whatever comes to harm is in the account, and makes it a bad one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from durable.stores import Slot
from proof.account import Account, judge, verdict
from proof.kinds import Kind, Order
from proof.ledger import Ledger
from proof.observer import Disagreement, Findings
from proof.truth import State
from tests.proof.told import BLUE, GREEN, at, output, routed, state, stay

CHAIN = Order("chain-1", Kind.CHAIN)
EVENT = Order("event-1", Kind.EVENT, event_after=1)
DONE = state("chain-1", output=output(1, 4))
STAYS = [*stay(BLUE, "w1", "one", -1, 50), *stay(GREEN, "w2", "two", -1)]


def account(
    states: Sequence[State] = (DONE,),
    events: Sequence[dict[str, Any]] = STAYS,
    *,
    ledger: Ledger | None = None,
    findings: Findings | None = None,
) -> Account:
    return judge(1, 60, ledger or started(CHAIN), states, events, [], [findings or Findings()])


def started(*orders: Order) -> Ledger:
    ledger = Ledger()
    for order in orders:
        ledger.begin(order, Slot.PRODUCTION)
        ledger.accepted(order, {"id": order.id})
        ledger.asked("start")
    return ledger


def test_a_run_in_which_all_went_well_is_good() -> None:
    found = account()
    assert found.is_good
    assert (found.orchestrations.started, found.orchestrations.completed) == (1, 1)
    assert (found.requests.asked, found.requests.unanswered) == (1, 0)
    assert found.kinds == {"chain": 1}
    assert found.problems == ()
    assert json.loads(json.dumps(found.to_json()))["good"] is True


@pytest.mark.parametrize(
    ("order", "states", "word"),
    [
        (CHAIN, [], "lost"),
        (CHAIN, [DONE, replace(DONE, hub=GREEN)], "twice"),
        (CHAIN, [state("chain-1", status="Running", ended=None)], "stuck"),
        (CHAIN, [state("chain-1", status="Failed", failure="builtins.ValueError: no")], "failed"),
        (CHAIN, [state("chain-1", status="Terminated")], "failed"),
        (CHAIN, [state("chain-1", status="Failed", failure="durabletask.task.NonDeterminismError: no")], "broken"),
        (CHAIN, [state("chain-1", output={**output(1, 4), "endedBy": 2})], "mixed"),
        (CHAIN, [state("chain-1", output={**output(1, 4), "startedBy": 2})], "mixed"),
        (CHAIN, [state("chain-1", output=output(1, 3))], "wrong"),
        (EVENT, [state("event-1", output=output(1, 2, told="another"))], "wrong"),
    ],
)
def test_harm_is_named_and_counted(order: Order, states: list[State], word: str) -> None:
    assert verdict(order, states)[0] == word
    found = account(states, ledger=started(order))
    assert getattr(found.orchestrations, word) == 1
    assert found.orchestrations.completed == 0
    assert not found.is_good
    assert found.problems


def test_one_whose_start_was_not_taken_is_not_lost() -> None:
    ledger = started(CHAIN)
    ledger.begin(EVENT, Slot.PRODUCTION)
    assert account(ledger=ledger).orchestrations.lost == 0


@pytest.mark.parametrize(
    ("inner", "word"),
    [
        (state("chain-1-0", status="Running", ended=None), "stuck"),
        (state("chain-1-0", status="Failed", failure="NonDeterminismError: no"), "broken"),
        (state("chain-1-0", status="Failed", failure="ValueError: no"), "failed"),
    ],
)
def test_so_is_that_of_one_which_another_started(inner: State, word: str) -> None:
    found = account([DONE, inner])
    assert getattr(found.orchestrations, word) == 1
    assert found.orchestrations.within == 1
    assert not found.is_good


def test_an_orchestration_that_was_active_while_its_hub_got_another_package_has_come_to_harm() -> None:
    events = [*stay(BLUE, "w1", "one", -1, 5), *stay(BLUE, "w2", "two", 6)]
    crossed = account([state("chain-1", began=3, ended=9, output=output(1, 4))], events)
    assert crossed.orchestrations.crossed == 1
    assert not crossed.is_good
    before = account([state("chain-1", began=3, ended=5.5, output=output(1, 4))], events)
    assert before.is_good


def test_those_that_lived_through_swaps_are_counted_and_have_not_come_to_harm() -> None:
    lived = state("chain-1", began=3, ended=9, output=output(1, 4))
    found = account([lived], [*STAYS, *routed(4), *routed(8), *routed(10)])
    assert (found.orchestrations.through, found.orchestrations.swaps_of_one, found.releases.swaps) == (1, 2, 3)
    assert found.is_good


def test_a_request_without_an_answer_makes_it_a_bad_run() -> None:
    ledger = started(CHAIN)
    ledger.problem("visit GET /api/version", "ReadError()")
    found = account(ledger=ledger)
    assert found.requests.unanswered == 1
    assert not found.is_good
    assert "ReadError" in found.problems[0]


def test_so_do_two_packages_on_one_hub() -> None:
    found = account(events=[*STAYS, *stay(GREEN, "w3", "three", 1)])
    assert found.hubs.met == 1
    assert not found.is_good


def test_so_does_a_disagreement_of_gate_and_client() -> None:
    seen = Findings(comparisons=3, compared=4, disagreements=[Disagreement("ShopHub", "chain-1", at(1), "why")])
    found = account(findings=seen)
    assert (found.gate.comparisons, found.gate.compared, found.gate.disagreements) == (3, 4, 1)
    assert not found.is_good
