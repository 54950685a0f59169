"""Storage accounts as this program wants them: no public access, TLS 1.2, reached by connection string."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from durable.connections import Endpoints, connection_string


@dataclass(frozen=True)
class StorageAccount:
    """An account: its name, which is known in preview, its resource, and its connection string, a secret."""

    name: str
    resource: storage.StorageAccount
    connection: pulumi.Output[str]


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
    endpoints = account.primary_endpoints
    connection = pulumi.Output.all(keys.keys[0].value, endpoints.blob, endpoints.queue, endpoints.table).apply(
        lambda known: connection_string(account_name, known[0], Endpoints(*known[1:]))
    )
    return StorageAccount(account_name, account, pulumi.Output.secret(connection))
