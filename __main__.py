"""The program: load the settings, look at the live slots, plan, and declare what the plan says."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_azure_native import authorization, resources

from components.app_settings import Extras, Host, PackageReference, Travelling, app_settings
from components.durable_store import DurableStore, DurableStoreArgs
from components.function_app import FunctionApp, FunctionAppArgs
from components.group import Group
from components.hooks import waiting_hook
from components.host_storage import HostStorage, HostStorageArgs
from components.live_claims import account_exists, claimant_of
from components.live_settings import LiveSettingsError, live_settings, operation_in_progress
from components.monitoring import Monitoring, MonitoringArgs
from components.package_blob import PackageBlob, PackageBlobArgs
from components.slot_settings import SlotSettings, SlotSettingsArgs
from components.slot_swap import SlotSwap, SlotSwapArgs
from components.storage_access import Grant, Principal, StorageAccess, StorageAccessArgs
from components.storage_account import IdentityClient, ReachedAccount
from components.tracking_store import TrackingStore, TrackingStoreArgs
from durable.roles import HOST_ROLES, STORE_ROLES, StorageRole
from durable.stores import Colour, Release, Slot
from release import journal
from release.access import Needs, needs
from release.azure_config import AzureConfig
from release.claims import claimant, hubs_to_claim, missing, refusal
from release.clock import SYSTEM_CLOCK
from release.config import SettingsError, load
from release.endings import Ending
from release.live import Live
from release.observed import Observed, Read, observe
from release.package import PackageError
from release.planner import Plan, Refusal, plan
from release.settings import Settings
from release.swap import SwapError, SwapLimits, await_idle
from release.swap_provider import SwapProvider
from release.wanted import Wanted, wanted

if TYPE_CHECKING:
    from release.guard import Guard


def main() -> None:
    config = pulumi.runtime.get_config_env()
    try:
        settings = load(config)
        package = wanted(settings)
        read = live_settings(settings.group_name, settings.site, settings.staging_slot)
        await_quiet(settings)
        observed = observe(read, settings.app_names.stores)
        decided = plan(observed, package.desired(settings))
        if isinstance(decided, Plan):
            decided = claimed(settings, decided)
        if isinstance(decided, Refusal):
            journal.write_stop(decided)
            raise pulumi.RunError(f"{decided}")
        release = ReleaseHooks(observed, decided, Live(settings.app_names, config, os.environ), settings)
        release.tell(read)
    except (SettingsError, PackageError, LiveSettingsError, SwapError) as error:
        journal.write_stop(error, Ending.UNKNOWN if isinstance(error, LiveSettingsError) else None)
        raise pulumi.RunError(f"{error}") from error
    declare(settings, package, observed, decided, release)


def await_quiet(settings: Settings) -> None:
    """Let a swap under way end before the slots are looked at; a preview only tells of it."""

    def swapping() -> bool:
        return operation_in_progress(settings.group_name, settings.site)

    if not pulumi.runtime.is_dry_run():
        await_idle(swapping, SwapLimits(), SYSTEM_CLOCK, pulumi.log.info)
    elif swapping():
        pulumi.log.info("another operation is in progress on the site, such as a swap: this plan is made in its middle")


def claimed(settings: Settings, decided: Plan) -> Plan | Refusal:
    """The plan, unless another app has one of the names that this one's hubs have in the tracking store."""
    tracking = settings.tracking_store
    if tracking is None:
        return decided
    owner = settings.tracking_group
    if owner is not None and not account_exists(owner, tracking.account):
        return missing(tracking.account, owner)
    group = owner or settings.group_name
    claims = {hub: claimant_of(group, tracking.account, hub) for hub in sorted(hubs_to_claim(settings, decided))}
    return refusal(tracking.account, claimant(settings.app_names), claims) or decided


