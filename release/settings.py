"""The program's config: one typed model of the namespace `durable-zero-downtime`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from durable import app_settings, connections, host_ids, hub_names, instance_ids, names, plans, roles
from durable.stores import Access, Colour, Store, own_hub
from release.app_names import AppNames
from release.observed import Stores
from release.patience import Patience
from release.planner import Desired, Drain, Promote

_WRITTEN_BY_PROGRAM = frozenset(
    {
        connections.HOST_STORAGE,
        host_ids.SETTING,
        app_settings.EXTENSION_VERSION,
        app_settings.WORKER_RUNTIME,
        app_settings.INSIGHTS,
        app_settings.PACKAGE,
        app_settings.PACKAGE_IDENTITY,
        app_settings.CONTENT_CONNECTION,
        app_settings.CONTENT_SHARE,
        app_settings.VERSION_LABEL,
        app_settings.HUB_SETTING,
        app_settings.TRACKING,
    }
)


def _rule(problem: Callable[[str], str | None]) -> AfterValidator:
    """A validator made of a rule that gives what is wrong with a text, or None."""

    def check(value: str) -> str:
        if message := problem(value):
            raise PydanticCustomError("rule", "{message}", {"message": message})
        return value

    return AfterValidator(check)


def _extra_setting_problem(name: str) -> str | None:
    written = {setting.lower() for setting in _WRITTEN_BY_PROGRAM}
    if name.lower() in written or connections.belongs_to(name, connections.HOST_STORAGE):
        return "the program writes this setting itself: take it out"
    if name.lower().startswith(app_settings.HOST_JSON_OVERRIDE.lower()):
        return "this overrides host.json, which the scale controller doesn't see: write it in host.json instead"
    return app_settings.app_setting_name_problem(name)


def _connection_name_problem(name: str) -> str | None:
    if connections.belongs_to(name, connections.HOST_STORAGE):
        return (
            f"{name!r} is the host's own storage, which both slots share, and each slot needs a task hub of its own: "
            f"take another name, such as {connections.DEFAULT_CONNECTION!r}"
        )
    if name.lower() in {setting.lower() for setting in _WRITTEN_BY_PROGRAM}:
        return f"{name!r} has another meaning: take a name such as {connections.DEFAULT_CONNECTION!r}"
    return app_settings.app_setting_name_problem(name)


def _sku(value: str) -> str:
    sku = plans.canonical_sku(value)
    if message := plans.slots_problem(sku, slots=2):
        raise PydanticCustomError("rule", "{message}", {"message": message})
    return sku


SiteName = Annotated[str, _rule(names.site_name_problem)]
SlotName = Annotated[str, _rule(names.slot_name_problem)]
PlanName = Annotated[str, _rule(names.plan_name_problem)]
GroupName = Annotated[str, _rule(names.resource_group_name_problem)]
AccountName = Annotated[str, _rule(names.storage_account_name_problem)]
HubName = Annotated[str, _rule(hub_names.hub_name_problem)]
ConnectionName = Annotated[str, _rule(_connection_name_problem)]
TrackingPrefix = Annotated[str, _rule(hub_names.tracking_prefix_problem)]
InstanceId = Annotated[str, _rule(instance_ids.instance_id_problem)]
FunctionName = Annotated[str, _rule(names.function_name_problem)]
ObjectId = Annotated[str, _rule(roles.object_id_problem)]
PackageName = Annotated[str, _rule(app_settings.package_name_problem)]
ExtraSettings = dict[Annotated[str, _rule(_extra_setting_problem)], str]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)


class PlanSettings(_Model):
    """The App Service plan. On a Dedicated one no content share has to move at a swap."""

    sku: Annotated[str, AfterValidator(_sku)] = "S1"
    name: PlanName | None = None


class StoreSettings(_Model):
    """The names of the storage accounts that hold the task hubs."""

    blue: AccountName | None = None
    green: AccountName | None = None


class TrackingSettings(_Model):
    """The account in which several apps have their instances and histories, and how host.json names it.

    `resource_group` is that of an account which another stack owns. With `retire` the account is kept for packages
    that sit in a slot, and new ones don't use it.
    """

    account: AccountName
    resource_group: GroupName | None = None
    connection_name: ConnectionName = connections.DEFAULT_TRACKING_CONNECTION
    prefix: TrackingPrefix = hub_names.DEFAULT_TRACKING_PREFIX
    retire: bool = False


class RuntimeSettings(_Model):
    """The language worker and its version, as `linuxFxVersion` wants it."""

    name: Literal["python", "node", "dotnet", "dotnet-isolated", "java", "powershell"] = "python"
    version: str = Field(default="3.11", min_length=1)

    @property
    def linux_fx_version(self) -> str:
        return f"{self.name.upper()}|{self.version}"


class StickySettings(_Model):
    """App settings of the user's own that stay with their slot at a swap."""

    production: ExtraSettings = Field(default_factory=dict)
    staging: ExtraSettings = Field(default_factory=dict)


