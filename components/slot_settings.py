"""The settings of both slots as resources of their own, since drift in a site's own siteConfig can't be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import web

from components.app_settings import AppSettings
from components.function_app import FunctionApp
from components.group import Group
from durable.stores import Slot


@dataclass(frozen=True)
class SlotSettingsArgs:
    """`ready` is what has to be there before a slot can run its package: the blob, and the roles of its identity.

    `before_write` has the last word, for each slot, before its settings are made or changed.
    """

    group: Group
    app: FunctionApp
    settings: AppSettings
    ready: Sequence[pulumi.Resource]
    before_write: Mapping[Slot, pulumi.ResourceHook]


class SlotSettings(pulumi.ComponentResource):
    """The list of sticky names, and then the app settings of production and staging."""

    def __init__(self, name: str, args: SlotSettingsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:SlotSettings", name, {}, opts)

        def after(owner: pulumi.Resource, *others: pulumi.Resource) -> pulumi.ResourceOptions:
            # Deleting settings means to empty them, which restarts the site: leave them to the site's own end.
            return pulumi.ResourceOptions(
                parent=self, depends_on=[owner, *others], deleted_with=owner, replace_with=[owner]
            )

        def guarded(slot: Slot, options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
            hook = args.before_write[slot]
            hooks = pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
            return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(hooks=hooks))

        # First the list: a setting that were not sticky yet could be swapped in between.
        sticky = web.WebAppSlotConfigurationNames(
            f"{name}-sticky",
            name=args.app.site_name,
            resource_group_name=args.group.name,
            app_setting_names=list(args.settings.sticky),
            opts=after(args.app.site),
        )
        self.production = web.WebAppApplicationSettings(
            f"{name}-production",
            name=args.app.site_name,
            resource_group_name=args.group.name,
            properties=args.settings.by_slot[Slot.PRODUCTION],
            opts=guarded(Slot.PRODUCTION, after(args.app.site, sticky, *args.ready)),
        )
        self.staging = web.WebAppApplicationSettingsSlot(
            f"{name}-staging",
            name=args.app.site_name,
            slot=args.app.staging_slot,
            resource_group_name=args.group.name,
            properties=args.settings.by_slot[Slot.STAGING],
            opts=guarded(Slot.STAGING, after(args.app.slot, sticky, *args.ready)),
        )
        self.register_outputs({"stickySettings": list(args.settings.sticky)})
