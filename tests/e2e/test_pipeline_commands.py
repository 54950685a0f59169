"""The pipelines' own scripts, as they stand in their files, release a package with the real engine on local Azure.

What GitHub Actions and Azure Pipelines would put in, this file does: variables, expressions (an unknown one fails), the
files that steps write to, outputs from job to job, and a checkout without a package for each job. Left out is

- a step that uses an action or a task of `LEFT_OUT`, or whose script calls `INSTALLS`: they check out, install, log in
  and keep files; another action or task fails;
- a job of GitHub's that checks nothing out, and so runs nothing of the project: the one that writes a comment.

`make` is a stand-in that knows `make package` alone, and "builds" what the test wants released.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.app import AT_ONCE, PATIENT, App
from tests.e2e.command import TIMEOUT
from tests.e2e.history import PRODUCTION, SWAPPED, WRITTEN, steps
from tests.e2e.local import REPOSITORY

pytestmark = pytest.mark.e2e

LEFT_OUT = {"actions/checkout", "./.github/actions/prepare", "actions/upload-artifact", "UsePythonVersion"}
INSTALLS = "make .venv/.installed"

LOGIN = {
    "AZURE_CLIENT_ID": "ARM_CLIENT_ID",
    "AZURE_TENANT_ID": "ARM_TENANT_ID",
    "AZURE_SUBSCRIPTION_ID": "ARM_SUBSCRIPTION_ID",
}
"""The variables of GitHub's environments for the login, by the variables of local Azure's shell."""

BACKEND = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")

SHELLS = {
    None: ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
}
"""How GitHub Actions starts a script, by what the step says of its shell."""

AGENT = ("bash", "--noprofile", "--norc")
"""How an agent of Azure Pipelines does."""

MAKE = """#!/usr/bin/env bash
set -eu
[ "$*" = package ] || { echo "make $*: this stand-in makes packages only" >&2; exit 2; }
rm -f build/functions.zip
cp "$0.zip" build/functions.zip
"""


@dataclass(frozen=True)
class Ended:
    """A job that was reached: the exit code of its last script, and what its reader gets of the release."""

    job: str
    code: int
    told: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.told)
        return found


@dataclass(frozen=True)
class Machine:
    """Runs a pipeline's scripts in the copy of the program. What it prints is looked through by the fixture `app`."""

    app: App

    @property
    def folder(self) -> Path:
        return self.app.stack.folder

    @property
    def tools(self) -> Path:
        return self.folder.parent / "tools"

    @property
    def login(self) -> dict[str, str]:
        return {name: self.app.stack.variables[name] for name in LOGIN.values()}

    @property
    def backend(self) -> dict[str, str]:
        return {name: self.app.stack.variables[name] for name in BACKEND}

    def set_up(self) -> None:
        shutil.copytree(REPOSITORY / "policies", self.folder / "policies", ignore=shutil.ignore_patterns("__pycache__"))
        self.tools.mkdir()
        (self.tools / "make").write_text(MAKE)
        (self.tools / "make").chmod(0o755)

    def have_built(self, name: str) -> str:
        """From now on `make package` makes another package, whose SHA-256 this gives."""
        with zipfile.ZipFile(self.tools / "make.zip", "w") as archive:
            archive.write(self.folder / "functions" / "host.json", "host.json")
            archive.writestr("release.txt", name)
        self.check_out()
        code, out = self.run(AGENT, "make package && sha256sum build/functions.zip", {})
        assert code == 0, out
        return out.split()[0]

    def check_out(self) -> None:
        """Nothing that an earlier job has built is there."""
        (self.folder / "build" / "functions.zip").unlink(missing_ok=True)

    def run(self, shell: Sequence[str], script: str, variables: Mapping[str, str]) -> tuple[int, str]:
        """A script's exit code and stdout. The login, the backend and .venv are those that the pipeline gives it."""
        known = self.app.stack.variables
        virtual = REPOSITORY / ".venv" / "bin"
        path = [folder for folder in known["PATH"].split(os.pathsep) if Path(folder) != virtual]
        own = {name: value for name, value in known.items() if name not in {*BACKEND, *LOGIN.values()}}
        file = self.folder.parent / "script.sh"
        file.write_text(script)
        ended = subprocess.run(
            [*shell, str(file)],
            cwd=self.folder,
            env={**own, "PATH": os.pathsep.join([str(self.tools), *path]), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        self.app.stack.printed.append(ended.stdout + ended.stderr)
        return ended.returncode, ended.stdout


def put_in(text: object, table: Mapping[str, str], expression: str = r"\$\{\{\s*(.+?)\s*\}\}") -> str:
    """A text with its expressions replaced; one that the table hasn't got fails."""

    def value(match: re.Match[str]) -> str:
        assert match[1] in table, f"the test doesn't know what to put in for {match[0]}"
        return table[match[1]]

    return re.sub(expression, value, str(text))


def all_put_in(texts: Mapping[str, object], table: Mapping[str, str]) -> dict[str, str]:
    return {name: put_in(text, table) for name, text in texts.items()}


def listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def assert_left_out(used: str) -> None:
    assert used.partition("@")[0] in LEFT_OUT, f"the test doesn't know what {used} does"


def by_github(machine: Machine, workflow: str = "release") -> list[Ended]:
    """Run a workflow's jobs, one after the other, until one fails: those after it need it."""
    document = yaml.safe_load((REPOSITORY / ".github" / "workflows" / f"{workflow}.yml").read_text())
    given = {
        "inputs.stack": "dev",
        "github.event.pull_request.head.repo.full_name == github.repository": "true",
        **{f"vars.{name}": machine.login[variable] for name, variable in LOGIN.items()},
        "vars.PULUMI_BACKEND_URL": machine.backend["PULUMI_BACKEND_URL"],
        "secrets.PULUMI_CONFIG_PASSPHRASE": machine.backend["PULUMI_CONFIG_PASSPHRASE"],
    }
    ended: list[Ended] = []
    outputs: dict[str, dict[str, str]] = {}
    for name, job in document["jobs"].items():
        if not any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"]):
            continue
        needs = listed(job.get("needs", []))
        assert set(needs) == {each.job for each in ended}, f"{name} could begin before those above it have ended"
        if "if" in job:
            assert put_in("${{" + job["if"] + "}}", given) == "true"
        table = {**given, **{key: value for need in needs for key, value in outputs[need].items()}}
        variables = all_put_in(document.get("env", {}), table) | all_put_in(job.get("env", {}), table)
        code, told = _github_job(machine, job, table, variables)
        ended.append(Ended(name, code, told))
        if code:
            break
        outputs[name] = {
            f"needs.{name}.outputs.{key}": put_in(value, table) for key, value in job.get("outputs", {}).items()
        }
    return ended


def _github_job(
    machine: Machine, job: Mapping[str, Any], table: dict[str, str], variables: dict[str, str]
) -> tuple[int, str]:
    """The exit code and the summary; `table` is given the steps' outputs, `variables` what they export."""
    machine.check_out()
    summary = ""
    for step in job["steps"]:
        if "uses" in step:
            assert_left_out(step["uses"])
            continue
        assert set(step) <= {"name", "id", "env", "shell", "run"}, f"the test doesn't know all of {step}"
        files = {name: machine.folder.parent / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        own = all_put_in(step.get("env", {}), table) | {name: str(file) for name, file in files.items()}
        code, _ = machine.run(SHELLS[step.get("shell")], step["run"], variables | own)
        summary += files["GITHUB_STEP_SUMMARY"].read_text()
        machine.app.stack.printed.extend(file.read_text() for file in files.values())
        if code:
            return code, summary
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            key, _, value = line.partition("=")
            table[f"steps.{step['id']}.outputs.{key}"] = value
        variables |= dict(line.split("=", 1) for line in files["GITHUB_ENV"].read_text().splitlines())
    return 0, summary


def by_azure(machine: Machine) -> list[Ended]:
    """Run the stages of azure-pipelines.yml, each of one job, until one fails."""
    document = yaml.safe_load((REPOSITORY / "azure-pipelines.yml").read_text())
    parameters = {f"parameters.{each['name']}": str(each["default"]) for each in document["parameters"]}
    assert [put_in(each["group"], parameters) for each in document["variables"]] == ["release-dev"]
    ended: list[Ended] = []
    outputs: dict[str, dict[str, str]] = {}
    for stage in document["stages"]:
        name, needs = stage["stage"], listed(stage.get("dependsOn", []))
        assert set(needs) == {each.job for each in ended}, f"{name} could begin before those above it have ended"
        seen = {key: value for need in needs for key, value in outputs[need].items()}
        variables = {
            key: put_in(value, seen, r"^\$\[\s*(.+?)\s*\]$") for key, value in stage.get("variables", {}).items()
        }
        (job,) = stage["jobs"]
        plain = job["steps"] if "job" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        outputs[name] = {}
        code, told = 0, ""
        machine.check_out()
        for step, table in _expanded(plain, parameters):
            code, out = _azure_step(machine, step, table, machine.backend | variables)
            for key, value in re.findall(r"##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)", out):
                found = f"stageDependencies.{name}.{job.get('job')}.outputs['{step['name']}.{key}']"
                outputs[name][found] = value
            if "task" in step:
                told += out
            if code:
                break
        ended.append(Ended(name, code, told))
        if code:
            break
    return ended


def _expanded(
    plain: list[dict[str, Any]], table: Mapping[str, str]
) -> Iterator[tuple[dict[str, Any], Mapping[str, str]]]:
    """The steps that have a script, those of templates included, each with the parameters that it may name."""
    for step in plain:
        if "template" in step:
            template = yaml.safe_load((REPOSITORY / step["template"]).read_text())
            given = all_put_in(step["parameters"], table)
            assert set(given) == {each["name"] for each in template["parameters"]}
            yield from _expanded(template["steps"], {f"parameters.{name}": value for name, value in given.items()})
        elif step.get("task") == "AzureCLI@2" or ("bash" in step and INSTALLS not in step["bash"]):
            yield step, table
        elif "checkout" not in step and "bash" not in step:
            assert_left_out(step["task"])


def _azure_step(
    machine: Machine, step: Mapping[str, Any], table: Mapping[str, str], known: Mapping[str, str]
) -> tuple[int, str]:
    """Exit code and stdout; only the task of the Azure command line is logged in."""
    logged_in = "task" in step
    script = step["inputs"]["inlineScript"] if logged_in else step["bash"]
    variables = {name: put_in(put_in(text, table), known, r"\$\((\w+)\)") for name, text in step.get("env", {}).items()}
    text = put_in(put_in(script, table), known, r"\$\((\w+)\)")
    return machine.run(AGENT, text, variables | (machine.login if logged_in else {}))


@pytest.fixture
def machine(app: App) -> Machine:
    """One that has deployed nothing yet."""
    made = Machine(app)
    made.set_up()
    return made


@pytest.mark.parametrize("released", [by_github, by_azure])
def test_a_pipeline_stages_a_changed_package_passes_the_gate_and_swaps_once_to_what_it_staged(
    machine: Machine, released: Callable[[Machine], list[Ended]]
) -> None:
    app = machine.app
    app.configure(gate=PATIENT)
    one = machine.have_built("one")
    app.up()
    (blue, running), (green, nothing) = app.held()
    assert (running, nothing) == (one, None)

    two = machine.have_built("two")
    before = app.snapshot()
    ended = released(machine)
    codes = [(each.job, each.code) for each in ended]
    assert codes == [("stage", 0), ("gate", 0), ("promote", 0)], "".join(app.stack.printed)
    staged, gate, promoted = (each.document for each in ended)
    assert [(each["command"], each["outcome"]) for each in (staged, promoted)] == [
        ("stage", "done"),
        ("promote", "done"),
    ]
    assert (gate["state"], gate["account"]) == ("drained", blue)
    for document, expected in ((staged, [one, two]), (promoted, [two, one])):
        assert [document["slots"][slot]["package"] for slot in ("production", "staging")] == expected
    assert app.held() == ((green, two), (blue, one))
    assert steps(app.events(before.events)) == [WRITTEN, *SWAPPED]


def test_a_preview_in_a_pipeline_tells_the_plan_and_a_busy_production_ends_the_release_at_its_gate(
    machine: Machine,
) -> None:
    app = machine.app
    app.configure(gate=AT_ONCE, drain="before-swap")
    one = machine.have_built("one")
    app.up()
    (blue, _), (green, _) = app.held()
    app.orchestrations(PRODUCTION).put("order-1", "Running")

    two = machine.have_built("two")
    before = app.snapshot()
    codes = [(each.job, each.code) for each in by_github(machine, "preview")]
    assert codes == [("preview", 0)], "".join(app.stack.printed)
    told = (machine.folder / "preview.txt").read_text()
    plan = (
        "Plan:",
        f"  1. wait until staging's orchestrations on green ({green}) have ended",
        f"  2. stage package {two[:12]} on green ({green})",
        f"  3. warm up staging with package {two[:12]}",
        f"  4. wait until production's orchestrations on blue ({blue}) have ended",
        f"  5. swap: production gets package {two[:12]} on green ({green}), "
        f"staging keeps package {one[:12]} on blue ({blue}) as the way back",
    )
    assert [line for line in plan if line not in told] == []
    assert "durable-functions-slots|local|policies" in told
    assert app.snapshot() == before

    ended = by_github(machine)
    codes = [(each.job, each.code) for each in ended]
    assert codes == [("stage", 0), ("gate", 3)], "".join(app.stack.printed)
    gate = ended[-1].document
    assert (gate["state"], [one["id"] for one in gate["instances"]]) == ("busy", ["order-1"])
    assert app.held() == ((blue, one), (green, two))
    assert steps(app.events(before.events)) == [WRITTEN]
