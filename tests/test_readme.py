"""The README keeps up with the code that it describes."""

from __future__ import annotations

import re
from pathlib import Path

from localazure.cli import app
from release.cli.app import app as release_app
from release.endings import BAD_USAGE, Ending
from release.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text()


def test_the_readme_describes_each_config_key_and_no_other() -> None:
    table = README.split("| key | default | meaning |")[1].split("\n\n")[0]
    described = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    keys = {field.alias for field in Settings.model_fields.values()} - {"location"}
    assert sorted(described) == sorted(key for key in keys if key)


def test_each_make_target_in_the_readme_is_one_of_the_makefile() -> None:
    targets = set(re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"`?make (\w+)", README)) - {"sure"}
    assert used
    assert used <= targets


def test_each_local_azure_command_in_the_readme_exists() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    used = {name for names in re.findall(r"python3 -m localazure ([\w|]+)", README) for name in names.split("|")}
    assert used
    assert used <= commands


def test_each_release_command_is_in_the_readme_and_no_other() -> None:
    commands = {command.callback.__name__ for command in release_app.registered_commands if command.callback}
    table = README.split("| command | what it does |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(commands)
    assert set(re.findall(r"python3 -m release (\w+)", README)) <= commands


def test_each_exit_code_of_a_release_command_is_in_the_readme() -> None:
    table = README.split("| exit code | meaning |")[1].split("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == {
        BAD_USAGE,
        *(ending.exit_code for ending in Ending),
    }


def test_each_component_in_the_readme_exists() -> None:
    table = README.split("| component | what it is |")[1].split("\n\n")[0]
    described = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    sources = "\n".join(path.read_text() for path in (REPOSITORY / "components").glob("*.py"))
    assert described == set(
        re.findall(r"^class (\w+)\((?:pulumi\.ComponentResource|dynamic\.Resource)\b", sources, re.MULTILINE)
    )
