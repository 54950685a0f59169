"""The load is the same for the same seed, and has all kinds of orchestrations in it."""

from __future__ import annotations

import pytest

from proof.kinds import TOLD, Kind, Order, Orders


def test_a_seed_gives_the_same_orders_again() -> None:
    one, again, other = Orders(5), Orders(5), Orders(6)
    first = [one.next(10) for _ in range(50)]
    assert first == [again.next(10) for _ in range(50)]
    assert first != [other.next(10) for _ in range(50)]


def test_all_kinds_come_with_ids_of_their_own_and_none_waits_longer_than_asked() -> None:
    orders = [source.next(4) for source in [Orders(1)] for _ in range(300)]
    assert {order.kind for order in orders} == set(Kind)
    assert len({order.id for order in orders}) == len(orders)
    assert all(0 < order.seconds <= 4 for order in orders)
    assert all(order.event_after is not None for order in orders if order.kind is Kind.EVENT)
    approvals = {order.event_after is None for order in orders if order.kind is Kind.APPROVAL}
    assert approvals == {True, False}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_told_of(kind: Kind) -> None:
    assert TOLD[kind]


@pytest.mark.parametrize(
    ("order", "told", "right"),
    [
        (Order("a", Kind.EVENT, event_after=1), "a", True),
        (Order("a", Kind.EVENT, event_after=1), "b", False),
        (Order("a", Kind.EVENT, event_after=1), None, False),
        (Order("a", Kind.APPROVAL, event_after=1), "a", True),
        (Order("a", Kind.APPROVAL, event_after=1), None, True),
        (Order("a", Kind.APPROVAL), "a", False),
        (Order("a", Kind.ENTITY), 5, True),
        (Order("a", Kind.ENTITY), 3, False),
        (Order("a", Kind.CHAIN), None, True),
    ],
)
def test_what_an_orchestration_may_tell(order: Order, told: object, right: bool) -> None:
    assert order.may_tell(told) is right
