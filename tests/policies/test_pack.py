"""The pack as the engine meets it: levels, config, secrets, unknowns, and what it leaves alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy.deserialize import SPECIAL_ARCHIVE_SIG, SPECIAL_ASSET_SIG, SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policies.catalogue import CATALOGUE
from policies.judge import RULES
from policies.values import UNKNOWN, Asset, Hidden, decode
from tests.policies.served import MANDATORY, Registered, judge, servicer, struct
from tests.policies.world import DURABLE, HUB_OVERRIDE, key_connection

POLICIES = Path(__file__).resolve().parents[2] / "policies"
DIFFERS = "durable-storage-differs-per-slot"
STICKY = "durable-storage-setting-not-sticky"


def secret(value: Any) -> dict[str, Any]:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


def program(version: str = "", staging: Any = None, sticky: list[str] | None = None) -> list[Registered]:
    """Settings of production and staging, all of them secret, on one durable account unless `staging` says more."""

    def settings(value: Any) -> dict[str, Any]:
        return secret({"AzureWebJobsStorage": key_connection("host"), DURABLE: value, HUB_OVERRIDE: "TopSecretHub"})

    web = f"azure-native:web{version}"
    blue = key_connection("blue")
    return [
        Registered(f"{web}:WebAppApplicationSettings", "production", {"name": "orders", "properties": settings(blue)}),
        Registered(
            f"{web}:WebAppApplicationSettingsSlot",
            "staging",
            {"name": "orders", "slot": "staging", "properties": settings(blue if staging is None else staging)},
        ),
        Registered(
            f"{web}:WebAppSlotConfigurationNames", "sticky", {"name": "orders", "appSettingNames": sticky or []}
        ),
    ]


@pytest.mark.parametrize("version", ["", "/v20231201"])
def test_the_pack_refuses_types_of_any_api_version_and_names_the_resource(version: str) -> None:
    found = [said for said in judge(program(version)) if said.mandatory]
    assert [(said.rule, said.name) for said in found] == [(DIFFERS, "staging")]
    assert "account 'blue'" in found[0].message
    assert "slot 'staging' of site 'orders'" in found[0].message


def test_no_message_holds_a_secret_value() -> None:
    texts = [said.message for said in judge(program(sticky=[DURABLE, HUB_OVERRIDE]))]
    assert len(texts) > 3
    assert not [text for text in texts if "a2V5" in text or "TopSecretHub" in text or "topsecrethub" in text]
    assert [text for text in texts if "hub name '***'" in text]


def test_levels_come_from_the_catalogue_the_stack_and_the_config() -> None:
    store = [
        *program(staging=key_connection("green")),
        Registered("azure-native:storage:StorageAccount", "blue", {"accountName": "blue"}),
    ]

    def level(stack: str, config: dict[str, Any] | None = None) -> list[bool]:
        return [s.mandatory for s in judge(store, config, stack) if s.rule == "durable-store-protected"]

    assert level("prod") == [True]
    assert level("dev") == [False]
    assert level("dev", {"durable-store-protected": "mandatory"}) == [True]
    assert level("prod", {"durable-store-protected": "advisory"}) == [False]
    assert level("prod", {"durable-store-protected": "disabled"}) == []


def test_config_of_one_rule_is_known_to_all() -> None:
    renamed = [
        Registered(r.type, r.name, json.loads(json.dumps(r.inputs).replace(DURABLE, "Orders"))) for r in program()
    ]
    assert not [said for said in judge(renamed) if said.mandatory]
    told = judge(renamed, {"durable-storage-setting-present": {"connections": ["Orders"]}})
    assert [(said.rule, said.name) for said in told if said.mandatory] == [(DIFFERS, "staging")]


def test_an_unknown_value_is_left_to_the_update_in_one_advisory_a_rule() -> None:
    found = judge(program(staging=UNKNOWN_STRING_VALUE))
    assert not [said for said in found if said.mandatory]
    waiting = [said.rule for said in found if "decided by `pulumi up`" in said.message]
    assert waiting == sorted(set(waiting), key=waiting.index)
    assert DIFFERS in waiting


def updated(resources: list[Registered]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What an update is told, rule and name: resource by resource before it is written, and at the end."""
    pack = servicer(dry_run=False)
    names = {resource.urn: resource.name for resource in resources}
    early: list[tuple[str, str]] = []
    request = analyzer_pb2.AnalyzeStackRequest()
    for resource in resources:
        asked = analyzer_pb2.AnalyzeRequest(
            type=resource.type, urn=resource.urn, name=resource.name, properties=struct(resource.inputs)
        )
        early += [(d.policyName, resource.name) for d in pack.Analyze(asked, None).diagnostics]
        request.resources.add(type=resource.type, urn=resource.urn, name=resource.name)
    late = [
        (d.policyName, names[d.urn])
        for d in pack.AnalyzeStack(request, None).diagnostics
        if d.enforcementLevel == MANDATORY
    ]
    return early, late


