from __future__ import annotations

from datetime import UTC, datetime

import pytest

from durable.stores import Colour, Release, Store
from release.direction import Direction, target
from release.observed import Absent, Blank, Observed, Unclear, View
from release.planner import Refusal

OLD, NEW = "a" * 64, "b" * 64
BLUE = Store(Colour.BLUE, "ordersblue", "OrdersHub")
GREEN = Store(Colour.GREEN, "ordersgreen", "OrdersHub")
UPLOADED = {OLD: datetime(2026, 7, 1, tzinfo=UTC), NEW: datetime(2026, 7, 2, tzinfo=UTC)}


@pytest.mark.parametrize(("production", "staging"), [(OLD, NEW), (NEW, OLD)])
def test_forward_is_the_package_uploaded_later_and_back_the_earlier_one_whichever_runs(
    production: str, staging: str
) -> None:
    seen = Observed(Release(BLUE, production), Release(GREEN, staging))
    assert target(seen, UPLOADED, Direction.FORWARD) == NEW
    assert target(seen, UPLOADED, Direction.BACK) == OLD


def test_one_package_in_both_slots_is_the_answer_to_both() -> None:
    seen = Observed(Release(BLUE, NEW), Release(GREEN, NEW))
    assert {target(seen, {}, direction) for direction in Direction} == {NEW}


@pytest.mark.parametrize("uploaded", [{}, {OLD: UPLOADED[OLD]}, dict.fromkeys(UPLOADED, UPLOADED[OLD])])
def test_where_the_order_is_not_known_the_package_is_to_be_named(uploaded: dict[str, datetime]) -> None:
    refused = target(Observed(Release(BLUE, NEW), Release(GREEN, OLD)), uploaded, Direction.BACK)
    assert isinstance(refused, Refusal)
    assert f"`rollback --package sha256:{OLD}`" in str(refused)


@pytest.mark.parametrize("staging", [Release(GREEN), Absent(), Blank(), Unclear("has a cat in it", "take it out")])
@pytest.mark.parametrize("direction", Direction)
def test_without_two_packages_there_is_nothing_to_choose_from(staging: View, direction: Direction) -> None:
    refused = target(Observed(Release(BLUE, NEW, "2.0"), staging), UPLOADED, direction)
    assert isinstance(refused, Refusal)
    assert "production has package bbbbbbbbbbbb (2.0), staging has no" in str(refused)
