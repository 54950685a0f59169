"""Storage accounts as this program wants them: no public access, TLS 1.2, reached by connection string."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from durable.connections import Endpoints, connection_string
from durable.stores import DISPOSABLE, DISPOSABLE_TAG


@dataclass(frozen=True)
class StorageAccount:
    """An account: its name, which is known in preview, its resource, and its connection string, a secret."""

    name: str
    resource: storage.StorageAccount
    connection: pulumi.Output[str]


def disposable(group: Group) -> Group:
    """The same with tags that say of an account: it may go with its stack, although orchestrations are in it."""
    return replace(group, tags={**(group.tags or {}), DISPOSABLE_TAG: DISPOSABLE})


def storage_account(logical_name: str, account_name: str, group: Group, opts: pulumi.ResourceOptions) -> StorageAccount:
    """Declare a storage account."""
    account = storage.StorageAccount(
        logical_name,
        account_name=account_name,
        resource_group_name=group.name,
        location=group.location,
        kind=storage.Kind.STORAGE_V2,
        sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
        allow_blob_public_access=False,
        enable_https_traffic_only=True,
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        tags=group.tags,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[group.resource])),
    )
    # The output as the argument makes the call wait for the account; on a first preview its answer is unknown.
    keys = storage.list_storage_account_keys_output(
        account_name=account.name,
        resource_group_name=group.name,
        opts=pulumi.InvokeOutputOptions(parent=opts.parent, depends_on=[account]),
    )
    return StorageAccount(account_name, account, _connection(account_name, keys, account.primary_endpoints))


def connection_to(account_name: str, group_name: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The connection string, a secret, of an account that another stack owns and that must be there."""
    options = pulumi.InvokeOutputOptions(parent=parent)
    named = {"account_name": account_name, "resource_group_name": group_name}
    account = storage.get_storage_account_output(**named, opts=options)
    keys = storage.list_storage_account_keys_output(**named, opts=options)
    return _connection(account_name, keys, account.primary_endpoints)


def _connection(
    name: str,
    keys: pulumi.Output[storage.ListStorageAccountKeysResult],
    endpoints: pulumi.Output[storage.outputs.EndpointsResponse],
) -> pulumi.Output[str]:
    connection = pulumi.Output.all(keys.keys[0].value, endpoints.blob, endpoints.queue, endpoints.table).apply(
        lambda known: connection_string(name, known[0], Endpoints(*known[1:]))
    )
    return pulumi.Output.secret(connection)
