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

HOST_JSON_OVERRIDE = "AzureFunctionsJobHost__"
"""Settings with this prefix override host.json, but the scale controller doesn't see them (azure_facts.md 1.6)."""

_PACKAGE_FILE = re.compile(r"([0-9a-f]{64})\.zip")


def disabled_setting(function: str) -> str:
    """The setting that keeps a function from being triggered.

    The documented spelling, which the portal shows and writes too. On Linux App Service hands it to the host with
    underscores, and the host reads both (azure_facts.md 4.5).
    """
    return f"AzureWebJobs.{function}.Disabled"


def package_file(sha256: str) -> str:
    """The name of the blob that holds a package."""
    return f"{sha256}.zip"


def package_of(settings: Mapping[str, str]) -> str | None:
    """The SHA-256 of the package that a slot with these settings runs, by its blob's name; None if it isn't told."""
    path = settings.get(PACKAGE, "").partition("?")[0]
    match = _PACKAGE_FILE.fullmatch(path.rpartition("/")[2])
    return match[1] if match else None


def app_setting_name_problem(name: str) -> str | None:
    """What is wrong with the name of an app setting of an app on Linux, or None (azure_facts.md 8)."""
    if re.fullmatch(r"[A-Za-z0-9_]+|AzureWebJobs\.\w+\.Disabled", name):
        return None
    if re.fullmatch(r"[A-Za-z0-9_.:-]+", name):
        return f"{name!r} can't be an environment variable on Linux: write `__` for `:` and `_` for `.` and `-`"
    return f"{name!r} is no app setting name: letters (A-Z, a-z), digits and underscores"
