"""The command line of local Azure. It only reads options and prints: the work is done elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from localazure.errors import LocalAzureError
from localazure.state import VARIABLE, Ports, State

app = typer.Typer(
    name="python -m localazure",
    help="Azure on this machine, for development and tests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help=f"State folder; else {VARIABLE}, else .localazure in the repository."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def start(
    state: StateOption = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=65_532,
            help="Listen on N (ARM and sites) to N+3 (blob, queue, table); 0: on free ports. "
            "Else on the ports of the last time, the first time on 10400 to 10403.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start local Azure in the background; its state is that of the last time."""
    from localazure import daemon

    started = daemon.start(State.locate(state), port)
    if as_json:
        _print_json({"started": not started.already, **_endpoints(started.ports)})
        return
    print("Local Azure runs already:" if started.already else "Local Azure has started:")
    _print_endpoints(started.ports)
    print('Use it in this shell: eval "$(python -m localazure env)"')


@app.command()
def stop(state: StateOption = None) -> None:
    """Stop local Azure; its state stays."""
    from localazure import daemon

    print("Local Azure has stopped." if daemon.stop(State.locate(state)) else "Local Azure wasn't running.")


@app.command()
def status(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Say whether local Azure runs (exit code 0; 1 if not), where, and what is in it."""
    from localazure import inspection

    located = State.locate(state)
    found = inspection.status(located)
    if as_json:
        answer: dict[str, Any] = {"running": found is not None, "state": str(located.root)}
        if found:
            answer |= {"pid": found.server.pid, **_endpoints(found.server.ports), "resources": found.resources}
            answer |= {"workers": found.workers, "hubs": found.hubs}
        _print_json(answer)
    elif found:
        print(f"Local Azure runs (process {found.server.pid}, state in {located.root}):")
        _print_endpoints(found.server.ports)
        _print_rows("Resources", ("type", "count"), [(kind, str(count)) for kind, count in found.resources.items()])
        _print_told("Workers", ("site", "slot", "standing", "pid", "hub", "account", "problem", "log"), found.workers)
        _print_told("Task hubs", ("hub", "account", "workers", "address"), found.hubs)
    else:
        print(f"Local Azure isn't running (state in {located.root}).")
    if not found:
        raise typer.Exit(1)


@app.command()
def reset(state: StateOption = None) -> None:
    """Forget all resources, stored data and Pulumi stacks. If local Azure runs it is started again, empty."""
    from localazure import daemon

    located = State.locate(state)
    done = daemon.reset(located)
    names = ", ".join(str(path.relative_to(located.root)) for path in done.removed)
    print(f"Removed from {located.root}: {names}." if names else f"Nothing to remove in {located.root}.")
    if done.restarted:
        print("Local Azure was running and has started again:")
        _print_endpoints(done.restarted.ports)


@app.command()
def env(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Print what a shell needs to work on local Azure, for `eval`. Starts nothing."""
    from localazure.environment import Environment

    environment = Environment.of(State.locate(state))
    if as_json:
        _print_json(environment.as_json())
    else:
        print(environment.exports())


@app.command()
def events(
    state: StateOption = None,
    site: Annotated[str | None, typer.Option(metavar="NAME", help="Only events of this site.")] = None,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="Only events after this sequence number.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Print what happened to the sites: starts, settings, the phases of each swap. Oldest first."""
    from localazure import inspection

    found = inspection.events(State.locate(state), site=site, after=after)
    if as_json:
        _print_json({"events": found})
        return
    _print_told("Events", ("sequence", "time", "phase", "site", "slot", "production"), found)


def _endpoints(ports: Ports) -> dict[str, str]:
    from localazure.environment import Endpoints

    return {f"{name}_endpoint": address for name, address in vars(Endpoints.of(ports)).items()}


def _print_endpoints(ports: Ports) -> None:
    for name, address in _endpoints(ports).items():
        print(f"  {name.removesuffix('_endpoint'):<6} {address}")


def _print_told(title: str, columns: tuple[str, ...], told: list[dict[str, Any]]) -> None:
    """These columns of what was told; what isn't known is left empty."""
    rows = [["" if each.get(column) is None else str(each[column]) for column in columns] for each in told]
    _print_rows(title, columns, [tuple(row) for row in rows])


def _print_rows(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print(f"{title}: none.")
        return
    table = Table(*columns, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*row)
    # A pipe has no width: nothing is to be cut off there.
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)


def _print_json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, indent=2))


def main() -> None:
    """Run the command that the arguments name; ends the process with 0, 1 (it failed) or 2 (bad usage)."""
    try:
        app()
    except LocalAzureError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"Local Azure can't use {error.filename}: {error.strerror}. `--state DIR` names another folder.")
