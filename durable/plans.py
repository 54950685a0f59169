"""App Service plans: how many slots a SKU has, and what a function app on it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PlanFamily:
    """What all SKUs of one kind have in common.

    `slots` counts production, so 1 means that there is no other slot (azure_facts.md 4.1).
    `kind` is what ARM calls a plan on Linux.
    `needs_content_share`: the platform keeps the app's files in a share that settings name (azure_facts.md 5.4).
    `always_on`: the app sleeps unless told not to, and a sleeping host fires no durable timer.
    """

    name: str
    tier: str
    slots: int
    kind: str = "linux"
    needs_content_share: bool = False
    always_on: bool = False


_FAMILIES = {
    r"Y1": PlanFamily("Consumption", "Dynamic", 2, needs_content_share=True),
    r"FC1": PlanFamily("Flex Consumption", "FlexConsumption", 1),
    r"EP[1-3]": PlanFamily("Premium (Elastic)", "ElasticPremium", 3, kind="elastic", needs_content_share=True),
    r"F1": PlanFamily("Free", "Free", 1),
    r"D1": PlanFamily("Shared", "Shared", 1),
    r"B[1-3]": PlanFamily("Basic", "Basic", 1, always_on=True),
    r"S[1-3]": PlanFamily("Standard", "Standard", 5, always_on=True),
    r"P[1-3]": PlanFamily("Premium", "Premium", 20, always_on=True),
    r"P[1-3]v2": PlanFamily("Premium v2", "PremiumV2", 20, always_on=True),
    r"P(0|1|2|3|1m|2m|3m|4m|5m)v3": PlanFamily("Premium v3", "PremiumV3", 20, always_on=True),
    r"P(0|1|2|3|1m|2m|3m|4m|5m)v4": PlanFamily("Premium v4", "PremiumV4", 20, always_on=True),
    r"I[1-3]": PlanFamily("Isolated", "Isolated", 20, always_on=True),
    r"I([1-6]|[1-5]m)v2": PlanFamily("Isolated v2", "IsolatedV2", 20, always_on=True),
}


class UnknownSkuError(ValueError):
    """A plan SKU that isn't known here."""

    def __init__(self, sku: str) -> None:
        super().__init__(
            f"{sku!r} is no known plan SKU: Y1, EP1-EP3, S1-S3, P1v2-P3v2, P0v3-P5mv3, P0v4-P5mv4 or I1v2-I6v2"
        )


def plan_family(sku: str) -> PlanFamily:
    """The family of a SKU such as `S1` or `P1v3`, in any case. Raises UnknownSkuError."""
    for pattern, family in _FAMILIES.items():
        if re.fullmatch(pattern, sku, re.IGNORECASE):
            return family
    raise UnknownSkuError(sku)


def canonical_sku(sku: str) -> str:
    """A SKU in the case that ARM answers with, so that another one isn't taken for a change: `p1V3` is `P1v3`."""
    return sku.upper().replace("V", "v").replace("M", "m")


def slots_problem(sku: str, slots: int) -> str | None:
    """Why a plan of this SKU can't hold an app with that many slots (production counts), or None."""
    try:
        family = plan_family(sku)
    except UnknownSkuError as error:
        return str(error)
    if family.slots >= slots:
        return None
    if family.slots == 1:
        return f"{sku} ({family.name}) has no slot besides production: take a Standard (S1), Premium or Isolated SKU"
    return f"{sku} ({family.name}) has {family.slots} slots, production included, and this app needs {slots}"
