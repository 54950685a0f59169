"""Who may do what with which storage account: role assignments, each under a name that stays the same."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

from durable.roles import TITLES, StorageRole


@dataclass(frozen=True)
class Principal:
    """Whoever gets a role: `name` stands for it in names, `id` is its object id in Entra ID.

    Without the type ARM looks a principal up in Entra ID, which may not know a new identity yet.
    """

    name: str
    id: pulumi.Input[str]
    type: authorization.PrincipalType = authorization.PrincipalType.SERVICE_PRINCIPAL


@dataclass(frozen=True)
class Grant:
    """Roles of a principal on a storage account, or a part of one: `on` is its name in words, `scope` its id."""

    principal: Principal
    roles: Sequence[StorageRole]
    on: str
    scope: pulumi.Output[str]


@dataclass(frozen=True)
class StorageAccessArgs:
    """`site` keeps the names of its assignments apart from those of other apps."""

    site: str
    grants: Sequence[Grant]


class StorageAccess(pulumi.ComponentResource):
    """All that the grants give. A slot that reaches storage by them waits for `assignments`."""

    assignments: list[authorization.RoleAssignment]

    def __init__(self, name: str, args: StorageAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:StorageAccess", name, {}, opts)
        self.assignments = [
            role_assignment(
                f"{who}-{_slug(role)}-{grant.on}", f"{args.site}/{grant.on}/{who}/{role}", grant, role, self
            )
            for grant, who in ((grant, grant.principal.name) for grant in args.grants)
            for role in grant.roles
        ]
        self.register_outputs({})


def role_assignment(
    logical_name: str, key: str, grant: Grant, role: StorageRole, parent: pulumi.Resource
) -> authorization.RoleAssignment:
    """One role. Its name in Azure is a GUID made of `key`: the same for the same principal, scope and role alone."""
    return authorization.RoleAssignment(
        logical_name,
        role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_DNS, key)),
        scope=grant.scope,
        role_definition_id=grant.scope.apply(lambda scope: _definition(scope, role)),
        principal_id=grant.principal.id,
        principal_type=grant.principal.type,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _slug(role: StorageRole) -> str:
    """A role for a logical name: `blob-data-owner`."""
    return TITLES[role].removeprefix("Storage ").lower().replace(" ", "-")


def _definition(scope: str, role: StorageRole) -> str:
    """The role's id as ARM answers with it: below the subscription of the scope."""
    return f"/subscriptions/{scope.split('/')[2]}/providers/Microsoft.Authorization/roleDefinitions/{role}"
