"""What the load consists of: the kinds of orchestrations, how they are started, and what they must have given."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

EVENT: Final = "Approval"


class Kind(StrEnum):
    """The orchestrators of proof/shop/function_app.py."""

    CHAIN = "chain"
    FAN = "fan"
    NESTED = "nested"
    TIMER = "timer"
    EVENT = "event"
    APPROVAL = "approval"
    RETRY = "retry"
    ROUNDS = "rounds"
    STATUS = "status"
    ENTITY = "entity"


TOLD: Final[Mapping[Kind, str]] = {
    Kind.CHAIN: "activities one after the other",
    Kind.FAN: "activities at once, and then one",
    Kind.NESTED: "sub-orchestrations",
    Kind.TIMER: "a durable timer",
    Kind.EVENT: "an external event, awaited for as long as it takes",
    Kind.APPROVAL: "an external event or a deadline",
    Kind.RETRY: "an activity that fails at first",
    Kind.ROUNDS: "continue-as-new",
    Kind.STATUS: "custom status",
    Kind.ENTITY: "an entity that is called",
}

_WEIGHTS: Final[Mapping[Kind, int]] = {
    Kind.CHAIN: 3,
    Kind.FAN: 2,
    Kind.NESTED: 2,
    Kind.TIMER: 3,
    Kind.EVENT: 3,
    Kind.APPROVAL: 2,
    Kind.RETRY: 1,
    Kind.ROUNDS: 2,
    Kind.STATUS: 1,
    Kind.ENTITY: 1,
}


@dataclass(frozen=True)
class Order:
    """An orchestration to start. It waits for `seconds` in all, each of its activities takes `takes` seconds.

    `event_after` is when its event is raised, in seconds after its start; None if it is never.
    """

    id: str
    kind: Kind
    seconds: float = 0.0
    takes: float = 0.0
    rounds: int = 3
    event_after: float | None = None

    @property
    def body(self) -> dict[str, Any]:
        """What the app's starter is given."""
        return {"id": self.id, "seconds": self.seconds, "takes": self.takes, "rounds": self.rounds}

    @property
    def steps(self) -> int:
        """How many activities it takes."""
        match self.kind:
            case Kind.CHAIN:
                return 4
            case Kind.FAN:
                return self.rounds + 2
            case Kind.NESTED:
                return 6
            case Kind.ROUNDS:
                return self.rounds
            case Kind.STATUS:
                return 3
            case _:
                return 2

    def may_tell(self, told: Any) -> bool:
        """Whether it may give this beside its steps: its event, if it came in time, or what an entity counted."""
        match self.kind:
            case Kind.ENTITY:
                return bool(told == 5)
            case Kind.EVENT:
                return bool(told == self.id)
            case Kind.APPROVAL:
                return told is None or (told == self.id and self.event_after is not None)
            case _:
                return told is None


class Orders:
    """Orders without end, by a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret is made with it
        self._count = 0

    def next(self, longest: float) -> Order:
        """An order that waits for no more than `longest` seconds."""
        self._count += 1
        chosen = self._random
        kind = chosen.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        seconds = round(chosen.uniform(0.2, 1.0) * longest, 2)
        after: float | None = None
        # One in three approvals is never given: the deadline ends it.
        if kind is Kind.EVENT or (kind is Kind.APPROVAL and chosen.random() < 2 / 3):
            after = round(seconds / 2, 2)
        takes = chosen.choice((0.0, 0.02, 0.1))
        return Order(f"{kind}-{self._count:05}", kind, seconds, takes, chosen.randint(2, 4), after)
