"""The program: load the settings, declare the components, export what there is."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi_azure_native import resources

from components.app_settings import Extras, Host, PackageReference, Release, app_settings
from components.durable_store import DurableStore, DurableStoreArgs
from components.function_app import FunctionApp, FunctionAppArgs
from components.group import Group
from components.host_storage import HostStorage, HostStorageArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.package_blob import PackageBlob, PackageBlobArgs
from components.slot_settings import SlotSettings, SlotSettingsArgs
from durable.host_json import DurableSettings
from durable.stores import Colour, Slot, Store
from release.agreement import agreed_host_json
from release.config import SettingsError, load
from release.package import Package, PackageError, open_package
from release.settings import Settings


def main() -> None:
    try:
        settings = load(pulumi.runtime.get_config_env())
        package = open_package(Path(settings.package))
        host_json = agreed_host_json(settings, package)
    except (SettingsError, PackageError) as error:
        raise pulumi.RunError(f"{error}") from error
    declare(settings, package, host_json)


def declare(settings: Settings, package: Package, host_json: DurableSettings) -> None:
    """An app with production on blue, running the package, and staging on green, running nothing yet."""
    group = resource_group(settings)
    host = HostStorage("host", HostStorageArgs(group, settings.host_account))
    blue, green = (durable_store(colour, settings, group) for colour in (Colour.BLUE, Colour.GREEN))
    blob = PackageBlob("package", PackageBlobArgs(group, host, package.path, package.sha256))
    app = FunctionApp("app", function_app_args(settings, group, host))
    monitoring = Monitoring("monitoring", MonitoringArgs(group, settings.site)) if settings.insights else None

    shipped = PackageReference(package.sha256, blob.url, app.identity_id, settings.version)
    releases = {
        Slot.PRODUCTION: Release(blue.store, blue.connection, shipped),
        Slot.STAGING: Release(green.store, green.connection),
    }
    SlotSettings(
        "settings",
        SlotSettingsArgs(
            group=group,
            app=app,
            settings=app_settings(
                Host(
                    site=settings.site,
                    staging_slot=settings.staging_slot,
                    connection=host.connection,
                    connection_name=settings.connection_name,
                    worker_runtime=settings.runtime.name,
                    insights=monitoring.connection if monitoring else None,
                    hub_setting=host_json.hub_setting,
                    needs_content_share=app.needs_content_share,
                ),
                releases,
                extras(settings),
            ),
            package_ready=[blob, app.package_access],
        ),
    )
    pulumi.export("resourceGroup", group.name)
    pulumi.export("siteName", settings.site)
    pulumi.export("productionHostname", app.site.default_host_name)
    pulumi.export("stagingHostname", app.slot.default_host_name)
    pulumi.export("taskHub", settings.task_hub)
    pulumi.export("slots", {str(slot): release.summary for slot, release in releases.items()})


def resource_group(settings: Settings) -> Group:
    tags = settings.tags or None
    made = resources.ResourceGroup(
        "group", resource_group_name=settings.group_name, location=settings.location, tags=tags
    )
    return Group(settings.group_name, settings.location, made, tags)


def durable_store(colour: Colour, settings: Settings, group: Group) -> DurableStore:
    store = Store(colour, settings.store_account(colour), settings.task_hub)
    return DurableStore(colour, DurableStoreArgs(group, store, settings.protect_stores))


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
