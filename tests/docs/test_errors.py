"""The page of refusals has all that the program can say, and no words that it doesn't say any more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.refusals import GAP, Refused, Sources

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "errors.md").read_text()
SOURCES = Sources.of(REPOSITORY, "release", "components", "durable", "__main__.py")
REFUSALS = SOURCES.refusals()


def messages(page: str) -> list[str]:
    """What a page quotes in the first cells of its tables."""
    cells = re.findall(r"^\| (.+?) \| ", page, re.MULTILINE)
    return [text for cell in cells for text in re.findall(r"``\s?(.+?)\s?``|`([^`]+)`", cell) for text in text if text]


def said(message: str, text: str) -> bool:
    """Whether a message of the page is in a text: what is between its gaps, in this order."""
    parts = [re.escape(part.strip()) for part in message.split(GAP) if part.strip(" …")]
    return re.search(".*".join(parts), " ".join(text.split())) is not None


MESSAGES = messages(PAGE)
PROGRAM = MESSAGES
if not (REPOSITORY / "release" / "cli").is_dir():
    PROGRAM = messages(PAGE.partition("\n## The command line\n")[0])


@pytest.mark.parametrize("refused", REFUSALS, ids=lambda refused: refused.where)
def test_the_page_has_each_refusal(refused: Refused) -> None:
    assert any(said(message, refused.text) for message in MESSAGES), f"docs/errors.md lacks: {refused.text}"


@pytest.mark.parametrize("message", sorted(set(PROGRAM)))
def test_each_message_of_the_page_is_one_of_the_program(message: str) -> None:
    assert any(said(message, refused.text) for refused in REFUSALS)


@pytest.mark.parametrize("message", sorted(set(MESSAGES)))
def test_each_message_of_the_page_leads_to_few_refusals(message: str) -> None:
    """One that is in many texts would hide that a new one is missing."""
    assert len([refused for refused in REFUSALS if said(message, refused.text)]) <= 3


def test_the_table_of_contents_leads_to_each_section() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"^- \[.+?\]\(#(.+?)\)$", PAGE, re.MULTILINE) == anchors


def test_the_collector_finds_texts_of_every_form() -> None:
    found = {refused.text for refused in REFUSALS}
    for text in (
        "Azure has no host name for …. What to do: see it in the portal.",  # an f-string that is raised
        "is no zip file; a package is a zip with host.json at its root",  # … after a gap
        "the table service can't be reached",  # the first of a pair that is returned
        "the program writes this connection itself: take it out",  # the second of a pair that is yielded
        "can't tell whether orchestrations still run in …: …",  # handed to __init__
        "has its task hub in the account …",  # in an Unclear
        "so there is nothing to exchange",  # by way of a variable and a function
    ):
        assert any(text in one for one in found), text
