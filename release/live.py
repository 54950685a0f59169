"""The live app that a run is about, opened when it is first needed: most runs change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from durable.stores import Colour, Release, Slot
from durable.swap import stuck
from release import cloud
from release.clock import SYSTEM_CLOCK
from release.observed import Observed, Stores, observe

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from release.app import LiveApp
    from release.guard import Guard
    from release.instances import Instances
    from release.patience import Patience
    from release.swap import SwapLimits


@dataclass(frozen=True)
class AppNames:
    """Which app it is, by the names in config."""

    group: str
    site: str
    staging_slot: str
    stores: Stores

    def to_inputs(self) -> dict[str, Any]:
        """As inputs of a Pulumi resource."""
        return {
            "resourceGroup": self.group,
            "site": self.site,
            "stagingSlot": self.staging_slot,
            "stores": {str(colour): account for colour, account in self.stores.accounts.items()},
            "connectionName": self.stores.connection_name,
            "taskHub": self.stores.hub,
        }

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> AppNames:
        """The reverse of `to_inputs`."""
        accounts = {Colour(colour): account for colour, account in inputs["stores"].items()}
        stores = Stores(accounts, inputs["connectionName"], inputs["taskHub"])
        return cls(inputs["resourceGroup"], inputs["site"], inputs["stagingSlot"], stores)


class Live:
    """The app in Azure, as found with the stack's config and the environment."""

    def __init__(self, names: AppNames, config: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.names = names
        self._config = config
        self._environ = environ

    @cached_property
    def app(self) -> LiveApp:
        from release.app import open_app

        names, subscription = self.names, cloud.subscription(self._config, self._environ)
        return open_app(self._cloud, self._credential, subscription, names.group, names.site, names.staging_slot)

    def look(self) -> Observed:
        return observe(self.app.settings, self.names.stores)

    def open_store(self, settings: Mapping[str, str]) -> Instances:
        """The orchestrations in the store that a slot's app settings lead to. Raises StoreUnknownError."""
        from release.instances import StoreUnknownError, open_store

        try:
            return open_store(settings, self.names.stores.connection_name, lambda: self._credential)
        except cloud.CloudError as error:
            raise StoreUnknownError("", f"{error}") from error

    def exchange(self, package: str, limits: SwapLimits, report: Callable[[str], None]) -> None:
        """Have production run the package that staging holds, as release.swap.exchange does.

        Raises SwapError before anything is asked for where a setting would stay behind that must go with its package.
        """
        from release.swap import SwapError, exchange

        production = self.look().production
        if not (isinstance(production, Release) and production.package == package) and (found := self._stuck()):
            raise SwapError(
                f"{', '.join(sorted(found))}: at a swap this must go with the package, and is among the slot settings "
                "of the site, so a package would meet the other's task hub. Nothing was swapped. What to do: run "
                "`pulumi up`, which takes it out of the list, or take it out of slotConfigNames."
            )
        exchange(self.app, self.look, package, limits, SYSTEM_CLOCK, report)

    def _stuck(self) -> frozenset[str]:
        sticky, connection = self.app.sticky(), self.names.stores.connection_name
        return frozenset().union(*(stuck(self.app.settings(slot) or {}, connection, sticky) for slot in Slot))

    def guard(self, patience: Patience, report: Callable[[str], None]) -> Guard:
        from release.guard import Guard

        return Guard(self.look, self.open_store, patience, SYSTEM_CLOCK, report)

    @cached_property
    def _cloud(self) -> cloud.Cloud:
        return cloud.find_cloud(self._config, self._environ)

    @cached_property
    def _credential(self) -> TokenCredential:
        return cloud.credential(self._cloud, self._config, self._environ)
