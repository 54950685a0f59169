"""What the commands work with. Tests put their own in its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from durable.stores import Slot
from release.cli.project import Project, PulumiProject
from release.clock import SYSTEM_CLOCK, Clock
from release.instances import Instances
from release.live import Live
from release.observed import Observed
from release.package_store import PackageStore
from release.settings import Settings
from release.tables import Tables

PROJECT: Path = Path(__file__).resolve().parents[2]
"""The folder of the Pulumi program that this package belongs to."""


class Site(Protocol):
    """The live app. Its methods raise LiveError, StoreUnknownError, PackageStoreError or CloudError."""

    def look(self) -> Observed: ...

    def settings(self, slot: Slot) -> Mapping[str, str] | None:
        """A slot's app settings, None if it isn't deployed."""

    def swapping(self) -> bool: ...

    def open_store(self, settings: Mapping[str, str]) -> Instances: ...

    def open_tables(self, settings: Mapping[str, str], connection: str | None = None) -> Tables:
        """Those of the store that a slot's settings name, or of another connection in them."""

    def open_packages(self) -> PackageStore: ...


class AzureSite:
    """Implements Site with live Azure, as config and environment lead to it."""

    def __init__(self, settings: Settings, config: Mapping[str, str]) -> None:
        self._live = Live(settings.app_names, config, os.environ)

    def look(self) -> Observed:
        return self._live.look()

    def settings(self, slot: Slot) -> Mapping[str, str] | None:
        return self._live.app.settings(slot)

    def swapping(self) -> bool:
        return self._live.app.swapping()

    def open_store(self, settings: Mapping[str, str]) -> Instances:
        return self._live.open_store(settings)

    def open_tables(self, settings: Mapping[str, str], connection: str | None = None) -> Tables:
        return self._live.open_tables(settings, connection)

    def open_packages(self) -> PackageStore:
        return self._live.open_packages(self.settings(Slot.PRODUCTION) or {})


@dataclass(frozen=True)
class Tools:
    """`project` opens the program's stack by its name; None is the selected one. `now` is in UTC."""

    project: Callable[[str | None, Callable[[], None]], Project]
    site: Callable[[Settings, Mapping[str, str]], Site]
    clock: Clock
    environ: Mapping[str, str]
    now: Callable[[], datetime]


def real_tools() -> Tools:
    return Tools(
        project=lambda stack, notify: PulumiProject(PROJECT, stack, notify),
        site=AzureSite,
        clock=SYSTEM_CLOCK,
        environ=os.environ,
        now=lambda: datetime.now(UTC),
    )
