"""A program's stack, an app in Azure and its packages, as a test wants the command line to find them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from durable.connections import accounts_of
from durable.stores import Slot
from release.cli.app import app
from release.cli.project import Run
from release.cli.tools import Tools
from release.instances import Instance, Instances, Listing, StoreUnknownError
from release.observed import Observed, Stores, observe
from release.package_store import PackageStore, Stored
from release.settings import Settings
from release.swap import LiveError
from release.tables import Tables, open_tables
from tests.release.clock import FakeClock
from tests.release.test_instance_query import Queried
from tests.release.test_instances import transport

OLD, NEW, STRAY = "a" * 64, "b" * 64, "c" * 64
BLUE, GREEN = "ordersblue", "ordersgreen"
NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
SECRET = "aHVzaCBodXNoIGh1c2g="
NAMESPACE = "durable-zero-downtime"


def slot(account: str, package: str | None, **more: str) -> dict[str, str]:
    """The live settings of a slot."""
    found = {
        "AzureWebJobsStorage": f"AccountName=ordershost;AccountKey={SECRET}",
        "DurableManagementStorage": f"AccountName={account};AccountKey={SECRET}",
    }
    return found | ({"WEBSITE_RUN_FROM_PACKAGE": f"https://host/packages/{package}.zip"} if package else {}) | more


def order(number: int, status: str = "Running", hub: str = "OrdersHub") -> Instance:
    return Instance(hub, f"order-{number}", "fulfil_order", status, NOW - timedelta(hours=number))


@dataclass
class FakeStore:
    """Orchestrations that are others at each reading; the last one stays."""

    account: str
    readings: list[tuple[Instance, ...]] = field(default_factory=lambda: [()])
    hubs: tuple[str, ...] = ("OrdersHub",)
    problem: str | None = None
    denials: int = 0
    """How many readings are denied before the others."""

    def all(self) -> Listing:
        if self.problem is not None:
            raise StoreUnknownError(self.account, self.problem)
        if self.denials:
            self.denials -= 1
            raise StoreUnknownError(self.account, "403", denied=True)
        now = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return Listing(self.hubs, now, 9)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        ids = {one.id for one in known}
        return tuple(one for one in self.all().active if one.id in ids)


@dataclass
class FakePackages:
    stored: list[Stored] = field(default_factory=list)

    def all(self) -> tuple[Stored, ...]:
        return tuple(self.stored)

    def delete(self, stored: Stored) -> None:
        self.stored.remove(stored)


def uploaded(sha256: str, hours_ago: float) -> Stored:
    return Stored(sha256, 1000, NOW - timedelta(hours=hours_ago))


@dataclass
class FakeSite:
    """Live slots; a settings of None is a slot that isn't deployed, an error is what a look raises."""

    slots: dict[Slot, dict[str, str] | None]
    stores: dict[str, FakeStore]
    packages: FakePackages
    error: LiveError | None = None
    busy: bool = False
    names: Stores | None = None
    tables: dict[str, Queried] = field(default_factory=dict)
    """Table services by their accounts."""

    def look(self) -> Observed:
        assert self.names is not None
        return observe(self.settings, self.names)

    def settings(self, slot: Slot) -> Mapping[str, str] | None:
        if self.error is not None:
            raise self.error
        return self.slots[slot]

    def swapping(self) -> bool:
        return self.busy

    def open_store(self, settings: Mapping[str, str]) -> Instances:
        connection = settings.get("DurableManagementStorage", "")
        account = connection.removeprefix("AccountName=").partition(";")[0]
        if account not in self.stores:
            raise StoreUnknownError("", "no connection is set")
        return self.stores[account]

    def open_tables(self, settings: Mapping[str, str], connection: str | None = None) -> Tables:
        connection = connection or "DurableManagementStorage"
        account = next(iter(accounts_of(settings, connection)), "")
        service = self.tables.setdefault(account, Queried({}))
        return open_tables(settings, connection, transport=transport(service))

    def open_packages(self) -> PackageStore:
        return self.packages


