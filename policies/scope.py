"""Which sites a rule is about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from durable import connections
from policies.config import Config
from policies.hubs import HUB_OVERRIDE, override, overrides, plain
from policies.model import Program, Site, Slot
from policies.packages import host_jsons


def connections_of(program: Program, site: Site, config: Config) -> list[str]:
    """The names of the durable connections that a site's settings have: of those that config or its packages name."""
    names = list(config.connections)
    for slot in site.slots:
        names += [durable.connection_name for _, durable in host_jsons(program, slot, config.package_root)]
        named = override(slot, "storageProvider__connectionName")
        names += [named] if isinstance(named, str) else []
    known = {name.lower(): name for name in reversed(names) if name.lower() != connections.HOST_STORAGE.lower()}
    return [name for name in known.values() if _uses(site, name)]


def _uses(site: Site, connection: str) -> bool:
    return (
        any(connections.family(slot.settings, connection) for slot in site.slots)
        or any(connections.family(slot.connection_strings, connection) for slot in site.slots)
        or any(connections.belongs_to(name, connection) for name in (*site.sticky, *site.sticky_connection_strings))
    )


def is_durable(program: Program, site: Site, config: Config) -> bool:
    """Whether a site runs Durable Functions, by its settings, its package or the policy config."""
    if connections_of(program, site, config) or (site.name and site.name.lower() in config.hub_names):
        return True
    if any(overrides(slot) for slot in site.slots) or HUB_OVERRIDE.lower() in {plain(name) for name in site.sticky}:
        return True
    return any(
        durable.hub_name is not None or durable.connection_name != connections.HOST_STORAGE or durable.ignored
        for slot in site.slots
        for _, durable in host_jsons(program, slot, config.package_root)
    )


def durable_sites(program: Program, config: Config) -> Iterator[Site]:
    return (site for site in program.sites if is_durable(program, site, config))


def durable_sites_with_slots(program: Program, config: Config) -> Iterator[Site]:
    return (site for site in durable_sites(program, config) if site.has_slots)


def function_apps_with_slots(program: Program, config: Config) -> Iterator[Site]:
    return (
        site for site in program.sites if site.has_slots and (site.is_function_app or is_durable(program, site, config))
    )


def pairs(site: Site) -> Iterator[tuple[Slot, Slot]]:
    """Each two slots of a site, production included."""
    return combinations(site.slots, 2)
