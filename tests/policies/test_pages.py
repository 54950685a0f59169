"""Each rule has a page, whose bad example is refused by that rule alone, and whose good one passes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks

from policies.catalogue import CATALOGUE
from policies.config import SCHEMAS
from tests.policies.fine import FINE
from tests.policies.pages import FOLDER, Page, page, pages, preamble
from tests.policies.served import Registered, Said, judge

NAMES = [entry.name for entry in CATALOGUE]
ADVISORY = {"secret-by-reference"}


class _Azure(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        name = args.inputs.get("accountName") or args.inputs.get("name") or args.name
        outputs: dict[str, Any] = {**args.inputs, "name": name}
        if "identity" in outputs:
            outputs["identity"] = {"type": "SystemAssigned", "principalId": f"{args.name}-principal", "tenantId": "t"}
        kind = {"StorageAccount": "storageAccounts", "AppServicePlan": "serverfarms"}.get(args.typ.rpartition(":")[2])
        return f"/subscriptions/s/resourceGroups/g/providers/Microsoft.X/{kind}/{name}", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        assert args.token == "azure-native:storage:listStorageAccountKeys"
        return {"keys": [{"keyName": "key1", "permissions": "Full", "value": "a2V5", "creationTime": ""}]}, []


class _Monitor(mocks.MockMonitor):
    """Keeps what is registered as the engine would hand it to the pack."""

    def __init__(self) -> None:
        super().__init__(_Azure())
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (gRPC's name)
        with loop_of_thread():
            answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self.registered.append(
            Registered(
                request.type,
                request.name,
                json_format.MessageToDict(request.object),
                json_format.MessageToDict(answer.object),
                {name: list(made.urns) for name, made in request.propertyDependencies.items()},
                request.protect,
                answer.urn,
            )
        )
        return answer

    def Invoke(self, request: Any) -> Any:  # noqa: N802 (gRPC's name)
        with loop_of_thread():
            return super().Invoke(request)  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def loop_of_thread() -> Iterator[None]:
    """An event loop that is closed afterwards: Pulumi's mocks make one for each thread and leave it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def run(fragment: str) -> list[Registered]:
    """What an example registers."""
    monitor = _Monitor()

    def body() -> None:
        exec(compile(preamble() + fragment, "example", "exec"), {})  # noqa: S102

    with loop_of_thread():
        pulumi.runtime.set_mocks(_Azure(), "project", "test", monitor=monitor)
        pulumi.runtime.test(body)()  # type: ignore[no-untyped-call]
    return [resource for resource in monitor.registered if resource.type != "pulumi:pulumi:Stack"]


def spoken(found: list[Said], rule: str) -> set[str]:
    """The rules that refuse, or also advise where the rule in question only advises."""
    return {said.rule for said in found if said.mandatory or (rule in ADVISORY and said.rule in ADVISORY)}


@pytest.mark.parametrize("rule", NAMES)
def test_the_bad_example_is_refused_by_its_rule_alone_and_the_good_one_passes(rule: str) -> None:
    shown = page(rule)
    bad = judge(run(shown.bad), shown.config)
    assert spoken(bad, rule) == {rule}, bad
    good = judge(run(shown.good), shown.config)
    assert spoken(good, rule) == set(), good


@pytest.mark.parametrize("shown", pages(), ids=NAMES)
def test_a_page_tells_what_why_and_how_to_silence_it(shown: Page) -> None:
    assert shown.text.startswith(f"# {shown.rule}\n")
    for heading in ("## Why", "## Passes", "## Silence it"):
        assert f"\n{heading}\n" in shown.text
    assert set(shown.config) == ({shown.rule} if shown.rule in SCHEMAS else set())
    assert all(set(values) == set(SCHEMAS[rule]) for rule, values in shown.config.items())


def test_the_index_lists_each_rule_and_no_page_is_left_over() -> None:
    index = (FOLDER / "README.md").read_text()
    assert [line.split("]")[0][3:] for line in index.splitlines() if line.startswith("| [")] == NAMES
    assert {path.stem for path in FOLDER.glob("*.md")} - {"README", "github-actions"} == set(NAMES)


def test_the_config_in_the_index_is_of_rules_that_have_it() -> None:
    index = (FOLDER / "README.md").read_text()
    config = json.loads(index.split("```json\n")[1].split("```")[0])
    for rule, values in config.items():
        assert rule in NAMES
        assert isinstance(values, str) or set(values) == set(SCHEMAS[rule])
    assert set(SCHEMAS) <= set(config)


def test_the_workflow_for_pull_requests_previews_under_the_pack_without_the_right_to_write() -> None:
    text = (FOLDER / "github-actions.md").read_text()
    workflow = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    last = workflow["jobs"]["preview"]["steps"][-1]["run"]
    assert last.startswith("pulumi preview ")
    assert "--policy-pack durable-zero-downtime/policies" in last


@pytest.mark.parametrize("name", FINE)
def test_a_program_that_is_right_is_not_refused(name: str) -> None:
    found = judge(run(FINE[name]))
    assert [said for said in found if said.mandatory] == []