class SlotSettings(_Model):
    """App settings of the user's own: the same in both slots, or sticky."""

    common: ExtraSettings = Field(default_factory=dict)
    sticky: StickySettings = StickySettings()


class GateSettings(_Model):
    """How long to wait for orchestrations to end: times in seconds, and ids of instances that are not waited for."""

    timeout: float = Field(default=1800, ge=0, le=86400)
    steady: float = Field(default=10, ge=0, le=3600)
    poll: float = Field(default=5, gt=0, le=600)
    excepted: tuple[InstanceId, ...] = Field(default=(), alias="except")


class ReaderSettings(_Model):
    """Who may read the stores, by object ids in Entra ID: Azure wants to know of which kind each is."""

    users: tuple[ObjectId, ...] = ()
    groups: tuple[ObjectId, ...] = ()
    service_principals: tuple[ObjectId, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.users or self.groups or self.service_principals)


class Settings(_Model):
    """All that config says about an app. Where config leaves a name out, it is derived from the site's."""

    location: str = Field(min_length=1)
    site: SiteName
    task_hub: HubName
    connection_name: ConnectionName = connections.DEFAULT_CONNECTION
    resource_group: GroupName | None = None
    staging_slot: SlotName = "staging"
    plan: PlanSettings = PlanSettings()
    host_storage: AccountName | None = None
    stores: StoreSettings = StoreSettings()
    tracking_store: TrackingSettings | None = None
    protect_stores: bool = True
    access: Access = Access.IDENTITY
    readers: ReaderSettings = ReaderSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    package: PackageName = Field(default="build/functions.zip", min_length=1)
    version: str | None = Field(default=None, min_length=1)
    promote: Promote = Promote.AUTO
    drain: Drain = Drain.BEFORE_SWAP
    gate: GateSettings = GateSettings()
    warm_up: bool = True
    starters: tuple[FunctionName, ...] = ()
    settings: SlotSettings = SlotSettings()
    insights: bool = True
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def group_name(self) -> str:
        return self.resource_group or f"{self.site}-rg"

    @property
    def plan_name(self) -> str:
        return self.plan.name or names.plan_name(self.site)

    @property
    def host_account(self) -> str:
        return self.host_storage or names.storage_account_name(self.site, "host")

    def store_account(self, colour: Colour) -> str:
        named = self.stores.blue if colour is Colour.BLUE else self.stores.green
        return named or names.storage_account_name(self.site, colour)

    def store(self, colour: Colour) -> Store:
        """A store with the hub name that a package gets which is staged now.

        In a tracking store the hubs of both stores are in one account (azure_facts.md 2.3), so there they differ.
        """
        hub = self.task_hub if self.tracking_in_use is None else own_hub(self.task_hub, colour)
        return self.app_names.stores.store(colour, hub)

    @property
    def tracking_in_use(self) -> TrackingSettings | None:
        """The tracking store that new packages have, if any."""
        return None if self.tracking_store is None or self.tracking_store.retire else self.tracking_store

    @property
    def tracking_group(self) -> str | None:
        """The resource group of a tracking store that another stack owns, None if this one does."""
        tracking = self.tracking_store
        if tracking is None or tracking.resource_group is None:
            return None
        own = tracking.resource_group.casefold() == self.group_name.casefold()
        return None if own else tracking.resource_group

    @property
    def app_names(self) -> AppNames:
        accounts = {colour: self.store_account(colour) for colour in Colour}
        tracking = self.tracking_store.account if self.tracking_store else None
        stores = Stores(accounts, self.connection_name, self.task_hub, tracking)
        return AppNames(self.group_name, self.site, self.staging_slot, stores)

    @property
    def patience(self) -> Patience:
        gate = self.gate
        return Patience(gate.timeout, gate.steady, gate.poll, frozenset(gate.excepted), bool(self.readers))

    def desired(self, package: str, hub_setting: str | None, *, at_hand: bool = True) -> Desired:
        """What config asks for, with a package by its SHA-256 and the setting that it takes its hub's name from."""
        stores = {colour: self.store(colour) for colour in Colour}
        tracking = self.tracking_in_use.connection_name if self.tracking_in_use else None
        return Desired(
            package, stores, self.version, hub_setting, self.promote, self.drain, at_hand, tracking, self.access
        )

    @model_validator(mode="after")
    def _agree_with_each_other(self) -> Self:
        """Rules about more than one key; each problem names the key to change."""
        if found := list(self._contradictions()):
            raise PydanticCustomError("contradictions", "{by_key}", {"by_key": found})
        return self

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        if message := names.slot_host_problem(self.site, self.staging_slot):
            yield "stagingSlot", message
        accounts = {"hostStorage": self.host_account} | {f"stores.{c}": self.store_account(c) for c in Colour}
        if self.tracking_store is not None:
            accounts["trackingStore.account"] = self.tracking_store.account
            yield from self._tracking_contradictions(self.tracking_store)
        for key, account in accounts.items():
            if shared := [other for other, name in accounts.items() if name == account and other < key]:
                yield (
                    key,
                    f"{account!r} is the account of {shared[0]} too: the host and each store need one of their own",
                )
        readers = [("users", self.readers.users), ("groups", self.readers.groups)]
        readers += [("servicePrincipals", self.readers.service_principals)]
        seen: set[str] = set()
        for kind, ids in readers:
            for id_ in ids:
                if id_.lower() in seen:
                    yield f"readers.{kind}", f"{id_!r} is listed twice: a principal is of one kind, and is listed once"
                seen.add(id_.lower())
        sticky = {**self.settings.sticky.production, **self.settings.sticky.staging}
        for name in self.settings.common.keys() & sticky.keys():
            yield f"settings.common.{name}", "the setting is among the sticky ones too: take it out of one of them"
        for place, group in (
            ("common", self.settings.common),
            ("sticky.production", self.settings.sticky.production),
            ("sticky.staging", self.settings.sticky.staging),
        ):
            for name in self._connections(group):
                yield f"settings.{place}.{name}", "the program writes this connection itself: take it out"

    def _tracking_contradictions(self, tracking: TrackingSettings) -> Iterator[tuple[str, str]]:
        if connections.family([tracking.connection_name], self.connection_name) or connections.family(
            [self.connection_name], tracking.connection_name
        ):
            yield (
                "trackingStore.connectionName",
                f"{tracking.connection_name!r} and connectionName, {self.connection_name!r}, are one connection: take "
                f"another name, such as {connections.DEFAULT_TRACKING_CONNECTION!r}",
            )
        longest = max((self.store(colour).hub for colour in Colour), key=len)
        if len(longest) > hub_names.MAX_LENGTH:
            yield (
                "taskHub",
                f"{self.task_hub!r} is too long for a tracking store, where each store's hub has its colour in its "
                f"name: {longest!r} has {len(longest)} characters, and {hub_names.MAX_LENGTH} is the most",
            )

    def _connections(self, settings: Mapping[str, str]) -> Iterator[str]:
        """Those of the settings that belong to a connection which the program writes."""
        names = [self.connection_name, *([self.tracking_store.connection_name] if self.tracking_store else [])]
        for name in names:
            yield from connections.family(settings, name)
