"""A local Azure of the proof's own, and the program's copy with the stack that releases the shop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from durable.stores import Release, Slot
from proof.versions import HUB
from release.config import NAMESPACE, load
from release.instances import Instances
from release.live import Live

REPOSITORY: Final = Path(__file__).resolve().parents[1]
STACK: Final = "proof"
SITE: Final = "shop-proof"
DOMAIN: Final = "azurewebsites.localhost"
_PROGRAM: Final = ("Pulumi.yaml", "__main__.py", "components", "durable", "release")
_SECONDS: Final = 120.0

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Hub:
    """A task hub of local Azure, and where the SDK's client finds it."""

    account: str
    name: str
    address: str
    unwritten: int

    @property
    def key(self) -> tuple[str, str]:
        return self.account, self.name


@dataclass(frozen=True)
class Worker:
    """A Functions host of local Azure; `pid` is None if it has no process."""

    slot: str
    standing: str
    pid: int | None


class Azure:
    """A local Azure that runs: what it tells beside ARM."""

    def __init__(self, endpoint: str, variables: Mapping[str, str]) -> None:
        self.endpoint = endpoint
        self.variables = variables
        """The environment of a process that uses it."""
        self._client = httpx.Client(base_url=endpoint, trust_env=False, timeout=_SECONDS)

    def close(self) -> None:
        self._client.close()

    def events(self, after: int = 0) -> list[Event]:
        found: list[Event] = self._told("events", after=after)["events"]
        return found

    def last_event(self) -> int:
        events = self.events()
        return int(events[-1]["sequence"]) if events else 0

    def hubs(self) -> list[Hub]:
        found = self._told("hubs")["hubs"]
        return [Hub(each["account"], each["hub"], each["address"], each["unwritten"]) for each in found]

    def workers(self) -> list[Worker]:
        found = self._told("workers")["workers"]
        return [Worker(each["slot"], each["standing"], each["pid"]) for each in found]

    def await_settled(self) -> None:
        """Wait until no worker starts or is being replaced. Raises TimeoutError."""
        if not self._told("workers", settled=60)["settled"]:
            raise TimeoutError("local Azure's workers don't come to rest")

    def _told(self, what: str, **query: object) -> Any:
        answer = self._client.get(f"/localazure/{what}", params={name: str(value) for name, value in query.items()})
        answer.raise_for_status()
        return answer.json()


@contextmanager
def local_azure(place: Path) -> Iterator[Azure]:
    """Start one on free ports with its state below a folder, and stop it at the end."""
    state = ("--state", str(place / "azure"))
    _localazure("start", "--port", "0", *state)
    try:
        found = json.loads(_localazure("env", "--json", *state))
        path = os.pathsep.join([*found["path"], os.environ["PATH"]])
        variables = {**os.environ, **found["environment"], "PATH": path, "PULUMI_SKIP_CONFIRMATIONS": "true"}
        azure = Azure(found["arm_endpoint"], variables)
        try:
            yield azure
        finally:
            azure.close()
    finally:
        _localazure("stop", *state)


def _localazure(*args: str) -> str:
    command = [sys.executable, "-m", "localazure", *args]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command[1:])}` failed: {done.stdout}{done.stderr}")
    return done.stdout


class Program:
    """A copy of the program in a folder, with a stack for the shop. `tracking` names a tracking store, if any."""

    def __init__(self, place: Path, azure: Azure, tracking: str | None = None) -> None:
        self.folder = place / "program"
        self.packages = place / "packages"
        self.azure = azure
        self._values: dict[str, Any] = {
            "azure-native:location": "westeurope",
            f"{NAMESPACE}:site": SITE,
            f"{NAMESPACE}:taskHub": HUB,
            f"{NAMESPACE}:access": "keys",
            f"{NAMESPACE}:insights": False,
            f"{NAMESPACE}:protectStores": False,
            f"{NAMESPACE}:gate": {"timeout": 300, "steady": 0.5, "poll": 0.25},
        }
        if tracking is not None:
            self._values[f"{NAMESPACE}:trackingStore"] = {"account": tracking}
        self._make()

    def _make(self) -> None:
        self.folder.mkdir()
        self.packages.mkdir()
        for name in _PROGRAM:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, self.folder / name)
        (self.folder / ".venv").symlink_to(REPOSITORY / ".venv")
        self.pulumi("stack", "init", STACK, "--no-select")
        self._written = (self.folder / f"Pulumi.{STACK}.yaml").read_text()
        self.configure()

    def configure(self, **values: Any) -> None:
        """Set keys of the program's config."""
        self._values |= {f"{NAMESPACE}:{key}": value for key, value in values.items()}
        content = yaml.safe_load(self._written) | {"config": self._values}
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content))

    def pulumi(self, *args: str) -> None:
        """Run a command of pulumi that must succeed."""
        command = ["pulumi", *args, "--stack", STACK] if args[0] != "stack" else ["pulumi", *args]
        done = subprocess.run(
            [*command, "--non-interactive"],
            cwd=self.folder,
            env=dict(self.azure.variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"`{' '.join(command)}` failed: {done.stdout}{done.stderr}")

    @cached_property
    def live(self) -> Live:
        """The app as the release itself sees it."""
        config = {key: _text(value) for key, value in self._values.items()}
        return Live(load(config).app_names, config, self.azure.variables)

    def held(self) -> dict[Slot, str | None]:
        """The package of each slot, by its SHA-256; None for what isn't a release."""
        observed = self.live.look()
        return {slot: getattr(observed.of(slot), "package", None) for slot in Slot}

    def account(self, slot: Slot) -> str:
        """The storage account of a slot's store."""
        held = self.live.look().of(slot)
        if not isinstance(held, Release):
            raise RuntimeError(f"{slot} holds no release: {held}")
        return held.store.account

    def gate(self, hub: Hub) -> Instances | None:
        """A hub's orchestrations as the gate reads them: by the settings of the slot that has its store."""
        for slot in Slot:
            settings = self.live.app.settings(slot) or {}
            held = self.live.look().of(slot)
            if isinstance(held, Release) and held.store.account == hub.account and held.package:
                return self.live.open_store(settings)
        return None

    def close(self) -> None:
        self.live.app.close()


def host_name(slot: Slot) -> str:
    return f"{SITE}.{DOMAIN}" if slot is Slot.PRODUCTION else f"{SITE}-{slot}.{DOMAIN}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
