"""All resource types that local Azure knows."""

from __future__ import annotations

from localazure.arm.resource_type import ResourceType
from localazure.arm.types.accounts import StorageAccounts
from localazure.arm.types.authorization import RoleAssignments, RoleDefinitions
from localazure.arm.types.blobs import BlobContainers, BlobServices
from localazure.arm.types.groups import Providers, ResourceGroups, Resources, Subscriptions, Tenants
from localazure.arm.types.identities import UserAssignedIdentities
from localazure.arm.types.monitoring import Components, Workspaces
from localazure.arm.types.plans import Plans
from localazure.arm.types.site_actions import Hosts, SlotHosts
from localazure.arm.types.site_config import SiteConfigs, SlotConfigs
from localazure.arm.types.sites import Sites, Slots


def all_types() -> list[ResourceType]:
    """One instance of each."""
    types: list[ResourceType] = [
        Subscriptions(),
        Tenants(),
        ResourceGroups(),
        Resources(),
        StorageAccounts(),
        BlobServices(),
        BlobContainers(),
        Plans(),
        Sites(),
        Slots(),
        SiteConfigs(),
        SlotConfigs(),
        Hosts(),
        SlotHosts(),
        UserAssignedIdentities(),
        RoleDefinitions(),
        RoleAssignments(),
        Workspaces(),
        Components(),
    ]
    return [*types, Providers(types)]
