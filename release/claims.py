"""Which hub names in a tracking store are an app's own: a pure rule over what was found claimed there."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from durable.hub_names import claim_container
from durable.stores import Colour, Slot
from release.app_names import AppNames
from release.config import NAMESPACE
from release.planner import Plan, Refusal
from release.settings import Settings


def claimant(names: AppNames) -> str:
    """An app as its claims name it: its resource group and site, in the characters that metadata may have."""
    return quote(f"{names.group}/{names.site}".lower(), safe="/()")


def hubs_to_claim(settings: Settings, decided: Plan) -> frozenset[str]:
    """The hub names that an app has in its tracking store: those of config, and those that its slots still have."""
    held = (decided.written.of(slot) for slot in Slot)
    kept = {release.store.hub for release in held if release.tracking is not None}
    return frozenset(kept | ({settings.store(colour).hub for colour in Colour} if settings.tracking_in_use else set()))


def missing(account: str, group: str) -> Refusal:
    """The account of another stack isn't there."""
    return Refusal(
        f"There is no storage account {account} in the resource group {group}, and config says that another stack has "
        "made it for a tracking store",
        f"deploy that stack first, correct {NAMESPACE}:trackingStore, or take its resourceGroup out to have this stack "
        "make the account",
    )


def refusal(account: str, app: str, claims: Mapping[str, str | None]) -> Refusal | None:
    """Why the hub names of an app can't be its own in a tracking store, None if they can or are.

    `claims` has, for each hub, the app that has claimed it, "" if the claim doesn't say, and None if nobody has. The
    queues of the hubs are in different accounts, but their leases, messages and histories meet in the tracking store.
    """
    taken = {hub: owner for hub, owner in claims.items() if owner is not None and owner != app}
    if not taken:
        return None
    told = ", ".join(
        f"{hub} belongs to {owner or 'an app that its claim does not name'}" for hub, owner in taken.items()
    )
    containers = " and ".join(claim_container(hub) for hub in taken)
    return Refusal(
        f"In the tracking store {account} two apps would have one task hub, and take each other's leases and messages: "
        f"{told}, and this app is {app}",
        f"give {NAMESPACE}:taskHub another name; if that app is gone for good, delete the container {containers} in "
        f"{account}",
    )
