"""The tracking store: one account with the instances and histories of several apps, for one view."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from components.storage_account import ReachedAccount, account_elsewhere, disposable, storage_account
from durable.hub_names import CLAIMANT, claim_container


@dataclass(frozen=True)
class TrackingStoreArgs:
    """`owner` is the resource group of an account that another stack owns; None has this one own it.

    An account of its own is kept by `protect` as a durable store is. `hubs` are the names of the task hubs that `app`
    has in the account, which no other app may have.
    """

    group: Group
    account: str
    owner: str | None
    protect: bool
    hubs: Collection[str]
    app: str


class TrackingStore(pulumi.ComponentResource):
    """The account, if it is this stack's own, and a container for each hub name that tells whose it is.

    A name can be claimed once, as a container can be made once: of two apps that are deployed at the same time, the
    second one fails before it writes any settings that wait for `claims`.
    """

    account: ReachedAccount
    claims: list[storage.BlobContainer]

    def __init__(self, name: str, args: TrackingStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:TrackingStore", name, {}, opts)
        below = pulumi.ResourceOptions(parent=self)
        if args.owner is None:
            group = args.group if args.protect else disposable(args.group)
            # Its keys stay in force: whether other apps come by them, this stack can't see.
            account = storage_account(
                name, args.account, group, pulumi.ResourceOptions(parent=self, protect=args.protect)
            )
            self.account, owner = account, account.resource
            below = pulumi.ResourceOptions(parent=self, depends_on=[owner], deleted_with=owner, replace_with=[owner])
        else:
            self.account = account_elsewhere(args.account, args.owner, self)
        self.claims = [
            storage.BlobContainer(
                claim_container(hub),
                container_name=claim_container(hub),
                account_name=args.account,
                resource_group_name=args.owner or args.group.name,
                public_access=storage.PublicAccess.NONE,
                metadata={CLAIMANT: args.app},
                opts=below,
            )
            for hub in sorted(args.hubs)
        ]
        self.register_outputs({"accountName": args.account, "taskHubs": sorted(args.hubs)})
