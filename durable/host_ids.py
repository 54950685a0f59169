"""Host ids: what keeps the slots of one app apart in the storage account that they share as AzureWebJobsStorage."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

MAX_LENGTH = 32
SETTING = "AzureFunctionsWebHost__hostid"

_EXPLICIT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def computed_host_id(site: str, slot: str | None = None) -> str:
    """The host id of a site's production (`slot` None) or of a slot, if no setting gives one (azure_facts.md 5.1)."""
    name = site if slot is None else f"{site}-{slot}"
    return name.lower()[:MAX_LENGTH].rstrip("-")


def colliding_slots(site: str, slots: Iterable[str]) -> Mapping[str, tuple[str | None, ...]]:
    """Host ids that several of production (None) and these slots would share, each with those that do.

    A host of Functions 4.x that finds another with its id stops with AZFD0004 (azure_facts.md 5.1). Names of up to 30
    characters are safe with one slot; two slots can collide with each other from 30 on.
    """
    by_id: dict[str, list[str | None]] = {}
    for slot in (None, *slots):
        by_id.setdefault(computed_host_id(site, slot), []).append(slot)
    return {host_id: tuple(sharing) for host_id, sharing in by_id.items() if len(sharing) > 1}


def host_id_problem(host_id: str) -> str | None:
    """What is wrong with an explicit host id, or None (azure_facts.md 5.1)."""
    if len(host_id) <= MAX_LENGTH and _EXPLICIT.fullmatch(host_id):
        return None
    return (
        f"{host_id!r} is no host id: 1 to {MAX_LENGTH} lower-case letters, digits and dashes, "
        "no dash at an end and no two in a row"
    )


def explicit_host_id(site: str, slot: str | None = None) -> str:
    """An id to set as a sticky setting where computed ones collide: the same each time, and different for each slot."""
    full = site.lower() if slot is None else f"{site}-{slot}".lower()
    digest = hashlib.sha256(full.encode()).hexdigest()[:8]
    words = re.sub(r"[^a-z0-9]+", "-", site.lower()).strip("-")
    return f"{words[: MAX_LENGTH - 9].rstrip('-')}-{digest}".lstrip("-")
