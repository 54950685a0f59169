"""A good program as plain data, and the ways in which a test spoils it: in one thing at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies import resources as r
from policies.build import program_of
from policies.catalogue import CATALOGUE
from policies.config import Config
from policies.finding import Finding, Weight
from policies.judge import findings
from policies.model import Program
from policies.resources import Resource

KEY = "a2V5"
DURABLE = "DurableManagementStorage"
HUB_OVERRIDE = "AzureFunctionsJobHost__extensions__durableTask__hubName"


def key_connection(account: str, endpoint: str = "core.windows.net") -> str:
    return f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={KEY};EndpointSuffix={endpoint}"


@dataclass
class Made:
    """One resource, all of it open to change."""

    kind: str
    name: str
    inputs: dict[str, Any] | None
    outputs: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, set[str]] = field(default_factory=dict)
    protect: bool = False

    @property
    def urn(self) -> str:
        return urn(self.kind, self.name)

    def put(self, path: str, value: Any) -> None:
        """Set an input at a path such as `siteConfig.minTlsVersion`."""
        *parents, last = path.split("/")
        node = self.inputs
        for parent in parents:
            assert node is not None
            node = node.setdefault(parent, {})
        assert node is not None
        node[last] = value

    def drop(self, path: str) -> None:
        *parents, last = path.split("/")
        node = self.inputs
        for parent in parents:
            assert node is not None
            node = node[parent]
        assert node is not None
        del node[last]


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:test::project::azure-native:{kind}::{name}"


class World:
    """A set of resources by logical name."""

    def __init__(self, made: Iterable[Made] = ()) -> None:
        self.made = {resource.name: resource for resource in made}

    def __getitem__(self, name: str) -> Made:
        return self.made[name]

    def add(self, kind: str, name: str, /, **inputs: Any) -> Made:
        assert name not in self.made
        self.made[name] = Made(kind, name, inputs)
        return self.made[name]

    def remove(self, *names: str) -> None:
        for name in names:
            del self.made[name]

    def put(self, resource: str, setting: str, value: Any) -> None:
        """Set an app setting."""
        self[resource].put(f"properties/{setting}", value)

    def unset(self, resource: str, setting: str) -> None:
        self[resource].drop(f"properties/{setting}")

    def stick(self, *settings: str, resource: str = "sticky") -> None:
        inputs = self[resource].inputs
        assert inputs is not None
        inputs["appSettingNames"] = [*inputs["appSettingNames"], *settings]

    @property
    def program(self) -> Program:
        return program_of(
            Resource(
                made.kind,
                made.urn,
                made.name,
                copy.deepcopy(made.inputs),
                copy.deepcopy(made.outputs),
                {name: frozenset(urns) for name, urns in made.sources.items()},
                made.protect,
            )
            for made in self.made.values()
        )

    def findings(self, config: Config | None = None) -> list[tuple[str, Finding]]:
        program = self.program
        return [
            (entry.name, finding)
            for entry in CATALOGUE
            for finding in findings(entry.name, program, config or Config())
        ]

    def refused(self, config: Config | None = None) -> set[tuple[str, str]]:
        """Rule and logical name of all that is refused."""
        return {
            (rule, finding.resource.name)
            for rule, finding in self.findings(config)
            if finding.weight is Weight.REFUSAL and rule not in ADVISORY
        }

    def advised(self, config: Config | None = None) -> set[tuple[str, str]]:
        """Rule and logical name of all that is only said."""
        return {
            (rule, finding.resource.name)
            for rule, finding in self.findings(config)
            if finding.weight is not Weight.REFUSAL or rule in ADVISORY
        }


ADVISORY = frozenset(entry.name for entry in CATALOGUE if entry.level.value == "advisory")


def app(name: str, prefix: str = "", slots: Iterable[str] = ("staging",), hub: str = "OrdersHub") -> World:
    """A durable function app in key mode: production on its blue account, each slot on one of its own."""
    world = World()
    short = name.replace("-", "")
    plan = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/{name}-plan"
    world.add(r.PLAN, f"{prefix}plan", name=f"{name}-plan", sku={"name": "S1", "tier": "Standard"})
    site: Mapping[str, Any] = {
        "name": name,
        "resourceGroupName": "g",
        "kind": "functionapp,linux",
        "reserved": True,
        "httpsOnly": True,
        "serverFarmId": plan,
        "siteConfig": {"linuxFxVersion": "PYTHON|3.11", "minTlsVersion": "1.2", "ftpsState": "Disabled"},
    }
    world.add(r.WEB_APP, f"{prefix}site", **copy.deepcopy(dict(site)))
    stores: dict[str | None, str] = {None: f"{short}blue"} | {slot: f"{short}{slot}" for slot in slots}
    for account in (f"{short}host", *stores.values()):
        added = world.add(
            r.ACCOUNT,
            f"{prefix}{account}",
            accountName=account,
            resourceGroupName="g",
            minimumTlsVersion="TLS1_2",
            enableHttpsTrafficOnly=True,
            allowBlobPublicAccess=False,
        )
        added.protect = not account.endswith("host")
    for slot, account in stores.items():
        settings = {
            "FUNCTIONS_EXTENSION_VERSION": "~4",
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": key_connection(f"{short}host"),
            DURABLE: key_connection(account),
            HUB_OVERRIDE: hub,
        }
        if slot is None:
            world.add(r.SETTINGS, f"{prefix}production", name=name, properties=settings)
        else:
            world.add(r.WEB_APP_SLOT, f"{prefix}{slot}-slot", slot=slot, **copy.deepcopy(dict(site)))
            world.add(r.SETTINGS_SLOT, f"{prefix}{slot}", name=name, slot=slot, properties=settings)
    world.add(r.SLOT_NAMES, f"{prefix}sticky", name=name, appSettingNames=["MY_STICKY"])
    return world


def both(one: World, other: World) -> World:
    return World([*one.made.values(), *other.made.values()])
