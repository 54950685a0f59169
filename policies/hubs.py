"""Task hubs: which app settings name one, and which hub a slot serves, as far as the program tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from durable import app_settings
from policies.config import Config
from policies.model import Program, Slot, Value
from policies.packages import host_jsons
from policies.values import UNKNOWN

OVERRIDE_PREFIX = f"{app_settings.HOST_JSON_OVERRIDE}extensions__durableTask__"
HUB_OVERRIDE = f"{OVERRIDE_PREFIX}hubName"
STORAGE_PROVIDER = f"{OVERRIDE_PREFIX}storageProvider__"

FROM_PACKAGE = "host.json"
"""How `said_by` begins where a package gives the name."""

_REFERENCE = re.compile(r"%([^%]+)%")
_USUAL_NAME = re.compile(r"(durable_?)?task_?hub(_?name)?", re.IGNORECASE)


@dataclass(frozen=True)
class Hub:
    """`name` is a text, UNKNOWN if only `pulumi up` knows it, or None if nothing in the program names it.

    `said_by` is where the name comes from, for a message; `setting` the app setting that host.json takes it from.
    """

    name: Value | None = None
    said_by: str = ""
    setting: str | None = None

    @property
    def known(self) -> str | None:
        return self.name if isinstance(self.name, str) else None


def plain(setting: str) -> str:
    """A setting's name in one spelling: `:` and `__` are the same to .NET's configuration."""
    return setting.replace(":", "__").lower()


def overrides(slot: Slot) -> Mapping[str, str]:
    """The settings that override keys of host.json's Durable section: name as written by name in one spelling."""
    return {plain(name): name for name in slot.settings if plain(name).startswith(OVERRIDE_PREFIX.lower())}


def override(slot: Slot, path: str) -> Value | None:
    """The value of a key of the Durable section by override, such as `hubName` or `storageProvider__connectionName`."""
    name = overrides(slot).get(f"{OVERRIDE_PREFIX}{path}".lower())
    return slot.settings[name] if name is not None else None


def hub_of(program: Program, slot: Slot, config: Config) -> Hub:
    """The hub that a slot serves: by override, by its package's host.json, by config, or by a setting's usual name."""
    by_override = override(slot, "hubName")
    if by_override is not None:
        return _resolved(slot, by_override, HUB_OVERRIDE)
    found = host_jsons(program, slot, config.package_root)
    names = {durable.hub_name for _, durable in found}
    if len(names) > 1:
        return Hub(UNKNOWN, f"{FROM_PACKAGE} of its package")
    if found:
        name = names.pop()
        written = f"{FROM_PACKAGE} of its package"
        return Hub(None, written) if name is None else _resolved(slot, name, written)
    by_config = config.hub_name(slot.site.name or "")
    if by_config is not None:
        return _resolved(slot, by_config, "the policy config")
    usual = next((name for name in slot.settings if _USUAL_NAME.fullmatch(name)), None)
    if usual is not None:
        return Hub(slot.settings[usual], f"app setting {usual!r}", usual)
    return Hub()


def hub_settings(program: Program, slot: Slot, config: Config) -> frozenset[str]:
    """The app settings, in lower case, that name the hub of a slot: the override, and those that `%…%` names."""
    names = {HUB_OVERRIDE.lower()}
    if setting := hub_of(program, slot, config).setting:
        names.add(setting.lower())
    for _, durable in host_jsons(program, slot, config.package_root):
        if durable.hub_setting:
            names.add(durable.hub_setting.lower())
    return frozenset(names)


def _resolved(slot: Slot, written: Value, said_by: str) -> Hub:
    """A hub name as written: a literal, or the value of the setting that it names between percent signs."""
    if written is UNKNOWN:
        return Hub(UNKNOWN, said_by)
    reference = _REFERENCE.fullmatch(written)
    if reference is None:
        return Hub(written, said_by)
    setting = reference[1]
    return Hub(slot.setting(setting), f"{said_by} by app setting {setting!r}", setting)
