from __future__ import annotations

import pytest

from durable.plans import UnknownSkuError, canonical_sku, plan_family, slots_problem


@pytest.mark.parametrize(
    ("sku", "slots", "content_share"),
    [
        ("Y1", 2, True),
        ("FC1", 1, False),
        ("EP1", 3, True),
        ("EP3", 3, True),
        ("F1", 1, False),
        ("D1", 1, False),
        ("B2", 1, False),
        ("S1", 5, False),
        ("P1", 20, False),
        ("P1v2", 20, False),
        ("P0v3", 20, False),
        ("P1mv3", 20, False),
        ("P5mv4", 20, False),
        ("I1", 20, False),
        ("I1v2", 20, False),
        ("p1V3", 20, False),
    ],
)
def test_slots_and_content_share_go_by_the_family_of_the_sku(sku: str, slots: int, content_share: bool) -> None:
    family = plan_family(sku)
    assert family.slots == slots
    assert family.needs_content_share is content_share
    assert slots_problem(sku, slots) is None
    assert slots_problem(sku, slots + 1) is not None


@pytest.mark.parametrize("sku", ["", "S", "S4", "EP4", "P9v3", "S1 ", "WS1"])
def test_an_unknown_sku_is_refused(sku: str) -> None:
    with pytest.raises(UnknownSkuError):
        plan_family(sku)
    assert repr(sku) in (slots_problem(sku, 1) or "")


@pytest.mark.parametrize("sku", ["FC1", "B1", "F1", "D1"])
def test_a_plan_without_slots_says_what_to_take_instead(sku: str) -> None:
    assert "S1" in (slots_problem(sku, 2) or "")


def test_a_plan_with_too_few_slots_says_how_many_it_has() -> None:
    assert "3 slots, production included, and this app needs 4" in (slots_problem("EP1", 4) or "")


@pytest.mark.parametrize(
    ("written", "canonical"), [("s1", "S1"), ("p1V3", "P1v3"), ("P1MV3", "P1mv3"), ("ep1", "EP1"), ("i1v2", "I1v2")]
)
def test_a_sku_is_written_as_arm_writes_it(written: str, canonical: str) -> None:
    assert canonical_sku(written) == canonical
