"""Storage accounts as this program wants them: no public access, TLS 1.2; and how a slot's settings lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from durable.connections import Endpoints, connection_string
from durable.stores import DISPOSABLE, DISPOSABLE_TAG, Access

Connection: TypeAlias = Mapping[str, pulumi.Input[str]]
"""The settings that make up a connection: what follows its name in each (azure_facts.md 6), with the value.

A connection string has one setting, under the name itself: what follows is "".
"""


@dataclass(frozen=True)
class IdentityClient:
    """The user-assigned identity that an app reaches storage as.

    `by_name`: whether the host makes the addresses of an account from its name, as it does in the global cloud alone.
    """

    client_id: pulumi.Input[str]
    by_name: bool


@dataclass(frozen=True)
class ReachedAccount:
    """An account of this stack or another one: its name, which is known in preview, its id and its services' addresses.

    `waits_for` is what a call for its keys must wait for.
    """

    name: str
    id: pulumi.Output[str]
    endpoints: pulumi.Output[storage.outputs.EndpointsResponse]
    group: str
    parent: pulumi.Resource | None = field(repr=False)
    waits_for: tuple[pulumi.Resource, ...]

    def connection(self, access: Access, identity: IdentityClient) -> Connection:
        """The account in a slot's settings. Its names are known in preview; only for KEYS is a key asked for."""
        return {"": self.connection_string} if access is Access.KEYS else self._by_identity(identity)

    @cached_property
    def connection_string(self) -> pulumi.Output[str]:
        """A connection string with a key of the account, a secret: Azure is asked for the key with the first use."""
        # The id as a part of the argument makes the call wait for the account; on a first preview it isn't made.
        keys = storage.list_storage_account_keys_output(
            account_name=self.id.apply(lambda _: self.name),
            resource_group_name=self.group,
            opts=pulumi.InvokeOutputOptions(parent=self.parent, depends_on=list(self.waits_for)),
        )
        connection = pulumi.Output.all(
            keys.keys[0].value, self.endpoints.blob, self.endpoints.queue, self.endpoints.table
        ).apply(lambda known: connection_string(self.name, known[0], Endpoints(*known[1:])))
        return pulumi.Output.secret(connection)

    def _by_identity(self, identity: IdentityClient) -> Connection:
        addresses: Connection = {
            "__blobServiceUri": self.endpoints.blob,
            "__queueServiceUri": self.endpoints.queue,
            "__tableServiceUri": self.endpoints.table,
        }
        account = {"__accountName": self.name} if identity.by_name else addresses
        return {**account, "__credential": "managedidentity", "__clientId": identity.client_id}


def disposable(group: Group) -> Group:
    """The same with tags that say of an account: it may go with its stack, although orchestrations are in it."""
    return replace(group, tags={**(group.tags or {}), DISPOSABLE_TAG: DISPOSABLE})


@dataclass(frozen=True)
class StorageAccount(ReachedAccount):
    """An account of this stack."""

    resource: storage.StorageAccount


def storage_account(
    logical_name: str,
    account_name: str,
    group: Group,
    opts: pulumi.ResourceOptions,
    *,
    takes_keys: bool | None = None,
) -> StorageAccount:
    """Declare a storage account; `takes_keys` says whether its keys open it, None leaves that as Azure has it."""
    account = storage.StorageAccount(
        logical_name,
        account_name=account_name,
        resource_group_name=group.name,
        location=group.location,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
        allow_blob_public_access=False,
        allow_shared_key_access=takes_keys,
        enable_https_traffic_only=True,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        tags=group.tags,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[group.resource])),
    )
    return StorageAccount(
        account_name, account.id, account.primary_endpoints, group.name, opts.parent, (account,), account
    )


def account_elsewhere(account_name: str, group_name: str, parent: pulumi.Resource) -> ReachedAccount:
    """An account that another stack owns and that must be there."""
    account = storage.get_storage_account_output(
        account_name=account_name, resource_group_name=group_name, opts=pulumi.InvokeOutputOptions(parent=parent)
    )
    return ReachedAccount(account_name, account.id, account.primary_endpoints, group_name, parent, ())
