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
    """`message` is for a person: the setting, what is wrong, why it matters, the fix. Never a secret.

    Of a doubt it is what the rule would need, and `way_out` is how config can tell it.
    """

    resource: Resource
    message: str
    weight: Weight = Weight.REFUSAL
    way_out: str = ""


Rule: TypeAlias = "Callable[[Program, Config], Iterable[Finding]]"
"""A rule is pure: the same program and config give the same findings."""


def advice(resource: Resource, message: str) -> Finding:
    return Finding(resource, message, Weight.ADVICE)


def later(resource: Resource, what: str) -> Finding:
    """`what` isn't known yet, such as "AzureWebJobsStorage of slot 'staging' of site 'orders'"."""
    return Finding(resource, what, Weight.LATER)


def never(resource: Resource, what: str, way_out: str) -> Finding:
    """`what` isn't in the program."""
    return Finding(resource, what, Weight.NEVER, way_out)


def settled(findings: Iterable[Finding]) -> list[Finding]:
    """Refusals and advice as they are; of each kind of doubt one finding, so that a rule says once that it waits."""
    found = list(dict.fromkeys(findings))
    said = [finding for finding in found if finding.weight in (Weight.REFUSAL, Weight.ADVICE)]
    doubts = [finding for finding in found if finding not in said]
    for weight, way_out in dict.fromkeys((doubt.weight, doubt.way_out) for doubt in doubts):
        alike = [doubt for doubt in doubts if (doubt.weight, doubt.way_out) == (weight, way_out)]
        what = ", ".join(dict.fromkeys(doubt.message for doubt in alike))
        if weight is Weight.LATER:
            text = f"Not known in this preview, and decided by `pulumi up`: {what}"
        else:
            text = f"Not in this program, so this rule can't decide: {what}. {way_out}"
        said.append(Finding(alike[0].resource, text, weight))
    return said
