"""The policy pack in the real engine: on programs of others, combined into few previews, and on the project's own."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from policies.catalogue import CATALOGUE
from tests.e2e.local import REPOSITORY, LocalAzure, Stack
from tests.policies.fine import FINE
from tests.policies.pages import pages, preamble

pytestmark = pytest.mark.e2e

PACK = ("--policy-pack", str(REPOSITORY / "policies"))

RUNNER = '''
import json
from pathlib import Path

import pulumi
import pulumi_azure_native


class Named:
    """A module of azure-native whose resources get a prefix, so that many programs fit into one."""

    def __init__(self, module, prefix):
        self.module, self.prefix = module, prefix

    def __getattr__(self, name):
        found = getattr(self.module, name)
        if isinstance(found, type) and issubclass(found, pulumi.Resource):
            return lambda logical, **inputs: found(f"{self.prefix}{logical}", **inputs)
        return found


MODULES = {name: getattr(pulumi_azure_native, name) for name in ("authorization", "resources", "storage", "web")}

for prefix, source in json.loads(Path("programs.json").read_text()).items():
    for name, module in MODULES.items():
        setattr(pulumi_azure_native, name, Named(module, prefix))
    exec(compile(source, prefix, "exec"), {})
'''
"""Runs several programs as one; each has names of its own in Azure and a prefix for its logical names."""

LATER = """
from pulumi_azure_native import resources

group = resources.ResourceGroup("group", location="westeurope")
where = {"resource_group_name": group.name, "location": "westeurope"}
accounts = [
    storage.StorageAccount(f"later{name}", **STORAGE | where, opts=pulumi.ResourceOptions(protect=True))
    for name in ("host", "blue", "green")
]


def connection(account):
    keys = storage.list_storage_account_keys_output(account_name=account.name, resource_group_name=group.name)
    text = pulumi.Output.format("AccountName={0};AccountKey={1}", account.name, keys.keys[0].value)
    return pulumi.Output.secret(text)


host, blue, green = map(connection, accounts)
plan = web.AppServicePlan("plan", **where, sku={"name": "S1", "tier": "Standard"})
app = where | {"kind": "functionapp", "https_only": True, "server_farm_id": plan.id}
site = web.WebApp("site", **app)
slot = web.WebAppSlot("slot", name=site.name, slot="staging", **app)
of_site = {"name": site.name, "resource_group_name": group.name}
common = {"AzureWebJobsStorage": host, HUB: "OrdersHub"}
web.WebAppApplicationSettings("production", **of_site, properties=common | {"DurableManagementStorage": blue})
wrong = common | {"DurableManagementStorage": host, "Unused": green}
web.WebAppApplicationSettingsSlot(
    "staging", **of_site, slot="staging", properties=wrong, opts=pulumi.ResourceOptions(depends_on=[slot])
)
"""
"""Wrong in a way that a first preview can't know: which of two accounts is the store's."""


class Foreign(Stack):
    """Someone else's program in plain azure-native, with a stack named test."""

    def judged(self, command: str, programs: Mapping[str, str], config: Mapping[str, Any]) -> tuple[int, set[Any]]:
        """The exit code, and what was said: rule, level, program, and the logical name in it of the resource."""
        sources = {
            f"p{number}z": source.replace("orders", f"orders{number}")
            for number, source in enumerate(programs.values())
        }
        (self.folder / "programs.json").write_text(json.dumps(sources))
        (self.folder / "policy.json").write_text(json.dumps(config))
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        settings = ("--policy-pack-config", "policy.json", "--event-log", str(log))
        code, output = self.run(*command.split(), *PACK, *settings)
        assert log.exists(), output
        events = [json.loads(line) for line in log.read_text().splitlines()]
        said = {
            (event["policyName"], event["enforcementLevel"], *_whose(programs, event["resourceUrn"]))
            for event in (e["policyEvent"] for e in events if "policyEvent" in e)
        }
        errors = [e["diagnosticEvent"]["message"] for e in events if "diagnosticEvent" in e and _is_error(e)]
        assert {error.strip() for error in errors} <= {"preview failed", "update failed"}, output
        assert "a2V5" not in output
        return code, said


