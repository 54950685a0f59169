"""A package in the storage that its slots run it from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_azure_native import storage

from components.group import Group
from components.host_storage import HostStorage
from durable.app_settings import PACKAGES, package_file


@dataclass(frozen=True)
class PackageBlobArgs:
    """`sha256` names the blob. `path` is the file to upload, None for a package that has been uploaded earlier."""

    group: Group
    host: HostStorage
    sha256: str
    path: Path | None = None


class PackageBlob(pulumi.ComponentResource):
    """One package as a blob, and a resource of its own, so that a new package is uploaded before an old one goes.

    Declare it for as long as a slot names the package. The blob is deleted afterwards, and not retained: azure-native
    refuses to create a blob that is there already, so a retained one would bar the way back to its package.
    """

    url: pulumi.Output[str]

    def __init__(self, args: PackageBlobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        name = f"package-{args.sha256[:12]}"
        super().__init__("durable-zero-downtime:index:PackageBlob", name, {}, opts)
        file = package_file(args.sha256)
        container = pulumi.ResourceOptions(
            parent=self,
            depends_on=[args.host.container],
            deleted_with=args.host.container,
            replace_with=[args.host.container],
        )
        self.blob = storage.Blob(
            name,
            blob_name=file,
            account_name=args.host.account.name,
            container_name=PACKAGES,
            resource_group_name=args.group.name,
            type=storage.BlobType.BLOCK,
            content_type="application/zip",
            source=pulumi.FileAsset(str(args.path)) if args.path else None,
            opts=container if args.path else pulumi.ResourceOptions.merge(container, _kept(args.sha256)),
        )
        # Not the blob's own output, so that a preview names the package that a slot is going to run.
        self.url = pulumi.Output.concat(args.host.packages_url, "/", file)
        self.register_outputs({"sha256": args.sha256, "url": self.url})


def _kept(sha256: str) -> pulumi.ResourceOptions:
    """For a blob whose content isn't at hand: it stays as it is, and is not made anew, which would leave it empty."""

    def refuse(args: pulumi.ResourceHookArgs) -> None:  # noqa: ARG001
        raise RuntimeError(
            f"A slot runs package {sha256}, whose blob is neither in the storage account nor in this stack's state. "
            "Without it the slot fails at its next restart. Upload the package's zip again under "
            f"{PACKAGES}/{package_file(sha256)} and import it into the stack, or set `package` to that zip."
        )

    hook = pulumi.ResourceHook(f"keep-package-{sha256[:12]}", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceOptions(ignore_changes=["source"], hooks=pulumi.ResourceHookBinding(before_create=[hook]))
