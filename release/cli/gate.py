"""`gate`: which store is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from durable.stores import Colour, Release, Slot
from release.cli.project import Project
from release.cli.tools import Site
from release.instances import Instances, StoreUnknownError, open_store
from release.observed import Stores, view
from release.one_hub import OneHub
from release.settings import GateSettings, Settings
from release.status_check import open_status_check
from release.tracked import open_tracking

KEY_VARIABLE = "STATUS_CHECK_KEY"
"""The environment variable with the key of StatusCheck: other processes can see the command line."""

_LITERAL = "CONNECTION"
"""The name under which a connection string of the command line goes; nobody sees it."""


@dataclass(frozen=True)
class Asked:
    """What the command line names: one of slot, colour, connection and url.

    `hub` is for a connection, and with `package`, a SHA-256, for the address of an app's StatusCheck.
    """

    slot: Slot | None = None
    colour: Colour | None = None
    connection: str | None = None
    hub: str | None = None
    url: str | None = None
    package: str | None = None

    @property
    def problem(self) -> str | None:
        """Why this names no store, or None."""
        if sum(given is not None for given in (self.slot, self.colour, self.connection, self.url)) != 1:
            return "name one of --slot, --store, --connection and --url"
        if self.url is not None and (self.hub is None or self.package is None):
            return "--url takes --hub and --package: an answer about another hub or package opens no gate"
        if self.package is not None and self.url is None:
            return "--package goes with --url"
        if self.hub is not None and self.connection is None and self.url is None:
            return "--hub goes with --connection and --url: a slot's store is drained when all its hubs are"
        return None


@dataclass(frozen=True)
class Source:
    """How to open a store, which may raise StoreUnknownError or LiveError, and how config says to wait for it.

    `for_roles` is as in Patience.
    """

    open: Callable[[], Instances]
    gate: GateSettings
    for_roles: bool = False


def source(asked: Asked, app: Callable[[], tuple[Project, Settings, Site]], environ: Mapping[str, str]) -> Source:
    """Where the orchestrations are read that a gate is about. `app` is called only if config is needed for that."""
    if asked.connection is not None:
        connection = asked.connection
        return Source(lambda: _of_connection(connection, asked.hub, environ), GateSettings())
    if asked.url is not None:
        url, hub, package = asked.url, asked.hub or "", asked.package or ""
        return Source(lambda: open_status_check(url, environ.get(KEY_VARIABLE, ""), hub, package), GateSettings())
    _, settings, site = app()
    if asked.slot is not None:
        slot = asked.slot
        return Source(lambda: _of_slot(site, slot), settings.gate, bool(settings.readers))
    stores = settings.app_names.stores
    return Source(lambda: _of_colour(site, stores, asked.colour), settings.gate, bool(settings.readers))


def _of_slot(site: Site, slot: Slot) -> Instances:
    settings = site.settings(slot)
    if settings is None:
        raise StoreUnknownError("", f"the {slot} slot isn't deployed; run `pulumi up`, or check the names in config")
    return site.open_store(settings)


def _of_colour(site: Site, stores: Stores, colour: Colour | None) -> Instances:
    """A store by its colour, through the slot that names it now."""
    for slot in Slot:
        settings = site.settings(slot)
        found = view(settings, stores)
        if settings is not None and isinstance(found, Release) and found.store.colour is colour:
            return site.open_store(settings)
    raise StoreUnknownError("", f"no slot names the {colour} one now; see `python -m release status`")


def named(connection: str, environ: Mapping[str, str]) -> tuple[Mapping[str, str], str]:
    """The settings and the connection's name in them, by a connection string or by its name in the environment."""
    return ({_LITERAL: connection}, _LITERAL) if "=" in connection else (environ, connection)


def _of_connection(connection: str, hub: str | None, environ: Mapping[str, str]) -> Instances:
    settings, name = named(connection, environ)
    store = open_store(settings, name)
    return OneHub(store, open_tracking(settings, name, [hub]), hub) if hub else store
