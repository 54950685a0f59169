"""The words for where code runs and where its orchestrations live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Slot(StrEnum):
    """The two slots of a function app. The staging slot's name in Azure is the user's choice."""

    PRODUCTION = "production"
    STAGING = "staging"


class Colour(StrEnum):
    """What tells the two stores of an app apart. A store keeps its colour; it changes slots at each swap."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


class Access(StrEnum):
    """How an app reaches its storage: by the keys of its accounts, or as an identity that has roles on them."""

    KEYS = "keys"
    IDENTITY = "identity"


DISPOSABLE_TAG = "durable-store"
DISPOSABLE = "disposable"
"""The tag of a store's account that may go with its stack: said in code, and seen in Azure by who looks there."""


@dataclass(frozen=True)
class Store:
    """Where one task hub lives."""

    colour: Colour
    account: str
    hub: str


def own_hub(hub: str, colour: Colour) -> str:
    """The hub name of one store where both stores' hubs are in one account, as they are in a tracking store."""
    return f"{hub}{colour.title()}"


@dataclass(frozen=True)
class Release:
    """What a swap moves from slot to slot: a store, and the package that the orchestrations in it belong to.

    `package` is a SHA-256, None for a slot without code; `version` is the user's label of it. `hub_setting` is the app
    setting that the package's host.json takes the hub's name from, None where host.json names the hub itself.
    `tracking` is the connection that host.json names as the tracking store, None where it names none.
    `access` is the form of its connections: settings, which travel as well.
    """

    store: Store
    package: str | None = None
    version: str | None = None
    hub_setting: str | None = None
    tracking: str | None = None
    access: Access = Access.KEYS

    def __str__(self) -> str:
        return f"{package_text(self.package, self.version)} on {self.store.colour} ({self.store.account})"


def package_text(package: str | None, version: str | None = None) -> str:
    """A package for a person: the first twelve digits of its hash, as in its blob's logical name, and its label."""
    if package is None:
        return "no package"
    return f"package {package[:12]}" + (f" ({version})" if version else "")
