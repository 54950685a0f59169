"""What the page about real subscriptions says is in the code that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from release.azure_config import CONFIG_KEYS, AzureConfig, Login
from release.cloud import find_cloud
from release.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "azure.md").read_text()
EVIDENCE = re.findall(r"\| `([\w./]+)`: `([^`]+)` \|$", PAGE, re.MULTILINE)
LOGINS = re.findall(r"^\| (?!login \|)([\w ]+) \| (`ARM_\w+`|nothing: `az login`) \| (.+?) \|$", PAGE, re.MULTILINE)


def test_every_row_that_has_to_names_the_place_that_shows_it() -> None:
    tables = [table for table in re.split(r"\n\n", PAGE) if re.match(r"\|.*\| shown by \|", table)]
    assert len(tables) == 4
    rows = [row for table in tables for row in table.splitlines()[2:]]
    assert len(EVIDENCE) == len(rows)


@pytest.mark.parametrize(("path", "text"), EVIDENCE)
def test_what_a_row_says_is_in_the_place_that_it_names(path: str, text: str) -> None:
    assert text in " ".join((REPOSITORY / path).read_text().split())


def test_the_logins_are_those_of_the_program_in_its_order() -> None:
    assert [name for name, _, _ in LOGINS] == [str(login) for login in Login]


@pytest.mark.parametrize(("name", "asked"), [(name, asked) for name, asked, _ in LOGINS])
def test_a_login_is_asked_for_by_the_variable_in_its_row(name: str, asked: str) -> None:
    variable = re.fullmatch(r"`(ARM_\w+)`", asked)
    environ = {variable[1]: "true"} if variable else {}
    assert AzureConfig({}, environ).login == name


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"`(ARM_\w+)`", PAGE))))
def test_each_variable_is_one_that_the_program_reads(variable: str) -> None:
    keys = [key.partition(":")[2] for key in CONFIG_KEYS]
    given = AzureConfig({}, {variable: "a-value"})
    assert "a-value" in [given.get(key) for key in keys]


def test_the_clouds_are_those_that_the_program_knows() -> None:
    named = re.search(r"`ARM_ENVIRONMENT` is (.+?);", PAGE)
    assert named is not None
    clouds = [find_cloud({}, {"ARM_ENVIRONMENT": name}) for name in re.findall(r"`(\w+)`", named[1])]
    assert len({cloud.resource_manager for cloud in clouds}) == 3


def test_the_keys_to_change_are_in_the_sample_stack_or_required() -> None:
    table = PAGE.partition("| key | why | shown by |")[2].partition("\n\n")[0]
    keys = {
        key.partition(":")[2] if key.startswith("azure-native") else key
        for key in re.findall(r"^\| `(.+?)`", table, re.M)
    }
    stack = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())
    there = {key.partition(":")[2] for key in stack["config"]} | {"encryptionsalt"}
    assert keys <= there
    assert {field.alias for field in Settings.model_fields.values() if field.is_required()} <= keys


def test_the_environments_and_variables_are_those_of_the_workflows() -> None:
    folder = REPOSITORY / ".github" / "workflows"
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.yml")))
    used = set(re.findall(r"\b(?:vars|secrets)\.(\w+)", text))
    pipelines = PAGE.partition("\n## Pipelines\n")[2]
    sentence = re.search(r"Each has the variables (.+?)\. For", pipelines, re.DOTALL)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == used
    environments = {job["environment"] for path in folder.glob("*.yml") for job in jobs(path) if "environment" in job}
    named = {name.replace("${{ inputs.stack }}", "dev") for name in environments}
    assert set(re.findall(r"^\| `([\w-]+)` \|", pipelines, re.MULTILINE)) == named


def jobs(path: Path) -> list[dict[str, str]]:
    return list(yaml.safe_load(path.read_text())["jobs"].values())


def test_the_table_of_contents_leads_to_each_section() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"^- \[.+?\]\(#(.+?)\)$", PAGE, re.MULTILINE) == anchors
