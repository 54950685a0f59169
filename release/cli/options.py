"""The options that several commands share."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from release.planner import Drain

StackOption = Annotated[
    str | None, typer.Option("--stack", "-s", metavar="NAME", help="The Pulumi stack; else the selected one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")]
LinesOption = Annotated[
    bool, typer.Option("--json", help="Print JSON Lines on stdout, one object for each row, and nothing else there.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="When to give up on a store that isn't drained."),
]
SteadyOption = Annotated[
    float | None,
    typer.Option("--steady", metavar="SECONDS", min=0, help="How long it must have been without an active instance."),
]
PollOption = Annotated[
    float | None, typer.Option("--poll", metavar="SECONDS", min=0, help="The first pause between two readings.")
]
ExceptOption = Annotated[
    list[str] | None,
    typer.Option("--except", metavar="ID", help="An instance that is not waited for; may be given several times."),
]
DrainOption = Annotated[
    Drain | None,
    typer.Option("--drain", help="When production's orchestrations end, in place of the config's `drain`."),
]
PackageOption = Annotated[
    str | None,
    typer.Option(
        "--package",
        metavar="PATH|sha256:HASH",
        help="The package, in place of the config's: a zip, or the hash of one that a slot holds.",
    ),
]
PolicyOption = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack", metavar="DIR", help="A policy pack that judges the run; may be given several times."),
]


_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST_AGE: Final = timedelta(days=36500)


def age(text: str) -> timedelta:
    """How old something is, such as `90s`, `30m`, `2h` or `7d`. Raises BadParameter."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)([smhd])", text.strip(), re.ASCII)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no age: write a number and s, m, h or d, such as 90s, 30m, 2h or 7d")
    try:
        found = timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        found = timedelta.max
    if found > _LONGEST_AGE:
        raise typer.BadParameter(f"{text!r} is too long an age: a hundred years are the most")
    return found


def gate_values(
    timeout: float | None, steady: float | None, poll: float | None, excepted: list[str] | None
) -> dict[str, Any]:
    """Those keys of the config's `gate` that are given on the command line."""
    given = {"timeout": timeout, "steady": steady, "poll": poll, "except": excepted or None}
    return {key: value for key, value in given.items() if value is not None}
