"""What a rule says about a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from policies.config import Config
    from policies.model import Program
    from policies.resources import Resource


class Weight(Enum):
    """`REFUSAL` has the rule's own level; the others are advisory whatever that is.

    `LATER`: a preview doesn't know a value that the rule needs, `pulumi up` will.
    `NEVER`: what the rule needs isn't in the program at all; config can tell it.
    """

    REFUSAL = "refusal"
    ADVICE = "advice"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True)
class Finding:
    """`message` is for a person: the setting, what is wrong, why it matters, the fix. Never a secret."""

    resource: Resource
    message: str
    weight: Weight = Weight.REFUSAL


Rule: TypeAlias = "Callable[[Program, Config], Iterable[Finding]]"
"""A rule is pure: the same program and config give the same findings."""


def advice(resource: Resource, message: str) -> Finding:
    return Finding(resource, message, Weight.ADVICE)


def later(resource: Resource, what: str) -> Finding:
    """`what` isn't known yet, such as "AzureWebJobsStorage of slot 'staging' of site 'orders'"."""
    return Finding(resource, what, Weight.LATER)


def never(resource: Resource, what: str) -> Finding:
    """`what` isn't in the program, and how config can tell it."""
    return Finding(resource, what, Weight.NEVER)


def settled(findings: Iterable[Finding]) -> list[Finding]:
    """Refusals and advice as they are; of each kind of doubt one finding, so that a rule says once that it waits."""
    found = list(findings)
    said = [finding for finding in found if finding.weight in (Weight.REFUSAL, Weight.ADVICE)]
    endings = {
        Weight.LATER: "not known in this preview: decided by `pulumi up`",
        Weight.NEVER: "so this rule can't decide",
    }
    for weight, ending in endings.items():
        doubts = [finding for finding in found if finding.weight is weight]
        if doubts:
            what = "; ".join(dict.fromkeys(doubt.message for doubt in doubts))
            said.append(Finding(doubts[0].resource, f"{what}: {ending}", weight))
    return list(dict.fromkeys(said))
