"""The page about local Azure lists what the code has, and each of its claims names tests that there are."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from localazure.arm.database import Database
from localazure.arm.errors import ArmError
from localazure.arm.events import EventLog, Phase
from localazure.arm.faults import Death, Faults
from localazure.arm.resource_type import ResourceType
from localazure.arm.types.registry import all_types
from localazure.cli import app
from localazure.environment import Endpoints, Environment
from localazure.provider.table import RESOURCES
from localazure.state import Ports, State

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "local-azure.md").read_text()
CLAIMS, UNSHOWN = PAGE.split("\n## Not shown by a test\n")
NAME = r"`(tests/[\w/]+\.py)::(\w+)`"
NAMED = sorted(set(re.findall(NAME, PAGE)))

Row = tuple[str, ...]


def tables(text: str) -> Iterator[list[Row]]:
    """Each table as its rows, the heading first."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        heading, _, *rows = (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in block.splitlines())
        yield [heading, *rows]


def table(first: str, second: str, text: str = CLAIMS) -> list[Row]:
    """The rows of the one table whose heading begins so."""
    (found,) = (rows for heading, *rows in tables(text) if heading[:2] == (first, second))
    return found


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def functions(path: str) -> dict[str, str]:
    """The source of each function of a module that pytest takes for a test, decorators included."""
    text = (REPOSITORY / path).read_text()
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def shown_and_not() -> dict[str, list[str]]:
    """Resource type -> what the page says that it takes besides GET, with what no test shows."""
    found = {kind: words(takes) for kinds, takes, *_ in table("type", "besides `GET`") for kind in words(kinds)}
    for takes, kinds in table("besides `GET`", "of", UNSHOWN):
        for kind in words(kinds):
            found[kind] = [*found[kind], *words(takes)]
    return found


def taken(kind: ResourceType) -> list[str]:
    """What a type of the code takes besides GET, actions in lower case."""
    methods = [name for name in ("PUT", "PATCH", "DELETE") if overrides(kind, name.lower())]
    return [*methods, *kind.actions, *kind.scope_actions]


def overrides(kind: ResourceType, name: str) -> bool:
    return getattr(type(kind), name) is not getattr(ResourceType, name)


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_test_that_the_page_names_exists(path: str, name: str) -> None:
    assert Path(path).name.startswith("test_")
    assert name in functions(path)


def test_each_mention_of_a_test_has_the_form_that_is_looked_up() -> None:
    assert PAGE.count("::") == len(re.findall(NAME, PAGE)) > 100


def test_each_row_of_a_table_names_at_least_one_test_and_nothing_else() -> None:
    found = list(tables(CLAIMS))
    assert len(found) > 10
    for heading, *rows in found:
        assert heading[-1] == "shown by", heading
        assert rows, heading
        for row in rows:
            assert len(row) == len(heading), row
            assert re.fullmatch(rf"{NAME}(, {NAME})*", row[-1]), row


def test_what_no_test_shows_names_none() -> None:
    assert UNSHOWN.strip()
    assert "tests/" not in UNSHOWN


def test_the_resource_types_are_those_of_the_code_in_its_spelling() -> None:
    listed = [kind for row in table("type", "besides `GET`") for kind in words(row[0])]
    assert sorted(listed) == sorted(kind.type for kind in all_types())


@pytest.mark.parametrize("kind", all_types(), ids=lambda kind: kind.type)
def test_a_resource_type_takes_what_the_page_says(kind: ResourceType) -> None:
    listed = [word if word.isupper() else word.lower() for word in shown_and_not()[kind.type]]
    assert sorted(listed) == sorted(taken(kind))


@pytest.mark.parametrize("row", table("code", "when"), ids=lambda row: words(row[0])[0])
def test_an_error_code_is_in_a_test_that_its_row_names(row: Row) -> None:
    sources = [functions(path)[name] for path, name in re.findall(NAME, row[-1])]
    missing = [code for code in words(row[0]) if not any(f'"{code}"' in source for source in sources)]
    assert words(row[0])
    assert missing == []


def test_the_commands_and_their_options_are_those_of_the_command_line() -> None:
    known: Any = typer.main.get_command(app)
    for command in known.commands.values():
        assert "--state" in {option for parameter in command.params for option in parameter.opts}
    options = {
        name: [option for parameter in command.params for option in parameter.opts if option != "--state"]
        for name, command in known.commands.items()
    }
    listed = {name: given for name, *given in (words(row[0]) for row in table("command", "what it does"))}
    assert {name: sorted(given) for name, given in listed.items()} == {
        name: sorted(given) for name, given in options.items()
    }


def test_the_variables_and_the_keys_are_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    made = Environment(State(tmp_path), Endpoints.of(Ports()), ())
    listed = [name for row in table("variable", "value") for name in words(row[0])]
    assert sorted(listed) == sorted([*made.variables, "PATH"])
    keys = re.search(r"`env --json` has the keys (.+?)\.\n", PAGE, re.DOTALL)
    assert keys is not None
    assert sorted(words(keys[1])) == sorted(made.as_json())


def test_the_phases_are_those_of_the_event_log() -> None:
    swap = [words(row[0])[0] for row in table("phase", "slot")]
    others = re.search(r"besides a swap's, the phases are (.+?) \|", CLAIMS)
    unshown = re.search(r"The phases (.+?) of the event log", UNSHOWN)
    assert others is not None
    assert unshown is not None
    assert sorted([*swap, *words(others[1]), *words(unshown[1])]) == sorted(Phase)
    assert swap == [phase for phase in Phase if phase in swap]


def test_an_event_has_the_fields_that_the_page_names(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "arm.sqlite")) as database:
        log = EventLog(database)
        log.record(Phase.CREATED, site="shop", slot="production", settings={})
        (event,) = log.read()
    sentence = re.search(r"An event has (.+?)\.\n", PAGE, re.DOTALL)
    assert sentence is not None
    assert words(sentence[1]) == list(event)


def known_fields(rule: dict[str, Any]) -> list[str]:
    """The fields that the refusal of an unknown one names."""
    with pytest.raises(ArmError) as refused:
        Faults().add(rule)
    told = re.search(r": a fault knows (.+) here$", refused.value.message)
    assert told is not None
    return told[1].split(", ")


def test_the_fields_of_a_fault_are_those_of_the_code() -> None:
    listed = [field for row in table("field", "meaning") for field in words(row[0])]
    inner = [field.removeprefix("fault.") for field in listed if field.startswith("fault.")]
    assert sorted(field for field in listed if "." not in field) == known_fields({"unknown": 1, "fault": {}})
    assert sorted(inner) == known_fields({"fault": {"unknown": 1}})


def test_the_ways_to_die_are_those_of_the_code() -> None:
    (meaning,) = (row[1] for row in table("field", "meaning") if words(row[0]) == ["fault.die"])
    assert words(meaning) == list(Death)


def test_the_examples_are_faults_of_each_kind_that_are_taken() -> None:
    examples = [json.loads(text) for text in re.findall(r"^fault '(.+)'$", PAGE, re.MULTILINE)]
    faults = Faults()
    for example in examples:
        faults.add(example)
    assert len(faults.list()) == len(examples)
    assert [kind for example in examples for kind in example["fault"]] == [
        *("status", "retryAfter", "code"),
        *("reset", "delay", "die", "denials"),
    ]


def test_the_stand_ins_types_are_those_of_its_table() -> None:
    row = re.search(r"^\| its types are (.+?) \|", PAGE, re.MULTILINE)
    assert row is not None
    assert sorted(words(row[1])) == sorted(f"{each.module}:{each.name}" for each in RESOURCES)