def test_an_update_refuses_a_slots_settings_before_they_are_written_and_says_so_once() -> None:
    assert updated(program()) == ([(DIFFERS, "staging")], [])
    assert updated(program(staging=key_connection("green"), sticky=[DURABLE])) == ([(STICKY, "sticky")], [])
    assert updated(program(staging=key_connection("green"))) == ([], [])


def test_an_update_waits_for_what_may_still_come() -> None:
    """The slots of an app come one by one, and host.json may come with a package after both."""
    package = "https://host.blob.core.windows.net/packages/app.zip"

    def settings(name: str, slot: dict[str, str], **more: str) -> Registered:
        values = {"AzureWebJobsStorage": key_connection("host"), **more}
        kind = "WebAppApplicationSettings" + ("Slot" if slot else "")
        return Registered(f"azure-native:web:{kind}", name, {"name": "orders", "properties": values, **slot})

    blob: dict[str, Any] = {"blobName": "app.zip", "containerName": "packages", "accountName": "host"}
    host_json = {"extensions": {"durableTask": {"hubName": "%Hub%", "storageProvider": {"connectionName": DURABLE}}}}
    text = {SPECIAL_SIG_KEY: SPECIAL_ASSET_SIG, "text": json.dumps(host_json)}
    blob["source"] = {SPECIAL_SIG_KEY: SPECIAL_ARCHIVE_SIG, "assets": {"host.json": text}}
    one_account = {DURABLE: key_connection("blue"), "WEBSITE_RUN_FROM_PACKAGE": package}
    production = settings("production", {}, **one_account, Hub="HubA")
    staging = settings("staging", {"slot": "staging"}, **one_account, Hub="HubB")
    assert updated([production, staging, Registered("azure-native:storage:Blob", "package", blob)]) == ([], [])


def test_each_operation_starts_afresh() -> None:
    pack = servicer()
    for resource in program():
        pack.Analyze(
            analyzer_pb2.AnalyzeRequest(type=resource.type, urn=resource.urn, properties=struct(resource.inputs)), None
        )
    assert not pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), None).diagnostics
    request = analyzer_pb2.AnalyzeStackRequest()
    for resource in program():
        request.resources.add(type=resource.type, urn=resource.urn, name=resource.name)
    assert not [d for d in pack.AnalyzeStack(request, None).diagnostics if d.enforcementLevel == analyzer_pb2.MANDATORY]


def test_resources_may_come_from_several_threads() -> None:
    pack = servicer()
    resources = [
        Registered("azure-native:storage:StorageAccount", f"a{number}", {"accountName": f"a{number}"})
        for number in range(200)
    ]

    def analyze(resource: Registered) -> None:
        request = analyzer_pb2.AnalyzeRequest(type=resource.type, urn=resource.urn, properties=struct(resource.inputs))
        pack.Analyze(request, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(analyze, resources))
    assert len(pack._gathered._inputs) == 200


def test_other_providers_resources_are_not_even_read() -> None:
    pack = servicer()
    for token in ("random:index:RandomString", "pulumi-python:dynamic:Resource", "azure-native:network:VirtualNetwork"):
        pack.Analyze(analyzer_pb2.AnalyzeRequest(type=token, urn=token, properties=struct({"name": "orders"})), None)
    assert pack._gathered._inputs == {}


def test_values_come_off_the_wire_as_plain_data() -> None:
    found = decode(
        struct(
            {
                "text": "t",
                "number": 3,
                "list": [True, UNKNOWN_STRING_VALUE],
                "none": None,
                "secret": secret({"a": ["b"]}),
                "file": {SPECIAL_SIG_KEY: SPECIAL_ASSET_SIG, "path": "a.zip", "hash": "h"},
                "other": {SPECIAL_SIG_KEY: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "u"},
            }
        )
    )
    assert found == {
        "text": "t",
        "number": 3,
        "list": [True, UNKNOWN],
        "secret": {"a": ["b"]},
        "file": Asset(path="a.zip", hash="h"),
        "other": UNKNOWN,
    }
    hidden = found["secret"]["a"][0]
    assert isinstance(hidden, Hidden)
    assert (f"{hidden}", f"{hidden!r}", str(hidden), f"{[hidden]}") == ("***", "'***'", "***", "['***']")


def test_the_engine_is_told_all_about_each_rule() -> None:
    info = servicer().GetAnalyzerInfo(None, None)  # type: ignore[no-untyped-call]
    assert [policy.name for policy in info.policies] == [entry.name for entry in CATALOGUE]
    assert [entry.name for entry in CATALOGUE] == list(RULES)
    for policy in info.policies:
        assert policy.description
        assert policy.remediation_steps
        assert policy.severity != analyzer_pb2.POLICY_SEVERITY_UNSPECIFIED
        assert Path(policy.url.removeprefix("file://")).is_file()


def test_policies_import_durable_and_nothing_else_of_ours() -> None:
    ours = {"components", "engine", "localazure", "release", "tests", "functions"}
    for path in POLICIES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & ours, path


def test_the_pack_starts_without_azure_native() -> None:
    """Its import takes seconds, and the rules need none of it."""
    code = "import sys, policies.pack; sys.exit('pulumi_azure_native' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=POLICIES.parent, check=True)
