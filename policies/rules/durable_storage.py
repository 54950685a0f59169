"""The durable connection: in every slot, never sticky, of an account of its own, and of one mind."""

from __future__ import annotations

from collections.abc import Iterator

from durable import app_settings, connections
from durable.host_json import AZURE_STORAGE
from policies.addresses import Same, address_of, same
from policies.config import Config
from policies.finding import Finding, later, never
from policies.hubs import Hub, hub_of
from policies.model import Program, Site, Slot
from policies.packages import host_jsons, packages_of
from policies.scope import (
    connections_of,
    durable_sites,
    durable_sites_with_slots,
    function_apps_with_slots,
    is_durable,
    pairs,
)
from policies.values import UNKNOWN


def setting_present(program: Program, config: Config) -> Iterator[Finding]:
    for site in function_apps_with_slots(program, config):
        if not is_durable(program, site, config):
            # Settings that aren't known may make it a durable app.
            for slot in site.slots:
                if not slot.complete:
                    yield later(slot.where, f"the app settings of {slot.label}")
    for site in durable_sites_with_slots(program, config):
        used = connections_of(program, site, config)
        if not used:
            yield from _no_connection(program, site, config)
        for connection in used:
            for slot in _declared(site):
                if address_of(program, slot, connection) is not None or slot.cloned:
                    continue
                if program.orphans or program.unseen or not slot.complete:
                    yield later(slot.where, f"the app settings of {slot.label}")
                    continue
                yield Finding(
                    slot.where,
                    f"{slot.label} lacks the app setting {connection!r}, which other slots have. Without it the task "
                    f"hub goes to AzureWebJobsStorage, which all slots share. Set {connection!r} in every slot, to a "
                    "different account in each",
                )
    if program.orphans:
        names = ", ".join(repr(orphan.name) for orphan in program.orphans)
        yield later(program.orphans[0], f"the site or slot that {names} belongs to")


def _no_connection(program: Program, site: Site, config: Config) -> Iterator[Finding]:
    """A durable app that sets no connection which this pack knows: host.json tells whether there should be one."""
    for slot in _declared(site):
        found = host_jsons(program, slot, config.package_root)
        if any(durable.connection_name != connections.HOST_STORAGE or durable.ignored for _, durable in found):
            return  # host-json-agrees says what is wrong
        if found and all(durable.provider.lower() == AZURE_STORAGE.lower() for _, durable in found):
            name = config.connections[0]
            yield Finding(
                slot.where,
                f"{slot.label} has no app setting {name!r}, and host.json of its package names no connection, so the "
                f"task hub goes to AzureWebJobsStorage, which all slots share. Set {name!r} in every slot, to a "
                "different account in each, and name it in host.json",
            )
            return
    if not any(packages_of(program, slot) for slot in site.slots):
        names = ", ".join(map(repr, config.connections))
        yield never(
            site.where,
            f"the durable connection of site {site.label}, which doesn't set {names}",
            "If it has another name, tell it to this pack by `connections` of durable-storage-setting-present in the "
            "policy config",
        )


def setting_not_sticky(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        if not site.sticky_known:
            yield later(site.slot_names[0], f"the list of sticky settings of site {site.label}")
        listed = {**site.sticky_connection_strings, **site.sticky}
        for connection in connections_of(program, site, config):
            sticky = sorted(connections.family(listed, connection))
            members = {name.lower(): name for slot in site.slots for name in slot.settings}
            free = sorted(
                name
                for key, name in members.items()
                if connections.belongs_to(name, connection) and key not in {name.lower() for name in sticky}
            )
            if sticky:
                names = ", ".join(map(repr, sticky))
                partly = f" and {', '.join(map(repr, free))} not, so a swap mixes two connections" if free else ""
                yield Finding(
                    listed[sticky[0]],
                    f"{names} of site {site.label} is sticky{partly}. In the first phase of a swap the new code then "
                    "runs on production's task hub while the old code still does. Take it out of appSettingNames (and "
                    "connectionStringNames), so that the store travels with the code",
                )


def differs_per_slot(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites_with_slots(program, config):
        for connection in connections_of(program, site, config):
            for one, other in pairs(site):
                yield from _one_store(program, config, connection, one, other)


def _one_store(program: Program, config: Config, connection: str, one: Slot, other: Slot) -> Iterator[Finding]:
    first, second = (address_of(program, slot, connection) for slot in (one, other))
    if first is None or second is None:
        for slot, address in ((one, first), (other, second)):
            if address is None and not slot.complete:
                yield later(slot.where, f"the app settings of {slot.label}")
        return
    match same(first, second):
        case Same.LATER:
            yield later(other.where, f"{connection!r} of {one.label} and of {other.label}")
        case Same.YES:
            hubs = hub_of(program, one, config), hub_of(program, other, config)
            if UNKNOWN in (hubs[0].name, hubs[1].name):
                yield later(other.where, f"the hub names of {one.label} and of {other.label}")
            elif not _differ(*hubs) and not (program.partial and _may_come(program, one, other, *hubs)):
                account = f"account {first.account!r}" if first.account else "the same reference"
                yield Finding(
                    other.origin(connection),
                    f"{connection!r} leads to {account} in {one.label} and in {other.label}, and {_hubs(*hubs)}. Code "
                    "of two versions would work on one hub, and break the orchestrations in it. Give each slot an "
                    "account of its own, or each a hub name of its own by %Setting% in host.json",
                )


def _may_come(program: Program, one: Slot, other: Slot, *hubs: Hub) -> bool:
    """Whether a package that an update hasn't come to yet may give the hubs different names."""
    if all(hub.known is not None for hub in hubs):
        return False
    return any(
        slot.setting(app_settings.PACKAGE) is not None and not packages_of(program, slot) for slot in (one, other)
    )


def _differ(one: Hub, other: Hub) -> bool:
    return one.known is not None and other.known is not None and one.known.lower() != other.known.lower()


def _hubs(one: Hub, other: Hub) -> str:
    if one.known is not None and other.known is not None:
        return f"both have the hub name {other.known!r}"
    return "nothing gives them different hub names"


def separate_from_host(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        for connection in connections_of(program, site, config):
            yield from _separate(program, site, connection)


def _separate(program: Program, site: Site, connection: str) -> Iterator[Finding]:
    """Each store against each slot's host account: after a swap, any store may meet any."""
    for slot in site.slots:
        store = address_of(program, slot, connection)
        if store is None:
            if not slot.complete:
                yield later(slot.where, f"the app settings of {slot.label}")
            continue
        for other in site.slots:
            host = address_of(program, other, connections.HOST_STORAGE)
            if host is None:
                continue
            match same(store, host):
                case Same.LATER:
                    yield later(slot.where, f"{connection!r} and 'AzureWebJobsStorage' of {slot.label}")
                case Same.YES:
                    account = f"account {store.account!r}" if store.account else "the same reference"
                    yield Finding(
                        slot.origin(connection),
                        f"{connection!r} of {slot.label} leads to {account}, which is AzureWebJobsStorage of "
                        f"{other.label} too. All slots share that one, so the task hub can't travel with its code. "
                        f"Point {connection!r} to an account that only this store uses",
                    )
                    break


def _declared(site: Site) -> Iterator[Slot]:
    """The slots that this program makes or writes; a site that it only refers to is someone else's to judge."""
    return (slot for slot in site.slots if slot.resource is not None or slot.written_in)
