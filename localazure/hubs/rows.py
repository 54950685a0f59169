"""What the Instances table has of an orchestration or an entity (azure_facts.md 3.1 and 3.2). Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.testing.in_memory_backend import EntityState, OrchestrationInstance

from durable.instance_ids import to_partition_key
from durable.statuses import InstanceStatus
from localazure.hubs.backend import Snapshot
from localazure.hubs.runs import RUN_LENGTH
from localazure.hubs.table import Row

_EXECUTION_LENGTH: Final = 32
_LARGEST: Final = 60 * 1024
"""Bytes in UTF-16, which the table service counts. Azure keeps a longer value in a blob, this table leaves it out."""

STATUSES: Final[Mapping[int, InstanceStatus]] = {
    pb.ORCHESTRATION_STATUS_RUNNING: InstanceStatus.RUNNING,
    pb.ORCHESTRATION_STATUS_COMPLETED: InstanceStatus.COMPLETED,
    pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW: InstanceStatus.CONTINUED_AS_NEW,
    pb.ORCHESTRATION_STATUS_FAILED: InstanceStatus.FAILED,
    pb.ORCHESTRATION_STATUS_CANCELED: InstanceStatus.CANCELED,
    pb.ORCHESTRATION_STATUS_TERMINATED: InstanceStatus.TERMINATED,
    pb.ORCHESTRATION_STATUS_PENDING: InstanceStatus.PENDING,
    pb.ORCHESTRATION_STATUS_SUSPENDED: InstanceStatus.SUSPENDED,
}


def row_of(found: Snapshot, hub: str, run: str) -> Row | None:
    """The row of a snapshot; None for what isn't there.

    `run` (12 hex digits) begins its ExecutionId, and tells which hub of which process wrote it.
    """
    if found.orchestration is not None:
        columns = _orchestration(found.orchestration)
    elif found.entity is not None:
        columns = _entity(found.id, found.entity)
    else:
        return None
    execution = hashlib.sha256(f"{found.id}/{found.execution}".encode()).hexdigest()
    row: Row = {
        "PartitionKey": to_partition_key(found.id),
        "RowKey": "",
        "ExecutionId": run + execution[: _EXECUTION_LENGTH - RUN_LENGTH],
        "TaskHubName": hub,
        "Generation": 0,
        **columns,
    }
    return {name: value for name, value in row.items() if value is not None and not _too_large(value)}


def output_of(instance: OrchestrationInstance) -> str | None:
    """What an instance ended with: its result as JSON, or as JSON the text of its failure."""
    if instance.output:
        return instance.output
    return json.dumps(instance.failure_details.errorMessage) if instance.failure_details else None


def _orchestration(instance: OrchestrationInstance) -> Row:
    return {
        "Name": instance.name,
        "Version": instance.version,
        "Input": instance.input or None,
        "Output": output_of(instance),
        "CustomStatus": instance.custom_status or None,
        "CreatedTime": instance.created_at,
        "LastUpdatedTime": instance.last_updated_at,
        "CompletedTime": instance.completed_at,
        "RuntimeStatus": STATUSES[instance.status].value,
        "Tags": json.dumps(instance.tags) if instance.tags else None,
    }


def _entity(entity_id: str, entity: EntityState) -> Row:
    state = {"exists": entity.serialized_state is not None, "state": entity.serialized_state}
    return {
        "Name": f"@{entity_id[1:].partition('@')[0]}",
        "Input": json.dumps(state),
        "CreatedTime": entity.last_modified_at,
        "LastUpdatedTime": entity.last_modified_at,
        "RuntimeStatus": InstanceStatus.RUNNING.value,
    }


def same(one: Row | None, other: Row | None) -> bool:
    """Whether two rows of an instance differ in nothing but the time of the last update."""
    return _lasting(one) == _lasting(other)


def _lasting(row: Row | None) -> Row | None:
    return None if row is None else {name: value for name, value in row.items() if name != "LastUpdatedTime"}


def _too_large(value: str | int | datetime) -> bool:
    return isinstance(value, str) and len(value.encode("utf-16-le")) > _LARGEST
