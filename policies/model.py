"""The program as the rules see it: sites with their slots, and what these name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from policies.resources import Resource
from policies.values import UNKNOWN

Value: TypeAlias = Any
"""A text, perhaps Hidden, or UNKNOWN."""


@dataclass(frozen=True)
class Origin:
    """Where a setting's value is written, and the URNs of the resources whose outputs may have gone into it."""

    resource: Resource
    inline: bool
    sources: frozenset[str]


@dataclass
class Slot:
    """Production or another slot of a site: `name` is None for production.

    `settings` are the app settings that are in force by the program, wherever it writes them; names as written.
    `complete` is False if there may be more settings than these: they aren't known yet, or weren't shown.
    """

    site: Site
    name: str | None
    resource: Resource | None = None
    written_in: list[Resource] = field(default_factory=list)
    settings: dict[str, Value] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    connection_strings: dict[str, Value] = field(default_factory=dict)
    complete: bool = True

    @property
    def label(self) -> str:
        if self.name is None:
            return f"production of site {self.site.label}"
        return f"slot {self.name!r} of site {self.site.label}"

    @property
    def where(self) -> Resource:
        """The resource to blame for this slot's settings."""
        found = [resource for resource in (*self.written_in, self.resource) if resource is not None]
        return found[0] if found else self.site.where

    @property
    def cloned(self) -> bool:
        """Whether it starts with another app's settings, which the program doesn't show."""
        return self.resource is not None and self.resource.get("cloningInfo") is not None

    def setting(self, name: str) -> Value | None:
        """The value of a setting, whatever case its name is written in; None if it isn't set."""
        return next((value for key, value in self.settings.items() if key.lower() == name.lower()), None)

    def text(self, name: str) -> str | None:
        value = self.setting(name)
        return value if isinstance(value, str) else None

    def origin(self, name: str) -> Resource:
        found = next((origin for key, origin in self.origins.items() if key.lower() == name.lower()), None)
        return found.resource if found else self.where


@dataclass
class Site:
    """`name` is None if it isn't known yet. `resource` is None for a site that the program only refers to."""

    name: str | None
    resource: Resource | None = None
    slots: list[Slot] = field(default_factory=list)
    slot_names: list[Resource] = field(default_factory=list)

    @property
    def label(self) -> str:
        if self.name is not None:
            return repr(self.name)
        return repr(self.resource.name) if self.resource else "(unnamed)"

    @property
    def where(self) -> Resource:
        own = (r for slot in self.slots for r in (slot.resource, *slot.written_in))
        return next(resource for resource in (self.resource, *own, *self.slot_names) if resource is not None)

    @property
    def sticky(self) -> Mapping[str, Resource]:
        """Names of sticky app settings, as written, each with the resource that says so."""
        return self._listed("appSettingNames")

    @property
    def sticky_connection_strings(self) -> Mapping[str, Resource]:
        return self._listed("connectionStringNames")

    @property
    def sticky_known(self) -> bool:
        """Whether the list of sticky names is wholly known."""
        return all(
            names is not UNKNOWN and UNKNOWN not in (names or [])
            for resource in self.slot_names
            for names in (resource.get("appSettingNames"), resource.get("connectionStringNames"))
        ) and all(resource.inputs is not None for resource in self.slot_names)

    def is_sticky(self, setting: str) -> bool:
        return setting.lower() in {name.lower() for name in self.sticky}

    def _listed(self, what: str) -> Mapping[str, Resource]:
        return {
            name: resource
            for resource in self.slot_names
            for name in (resource.get(what) if isinstance(resource.get(what), list) else [])
            if isinstance(name, str)
        }

    @property
    def has_slots(self) -> bool:
        return any(slot.name is not None for slot in self.slots)

    @property
    def others(self) -> Sequence[Slot]:
        """All slots but production."""
        return [slot for slot in self.slots if slot.name is not None]

    @property
    def apps(self) -> Iterator[Resource]:
        """The site's and the slots' own resources."""
        yield from (slot.resource for slot in self.slots if slot.resource is not None)

    @property
    def is_function_app(self) -> bool:
        """By its kind, or by settings that only the Functions host has."""
        if any("functionapp" in (app.text("kind") or "").lower() for app in self.apps):
            return True
        own = {"functions_extension_version", "functions_worker_runtime"}
        return any(name.lower() in own for slot in self.slots for name in slot.settings)


@dataclass
class Program:
    """All that the rules judge.

    `accounts` by name in lower case, or by URN where the name isn't known yet. `orphans` are settings and slots of
    which a preview can't tell to which site they belong. `kinds` has the type of every resource by URN. `partial` while
    an update still runs, and more resources may come: what is missing may be on its way.
    """

    sites: list[Site] = field(default_factory=list)
    accounts: dict[str, Resource] = field(default_factory=dict)
    plans: list[Resource] = field(default_factory=list)
    identities: list[Resource] = field(default_factory=list)
    role_assignments: list[Resource] = field(default_factory=list)
    blobs: list[Resource] = field(default_factory=list)
    orphans: list[Resource] = field(default_factory=list)
    unseen: list[Resource] = field(default_factory=list)
    kinds: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False

    def account_key(self, urn: str) -> str | None:
        """How the account with this URN is called in `accounts`."""
        return next((key for key, account in self.accounts.items() if account.urn == urn), None)
