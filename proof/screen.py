"""The account as a person reads it: on the terminal, and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from proof.account import Account
from proof.kinds import TOLD, Kind

Rows = list[tuple[str, str, str]]
"""What it is about, what was counted, and how many."""


def rows(account: Account) -> Rows:
    """The account as a table."""
    return [
        (about if number == 0 else "", what, f"{count:,}")
        for about, figures in _groups(account)
        for number, (what, count) in enumerate(figures)
    ]


def _groups(account: Account) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    done, requests, releases = account.orchestrations, account.requests, account.releases
    yield (
        "orchestrations",
        [
            ("started", done.started),
            ("completed, every step by the version that started them", done.completed),
            ("failed", done.failed),
            ("broken by other code (NonDeterminismError)", done.broken),
            ("run by two versions", done.mixed),
            ("completed with another result than they should have", done.wrong),
            ("lost", done.lost),
            ("in two task hubs", done.twice),
            ("stuck", done.stuck),
            ("active while their task hub got another package", done.crossed),
            ("active while the slots were swapped", done.through),
            ("started by other orchestrations besides", done.within),
        ],
    )
    yield (
        "requests to production",
        [
            ("asked", requests.asked),
            ("unanswered, or answered with an error", requests.unanswered),
            ("status URLs that led nowhere since the slots had been swapped", requests.elsewhere),
            ("events that were raised at the other slot therefore", requests.followed),
        ],
    )
    yield (
        "releases",
        [
            ("done", releases.done),
            ("swaps, those by somebody else included", releases.swaps),
            ("runs killed with kill -9", releases.killed),
            ("runs refused, rightly", releases.refused),
        ],
    )
    yield (
        "task hubs",
        [
            ("of the app", account.hubs.hubs),
            ("packages in them, one after the other", account.hubs.packages),
            ("times that two packages met in one", account.hubs.met),
        ],
    )
    yield (
        "gate and SDK client",
        [
            ("comparisons", account.gate.comparisons),
            ("active orchestrations in them", account.gate.compared),
            ("disagreements", account.gate.disagreements),
        ],
    )


def show(account: Account, console: Console) -> None:
    """Print the account, and what was wrong."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_column(justify="right")
    for about, what, count in rows(account):
        table.add_row(about, what, count)
    console.print(table)
    for problem in account.problems:
        console.print(f"  {problem}", markup=False, highlight=False)
    console.print(f"seed {account.seed}, {account.seconds} seconds: {'good' if account.is_good else 'NOT GOOD'}")


def markdown(account: Account) -> str:
    """The tables of docs/proof.md."""
    lines = ["| | | |", "|---|---|---:|", *(f"| {about} | {what} | {count} |" for about, what, count in rows(account))]
    lines += ["", "| what came between | times |", "|---|---:|"]
    lines += [f"| {act} | {count} |" for act, count in account.releases.acts.items()]
    lines += ["", "| orchestrations with | started |", "|---|---:|"]
    lines += [f"| {TOLD[Kind(kind)]} (`{kind}`) | {count:,} |" for kind, count in account.kinds.items()]
    return "\n".join(lines)
