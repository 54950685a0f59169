"""A package in the storage that its slots run it from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from components.host_storage import PACKAGES, HostStorage
from durable.app_settings import package_file


@dataclass(frozen=True)
class PackageBlobArgs:
    """`sha256` is that of the file at `path`, and names the blob."""

    group: Group
    host: HostStorage
    path: Path
    sha256: str


class PackageBlob(pulumi.ComponentResource):
    """One package as a blob, and a resource of its own, so that a new package is uploaded before the old one goes.

    Declare it for as long as a slot names the package. The blob is deleted afterwards, and not retained: azure-native
    refuses to create a blob that is there already, so a retained one would bar the way back to its package.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: PackageBlobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("durable-zero-downtime:index:PackageBlob", name, {}, opts)
        file = package_file(args.sha256)
        self.blob = storage.Blob(
            f"{name}-{args.sha256[:12]}",
            blob_name=file,
            account_name=args.host.account_name,
            container_name=PACKAGES,
            resource_group_name=args.group.name,
            type=storage.BlobType.BLOCK,
            content_type="application/zip",
            source=pulumi.FileAsset(str(args.path)),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.host.container],
                deleted_with=args.host.container,
                replace_with=[args.host.container],
            ),
        )
        # Not the blob's own output, so that a preview names the package that a slot is going to run.
        self.url = pulumi.Output.concat(args.host.packages_url, "/", file)
        self.register_outputs({"sha256": args.sha256, "url": self.url})
