"""The live app that a run is about, opened when it is first needed: most runs change nothing.

So are the modules behind it loaded, since Azure's clients take a good part of a preview's time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from durable.stores import Release, Slot
from durable.swap import stuck
from release.clock import SYSTEM_CLOCK
from release.observed import Observed, observe

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from release.app import LiveApp
    from release.app_names import AppNames
    from release.cloud import Cloud
    from release.guard import Guard
    from release.instances import Instances
    from release.package_store import PackageStore
    from release.patience import Patience
    from release.swap import SwapLimits
    from release.tables import Tables


class Live:
    """The app in Azure, as found with the stack's config and the environment."""

    def __init__(self, names: AppNames, config: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.names = names
        self._config = config
        self._environ = environ

    @cached_property
    def app(self) -> LiveApp:
        from release.app import open_app
        from release.cloud import subscription

        names, billed = self.names, subscription(self._config, self._environ)
        return open_app(self._cloud, self._credential, billed, names.group, names.site, names.staging_slot)

    def look(self) -> Observed:
        return observe(self.app.settings, self.names.stores)

    def open_store(self, settings: Mapping[str, str], before: Mapping[str, str] | None = None) -> Instances:
        """The orchestrations in the store that a slot's app settings lead to, as release.tracked.open_slot does.

        Raises StoreUnknownError.
        """
        from release.cloud import CloudError
        from release.instances import StoreUnknownError
        from release.tracked import open_slot

        try:
            return open_slot(settings, before or {}, self.names.stores.connection_name, lambda: self._credential)
        except CloudError as error:
            raise StoreUnknownError("", f"{error}") from error

    def open_tables(self, settings: Mapping[str, str], connection: str | None = None) -> Tables:
        """The Instances tables that a connection in a slot's app settings leads to: its store's, or the one named.

        Raises StoreUnknownError.
        """
        from release.cloud import CloudError
        from release.tables import StoreUnknownError, open_tables

        try:
            return open_tables(settings, connection or self.names.stores.connection_name, lambda: self._credential)
        except CloudError as error:
            raise StoreUnknownError("", f"{error}") from error

    def open_packages(self, settings: Mapping[str, str]) -> PackageStore:
        """The packages beside the host storage in a slot's app settings. Raises PackageStoreError or CloudError."""
        from release.package_store import open_package_store

        return open_package_store(settings, lambda: self._credential)

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

        return Guard(self.look, lambda slot: self.app.settings(slot), self.open_store, patience, SYSTEM_CLOCK, report)

    @cached_property
    def _cloud(self) -> Cloud:
        from release.cloud import find_cloud

        return find_cloud(self._config, self._environ)

    @cached_property
    def _credential(self) -> TokenCredential:
        from release.cloud import credential

        return credential(self._cloud, self._config, self._environ)