@dataclass
class FakeProject:
    """A stack whose `up` does what `run` says, told as `told`; `ups` keeps what it was asked for."""

    folder: Path
    keys: dict[str, str]
    run: Callable[[], Run] = Run
    told: tuple[str, ...] = ()
    ups: list[Mapping[str, Any]] = field(default_factory=list)
    packs: tuple[str, ...] = ()
    stack: str = "dev"
    state: frozenset[str] = frozenset()

    def config(self) -> Mapping[str, str]:
        return self.keys

    def packages(self) -> frozenset[str]:
        return self.state

    def up(self, once: Mapping[str, Any], policy_packs: tuple[str, ...], tell: Callable[[str], None]) -> Run:
        self.ups.append(once)
        self.packs = policy_packs
        for sentence in self.told:
            tell(sentence)
        return self.run()


class Scene:
    """The app after a release: production runs NEW on green, staging keeps OLD on blue; config asks for NEW.

    Change what it is made of before a command is run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys = {"site": "orders", "taskHub": "OrdersHub", "stores": json.dumps({"blue": BLUE, "green": GREEN})}
        keys |= {
            "access": "keys",
            "package": f"sha256:{NEW}",
            "gate": json.dumps({"timeout": 8, "steady": 2, "poll": 1}),
        }
        config = {f"{NAMESPACE}:{key}": value for key, value in keys.items()}
        self.project = FakeProject(folder, {"azure-native:location": "westeurope"} | config)
        self.blue, self.green = FakeStore(BLUE), FakeStore(GREEN)
        self.site = FakeSite(
            {Slot.PRODUCTION: slot(GREEN, NEW, RELEASE_VERSION="2.0"), Slot.STAGING: slot(BLUE, OLD)},
            {BLUE: self.blue, GREEN: self.green},
            FakePackages([uploaded(OLD, 72), uploaded(NEW, 48)]),
        )
        self.clock = FakeClock()
        self.environ: dict[str, str] = {}
        self.opened: list[str | None] = []

    def configure(self, **keys: Any) -> None:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}
        self.project.keys |= {f"{NAMESPACE}:{key}": text for key, text in texts.items()}

    def swap(self) -> None:
        production, staging = Slot
        self.site.slots = {production: self.site.slots[staging], staging: self.site.slots[production]}

    def zip(self, name: str) -> str:
        """Make a package that agrees with config, and give its SHA-256."""
        section = {"hubName": "OrdersHub", "storageProvider": {"connectionName": "DurableManagementStorage"}}
        with zipfile.ZipFile(self.folder / name, "w") as archive:
            archive.writestr("host.json", json.dumps({"version": "2.0", "extensions": {"durableTask": section}}))
            archive.writestr("name.txt", name)
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    def command(self, *args: str) -> Result:
        """Run a command; its output must hold no secret."""

        def project(stack: str | None, _: Callable[[], None]) -> FakeProject:
            self.opened.append(stack)
            return self.project

        def site(settings: Settings, _: Mapping[str, str]) -> FakeSite:
            self.site.names = settings.app_names.stores
            return self.site

        tools = Tools(project, site, self.clock, self.environ, lambda: NOW)
        done = CliRunner().invoke(app, list(args), obj=tools, catch_exceptions=False)
        assert SECRET not in done.output
        return done

    def document(self, *args: str, code: int = 0) -> dict[str, Any]:
        """The document that a command prints with --json, and nothing else on stdout."""
        done = self.command(*args, "--json")
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def paths(document: Any, prefix: str = "") -> set[str]:
    """Each field of a document with those that it is in, `[]` for one of a list, `*` for keys that are data."""
    if isinstance(document, Mapping):
        found = set()
        for key, value in document.items():
            found |= {f"{prefix}{key}"} | paths(value, f"{prefix}{key}.")
        return found
    if isinstance(document, Sequence) and not isinstance(document, str):
        return set().union(*(paths(item, f"{prefix.removesuffix('.')}[].") for item in document))
    return set()
