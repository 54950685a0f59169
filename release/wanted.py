"""The package that config asks for: a zip at hand, or by its hash one that a slot holds already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from durable.app_settings import held_package
from release.agreement import agreed_host_json
from release.package import open_package
from release.planner import Desired
from release.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """A package by its SHA-256.

    `path` is its zip and `hub_setting` the app setting that its host.json takes the hub's name from. A package that
    is named by its hash has neither: there is nothing to upload, and its slot tells what it needs.
    """

    sha256: str
    path: Path | None = None
    hub_setting: str | None = None

    def desired(self, settings: Settings) -> Desired:
        return settings.desired(self.sha256, self.hub_setting, at_hand=self.path is not None)


def wanted(settings: Settings, folder: Path = Path()) -> Wanted:
    """What `package` in the config names, relative to a folder; a zip's host.json must agree with the settings.

    Raises PackageError.
    """
    if sha256 := held_package(settings.package):
        return Wanted(sha256)
    package = open_package(folder / settings.package)
    return Wanted(package.sha256, package.path, agreed_host_json(settings, package).hub_setting)
