"""Durable entities: instances that run for ever and therefore say nothing about whether a hub is drained."""

from __future__ import annotations

from dataclasses import dataclass

EXCLUDE_FROM_QUERY = "PartitionKey lt '@' or PartitionKey ge 'A'"
"""OData filter on the Instances table that leaves entities out (azure_facts.md 3.3); `@` comes right before `A`."""


@dataclass(frozen=True)
class EntityId:
    """An entity: its function's name, in lower case, and its key."""

    name: str
    key: str

    def __str__(self) -> str:
        return f"@{self.name.lower()}@{self.key}"


def is_entity(instance_id: str) -> bool:
    """Whether the instance is an entity, `@<name>@<key>` (azure_facts.md 3.3). Users' ids never begin with `@`."""
    return parse_entity_id(instance_id) is not None


def parse_entity_id(instance_id: str) -> EntityId | None:
    """The entity that an instance id stands for, or None for an orchestration. A key may be empty or hold `@`."""
    if not instance_id.startswith("@"):
        return None
    name, separator, key = instance_id[1:].partition("@")
    return EntityId(name, key) if name and separator else None
