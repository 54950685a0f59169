"""`python -m release`: reads options and prints; the work is done elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from durable.app_settings import held_package, package_name_problem
from durable.statuses import InstanceStatus
from durable.stores import Colour, Slot
from release.cli import instances as instances_
from release.cli import packages as packages_
from release.cli import releases
from release.cli import status as status_
from release.cli.command import Command
from release.cli.documents import GateDocument, ReleaseDocument
from release.cli.gate import KEY_VARIABLE, Asked, source
from release.cli.options import (
    DrainOption,
    ExceptOption,
    JsonOption,
    LinesOption,
    PackageOption,
    PolicyOption,
    PollOption,
    StackOption,
    SteadyOption,
    TimeoutOption,
    age,
    gate_values,
)
from release.cli.releases import Step, Wish
from release.cli.screen import readings
from release.direction import Direction
from release.drain import State, unknown, wait_until_drained
from release.endings import Ending
from release.instance_query import Filter
from release.instances import StoreUnknownError
from release.patience import Patience
from release.planner import Drain
from release.settings import GateSettings

_STATES = {State.DRAINED: Ending.DONE, State.BUSY: Ending.BUSY, State.UNKNOWN: Ending.UNKNOWN}

app = typer.Typer(
    name="python -m release",
    help="The steps of a release. Exit codes: 0 done or drained, 1 error, 2 bad usage, 3 orchestrations still run, "
    "4 unknown or refused, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def status(context: typer.Context, stack: StackOption = None, as_json: JsonOption = False) -> None:
    """Both slots with package, version, store and active instances, and what the next `pulumi up` would do."""
    command = Command(context, as_json=as_json)
    with command.ends():
        document = status_.status(*command.app(stack))
        command.screen.show(document, lambda console: status_.show(document, console))


@app.command()
def gate(
    context: typer.Context,
    stack: StackOption = None,
    slot: Annotated[Slot | None, typer.Option("--slot", help="The store that this slot names.")] = None,
    store: Annotated[Colour | None, typer.Option("--store", help="The store of this colour.")] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection",
            metavar="SETTING|STRING",
            help="A store by the name of an environment variable that holds its connection, or by the connection "
            "string itself, which other processes of this machine can see.",
        ),
    ] = None,
    hub: Annotated[
        str | None, typer.Option("--hub", metavar="NAME", help="With --connection or --url: this task hub only.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="An app whose store can't be reached, by its function StatusCheck; its key is taken from the "
            f"environment variable {KEY_VARIABLE}.",
        ),
    ] = None,
    package: Annotated[
        str | None, typer.Option("--package", metavar="sha256:HASH", help="With --url: the package that must answer.")
    ] = None,
    timeout: TimeoutOption = None,
    steady: SteadyOption = None,
    poll: PollOption = None,
    excepted: ExceptOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait until a store has no active orchestration. With --timeout 0 --steady 0 one reading decides."""
    if package is not None and (held_package(package) is None or package_name_problem(package)):
        raise typer.BadParameter("--package takes sha256: and the 64 digits of a package's hash")
    asked = Asked(slot, store, connection, hub, url, held_package(package) if package else None)
    if asked.problem is not None:
        raise typer.BadParameter(asked.problem)
    command = Command(context, as_json=as_json)
    with command.ends():
        found = source(asked, lambda: command.app(stack), command.tools.environ)
        values = gate_values(timeout, steady, poll, excepted)
        patience = replace(_patience(found.gate, values), for_roles=found.for_roles)
        with command.screen.waiting("waiting for orchestrations to end") as tell:
            report = readings(tell)
            try:
                verdict = wait_until_drained(found.open(), patience, command.tools.clock, report)
            except StoreUnknownError as error:
                verdict = unknown(error)
                report(verdict)
        document = GateDocument.of(verdict)
        command.screen.show(document, lambda console: console.print(document.state))
        command.exit(_STATES[verdict.state])