class ReleaseHooks:
    """What the plan asks for beside declarations: checks before a slot is written and before a swap."""

    def __init__(self, observed: Observed, decided: Plan, live: Live, settings: Settings) -> None:
        self._observed = observed
        self._plan = decided
        self._live = live
        self._settings = settings

    @cached_property
    def _guard(self) -> Guard:
        return self._live.guard(self._settings.patience, pulumi.log.info)

    def tell(self, read: Read) -> None:
        """Log the plan; in a preview also how the task hubs stand that an update would wait for."""
        journal.write_plan(self._plan.sentences)
        pulumi.log.info("\n".join(self._plan.sentences))
        if pulumi.runtime.is_dry_run():
            for slot in self._plan.drained:
                self._guard.tell(slot, read(slot) or {})

    def before_write(self) -> dict[Slot, pulumi.ResourceHook]:
        def hook(slot: Slot) -> pulumi.ResourceHook:
            planned, seen = self._plan.written.of(slot), self._observed.of(slot)

            def check(inputs: Mapping[str, Any]) -> None:
                with journal.stops_told():
                    self._guard.before_write(slot, planned, seen, inputs["properties"])

            return waiting_hook(f"{slot}-gate", check)

        return {slot: hook(slot) for slot in Slot}

    def before_swap(self) -> pulumi.ResourceHook:
        def check(_: Mapping[str, Any]) -> None:
            with journal.stops_told():
                self._guard.before_swap(self._live.app, self._plan, SwapLimits(), warm=self._settings.warm_up)

        return waiting_hook("swap-gate", check)


def declare(settings: Settings, package: Wanted, observed: Observed, decided: Plan, release: ReleaseHooks) -> None:
    """All resources of the app, with the releases that the plan has for its slots, and the swap."""
    group = resource_group(settings)
    needed = needs(observed, decided.written, settings.access)
    host = HostStorage("host", HostStorageArgs(group, settings.host_account))
    stores = {colour: durable_store(colour, settings, group, needed) for colour in Colour}
    tracking = tracking_store(settings, group, decided)
    app = FunctionApp("app", function_app_args(settings, group, host))
    holding = [*(store.account for store in stores.values()), *([tracking.account] if tracking else ())]
    access = storage_access(settings, host, holding, app) if needed.roles else None
    monitoring = Monitoring("monitoring", MonitoringArgs(group, settings.site)) if settings.insights else None

    # Old packages come with the slots that run them, the wanted one with its file, even where no slot has it yet.
    files = {package.sha256: package.path} if package.path else {}
    blobs = {
        sha256: PackageBlob(PackageBlobArgs(group, host, sha256, files.get(sha256)))
        for sha256 in sorted(decided.written.packages | files.keys())
    }
    azure = AzureConfig(pulumi.runtime.get_config_env(), os.environ)
    client = IdentityClient(app.identity.client_id, by_name=azure.is_public)

    def travelling(slot: Slot) -> Travelling:
        held = decided.written.of(slot)
        store = stores[held.store.colour].account
        reference = PackageReference(blobs[held.package].url, app.identity.id) if held.package else None
        return Travelling(
            held,
            store.connection(held.access, client),
            host.account.connection(held.access, client),
            reference,
            tracking.account.connection(held.access, client) if tracking and held.tracking else None,
        )

    slots = SlotSettings(
        "settings",
        SlotSettingsArgs(
            group=group,
            app=app,
            settings=app_settings(
                Host(
                    site=settings.site,
                    staging_slot=settings.staging_slot,
                    connection_name=settings.connection_name,
                    worker_runtime=settings.runtime.name,
                    insights=monitoring.connection if monitoring else None,
                    content=host.account.connection_string if app.needs_content_share else None,
                ),
                {slot: travelling(slot) for slot in Slot},
                extras(settings),
            ),
            ready=[
                *blobs.values(),
                app.package_access,
                *(access.assignments if access else ()),
                *(tracking.claims if tracking else ()),
            ],
            before_write=release.before_write(),
        ),
    )
    gate = release.before_swap()
    swap = SlotSwap(
        "swap",
        SlotSwapArgs(
            provider=SwapProvider(),
            app=settings.app_names.to_inputs(),
            package=decided.after.production.package,
            production=observed.production.package if isinstance(observed.production, Release) else None,
            check=settings.warm_up,
        ),
        pulumi.ResourceOptions(
            depends_on=[slots.production, slots.staging],
            hooks=pulumi.ResourceHookBinding(before_create=[gate], before_update=[gate]),
        ),
    )
    pulumi.export("resourceGroup", group.name)
    pulumi.export("siteName", settings.site)
    pulumi.export("productionHostname", app.site.default_host_name)
    pulumi.export("stagingHostname", app.slot.default_host_name)
    pulumi.export("taskHub", settings.task_hub)
    # By way of the swap, so that a run which ends before it doesn't say that it has happened.
    pulumi.export("slots", swap.id.apply(lambda _: {str(slot): summary(decided.after.of(slot)) for slot in Slot}))


