"""Logs and telemetry of the app: one place for both slots."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from components.group import Group
from durable.names import insights_name, workspace_name


@dataclass(frozen=True)
class MonitoringArgs:
    group: Group
    site_name: str


class Monitoring(pulumi.ComponentResource):
    """A Log Analytics workspace, and the Application Insights component that writes into it."""

    connection: pulumi.Output[str]

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:Monitoring", name, {}, opts)
        group = args.group
        workspace = operationalinsights.Workspace(
            f"{name}-logs",
            workspace_name=workspace_name(args.site_name),
            resource_group_name=group.name,
            location=group.location,
            sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
            retention_in_days=30,
            tags=group.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[group.resource]),
        )
        component = applicationinsights.Component(
            f"{name}-insights",
            resource_name_=insights_name(args.site_name),
            resource_group_name=group.name,
            location=group.location,
            kind="web",
            application_type=applicationinsights.ApplicationType.WEB,
            ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
            workspace_resource_id=workspace.id,
            tags=group.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.connection = pulumi.Output.secret(component.connection_string)
        self.register_outputs({})
