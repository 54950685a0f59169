"""The parts of a web app: its slots, their host names, and where their settings lie in the tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from localazure.arm.errors import ArmError, conflict
from localazure.arm.ids import ResourceId
from localazure.arm.operations import Operations
from localazure.arm.swap_rules import Side, Sticky
from localazure.arm.tree import Json, Resource, Tree

SITE: Final = "Microsoft.Web/sites"
SLOT: Final = "Microsoft.Web/sites/slots"
PRODUCTION: Final = "production"
DOMAIN: Final = "azurewebsites.localhost"
SWAP: Final = "swap-slots"
"""The kind of operation under which a site and its slots must not change."""


def site_of(app: ResourceId) -> ResourceId:
    """The site that a slot, a setting, or the site itself belongs to."""
    found: ResourceId | None = app
    while found is not None and not found.is_a(SITE):
        found = found.parent
    if found is None:
        raise LookupError(f"{app.text} is no part of a site")
    return found


def app_of(part: ResourceId) -> ResourceId:
    """The site or slot that a config or host resource belongs to."""
    if part.parent is None:
        raise LookupError(f"{part.text} belongs to no site")
    return part.parent


def slot_of(app: ResourceId) -> str:
    """The slot's name; production for the site itself."""
    return app.name if app.is_a(SLOT) else PRODUCTION


def slot_id(site: ResourceId, slot: str) -> ResourceId:
    """The id of a site's slot by name, production among them."""
    return site if slot.lower() == PRODUCTION else site.child("slots", slot)


def host_label(app: ResourceId) -> str:
    """The first label of a site's host name, in lower case."""
    site = site_of(app)
    return (site.name if app.is_a(SITE) else f"{site.name}-{app.name}").lower()


def apps(tree: Tree) -> list[Resource]:
    """All sites and slots."""
    return [*tree.of_type(SITE), *tree.of_type(SLOT)]


def app_at(tree: Tree, label: str) -> Resource | None:
    """The site or slot that answers at a host label."""
    return next((app for app in apps(tree) if host_label(app.id) == label.lower()), None)


def config(tree: Tree, app: ResourceId, name: str) -> Json:
    """The properties of one of the app's config resources; empty if none was ever put."""
    found = tree.get(app.child("config", name))
    return found.properties if found else {}


def put_config(tree: Tree, app: ResourceId, name: str, properties: Mapping[str, Any]) -> None:
    tree.put(Resource(app.child("config", name), {"properties": dict(properties)}))


def side(tree: Tree, app: ResourceId) -> Side:
    """What a swap may move of an app, as it is now."""
    return Side(
        settings=config(tree, app, "appsettings"),
        connections=config(tree, app, "connectionstrings"),
        web=config(tree, app, "web"),
        metadata=config(tree, app, "metadata"),
    )


def put_side(tree: Tree, app: ResourceId, given: Side) -> None:
    put_config(tree, app, "appsettings", given.settings)
    put_config(tree, app, "connectionstrings", given.connections)
    put_config(tree, app, "web", given.web)
    put_config(tree, app, "metadata", given.metadata)


def sticky(tree: Tree, site: ResourceId, *sides: Side) -> Sticky:
    """The site's sticky rules: its slotConfigNames, and what always stays."""
    names = config(tree, site, "slotConfigNames")
    return Sticky.of(names.get("appSettingNames") or [], names.get("connectionStringNames") or [], *sides)


def refuse_during_swap(operations: Operations, app: ResourceId) -> None:
    """409 while a swap of the site goes on: App Service takes no change then."""
    if operations.running(SWAP, site_of(app).key) is not None:
        raise _swapping(site_of(app))


def _swapping(site: ResourceId) -> ArmError:
    return conflict(
        f"Cannot modify this site because another operation is in progress: a swap of the slots of '{site.name}'. "
        "Try again when it has ended."
    )
