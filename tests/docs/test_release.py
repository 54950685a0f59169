"""The walk-through of a release tells what the planner plans, and shows what StatusCheck answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from durable.stores import Access, Colour, Release, Store
from release.cli.app import app
from release.observed import Absent, Observed
from release.planner import Desired, Drain, Plan, Promote, plan
from tests.functions import sample
from tests.functions.durable_host import an_instance

REPOSITORY = Path(__file__).resolve().parents[2]
PATH = REPOSITORY / "docs" / "release.md"
PAGE = PATH.read_text()
STORES = {colour: Store(colour, f"orders{colour}", "OrdersHub") for colour in Colour}


def held(version: int, colour: Colour) -> Release:
    return Release(STORES[colour], str(version) * 64, f"{version}.0")


def planned(observed: Observed, version: int, drain: Drain = Drain.BEFORE_SWAP, **others: Any) -> str:
    desired = Desired(str(version) * 64, STORES, f"{version}.0", drain=drain, **others)
    decided = plan(observed, desired)
    assert isinstance(decided, Plan)
    return "\n".join(decided.sentences)


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


BUSY = Observed(held(2, Colour.BLUE), held(1, Colour.GREEN))
STAGED = Observed(held(2, Colour.BLUE), held(3, Colour.GREEN))
SWAPPED = Observed(held(3, Colour.GREEN), held(2, Colour.BLUE))


@pytest.mark.parametrize(
    ("section", "plans"),
    [
        ("The first run", [planned(Observed(Absent(), Absent()), 1)]),
        ("drain: before-swap", [planned(BUSY, 3)]),
        ("drain: after-swap", [planned(BUSY, 3, Drain.AFTER_SWAP)]),
        (
            "promote: manual",
            [planned(BUSY, 3, promote=Promote.MANUAL), planned(STAGED, 3), planned(SWAPPED, 3)],
        ),
        ("Roll back", [planned(SWAPPED, 2)]),
        (
            "Keys and identities",
            [planned(BUSY, 2, access=Access.IDENTITY), planned(BUSY, 3, access=Access.IDENTITY)],
        ),
    ],
)
def test_a_section_shows_what_the_planner_plans(section: str, plans: list[str]) -> None:
    assert blocks("", sections()[section]) == plans


def test_a_run_that_ended_in_the_middle_goes_on_as_the_table_says() -> None:
    """Its rows: nothing has changed; staged; staged; before or after the swap; after it."""
    again, staged, swapped = planned(BUSY, 3), planned(STAGED, 3), planned(SWAPPED, 3)
    assert again.splitlines()[1].startswith("  1. wait until staging's")
    assert staged.splitlines()[1].startswith("  1. warm up")
    assert swapped.startswith("Plan: nothing to do")


def test_the_answer_of_statuscheck_is_what_the_sample_app_answers() -> None:
    (shown,) = (json.loads(block) for block in blocks("json", PAGE))
    rules = sample.module("status_check")
    instances = [an_instance("a"), an_instance("b", "Completed"), an_instance("c", "Pending"), an_instance("@e@1")]
    about = {"hub": "OrdersHub", "package": rules.package_of(f"https://x/packages/{'0123456789abcdef' * 4}.zip")}
    assert shown == {**about, **rules.answer(instances)}
    table = sections()["A store that the pipeline can't reach"]
    described = [
        name for cell in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    ]
    assert described == list(shown)


def test_the_table_of_contents_leads_to_each_section() -> None:
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in sections()]
    assert re.findall(r"^- \[.+?\]\(#(.+?)\)$", PAGE, re.MULTILINE) == anchors


@pytest.mark.parametrize("words", sorted(set(re.findall(r"`python -m release ([^`]+)`", PAGE))))
def test_each_release_command_of_the_page_exists(words: str) -> None:
    name, *options = words.split()
    known: Any = typer.main.get_command(app)
    assert {word for word in options if word.startswith("--")} <= {
        option for parameter in known.commands[name].params for option in parameter.opts
    }


@pytest.mark.parametrize("page", sorted((REPOSITORY / "docs").glob("*.md")), ids=lambda page: page.name)
def test_each_link_of_a_page_leads_to_a_file_and_a_heading_that_there_are(page: Path) -> None:
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)\s:]+)\)", page.read_text())):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("picture", blocks("mermaid", PAGE), ids=lambda picture: picture.split()[0])
def test_a_picture_closes_what_it_opens(picture: str) -> None:
    assert picture.split()[0] in ("flowchart", "sequenceDiagram")
    assert len(re.findall(r"^\s*subgraph\b", picture, re.MULTILINE)) == len(
        re.findall(r"^\s*end$", picture, re.MULTILINE)
    )
    for opening, closing in ("[]", "()", "{}"):
        assert picture.count(opening) == picture.count(closing)
    assert picture.count('"') % 2 == 0
