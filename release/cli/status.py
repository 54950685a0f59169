"""`status`: both slots, their stores, and what the next `pulumi up` would do."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from durable.stores import Release, Slot
from release.cli.documents import GateDocument, SlotDocument, SlotsDocument, StatusDocument
from release.cli.project import Project
from release.cli.tools import Site
from release.drain import Verdict, read_once, unknown
from release.instances import StoreUnknownError
from release.observed import Observed, Unclear
from release.package import PackageError
from release.patience import Patience
from release.planner import Refusal, plan
from release.settings import Settings
from release.wanted import wanted


def status(project: Project, settings: Settings, site: Site) -> StatusDocument:
    """Look at all there is, once. Raises LiveError if the slots can't be read."""
    observed = site.look()
    slots = SlotsDocument(**{str(slot): _slot(slot, observed, site, settings.patience) for slot in Slot})
    sentences, refusal = _next(project, settings, observed)
    return StatusDocument(
        stack=project.stack,
        resource_group=settings.group_name,
        site=settings.site,
        slots=slots,
        plan=sentences,
        refusal=refusal,
    )


def _slot(slot: Slot, observed: Observed, site: Site, patience: Patience) -> SlotDocument:
    found = observed.of(slot)
    gate = GateDocument.of(_reading(slot, site, patience)) if isinstance(found, Release | Unclear) else None
    return SlotDocument.of(found, gate)


def _reading(slot: Slot, site: Site, patience: Patience) -> Verdict:
    try:
        return read_once(site.open_store(site.settings(slot) or {}), patience)
    except StoreUnknownError as error:
        return unknown(error)


def _next(project: Project, settings: Settings, observed: Observed) -> tuple[tuple[str, ...], str]:
    """What `pulumi up` would do now, and why it would stop at once, "" if it wouldn't."""
    try:
        decided = plan(observed, wanted(settings, project.folder).desired(settings))
    except PackageError as error:
        return (), str(error)
    return ((), str(decided)) if isinstance(decided, Refusal) else (decided.sentences, "")


def show(document: StatusDocument, console: Console) -> None:
    """For a person."""
    console.print(f"{document.site} in {document.resource_group} (stack {document.stack})")
    table = Table("slot", "package", "version", "store", "task hub", "active", box=None)
    for slot in Slot:
        found: SlotDocument = getattr(document.slots, slot)
        gate = found.gate
        active = "" if gate is None else (gate.state if gate.state == "unknown" else str(gate.active))
        package = (found.package or "none")[:12] if found.holds == "release" else found.holds
        store = f"{found.store} ({found.storage_account})" if found.store else ""
        table.add_row(slot, package, found.version or "", store, found.task_hub or "", active)
    console.print(table)
    for slot in Slot:
        found = getattr(document.slots, slot)
        if found.problem:
            console.print(f"The {slot} slot {found.problem}", markup=False)
        if found.gate is not None:
            console.print(f"{slot}: {found.gate.reason}", markup=False)
    for sentence in document.plan:
        console.print(sentence, markup=False)
    if document.refusal:
        console.print(f"The next `pulumi up` would stop: {document.refusal}", markup=False)
