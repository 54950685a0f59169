"""How long a release waits for orchestrations: plain numbers, which config can hold without loading a client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and the ids of instances that aren't waited for.

    `timeout` is when to give up on a store that isn't drained, `steady` how long it must have been without an active
    instance, `poll` the first pause between two readings. With `timeout` and `steady` 0 one reading decides.
    `for_roles` is whether a store that denies access may be waiting for a role to take effect, and is asked again.
    Raises ValueError for times below 0, and for a wait without pauses.
    """

    timeout: float
    steady: float
    poll: float
    excepted: frozenset[str] = frozenset()
    for_roles: bool = False

    def __post_init__(self) -> None:
        if min(self.timeout, self.steady, self.poll) < 0 or (self.poll == 0 and (self.timeout or self.steady)):
            raise ValueError(f"can't wait {self.timeout} s for {self.steady} s of quiet with polls every {self.poll} s")
