"""What a run writes into the page, and that the page has it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from proof import page
from proof.screen import markdown, rows
from tests.proof.test_account import account
from tests.proof.test_picture import made


def test_a_run_puts_its_tables_between_the_marks_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "proof.md")
    monkeypatch.setattr(page, "PICTURE", tmp_path / "proof.svg")
    page.PAGE.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    run = replace(made(), account=account())
    page.write(run)
    page.write(run)
    text = page.PAGE.read_text()
    assert text.startswith(f"before\n{page.BEGIN}\n")
    assert text.endswith(f"{page.END}\nafter\n")
    assert "old" not in text
    assert text.count(markdown(run.account)) == 1
    assert page.PICTURE.read_text().startswith("<svg")


def test_each_figure_is_in_the_table() -> None:
    assert [(about, count) for about, what, count in rows(account()) if what in {"started", "asked"}] == [
        ("orchestrations", "1"),
        ("requests to production", "1"),
    ]


def test_the_page_has_the_figures_of_a_good_run() -> None:
    """At least 20 releases and 2,000 orchestrations, and nothing that came to harm."""
    figures = dict(re.findall(r"^\| .*?\| (.+?) \| ([\d,]+) \|$", page.PAGE.read_text(), re.MULTILINE))
    count = {what: int(number.replace(",", "")) for what, number in figures.items()}
    assert count["started"] >= 2000
    assert count["started"] == count["completed, every step by the version that started them"]
    assert count["done"] >= 20
    for harm in (
        "failed",
        "broken by other code (NonDeterminismError)",
        "run by two versions",
        "lost",
        "stuck",
        "active while their task hub got another package",
        "unanswered, or answered with an error",
        "times that two packages met in one",
        "disagreements",
    ):
        assert count[harm] == 0, harm
    assert page.PICTURE.exists()
