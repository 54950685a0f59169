"""Host ids: what keeps the slots of an app apart in the storage account of their hosts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from durable import host_ids
from durable.connections import HOST_STORAGE
from policies.addresses import Same, address_of, same
from policies.config import Config
from policies.finding import Finding, later
from policies.hubs import plain
from policies.model import Program, Site, Slot, Value
from policies.scope import function_apps_with_slots
from policies.values import UNKNOWN


def distinct(program: Program, config: Config) -> Iterator[Finding]:
    by_id: dict[str, list[Slot]] = {}
    for site in function_apps_with_slots(program, config):
        for slot in site.slots:
            explicit = _explicit(slot)
            if explicit is UNKNOWN or (explicit is None and not site.name):
                yield later(slot.where, f"the host id of {slot.label}")
                continue
            if explicit is not None:
                yield from _well_formed(site, slot, explicit)
            computed = host_ids.computed_host_id(site.name or "", slot.name)
            by_id.setdefault(explicit if explicit is not None else computed, []).append(slot)
    for host_id, slots in by_id.items():
        for one, other in combinations(slots, 2):
            if _one_account(program, one, other):
                yield Finding(
                    other.where,
                    f"{one.label} and {other.label} have the same host id ({host_id!r}, of at most "
                    f"{host_ids.MAX_LENGTH} characters) on one AzureWebJobsStorage. A host that finds another with its "
                    f"id stops with AZFD0004. Give each slot an own {host_ids.SETTING!r}, and make it sticky",
                )


def _explicit(slot: Slot) -> Value | None:
    return next((value for name, value in slot.settings.items() if plain(name) == host_ids.SETTING.lower()), None)


def _well_formed(site: Site, slot: Slot, explicit: str) -> Iterator[Finding]:
    name = next(name for name in slot.settings if plain(name) == host_ids.SETTING.lower())
    if problem := host_ids.host_id_problem(explicit):
        yield Finding(slot.where, f"{name!r} of {slot.label}: {problem}. The host doesn't start with it")
    if host_ids.SETTING.lower() not in {plain(sticky) for sticky in site.sticky}:
        if not site.sticky_known:
            yield later(site.slot_names[0], f"the list of sticky settings of site {site.label}")
            return
        yield Finding(
            slot.where,
            f"{name!r} of {slot.label} isn't sticky. At a swap it moves, so for a while two hosts have one id, and one "
            "stops with AZFD0004. Add it to appSettingNames",
        )


def _one_account(program: Program, one: Slot, other: Slot) -> bool:
    """Whether two hosts share their storage. The slots of a site are to, which host-storage-shared sees to."""
    addresses = [address_of(program, slot, HOST_STORAGE) for slot in (one, other)]
    if addresses[0] is None or addresses[1] is None:
        return one.site is other.site
    told = same(addresses[0], addresses[1])
    return told is Same.YES or (one.site is other.site and told is not Same.NO)
