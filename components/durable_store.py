"""A store: the storage account in which one task hub lives."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.group import Group
from components.storage_account import StorageAccount, disposable, storage_account
from durable.stores import Store


@dataclass(frozen=True)
class DurableStoreArgs:
    """`protect` keeps the account, and with it all orchestrations, from being deleted by Pulumi.

    Without it the account is tagged as disposable, so that who sees it in Azure, or judges the program, knows.
    `takes_keys`: whether the account's keys open it, which they must for as long as a slot's settings hold one.
    """

    group: Group
    store: Store
    protect: bool
    takes_keys: bool


class DurableStore(pulumi.ComponentResource):
    """The account of one colour."""

    store: Store
    account: StorageAccount

    def __init__(self, name: str, args: DurableStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:DurableStore", name, {}, opts)
        group = args.group if args.protect else disposable(args.group)
        self.store = args.store
        self.account = storage_account(
            name,
            args.store.account,
            group,
            pulumi.ResourceOptions(parent=self, protect=args.protect),
            takes_keys=args.takes_keys,
        )
        self.register_outputs(
            {"colour": args.store.colour, "accountName": self.account.name, "taskHub": args.store.hub}
        )
