"""All rules: name, level, severity, and what a person needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pulumi_policy import EnforcementLevel, Severity

from policies.finding import Rule
from policies.rules import durable_storage, host_storage, task_hubs

PAGES = Path(__file__).resolve().parents[1] / "docs" / "policies"


@dataclass(frozen=True)
class Entry:
    """`levels` overrides the level for stacks of these names."""

    name: str
    judge: Rule
    severity: Severity
    description: str
    remediation: str
    level: EnforcementLevel = EnforcementLevel.MANDATORY
    levels: tuple[tuple[str, EnforcementLevel], ...] = ()

    def level_for(self, stack: str | None) -> EnforcementLevel:
        return dict(self.levels).get(stack or "", self.level)

    @property
    def page(self) -> Path:
        """Its page, which comes with the pack."""
        return PAGES / f"{self.name}.md"

    @property
    def url(self) -> str:
        return self.page.as_uri()


CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "durable-storage-setting-present",
        durable_storage.setting_present,
        Severity.HIGH,
        "Every slot of a durable app has the setting that names its store.",
        "Set the connection in the app settings of production and of every other slot, to a different account in each.",
    ),
    Entry(
        "durable-storage-setting-not-sticky",
        durable_storage.setting_not_sticky,
        Severity.CRITICAL,
        "The durable connection travels with the code at a swap.",
        "Take every member of the connection's family out of the slot settings.",
    ),
    Entry(
        "durable-storage-differs-per-slot",
        durable_storage.differs_per_slot,
        Severity.CRITICAL,
        "Each slot has a task hub of its own.",
        "Give each slot a storage account of its own, or, on one account, a hub name of its own.",
    ),
    Entry(
        "host-storage-shared",
        host_storage.shared,
        Severity.HIGH,
        "AzureWebJobsStorage is one account for all slots.",
        "Set AzureWebJobsStorage to the same account in production and in every other slot.",
    ),
    Entry(
        "host-storage-separate",
        durable_storage.separate_from_host,
        Severity.HIGH,
        "A durable account isn't the account of the Functions host.",
        "Point the durable connection to an account apart from AzureWebJobsStorage.",
    ),
    Entry(
        "task-hub-name-not-sticky",
        task_hubs.name_not_sticky,
        Severity.CRITICAL,
        "The name of the task hub travels with the code at a swap.",
        "Take the setting that names the hub out of the slot settings.",
    ),
)
