"""What the commands print with --json: one document each. docs/cli.md describes every field."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from durable.stores import Colour, Release, Slot
from release.drain import State, Verdict
from release.endings import Ending
from release.instance_query import Row
from release.instances import Instance
from release.observed import Absent, Blank, Observed, Unclear, View


class Document(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    def text(self) -> str:
        return self.model_dump_json(by_alias=True, indent=2)

    def line(self) -> str:
        return self.model_dump_json(by_alias=True)


class InstanceDocument(Document):
    """An orchestration that is active."""

    id: str
    name: str
    status: str
    hub: str
    created: datetime | None

    @classmethod
    def of(cls, instance: Instance) -> InstanceDocument:
        return cls(**vars(instance))


class GateDocument(Document):
    """How a store stands."""

    state: State
    reason: str
    account: str
    tracking_account: str | None
    hubs: tuple[str, ...]
    active: int
    by_status: dict[str, int]
    by_name: dict[str, int]
    instances: tuple[InstanceDocument, ...]
    excepted: tuple[InstanceDocument, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> GateDocument:
        return cls(
            state=verdict.state,
            reason=verdict.sentence(),
            account=verdict.account,
            tracking_account=verdict.tracking or None,
            hubs=verdict.hubs,
            active=len(verdict.active),
            by_status=dict(verdict.by_status),
            by_name=dict(verdict.by_name),
            instances=tuple(InstanceDocument.of(instance) for instance in verdict.active),
            excepted=tuple(InstanceDocument.of(instance) for instance in verdict.excepted),
        )


class SlotDocument(Document):
    """What a slot holds. `problem` is for a slot that must not be touched."""

    holds: Literal["release", "nothing", "unclear", "not deployed"]
    store: Colour | None = None
    storage_account: str | None = None
    task_hub: str | None = None
    package: str | None = None
    version: str | None = None
    problem: str = ""
    gate: GateDocument | None = None

    @classmethod
    def of(cls, view: View, gate: GateDocument | None = None) -> SlotDocument:
        match view:
            case Absent():
                return cls(holds="not deployed")
            case Blank():
                return cls(holds="nothing")
            case Unclear(seen, repair):
                return cls(holds="unclear", problem=f"{seen}. What to do: {repair}.", gate=gate)
        return cls(
            holds="release",
            store=view.store.colour,
            storage_account=view.store.account,
            task_hub=view.store.hub,
            package=view.package,
            version=view.version,
            gate=gate,
        )


class SlotsDocument(Document):
    production: SlotDocument
    staging: SlotDocument

    @classmethod
    def of(cls, observed: Observed) -> SlotsDocument:
        return cls(production=SlotDocument.of(observed.production), staging=SlotDocument.of(observed.staging))


class StatusDocument(Document):
    """Both slots, and what the next `pulumi up` would do, or why it would do nothing."""

    stack: str
    resource_group: str
    site: str
    slots: SlotsDocument
    plan: tuple[str, ...]
    refusal: str


class ReleaseDocument(Document):
    """How a step of a release ended. `slots` are as they are afterwards, null where that can't be told."""

    command: str
    outcome: Ending
    reason: str
    plan: tuple[str, ...]
    instances: tuple[InstanceDocument, ...]
    slots: SlotsDocument | None
    keep: str


class PackageDocument(Document):
    """A stored package, and who names it."""

    package: str
    size: int
    uploaded: datetime
    slots: tuple[Slot, ...]
    wanted: bool
    in_stack: bool


class PackagesDocument(Document):
    packages: tuple[PackageDocument, ...]
    pruned: tuple[str, ...]


class ListedDocument(Document):
    """An instance in a list, a line each."""

    account: str
    hub: str | None
    id: str
    name: str
    version: str
    status: str
    active: bool
    created: datetime | None
    updated: datetime | None

    @classmethod
    def of(cls, row: Row) -> ListedDocument:
        return cls(**vars(row), active=row.active)


class FailureDocument(Document):
    """A command that couldn't do its part at all."""

    outcome: Ending
    reason: str = Field(min_length=1)


def held(view: View) -> str | None:
    """The package in a slot, if there is one."""
    return view.package if isinstance(view, Release) else None
