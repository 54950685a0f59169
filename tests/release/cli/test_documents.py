"""docs/cli.md keeps up with the documents, the exit codes and the commands."""

from __future__ import annotations

import re
from pathlib import Path

from release.cli import documents
from release.cli.app import app
from release.cli.documents import Document
from release.cli.packages import LONGEST_WAIT
from release.endings import BAD_USAGE, Ending

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text()


def described(document: type[Document]) -> list[str]:
    """The fields in the guide's table for a document."""
    (section,) = re.findall(
        rf"^### (?:[^\n]*: )?{document.__name__}\n(.*?)(?=^### |\Z)", GUIDE, re.MULTILINE | re.DOTALL
    )
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_each_field_of_each_document_is_described_in_order_and_no_other() -> None:
    known = [one for one in vars(documents).values() if isinstance(one, type) and issubclass(one, Document)]
    assert len(known) == 11
    for document in known:
        if document is not Document:
            assert described(document) == [field.alias for field in document.model_fields.values()], document


def test_each_ending_has_its_exit_code_in_the_guide() -> None:
    rows = re.findall(r"^\| (\d+) \| (?:`(\w+)`)? *\|", GUIDE, re.MULTILINE)
    expected = [(str(ending.exit_code), str(ending)) for ending in Ending] + [(str(BAD_USAGE), "")]
    assert sorted(rows) == sorted(expected)


def test_each_command_that_answers_in_json_is_in_the_guide() -> None:
    names = {command.callback.__name__ for command in app.registered_commands if command.callback}
    headings = re.findall(r"^### ([a-z, ]+): \w+Document$", GUIDE, re.MULTILINE)
    assert {name for heading in headings for name in heading.split(", ")} == names


def test_the_guide_says_how_old_a_package_must_be_to_be_pruned() -> None:
    assert f"more\nthan {LONGEST_WAIT.total_seconds() / 3600:g} hours ago" in GUIDE
