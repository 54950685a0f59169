"""The app settings that the Functions host and App Service give a meaning to."""

from __future__ import annotations

import re
from collections.abc import Mapping

EXTENSION_VERSION = "FUNCTIONS_EXTENSION_VERSION"
WORKER_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
INSIGHTS = "APPLICATIONINSIGHTS_CONNECTION_STRING"
PACKAGE = "WEBSITE_RUN_FROM_PACKAGE"
PACKAGE_IDENTITY = "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"
CONTENT_CONNECTION = "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"
CONTENT_SHARE = "WEBSITE_CONTENTSHARE"
VERSION_LABEL = "RELEASE_VERSION"
"""Our own: the user's label of a package, which travels with it."""
HUB_SETTING = "RELEASE_HUB_SETTING"
"""Our own: the name of the setting that the package's host.json takes its hub's name from; it travels with the package.

Where host.json names the hub literally there is none. Without it, a release that stays in its slot could not be told
from its settings once a later package takes its hub's name from elsewhere.
"""

TRACKING = "RELEASE_TRACKING"
"""Our own: the name of the connection that the package's host.json names as its tracking store; it travels as well.

Where host.json names no tracking store there is none. Without it, a release that stays in its slot could lose the
connection, and the gate would miss its orchestrations, once config says something else.
"""

HOST_JSON_OVERRIDE = "AzureFunctionsJobHost__"
"""Settings with this prefix override host.json, but the scale controller doesn't see them (azure_facts.md 1.6)."""

PACKAGES = "packages"
"""The container in the host's storage account that holds the packages."""

HELD = "sha256:"
"""In front of a package's hash, in place of the path of its zip: the package that a slot holds already."""

_HASH = r"[0-9a-f]{64}"
_PACKAGE_FILE = re.compile(rf"({_HASH})\.zip")


def disabled_setting(function: str) -> str:
    """The setting that keeps a function from being triggered.

    The documented spelling, which the portal shows and writes too. On Linux App Service hands it to the host with
    underscores, and the host reads both (azure_facts.md 4.5).
    """
    return f"AzureWebJobs.{function}.Disabled"


def package_file(sha256: str) -> str:
    """The name of the blob that holds a package."""
    return f"{sha256}.zip"


def packaged(file: str) -> str | None:
    """The SHA-256 of the package in a blob of this name; None if it is no package's. The reverse of `package_file`."""
    match = _PACKAGE_FILE.fullmatch(file)
    return match[1] if match else None


def held_package(name: str) -> str | None:
    """The SHA-256 of a package that is named by it, as `sha256:<64 hex digits>`; None for a path."""
    return name.removeprefix(HELD) if name.startswith(HELD) else None


def package_name_problem(name: str) -> str | None:
    """What is wrong with the name of a package, or None: any path will do, a hash must be whole."""
    sha256 = held_package(name)
    if sha256 is None or re.fullmatch(_HASH, sha256):
        return None
    return f"{name!r} names no package by its hash: write {HELD} and its 64 hex digits, in lower case"


def package_of(settings: Mapping[str, str]) -> str | None:
    """The SHA-256 of the package that a slot with these settings runs, by its blob's name; None if it isn't told."""
    return packaged(settings.get(PACKAGE, "").partition("?")[0].rpartition("/")[2])


def hub_of(settings: Mapping[str, str]) -> str | None:
    """The name of a slot's task hub where its package takes that from an app setting; None if none is told so."""
    return settings.get(settings.get(HUB_SETTING, "")) or None


def app_setting_name_problem(name: str) -> str | None:
    """What is wrong with the name of an app setting of an app on Linux, or None (azure_facts.md 8)."""
    if re.fullmatch(r"[A-Za-z0-9_]+|AzureWebJobs\.\w+\.Disabled", name):
        return None
    if re.fullmatch(r"[A-Za-z0-9_.:-]+", name):
        return f"{name!r} can't be an environment variable on Linux: write `__` for `:` and `_` for `.` and `-`"
    return f"{name!r} is no app setting name: letters (A-Z, a-z), digits and underscores"
