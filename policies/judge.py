"""What the rules of the catalogue do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.config import Config
from policies.finding import Finding, Rule, settled
from policies.model import Program
from policies.rules import (
    accounts,
    connections,
    durable_storage,
    function_apps,
    host_ids,
    host_storage,
    identities,
    packages,
    slots,
    task_hubs,
    tracking,
)

RULES: Mapping[str, Rule] = {
    "durable-storage-setting-present": durable_storage.setting_present,
    "durable-storage-setting-not-sticky": durable_storage.setting_not_sticky,
    "durable-storage-differs-per-slot": durable_storage.differs_per_slot,
    "durable-storage-connection-consistent": connections.consistent,
    "host-storage-shared": host_storage.shared,
    "host-storage-separate": durable_storage.separate_from_host,
    "task-hub-name-explicit": task_hubs.name_explicit,
    "task-hub-name-not-sticky": task_hubs.name_not_sticky,
    "task-hub-unique": task_hubs.unique,
    "host-id-distinct": host_ids.distinct,
    "content-share-per-slot": slots.content_share,
    "package-setting-not-sticky": slots.package_not_sticky,
    "staging-starters-disabled": slots.starters_disabled,
    "event-source-setting-sticky": slots.event_sources_sticky,
    "settings-in-sub-resource": slots.in_sub_resource,
    "slot-settings-names-once": slots.names_once,
    "slot-kind-matches-site": slots.kind_matches,
    "plan-supports-slots": slots.plan_supports_slots,
    "auto-swap-off": slots.auto_swap_off,
    "tracking-store-consistent": tracking.consistent,
    "tracking-store-hub-unique": tracking.hub_unique,
    "identity-reaches-every-store": identities.reach_every_store,
    "durable-store-protected": accounts.store_protected,
    "durable-storage-keys-agree": accounts.keys_agree,
    "storage-hardened": accounts.hardened,
    "function-app-hardened": function_apps.hardened,
    "function-app-quota": function_apps.quota,
    "secret-by-reference": function_apps.secret_by_reference,
    "host-json-agrees": packages.agrees,
}

EARLY = (
    "durable-storage-setting-not-sticky",
    "durable-storage-differs-per-slot",
    "durable-storage-connection-consistent",
    "host-storage-shared",
    "host-storage-separate",
    "task-hub-name-not-sticky",
    "content-share-per-slot",
    "package-setting-not-sticky",
)
"""Rules that can refuse a slot's settings before they are written: no resource that comes later can mend it."""


def findings(rule: str, program: Program, config: Config) -> Iterator[Finding]:
    """What a rule says about a program."""
    yield from settled(RULES[rule](program, config))
