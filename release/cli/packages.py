"""`packages`: which are stored, who names them, and the deletion of those that nobody does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table

from durable.stores import Slot, package_text
from release.cli.documents import PackageDocument, PackagesDocument, held
from release.cli.project import Project
from release.cli.tools import Site
from release.guard import RefusedError
from release.observed import Observed, Unclear
from release.package import PackageError
from release.package_store import Stored
from release.settings import Settings
from release.wanted import wanted

LONGEST_WAIT = timedelta(hours=26)
"""Longer than any run waits between the upload of a package and its slot (`gate.timeout`, `gate.steady`)."""


@dataclass(frozen=True)
class Names:
    """Who names a package: the slots, the config where its package is at hand, and the stack's state."""

    observed: Observed
    asked: str | None
    state: frozenset[str]

    @classmethod
    def of(cls, project: Project, settings: Settings, site: Site) -> Names:
        return cls(site.look(), _asked(project, settings), project.packages())

    def document(self, stored: Stored) -> PackageDocument:
        return PackageDocument(
            package=stored.sha256,
            size=stored.size,
            uploaded=stored.uploaded,
            slots=tuple(slot for slot in Slot if held(self.observed.of(slot)) == stored.sha256),
            wanted=stored.sha256 == self.asked,
            in_stack=stored.sha256 in self.state,
        )


def packages(project: Project, settings: Settings, site: Site) -> PackagesDocument:
    """All that are stored, in the order of their upload."""
    names = Names.of(project, settings, site)
    return PackagesDocument(packages=tuple(map(names.document, site.open_packages().all())), pruned=())


def prune(project: Project, settings: Settings, site: Site, now: datetime, age: timedelta) -> PackagesDocument:
    """Delete the packages that nobody names and that were uploaded `age` ago.

    One that the stack's state has is left to `pulumi up`, which deletes it when no slot holds it any more. Raises
    RefusedError where it isn't certain what the slots hold.
    """
    store = site.open_packages()
    stored = store.all()
    # Only then who names them: what has come into a slot since the list isn't in it, or is seen here.
    names = Names.of(project, settings, site)
    _refuse_if_unclear(site, names.observed)
    found = [(one, names.document(one)) for one in stored]
    needless = [one for one, told in found if not _reasons(told) and now - one.uploaded >= age]
    for one in needless:
        store.delete(one)
    kept = tuple(told for one, told in found if one not in needless)
    return PackagesDocument(packages=kept, pruned=tuple(one.sha256 for one in needless))


def _reasons(package: PackageDocument) -> list[str]:
    """What a package is kept for, in words."""
    return [*package.slots, *(["config"] if package.wanted else []), *(["stack"] if package.in_stack else [])]


def _refuse_if_unclear(site: Site, observed: Observed) -> None:
    for slot in Slot:
        if isinstance(found := observed.of(slot), Unclear):
            raise RefusedError(f"The {slot} slot {found.seen}. Nothing was deleted. What to do: {found.repair}.")
    if held(observed.production) is None:
        raise RefusedError(
            "Production runs no package, so it isn't certain that this is the right app. Nothing was deleted. What to "
            "do: run `pulumi up` first."
        )
    if site.swapping():
        raise RefusedError(
            "An operation is in progress on the site, such as a swap. Nothing was deleted. What to do: run again when "
            "it has ended."
        )


def _asked(project: Project, settings: Settings) -> str | None:
    """The package that config asks for, None where its file isn't at hand."""
    try:
        return wanted(settings, project.folder).sha256
    except PackageError:
        return None


def show(document: PackagesDocument, console: Console) -> None:
    """For a person."""
    table = Table("package", "bytes", "uploaded", "kept for", box=None)
    for one in document.packages:
        table.add_row(
            one.package[:12], f"{one.size:,}", f"{one.uploaded:%Y-%m-%d %H:%M:%S}", ", ".join(_reasons(one)) or "nobody"
        )
    if document.packages:
        console.print(table)
    else:
        console.print("No package is stored.")
    for sha256 in document.pruned:
        console.print(f"deleted {package_text(sha256)}", markup=False)
