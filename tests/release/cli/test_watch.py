from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from release.cli.watch import Watch


class Heard:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.watch = Watch(self.told.append)

    def hear(self, **event: Any) -> None:
        self.watch(EngineEvent.from_json({"sequence": 1, "timestamp": 1, **event}))

    def diagnostic(self, severity: str, message: str) -> None:
        self.hear(diagnosticEvent={"severity": severity, "message": message, "color": "never"})

    def step(self, op: str, type_: str, *, custom: bool = True) -> None:
        urn = f"urn:pulumi:dev::app::{type_}::settings-staging"
        state = {"type": type_, "urn": urn, "custom": custom, "id": "", "parent": "", "inputs": {}, "outputs": {}}
        state |= {"provider": "", "delete": False, "protect": False, "retainOnDelete": False, "initErrors": []}
        metadata = {"op": op, "urn": urn, "type": type_, "old": None, "new": state, "provider": "", "logical": True}
        self.hear(resOutputsEvent={"metadata": metadata})


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_infos_and_warnings_are_told_without_colours_and_keys_and_errors_are_kept(heard: Heard) -> None:
    heard.diagnostic("info", "<{%reset%}>2 active in ordersgreen<{%reset%}>\n")
    heard.diagnostic("warning", "AccountKey=aHVzaA==;")
    heard.diagnostic("debug", "noise")
    heard.diagnostic("info", "<{%reset%}><{%reset%}>\n")
    heard.diagnostic("error", "<{%reset%}>no stack<{%reset%}>")
    assert heard.told == ["2 active in ordersgreen", "AccountKey=***;"]
    assert heard.watch.errors == ["no stack"]


def test_changes_in_azure_are_told_and_nothing_that_stays_or_is_not_there(heard: Heard) -> None:
    heard.step("update", "azure-native:web:WebAppApplicationSettingsSlot")
    heard.step("same", "azure-native:web:WebApp")
    heard.step("refresh", "azure-native:web:WebApp")
    heard.step("create", "durable-zero-downtime:index:SlotSettings", custom=False)
    heard.step("create", "pulumi:providers:azure-native")
    assert heard.told == ["updated settings-staging"]


def test_what_a_policy_does_not_allow_is_kept_and_what_it_advises_is_told_only(heard: Heard) -> None:
    for level, message in (("mandatory", "the store is sticky"), ("advisory", "a label is missing")):
        event = {"policyName": "slots", "policyPackName": "p", "policyPackVersion": "1", "policyPackVersionTag": "1"}
        heard.hear(policyEvent={**event, "message": message, "color": "never", "enforcementLevel": level})
    assert heard.watch.violations == ["slots: the store is sticky"]
    assert heard.told == ["slots: the store is sticky", "slots: a label is missing"]
