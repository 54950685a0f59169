"""The storage that the Functions host itself uses: one account for all slots, apart from the stores."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from components.storage_account import StorageAccount, storage_account
from durable.app_settings import PACKAGES


@dataclass(frozen=True)
class HostStorageArgs:
    group: Group
    account_name: str


class HostStorage(pulumi.ComponentResource):
    """The account behind AzureWebJobsStorage, with a private container for packages."""

    account: StorageAccount
    container: storage.BlobContainer
    packages_url: pulumi.Output[str]

    def __init__(self, name: str, args: HostStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:HostStorage", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Its keys stay in force: the provider uploads packages with one.
        self.account = account = storage_account(name, args.account_name, args.group, child)
        self.container = storage.BlobContainer(
            PACKAGES,
            container_name=PACKAGES,
            account_name=account.name,
            resource_group_name=args.group.name,
            public_access=storage.PublicAccess.NONE,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[account.resource],
                deleted_with=account.resource,
                replace_with=[account.resource],
            ),
        )
        self.packages_url = pulumi.Output.concat(account.resource.primary_endpoints.blob, PACKAGES)
        self.register_outputs({"accountName": account.name, "packagesUrl": self.packages_url})
