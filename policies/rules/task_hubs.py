"""Task hub names: explicit where there are slots, never sticky, and one app's alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from durable.hub_names import hub_name_problem
from policies.addresses import address_of
from policies.config import Config
from policies.finding import Finding, later, never
from policies.hubs import FROM_PACKAGE, HUB_OVERRIDE, Hub, hub_of, hub_settings, plain
from policies.model import Program, Site, Slot
from policies.scope import connections_of, durable_sites, durable_sites_with_slots
from policies.values import UNKNOWN

TELL_HUB = "Tell it to this pack by `hubNames` of task-hub-name-explicit in the policy config"


def name_explicit(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites_with_slots(program, config):
        hubs = [(slot, hub_of(program, slot, config)) for slot in site.slots]
        untold = [slot for slot, hub in hubs if not hub.said_by]
        # A slot that runs nothing yet gets its hub's name with its package.
        if untold and not any(hub.said_by.startswith(FROM_PACKAGE) for _, hub in hubs):
            yield never(untold[0].where, f"hubName of site {site.label}, whose host.json isn't seen", TELL_HUB)
        for slot, hub in hubs:
            yield from _explicit(slot, hub)


def _explicit(slot: Slot, hub: Hub) -> Iterator[Finding]:
    if hub.name is UNKNOWN:
        yield later(slot.where, f"the hub name of {slot.label}")
    elif hub.known is not None:
        if problem := hub_name_problem(hub.known):
            yield Finding(
                slot.where,
                f"{problem}. {slot.label} has it from {hub.said_by}, and its host or its first large message fails. "
                "Choose another name",
            )
    elif hub.said_by and not hub.said_by.startswith(FROM_PACKAGE):
        yield Finding(
            slot.where,
            f"{slot.label} takes its hub name from app setting {hub.setting!r}, which it lacks. A slot doesn't start "
            f"without a hub name. Set {hub.setting!r} in every slot",
        )
    elif hub.said_by and hub.setting is None:
        yield Finding(
            slot.where,
            f"host.json of the package of {slot.label} names no hub. A staging slot doesn't start without one, since "
            'it would share production\'s. Write "hubName" into extensions.durableTask',
        )


def name_not_sticky(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        if not site.sticky_known:
            yield later(site.slot_names[0], f"the list of sticky settings of site {site.label}")
        names = frozenset().union(*(hub_settings(program, slot, config) for slot in site.slots))
        for sticky, resource in site.sticky.items():
            if plain(sticky) in {HUB_OVERRIDE.lower(), *names}:
                yield Finding(
                    resource,
                    f"{sticky!r} names the task hub of site {site.label} and is sticky. In the first phase of a swap "
                    "the new code then runs on production's task hub while the old code still does. Take it out of "
                    "appSettingNames, so that the hub travels with the code",
                )


def unique(program: Program, config: Config) -> Iterator[Finding]:
    """Two apps on one account need two hubs; the slots of one app are durable-storage-differs-per-slot's."""
    by_account: dict[str, list[tuple[Site, Slot]]] = {}
    for site in durable_sites(program, config):
        for connection in connections_of(program, site, config):
            for slot in site.slots:
                address = address_of(program, slot, connection)
                if address is not None and address.account is not None:
                    by_account.setdefault(address.account, []).append((site, slot))
    for account, users in by_account.items():
        for (one_site, one), (other_site, other) in combinations(users, 2):
            if one_site is not other_site:
                yield from _two_apps(account, one, other, hub_of(program, one, config), hub_of(program, other, config))


def _two_apps(account: str, one: Slot, other: Slot, first: Hub, second: Hub) -> Iterator[Finding]:
    if UNKNOWN in (first.name, second.name):
        yield later(other.where, f"the hub names of {one.label} and of {other.label}")
    elif first.known is None or second.known is None:
        # Unnamed hubs are called by their sites, which differ.
        if not (first.said_by and second.said_by):
            yield never(
                other.where,
                f"hubName of {one.label} or of {other.label}, which share account {account!r}",
                TELL_HUB,
            )
    elif first.known.lower() == second.known.lower():
        yield Finding(
            other.where,
            f"{one.label} and {other.label} have hub {second.known!r} on account {account!r}. Two apps would take each "
            "other's work, and only one gets the app lease. Give each app a hub name of its own",
        )
