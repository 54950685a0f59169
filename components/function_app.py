"""The function app: plan, site and staging slot, and the identity that both of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import authorization, managedidentity, storage, web

from components.group import Group
from components.storage_access import Grant, Principal, role_assignment
from durable.names import identity_name
from durable.plans import plan_family
from durable.roles import StorageRole


@dataclass(frozen=True)
class FunctionAppArgs:
    """`linux_fx_version` names the language worker, such as `PYTHON|3.11`; `packages` is what the identity may read."""

    group: Group
    site_name: str
    staging_slot: str
    plan_name: str
    sku: str
    linux_fx_version: str
    packages: storage.BlobContainer


class FunctionApp(pulumi.ComponentResource):
    """A site with a staging slot, both without app settings: those are resources of their own, where drift is seen."""

    site: web.WebApp
    slot: web.WebAppSlot
    identity: managedidentity.UserAssignedIdentity
    principal: Principal
    package_access: authorization.RoleAssignment

    def __init__(self, name: str, args: FunctionAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:FunctionApp", name, {}, opts)
        group = args.group
        family = plan_family(args.sku)
        self.site_name, self.staging_slot = args.site_name, args.staging_slot
        self.needs_content_share = family.needs_content_share
        plan = web.AppServicePlan(
            f"{name}-plan",
            name=args.plan_name,
            resource_group_name=group.name,
            location=group.location,
            kind=family.kind,
            reserved=True,  # what makes a plan one for Linux
            sku=web.SkuDescriptionArgs(name=args.sku, tier=family.tier),
            tags=group.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[group.resource]),
        )
        # A user-assigned identity, since a system-assigned one differs between the slots and never swaps.
        self.identity = identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_name_=identity_name(args.site_name),
            resource_group_name=group.name,
            location=group.location,
            tags=group.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[group.resource]),
        )
        self.principal = Principal(name, identity.principal_id)
        role = StorageRole.BLOB_DATA_READER
        packages = Grant(self.principal, [role], "packages", args.packages.id)
        self.package_access = role_assignment(
            f"{name}-reads-packages", f"{args.site_name}/{role}", packages, role, self
        )
        app: dict[str, Any] = {
            "resource_group_name": group.name,
            "location": group.location,
            "kind": "functionapp,linux",
            "reserved": True,
            "server_farm_id": plan.id,
            "https_only": True,
            "client_affinity_enabled": False,
            "identity": web.ManagedServiceIdentityArgs(
                type=web.ManagedServiceIdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]
            ),
            "site_config": web.SiteConfigArgs(
                linux_fx_version=args.linux_fx_version,
                always_on=family.always_on,
                ftps_state=web.FtpsState.DISABLED,
                http20_enabled=True,
                min_tls_version=web.SupportedTlsVersions.SUPPORTED_TLS_VERSIONS_1_2,
                scm_min_tls_version=web.SupportedTlsVersions.SUPPORTED_TLS_VERSIONS_1_2,
            ),
            "tags": group.tags,
        }
        self.site = web.WebApp(name, name=args.site_name, **app, opts=pulumi.ResourceOptions(parent=self))
        self.slot = web.WebAppSlot(
            f"{name}-staging",
            name=args.site_name,
            slot=args.staging_slot,
            **app,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[self.site], deleted_with=self.site, replace_with=[self.site]
            ),
        )
        self.register_outputs(
            {
                "productionHostname": self.site.default_host_name,
                "stagingHostname": self.slot.default_host_name,
            }
        )
