"""`instances`: the orchestrations in the app's stores, and in the tracking store that it shares with other apps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final

from rich.table import Table
from rich.text import Text

from durable.app_settings import TRACKING
from durable.stores import Slot
from release.cli.documents import ListedDocument
from release.cli.gate import named
from release.cli.project import Project
from release.cli.screen import Screen
from release.cli.tools import Site
from release.drain import shown
from release.instance_query import Filter, Row, Source, first
from release.instances import StoreUnknownError
from release.observed import Absent, Blank, Stores, observe
from release.settings import Settings
from release.tables import open_tables

FEW: Final = 100
"""How many a person is shown unless they ask for more."""

_AGES: Final = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))


def sources(
    connection: str | None, app: Callable[[], tuple[Project, Settings, Site]], environ: Mapping[str, str]
) -> tuple[Source, ...]:
    """The accounts to read, each once. `app` is called unless a connection is named.

    Raises StoreUnknownError or LiveError.
    """
    if connection is not None:
        return (Source(open_tables(*named(connection, environ)), shared=True),)
    _, settings, site = app()
    return _of_app(site, settings.app_names.stores)


def _of_app(site: Site, stores: Stores) -> tuple[Source, ...]:
    """The tracking store that the slots name, and the store of each slot."""
    seen: dict[Slot, Mapping[str, str] | None] = {}

    def read(slot: Slot) -> Mapping[str, str] | None:
        seen[slot] = site.settings(slot)
        return seen[slot]

    observed = observe(read, stores)
    used = [seen[slot] or {} for slot in Slot if not isinstance(observed.of(slot), Absent | Blank)]
    if not used:
        raise StoreUnknownError("", "no slot of the app names a store; run `pulumi up`, or check the names in config")
    tracking = [site.open_tables(settings, settings[TRACKING]) for settings in used if settings.get(TRACKING)]
    found = [Source(tables, shared=True) for tables in tracking]
    found += [Source(site.open_tables(settings)) for settings in used]
    by_account: dict[str, Source] = {}
    for source in found:
        by_account.setdefault(source.tables.account, source)
    return tuple(by_account.values())


def show(sources: tuple[Source, ...], wanted: Filter, limit: int | None, now: datetime, screen: Screen) -> None:
    """Show what is asked for as it comes, up to a number of rows if there is one."""
    accounts = tuple(source.tables.account for source in sources)
    pages = chain.from_iterable(source.pages(wanted) for source in sources)
    count = 0
    for page in pages if limit is None else first(pages, limit):
        table = partial(_table, page, now, heading=count == 0, accounts=len(accounts) > 1)
        screen.show_part(map(ListedDocument.of, page), table)
        count += len(page)
    if count == limit:
        screen.tell(f"There may be more than these {limit}: see --limit.")
    elif count == 0:
        screen.tell(f"There is no such instance in {', '.join(accounts)}.")


def _table(page: tuple[Row, ...], now: datetime, *, heading: bool, accounts: bool) -> Table:
    """A page for a person, with its columns below those of the page before where the texts aren't longer."""
    table = Table(box=None, show_header=heading)
    if accounts:
        table.add_column("account", min_width=14, overflow="fold")
    for column, width in (("hub", 14), ("id", 36), ("name", 16), ("version", 7), ("status", 14)):
        table.add_column(column, min_width=width, overflow="fold")
    table.add_column("created (UTC)", min_width=19)
    table.add_column("age", min_width=4, justify="right")
    for row in page:
        hub = "(unknown)" if row.hub is None else row.hub
        texts = [*([row.account] if accounts else []), hub, row.id, row.name, row.version, row.status or "(none)"]
        table.add_row(*map(_cell, texts), *_when(row.created, now))
    return table


def _cell(text: str) -> Text:
    return Text(shown(text))


def _when(created: datetime | None, now: datetime) -> tuple[str, str]:
    """A time to the second, and how long ago that was in its largest unit."""
    if created is None:
        return "", ""
    passed = max(now - created, timedelta())
    unit, length = next(((unit, length) for unit, length in _AGES if passed >= length), ("s", timedelta(seconds=1)))
    return f"{created:%Y-%m-%d %H:%M:%S}", f"{passed // length}{unit}"
