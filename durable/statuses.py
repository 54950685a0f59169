"""Which orchestration instances still need their code."""

from __future__ import annotations

from enum import StrEnum


class InstanceStatus(StrEnum):
    """The texts that the Instances table holds in its column RuntimeStatus (azure_facts.md 3.2)."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TERMINATED = "Terminated"


FINISHED = frozenset(
    {InstanceStatus.COMPLETED, InstanceStatus.FAILED, InstanceStatus.CANCELED, InstanceStatus.TERMINATED}
)


def is_active(status: str) -> bool:
    """Whether an instance with this RuntimeStatus may still replay its history (azure_facts.md 3.2).

    The comparison is exact, and a status that isn't known to be finished counts as active: a newer Durable extension
    may have statuses that this list lacks.
    """
    return status not in FINISHED
