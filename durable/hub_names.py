"""Task hub names: the rules for explicit ones, the defaults, and the storage resources that carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass

MIN_LENGTH = 3
MAX_LENGTH = 45
MAX_PARTITIONS = 16

DEFAULT_TRACKING_PREFIX = "DurableTask"
"""What the tables of a tracking store are called by if host.json gives no prefix (azure_facts.md 1.2)."""

DURABLE_1_DEFAULT = "DurableFunctionsHub"
"""The hub of a Durable 1.x app that names none (azure_facts.md 2.1)."""

DEFAULT_OUTSIDE_AZURE = "TestHubName"
"""The hub of a Durable 2.x or 3.x app that names none where WEBSITE_SITE_NAME isn't set (azure_facts.md 2.1)."""

_INSTANCES = "Instances"
CLAIMANT = "app"
"""The entry of a claim's metadata that says which app has the hub name."""

_CLAIM = "-claim"
_EXPLICIT = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
_LONGEST_TABLE = 63
_LONGEST_PREFIX = _LONGEST_TABLE - len(_INSTANCES)


def hub_name_problem(name: str) -> str | None:
    """What is wrong with an explicit task hub name, or None (azure_facts.md 2.1).

    The documented rule. The extension itself throws only above 50 characters, but a name near that fails on the first
    large message, since the container for those gets a name longer than the 63 characters that Storage allows.
    """
    if _EXPLICIT.fullmatch(name):
        return None
    return f"{name!r} is no task hub name: {MIN_LENGTH} to {MAX_LENGTH} letters (A-Z, a-z) and digits, a letter first"


def tracking_prefix_problem(prefix: str) -> str | None:
    """What is wrong with a tracking store's prefix, or None: with it, its tables need names that Storage allows."""
    if len(prefix) <= _LONGEST_PREFIX and re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", prefix):
        return None
    return f"{prefix!r} is no prefix of tables: 1 to {_LONGEST_PREFIX} letters (A-Z, a-z) and digits, a letter first"


def claim_container(hub: str) -> str:
    """Our own: the blob container in a tracking store that tells which app has a hub name there.

    As the extension's own containers it is called by the hub in lower case, so it is as unique as those, and it is
    short enough for each valid hub name.
    """
    return f"{hub.lower()}{_CLAIM}"


def default_hub_name(site: str) -> str:
    """The hub that Durable 2.x and 3.x use if host.json names none: the site's name, sanitised (azure_facts.md 2.1).

    A staging slot doesn't start with it, because production would have the same one.
    """
    name = "".join(char for char in site if char.isalnum())
    if not name:
        return "DefaultTaskHub"
    if name[0].isdigit():
        name = "t" + name
    name = name[:MAX_LENGTH]
    return name + "Hub" if len(name) < MIN_LENGTH else name


@dataclass(frozen=True)
class HubResources:
    """The names of what a hub has in storage (azure_facts.md 2.2).

    Queues are in the durable account. Tables and containers are in the tracking account if there is one: only tables
    up to Durable 2.9, both since 2.10 (azure_facts.md 2.3).
    """

    control_queues: tuple[str, ...]
    work_item_queue: str
    history_table: str
    instances_table: str
    partitions_table: str
    lease_container: str
    large_message_container: str
    app_lease_container: str


def hub_resources(hub: str, *, partitions: int = 4, tracking_prefix: str | None = None) -> HubResources:
    """The storage resources of a hub with 1 to 16 partitions; `tracking_prefix` only where a tracking store is set.

    Raises ValueError for a number of partitions that Durable Functions doesn't accept.
    """
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise ValueError(f"a task hub has 1 to {MAX_PARTITIONS} partitions, not {partitions}")
    lower = hub.lower()
    tables = hub if tracking_prefix is None else tracking_prefix
    return HubResources(
        control_queues=tuple(f"{lower}-control-{number:02}" for number in range(partitions)),
        work_item_queue=f"{lower}-workitems",
        history_table=f"{tables}History",
        instances_table=f"{tables}{_INSTANCES}",
        partitions_table=f"{hub}Partitions",
        lease_container=f"{lower}-leases",
        large_message_container=f"{lower}-largemessages",
        app_lease_container=f"{lower}-applease",
    )


def hub_of_instances_table(table: str) -> str | None:
    """The hub (or tracking prefix) whose Instances table this is, or None for another table.

    Storage compares the names of tables without case, and keeps the one that a table was made with.
    """
    hub, suffix = table[: -len(_INSTANCES)], table[-len(_INSTANCES) :]
    return hub if hub and suffix.lower() == _INSTANCES.lower() else None
