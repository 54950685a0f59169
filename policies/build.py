"""From resources to the program: who belongs to which site, and which settings are in force in each slot.

Logical names say nothing. A child names its site and slot by input; where such a name isn't known yet, the engine tells
which resources it is made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies import resources as r
from policies.model import Origin, Program, Site, Slot
from policies.resources import Resource
from policies.values import UNKNOWN

PRODUCTION = "production"


def program_of(found: Iterable[Resource], kinds: Mapping[str, str] | None = None) -> Program:
    """The program that consists of these resources; `kinds` has the types of all others too, by URN."""
    resources = list(found)
    by_kind: dict[str, list[Resource]] = {}
    for resource in resources:
        by_kind.setdefault(resource.kind, []).append(resource)

    def all_of(*names: str) -> list[Resource]:
        return [resource for name in names for resource in by_kind.get(name, [])]

    program = Program(
        plans=all_of(r.PLAN),
        identities=all_of(r.IDENTITY),
        role_assignments=all_of(r.ROLE_ASSIGNMENT),
        blobs=all_of(r.BLOB),
        accounts={_account_key(account): account for account in all_of(r.ACCOUNT) if account.inputs is not None},
        unseen=[settings for settings in all_of(r.SETTINGS, r.SETTINGS_SLOT) if settings.inputs is None],
        kinds={**(kinds or {}), **{resource.urn: resource.kind for resource in resources}},
    )
    sites = _Sites(program)
    for app in all_of(r.WEB_APP):
        sites.add(app)
    for app in all_of(r.WEB_APP_SLOT):
        # A slot that the program only reads doesn't tell its name; its settings do, if they are here.
        if app.inputs is not None and (slot := sites.slot_of(app)):
            slot.resource = app
    for app in all_of(r.WEB_APP, r.WEB_APP_SLOT):
        if slot := sites.of_app(app):
            _add_inline(slot, app)
    for settings in all_of(r.SETTINGS, r.SETTINGS_SLOT):
        if slot := sites.slot_of(settings):
            _add_settings(slot, settings)
    for strings in all_of(r.CONNECTION_STRINGS, r.CONNECTION_STRINGS_SLOT):
        if slot := sites.slot_of(strings):
            _add_connection_strings(slot, strings)
    lists = all_of(r.SLOT_NAMES)
    for names in lists:
        if names.inputs is not None and (site := sites.site_of(names)):
            site.slot_names.append(names)
    for names in lists:
        if names.inputs is None:
            # Whose it is can't be told, so it may be that of any site without one.
            for site in program.sites:
                site.slot_names = site.slot_names or [names]
    return program


def _account_key(account: Resource) -> str:
    return (account.text("accountName") or account.urn).lower()


class _Sites:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._by_name: dict[str, Site] = {}
        self._by_urn: dict[str, Site] = {}
        self._slots: dict[str, Slot] = {}

    def add(self, app: Resource) -> None:
        """A site; one that the program only reads is known by its outputs, and someone else's to judge."""
        name = app.text("name") or (app.outputs.get("name") if app.inputs is None else None)
        site = self._named(name) if isinstance(name, str) and name else self._new(None)
        slot = _slot(site, None)
        if app.inputs is not None:
            site.resource = slot.resource = app
        self._by_urn[app.urn] = site
        self._slots[app.urn] = slot

    def of_app(self, app: Resource) -> Slot | None:
        return self._slots.get(app.urn)

    def site_of(self, child: Resource) -> Site | None:
        """The site that a child names; None, and the child an orphan, if that can't be told yet."""
        name = child.get("name")
        if isinstance(name, str) and name:
            return self._named(name)
        made_from = child.made_from("name")
        candidates = {id(site): site for urn, site in self._by_urn.items() if urn in made_from}
        candidates |= {
            id(slot.site): slot.site for urn, slot in self._slots.items() if urn in made_from and slot.name is not None
        }
        if not candidates:
            # The site's own name may be made from the same outputs as the child's.
            candidates = {
                id(site): site
                for site in self._by_urn.values()
                if site.name is None and site.resource and made_from and site.resource.made_from("name") == made_from
            }
        if len(candidates) == 1:
            return next(iter(candidates.values()))
        self._program.orphans.append(child)
        return None

    def slot_of(self, child: Resource) -> Slot | None:
        site = self.site_of(child)
        if site is None:
            return None
        if child.kind in (r.WEB_APP, r.SETTINGS, r.CONNECTION_STRINGS):
            return _slot(site, None)
        name = child.get("slot")
        if isinstance(name, str) and name:
            # A slot resource's own name in Azure is <site>/<slot>.
            slot = _slot(site, name.rpartition("/")[2])
        else:
            made_from = child.made_from("slot")
            candidates = [slot for urn, slot in self._slots.items() if urn in made_from and slot.site is site]
            if len(candidates) != 1:
                self._program.orphans.append(child)
                return None
            slot = candidates[0]
        if child.kind == r.WEB_APP_SLOT:
            self._slots[child.urn] = slot
        return slot

    def _named(self, name: str) -> Site:
        site = self._by_name.get(name.lower())
        if site is None:
            site = self._by_name[name.lower()] = self._new(name)
        return site

    def _new(self, name: str | None) -> Site:
        site = Site(name)
        self._program.sites.append(site)
        return site


def _slot(site: Site, name: str | None) -> Slot:
    wanted = None if name is None or name.lower() == PRODUCTION else name.lower()
    for slot in site.slots:
        if (slot.name or "").lower() == (wanted or ""):
            return slot
    made = Slot(site, None if wanted is None else name)
    site.slots.append(made)
    site.slots.sort(key=lambda slot: slot.name is not None)
    return made


def _add_inline(slot: Slot, app: Resource) -> None:
    """The settings in `siteConfig.appSettings`: a list of name and value."""
    pairs = app.get("siteConfig", "appSettings")
    if pairs is UNKNOWN:
        slot.complete = False
    for name, value in _pairs(pairs):
        if name is UNKNOWN:
            slot.complete = False
        else:
            _set(slot, name, value, Origin(app, True, app.made_from("siteConfig")))
    strings = app.get("siteConfig", "connectionStrings")
    for item in strings if isinstance(strings, list) else []:
        if isinstance(item, Mapping) and isinstance(item.get("name"), str):
            slot.connection_strings[item["name"]] = item.get("connectionString", UNKNOWN)


def _pairs(pairs: Any) -> Iterator[tuple[Any, Any]]:
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, Mapping):
            if pair.get("name") is not None:
                yield pair["name"], pair.get("value", "")
        elif pair is UNKNOWN:
            yield UNKNOWN, UNKNOWN


def _add_settings(slot: Slot, resource: Resource) -> None:
    """The settings in a resource of their own. They replace what `siteConfig` has, which rules see all the same."""
    slot.written_in.append(resource)
    if resource.inputs is None:
        slot.complete = False
        return
    values = resource.get("properties")
    if values is UNKNOWN:
        slot.complete = False
    for name, value in values.items() if isinstance(values, Mapping) else ():
        _set(slot, name, value, Origin(resource, False, resource.made_from("properties")))


def _set(slot: Slot, name: str, value: Any, origin: Origin) -> None:
    slot.settings[name] = value if isinstance(value, str) or value is UNKNOWN else str(value)
    slot.origins[name] = origin


def _add_connection_strings(slot: Slot, resource: Resource) -> None:
    values = resource.get("properties")
    for name, pair in values.items() if isinstance(values, Mapping) else ():
        slot.connection_strings[name] = pair.get("value", UNKNOWN) if isinstance(pair, Mapping) else UNKNOWN
