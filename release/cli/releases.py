"""`stage`, `promote`, `rollback` and `deploy`: an `up` of the program with config for that run only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from durable.app_settings import HELD, held_package
from release.azure_config import CloudError
from release.cli.documents import InstanceDocument, ReleaseDocument, SlotsDocument, held
from release.cli.project import Project
from release.cli.tools import Site
from release.config import NAMESPACE
from release.direction import Direction, target
from release.endings import Ending
from release.journal import Stop
from release.observed import Observed
from release.package import PackageError, open_package
from release.planner import Promote, Refusal
from release.settings import Settings
from release.swap import LiveError
from release.wanted import wanted

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What the command line says in place of the config: a package by path or hash, how to wait, policy packs.

    `gate` holds those keys of the config's `gate` that are to be others; `drain` is as in the config.
    """

    package: str | None = None
    gate: Mapping[str, Any] = field(default_factory=dict)
    drain: str | None = None
    policy_packs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step on one app."""

    command: str
    project: Project
    settings: Settings
    site: Site
    wish: Wish
    tell: Tell

    def stage(self) -> ReleaseDocument:
        """Have staging hold the package that config or wish name."""
        return self._up(Promote.MANUAL, self.wish.package)

    def deploy(self) -> ReleaseDocument:
        """Have production run it: stage, then promote."""
        return self._up(Promote.AUTO, self.wish.package)

    def bring(self, direction: Direction) -> ReleaseDocument:
        """Have production run the other package, or the one that the wish names, of those that the slots hold."""
        chosen = self._named() or self._target(direction)
        if isinstance(chosen, Refusal):
            return self._document((), Stop(Ending.REFUSED, str(chosen)))
        self.tell(f"{self.command}: production is to run package {chosen[:12]}")
        return self._up(Promote.AUTO, HELD + chosen)

    def _named(self) -> str | None:
        name = self.wish.package
        return name and (held_package(name) or open_package(Path(name)).sha256)

    def _target(self, direction: Direction) -> str | Refusal:
        observed = self.site.look()
        stored = self.site.open_packages().all()
        return target(observed, {one.sha256: one.uploaded for one in stored}, direction)

    def _up(self, promote: Promote, package: str | None) -> ReleaseDocument:
        once: dict[str, Any] = {"promote": str(promote)}
        if package is not None:
            once["package"] = package
        if self.wish.gate:
            gate = self.settings.gate.model_dump(by_alias=True, mode="json")
            once["gate"] = gate | dict(self.wish.gate)
        if self.wish.drain is not None:
            once["drain"] = self.wish.drain
        run = self.project.up(once, self.wish.policy_packs, self.tell)
        return self._document(run.plan, run.stop)

    def _document(self, plan: tuple[str, ...], stop: Stop | None) -> ReleaseDocument:
        observed = self._afterwards()
        stop = stop or Stop(Ending.DONE, "")
        return ReleaseDocument(
            command=self.command,
            outcome=stop.ending,
            reason=stop.reason,
            plan=plan,
            instances=tuple(InstanceDocument.of(instance) for instance in stop.instances),
            slots=observed and SlotsDocument.of(observed),
            keep=self._keep(observed) if stop.ending is Ending.DONE and observed else "",
        )

    def _afterwards(self) -> Observed | None:
        try:
            return self.site.look()
        except (LiveError, CloudError) as error:
            self.tell(f"What is in the slots now can't be told: {error}")
            return None

    def _keep(self, observed: Observed) -> str:
        """What to set so that the next `pulumi up` leaves production its package; "" where config asks for it."""
        running = held(observed.production)
        if running is None or self.command == "stage":
            return ""
        try:
            if wanted(self.settings, self.project.folder).sha256 == running:
                return ""
        except PackageError:
            pass
        return f"pulumi config set {NAMESPACE}:package {HELD}{running} --stack {self.project.stack}"


def show(document: ReleaseDocument, console: Console) -> None:
    """For a person."""
    if document.outcome is Ending.DONE:
        console.print(f"{document.command}: done", markup=False)
    if document.slots is not None:
        for slot, found in (("production", document.slots.production), ("staging", document.slots.staging)):
            package = f"package {found.package[:12]}" if found.package else "no package"
            version = f" ({found.version})" if found.version else ""
            what = f"{package}{version} on {found.store} ({found.storage_account})" if found.store else found.holds
            console.print(f"  {slot:<10} {what}", markup=False)
    if document.keep:
        console.print("The config asks for another package, and the next `pulumi up` would ship it. To keep this one:")
        console.print(f"  {document.keep}", markup=False)