@pytest.fixture
def foreign(tmp_path: Path, azure: LocalAzure) -> Foreign:
    folder = tmp_path / "foreign"
    folder.mkdir()
    virtualenv = REPOSITORY / ".venv"
    (folder / "Pulumi.yaml").write_text(
        f"name: foreign\nruntime: {{name: python, options: {{toolchain: pip, virtualenv: {virtualenv}}}}}\n"
    )
    (folder / "__main__.py").write_text(RUNNER)
    # The flag for the event log is one of those that the CLI offers to who debugs it.
    made = Foreign(folder, {**azure.variables, "PULUMI_DEBUG_COMMANDS": "true"})
    made.succeed("stack", "select", "--create", "test")
    return made


def _whose(programs: Mapping[str, str], urn: str) -> tuple[str, str]:
    """The program that a resource is of, and its name there."""
    prefix, _, name = urn.rpartition("::")[2].partition("z")
    return list(programs)[int(prefix[1:])], name


def _is_error(event: Mapping[str, Any]) -> bool:
    return bool(event["diagnosticEvent"]["severity"] == "error")


def programs(fragments: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Programs by name; run together, each is about a site, accounts and hubs of its own."""
    return {name: preamble() + fragment for name, fragment in fragments}


def config() -> dict[str, Any]:
    """The config of all pages, for the sites that their examples are about."""
    found: dict[str, Any] = {}
    for number, page in enumerate(pages()):
        found |= json.loads(json.dumps(page.config).replace('"orders"', f'"orders{number}"'))
    return found


def test_every_rule_refuses_its_bad_example_and_none_a_good_one(foreign: Foreign) -> None:
    code, said = foreign.judged("preview", programs((page.rule, page.bad) for page in pages()), config())
    assert code != 0
    mandatory = {entry.name for entry in CATALOGUE if entry.level.value == "mandatory"}
    assert {(rule, of) for rule, level, of, _ in said if level == "mandatory"} == {(rule, rule) for rule in mandatory}
    assert ("secret-by-reference", "advisory", "secret-by-reference", "production") in said

    code, said = foreign.judged("preview", programs((page.rule, page.good) for page in pages()), config())
    assert {(rule, of) for rule, level, of, _ in said if level == "mandatory"} == set()
    assert code == 0
    assert ("secret-by-reference", "secret-by-reference") not in {(rule, of) for rule, _, of, _ in said}


def test_programs_that_are_right_pass_and_what_only_an_update_knows_is_refused_by_it(foreign: Foreign) -> None:
    code, said = foreign.judged("preview", programs(FINE.items()), {})
    assert {(rule, of) for rule, level, of, _ in said if level == "mandatory"} == set()
    assert code == 0

    (foreign.folder / "wrong.json").write_text('{"staging-starters-disabled": {"starters": [""]}}')
    code, output = foreign.run("preview", *PACK, "--policy-pack-config", "wrong.json")
    assert code != 0
    assert "validating policy config" in output
    assert "starters" in output

    later = programs([("later", LATER)])
    quiet = {"secret-by-reference": "disabled", "staging-starters-disabled": {"starters": []}}
    code, said = foreign.judged("preview", later, quiet)
    assert (code, said) == (0, set())
    code, said = foreign.judged("up --yes --skip-preview", later, quiet)
    assert said == {("host-storage-separate", "mandatory", "later", "staging")}
    assert code != 0
    state = json.loads(foreign.succeed("stack", "export"))["deployment"]["resources"]
    written = {resource["urn"].rpartition("::")[2] for resource in state}
    assert "p0zproduction" in written
    assert "p0zstaging" not in written, "refused only after it was written"
    code, said = foreign.judged("preview", later, {**quiet, "host-storage-separate": "advisory"})
    assert said == {("host-storage-separate", "advisory", "later", "staging")}
    assert code == 0


def test_the_projects_own_program_passes_without_a_word(stack: Stack) -> None:
    def quiet(*command: str) -> None:
        output = stack.succeed(*command, *PACK)
        assert "durable-functions-slots" in output
        assert "[advisory]" not in output
        assert "[mandatory]" not in output

    quiet("preview")
    quiet("up", "--yes")
    quiet("preview", "--expect-no-changes")

    second = stack.folder / "build" / "second.zip"
    shutil.copy(stack.folder / "build" / "functions.zip", second)
    with zipfile.ZipFile(second, "a") as package:
        package.writestr("second.txt", "new code")
    stack.succeed("config", "set", "package", "build/second.zip")
    quiet("preview")
    quiet("up", "--yes")
    quiet("policy", "analyze", "--stack", "dev")
