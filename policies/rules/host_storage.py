"""The storage of the Functions host: one account for all slots."""

from __future__ import annotations

from collections.abc import Iterator

from durable.connections import HOST_STORAGE
from policies.addresses import Same, address_of, same
from policies.config import Config
from policies.finding import Finding, later
from policies.model import Program
from policies.scope import durable_sites_with_slots


def shared(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites_with_slots(program, config):
        addresses = [(slot, address_of(program, slot, HOST_STORAGE)) for slot in site.slots]
        first = next(((slot, address) for slot, address in addresses if address is not None), None)
        if first is None:
            continue
        known_slot, known = first
        for slot, address in addresses:
            if slot is known_slot:
                continue
            if address is None:
                if slot.cloned or (slot.resource is None and not slot.written_in):
                    continue
                if program.orphans or program.unseen or not slot.complete:
                    yield later(slot.where, f"the app settings of {slot.label}")
                    continue
                yield Finding(
                    slot.where,
                    f"{slot.label} lacks 'AzureWebJobsStorage', which {known_slot.label} has. Its host doesn't start "
                    "without it. Set it in every slot, to the same account",
                )
                continue
            match same(known, address):
                case Same.LATER:
                    yield later(slot.where, f"'AzureWebJobsStorage' of {known_slot.label} and of {slot.label}")
                case Same.NO:
                    there = "" if known.account is None else f" ({known.account!r})"
                    here = "" if address.account is None else f" ({address.account!r})"
                    yield Finding(
                        slot.origin(HOST_STORAGE),
                        f"'AzureWebJobsStorage' of {slot.label}{here} is another account than that of "
                        f"{known_slot.label}{there}. A swap would exchange function keys, timers and leases. Use one "
                        "account for all slots, apart from the durable ones",
                    )
