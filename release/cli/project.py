"""The Pulumi program as a command drives it: one stack's config, and an `up` with config for that run only."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from pulumi import automation

from durable.app_settings import packaged
from durable.connections import redacted
from release.cli.engine import Engine, EngineError
from release.cli.watch import Watch
from release.config import NAMESPACE
from release.endings import Ending
from release.journal import VARIABLE, Journal, Stop, read

_BLOB: Final = "azure-native:storage:Blob"


@dataclass(frozen=True)
class Run:
    """How an `up` ended: what the program told on its way, and the one stop that counts, None if all went well."""

    plan: tuple[str, ...] = ()
    stop: Stop | None = None


class Project(Protocol):
    """One stack of the program in a folder. Its methods raise EngineError where pulumi itself can't be used."""

    folder: Path
    stack: str

    def config(self) -> Mapping[str, str]:
        """The stack's whole config as a program gets it: full keys to texts, secrets in plain."""

    def packages(self) -> frozenset[str]:
        """The packages whose blobs the stack's state has, those of a run under way among them."""

    def up(self, once: Mapping[str, Any], policy_packs: tuple[str, ...], tell: Callable[[str], None]) -> Run:
        """Run the program, with these keys of its namespace in place of the config's; no file keeps them.

        `tell` is given sentences while it runs.
        """


class PulumiProject:
    """Implements Project with the Automation API. `stack` is the selected one if none is named."""

    def __init__(self, folder: Path, stack: str | None, notify: Callable[[], None]) -> None:
        self.folder = folder
        self._engine = Engine(notify)
        self.stack = stack or self._selected()

    def config(self) -> Mapping[str, str]:
        found = self._workspace({}).get_all_config(self.stack)
        return {key: value.value for key, value in found.items()}

    def packages(self) -> frozenset[str]:
        state = json.loads(self._ask("stack", "export", "--stack", self.stack))
        resources = state.get("deployment", {}).get("resources") or []
        names = (one.get("inputs", {}).get("blobName", "") for one in resources if one["type"] == _BLOB)
        return frozenset(filter(None, map(packaged, names)))

    def up(self, once: Mapping[str, Any], policy_packs: tuple[str, ...], tell: Callable[[str], None]) -> Run:
        with tempfile.TemporaryDirectory(prefix="release-") as place:
            config, told = Path(place, "config.yaml"), Path(place, "journal")
            self._write_config(config, once)
            watch = Watch(tell)
            stack = automation.Stack.select(self.stack, self._workspace({VARIABLE: str(told)}))
            error: EngineError | KeyboardInterrupt | None = None
            try:
                stack.up(
                    config_file=str(config),
                    policy_packs=list(policy_packs),
                    on_event=watch,
                    color="never",
                    show_secrets=False,
                    suppress_outputs=True,
                )
            except (EngineError, KeyboardInterrupt) as raised:
                error = raised
            journal = read(told)
        return Run(journal.plan, None if error is None else self._stop(journal, watch, error))

    def _write_config(self, path: Path, once: Mapping[str, Any]) -> None:
        """A copy of the stack's config file with other values, set by pulumi: `up --config` would keep them."""
        original = self.folder / f"Pulumi.{self.stack.rpartition('/')[2]}.yaml"
        if original.exists():
            shutil.copyfile(original, path)
        else:
            path.touch()
        # A structured value is one that has an objectValue; it is taken from the text.
        values = {
            f"{NAMESPACE}:{key}": {"value": _text(value), "objectValue": _object(value)} for key, value in once.items()
        }
        if values:
            target = ("--config-file", str(path), "--stack", self.stack)
            self._ask("config", "set-all", *target, "--json", json.dumps(values))

    @staticmethod
    def _stop(journal: Journal, watch: Watch, error: EngineError | KeyboardInterrupt) -> Stop:
        """Why a run failed: in the program's words if it had any, else in the engine's."""
        if isinstance(error, KeyboardInterrupt):
            return Stop(
                Ending.INTERRUPTED, "Interrupted. What to do: run again, which goes on from what is there by then."
            )
        if journal.stops:
            worst = max(journal.stops, key=lambda stop: stop.ending.exit_code)
            return Stop(worst.ending, "\n".join(dict.fromkeys(stop.reason for stop in journal.stops)), worst.instances)
        if watch.violations:
            return Stop(Ending.REFUSED, "\n".join(watch.violations))
        return Stop(Ending.ERROR, "\n".join(watch.errors) or redacted(f"{error}"))

    def _selected(self) -> str:
        try:
            return self._ask("stack", "--show-name").strip()
        except EngineError as error:
            raise EngineError(f"{error}. What to do: name the stack with --stack.") from error

    def _ask(self, *args: str) -> str:
        return self._engine.run([*args], str(self.folder), {}).stdout

    def _workspace(self, variables: Mapping[str, str]) -> _Workspace:
        return _Workspace(work_dir=str(self.folder), env_vars=variables, pulumi_command=self._engine)


class _Workspace(automation.LocalWorkspace):
    """A workspace that leaves the stack selected which the user has selected: every command names its own."""

    def select_stack(self, stack_name: str) -> None:
        """Do nothing: a stack that isn't there is told of by the first command on it."""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _object(value: Any) -> Any:
    return value if isinstance(value, dict | list) else None