def summary(release: Release) -> dict[str, str | None]:
    """What the stack's outputs say about a slot."""
    store = release.store
    return {
        "store": str(store.colour),
        "storageAccount": store.account,
        "package": release.package,
        "version": release.version,
    }


def resource_group(settings: Settings) -> Group:
    tags = settings.tags or None
    made = resources.ResourceGroup(
        "group", resource_group_name=settings.group_name, location=settings.location, tags=tags
    )
    return Group(settings.group_name, settings.location, made, tags)


def durable_store(colour: Colour, settings: Settings, group: Group, needed: Needs) -> DurableStore:
    takes_keys = colour in needed.keys
    return DurableStore(colour, DurableStoreArgs(group, settings.store(colour), settings.protect_stores, takes_keys))


def tracking_store(settings: Settings, group: Group, decided: Plan) -> TrackingStore | None:
    if settings.tracking_store is None:
        return None
    args = TrackingStoreArgs(
        group=group,
        account=settings.tracking_store.account,
        owner=settings.tracking_group,
        protect=settings.protect_stores,
        hubs=hubs_to_claim(settings, decided),
        app=claimant(settings.app_names),
    )
    return TrackingStore("tracking", args)


def storage_access(
    settings: Settings, host: HostStorage, holding: Sequence[ReachedAccount], app: FunctionApp
) -> StorageAccess:
    """The roles of the app's identity on the host's account and on those `holding` orchestrations, and those of who
    may read the latter."""
    grants = [Grant(app.principal, HOST_ROLES, host.account.name, host.account.id)]
    grants += [Grant(app.principal, STORE_ROLES, account.name, account.id) for account in holding]
    for reader in readers(settings):
        grants += [Grant(reader, [StorageRole.TABLE_DATA_READER], account.name, account.id) for account in holding]
        # A promotion and a roll back look which package was uploaded first.
        packages = f"{host.account.name}-packages"
        grants.append(Grant(reader, [StorageRole.BLOB_DATA_READER], packages, host.container.id))
    return StorageAccess("access", StorageAccessArgs(settings.site, grants))


def readers(settings: Settings) -> list[Principal]:
    """Who may read the stores, by config."""
    kinds = authorization.PrincipalType
    by_kind = {
        kinds.USER: settings.readers.users,
        kinds.GROUP: settings.readers.groups,
        kinds.SERVICE_PRINCIPAL: settings.readers.service_principals,
    }
    return [Principal(id_.lower(), id_.lower(), kind) for kind, ids in by_kind.items() for id_ in ids]


def extras(settings: Settings) -> Extras:
    """The user's own app settings are secret one and all: which of them are, only the user knows."""

    def secret(values: dict[str, str]) -> dict[str, pulumi.Input[str]]:
        return {name: pulumi.Output.secret(value) for name, value in values.items()}

    own = settings.settings
    sticky = {Slot.PRODUCTION: secret(own.sticky.production), Slot.STAGING: secret(own.sticky.staging)}
    return Extras(settings.starters, secret(own.common), sticky)


def function_app_args(settings: Settings, group: Group, host: HostStorage) -> FunctionAppArgs:
    return FunctionAppArgs(
        group=group,
        site_name=settings.site,
        staging_slot=settings.staging_slot,
        plan_name=settings.plan_name,
        sku=settings.plan.sku,
        linux_fx_version=settings.runtime.linux_fx_version,
        packages=host.container,
    )


main()