@app.command()
def stage(
    context: typer.Context,
    stack: StackOption = None,
    package: PackageOption = None,
    timeout: TimeoutOption = None,
    steady: SteadyOption = None,
    poll: PollOption = None,
    excepted: ExceptOption = None,
    policy_packs: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the package into the staging slot when the slot's orchestrations have ended; production keeps its own."""
    wish = _wish(package, gate_values(timeout, steady, poll, excepted), None, policy_packs)
    _release(context, "stage", stack, wish, Step.stage, as_json=as_json)


@app.command()
def promote(
    context: typer.Context,
    stack: StackOption = None,
    package: PackageOption = None,
    timeout: TimeoutOption = None,
    steady: SteadyOption = None,
    poll: PollOption = None,
    excepted: ExceptOption = None,
    drain: DrainOption = None,
    policy_packs: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have production run the later of the two uploaded packages: a swap if staging holds it, else nothing."""
    wish = _wish(package, gate_values(timeout, steady, poll, excepted), drain, policy_packs)
    _release(context, "promote", stack, wish, lambda step: step.bring(Direction.FORWARD), as_json=as_json)


@app.command()
def rollback(
    context: typer.Context,
    stack: StackOption = None,
    package: PackageOption = None,
    timeout: TimeoutOption = None,
    steady: SteadyOption = None,
    poll: PollOption = None,
    excepted: ExceptOption = None,
    drain: DrainOption = None,
    policy_packs: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have production run the earlier of the two uploaded packages: a swap if staging holds it, else nothing."""
    wish = _wish(package, gate_values(timeout, steady, poll, excepted), drain, policy_packs)
    _release(context, "rollback", stack, wish, lambda step: step.bring(Direction.BACK), as_json=as_json)


@app.command()
def deploy(
    context: typer.Context,
    stack: StackOption = None,
    package: PackageOption = None,
    timeout: TimeoutOption = None,
    steady: SteadyOption = None,
    poll: PollOption = None,
    excepted: ExceptOption = None,
    drain: DrainOption = None,
    policy_packs: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stage the package and promote it: `pulumi up` with `promote: auto`."""
    wish = _wish(package, gate_values(timeout, steady, poll, excepted), drain, policy_packs)
    _release(context, "deploy", stack, wish, Step.deploy, as_json=as_json)


@app.command()
def packages(
    context: typer.Context,
    stack: StackOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete those that neither slot holds and config doesn't ask for.")
    ] = False,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            metavar="HOURS",
            min=0,
            help="With --prune: only those uploaded so long ago. A younger one may belong to a run that still waits.",
        ),
    ] = packages_.LONGEST_WAIT / timedelta(hours=1),
    as_json: JsonOption = False,
) -> None:
    """The packages that are stored, and for whom they are kept."""
    command = Command(context, as_json=as_json)
    with command.ends():
        parts = command.app(stack)
        if prune:
            document = packages_.prune(*parts, command.tools.now(), timedelta(hours=older_than))
        else:
            document = packages_.packages(*parts)
        command.screen.show(document, lambda console: packages_.show(document, console))


@app.command()
def instances(
    context: typer.Context,
    stack: StackOption = None,
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection",
            metavar="SETTING|STRING",
            help="In place of the app's accounts one by the name of an environment variable that holds its connection, "
            "or by the connection string itself, which other processes of this machine can see.",
        ),
    ] = None,
    hubs: Annotated[
        list[str] | None, typer.Option("--hub", metavar="NAME", help="Of this task hub; may be given several times.")
    ] = None,
    versions: Annotated[
        list[str] | None,
        typer.Option(
            "--version", metavar="TEXT", help='Of this orchestration version, "" for none; may be given several times.'
        ),
    ] = None,
    statuses: Annotated[
        list[InstanceStatus] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            case_sensitive=False,
            help="In this status, such as running; may be given several times.",
        ),
    ] = None,
    active: Annotated[
        bool, typer.Option("--active", help="In a status that a gate waits for, those that nobody knows among them.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="GLOB", help="Of orchestrators with such a name, as in process_*.")
    ] = None,
    id_prefix: Annotated[str, typer.Option("--id", metavar="PREFIX", help="Whose id begins with this.")] = "",
    older_than: Annotated[
        timedelta | None,
        typer.Option("--older-than", metavar="AGE", parser=age, help="Created longer ago: 90s, 30m, 2h, 7d."),
    ] = None,
    newer_than: Annotated[
        timedelta | None,
        typer.Option("--newer-than", metavar="AGE", parser=age, help="Created since then: 90s, 30m, 2h, 7d."),
    ] = None,
    entities: Annotated[bool, typer.Option("--entities", help="Entities too.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help=f"At most so many; {instances_.FEW} unless --json is given."),
    ] = None,
    as_json: LinesOption = False,
) -> None:
    """The orchestrations in the app's stores, and those of all apps in the tracking store that it shares."""
    if active and statuses:
        raise typer.BadParameter("name --active or --status: it stands for all statuses that a gate waits for")
    command = Command(context, as_json=as_json, lines=True)
    with command.ends():
        now = command.tools.now()
        wanted = Filter(
            hubs=frozenset(hubs or ()),
            versions=frozenset(versions or ()),
            statuses=frozenset(statuses or ()),
            active=active,
            name=name,
            id_prefix=id_prefix,
            before=None if older_than is None else now - older_than,
            since=None if newer_than is None else now - newer_than,
            entities=entities,
        )
        sources = instances_.sources(connection, lambda: command.app(stack), command.tools.environ)
        at_most = limit or (None if as_json else instances_.FEW)
        instances_.show(sources, wanted, at_most, now, command.screen)


def _release(
    context: typer.Context,
    name: str,
    stack: str | None,
    wish: Wish,
    step: Callable[[Step], ReleaseDocument],
    *,
    as_json: bool,
) -> None:
    command = Command(context, as_json=as_json)
    with command.ends():
        project, settings, site = command.app(stack)
        _patience(settings.gate, wish.gate)
        with command.screen.waiting(name) as tell:
            document = step(Step(name, project, settings, site, wish, tell))
        if document.outcome is not Ending.DONE and not as_json:
            command.screen.tell(document.reason)
        command.screen.show(document, lambda console: releases.show(document, console))
        command.exit(document.outcome)


def _wish(package: str | None, gate: Mapping[str, Any], drain: Drain | None, packs: list[Path] | None) -> Wish:
    if package is not None:
        if message := package_name_problem(package):
            raise typer.BadParameter(message)
        # The program runs in its own folder.
        package = package if held_package(package) else str(Path(package).absolute())
    return Wish(package, gate, drain and str(drain), tuple(str(path.absolute()) for path in packs or ()))


def _patience(config: GateSettings, values: Mapping[str, Any]) -> Patience:
    """How long to wait, with these values in place of the config's. Raises BadParameter."""
    try:
        return Patience(
            values.get("timeout", config.timeout),
            values.get("steady", config.steady),
            values.get("poll", config.poll),
            frozenset(values.get("except", config.excepted)),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    app()
