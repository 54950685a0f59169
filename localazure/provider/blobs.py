"""Blobs of a storage account: the one type here that lives on the data plane, reached with an account key."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from localazure.provider.arm_client import ArmClient, Query
from localazure.provider.assets import content
from localazure.provider.backend import Found
from localazure.provider.catalogue import ResourceType, fill
from localazure.provider.endpoint import require_loopback
from localazure.provider.errors import ArmError, PartialFailureError, ProviderError
from localazure.provider.table import ACCOUNT

if TYPE_CHECKING:  # half a second to import, so only a program with blobs pays for it
    from azure.storage.blob import BlobClient

STORAGE_VERSION: Final = "2024-01-01"
OCTETS: Final = "application/octet-stream"


class BlobResources:
    def __init__(self, arm: ArmClient, subscription: str) -> None:
        self._arm = arm
        self._subscription = subscription

    def create(self, resource: ResourceType, inputs: Mapping[str, Any], timeout: float) -> Found:
        resource_id = resource.id_of(inputs, self._subscription)
        with self._client(resource, resource_id) as blob, _worded(resource_id):
            if blob.exists():
                raise ProviderError(f"cannot create already existing resource '{resource_id}'")
            self._upload(blob, resource_id, inputs, timeout)
        return self._written(resource, resource_id)

    def read(self, resource: ResourceType, resource_id: str) -> Found | None:
        try:
            with self._client(resource, resource_id) as blob, _worded(resource_id):
                found = blob.get_blob_properties()
                url = blob.url
        except ArmError as error:
            if not error.not_found:
                raise
            return None
        settings = found.content_settings
        outputs = {
            "accessTier": found.blob_tier,
            "contentMd5": base64.b64encode(settings.content_md5).decode() if settings.content_md5 else None,
            "contentType": settings.content_type,
            "metadata": dict(found.metadata or {}),
            "name": found.name,
            "type": str(found.blob_type.value).removesuffix("Blob"),
            "url": url,
        }
        return Found(resource_id, {name: value for name, value in outputs.items() if value is not None})

    def update(self, resource: ResourceType, resource_id: str, inputs: Mapping[str, Any], timeout: float) -> Found:
        """Changes what can be changed in place: content type, metadata, tier. New content is a new blob."""
        from azure.storage.blob import ContentSettings

        with self._client(resource, resource_id) as blob, _worded(resource_id):
            found = blob.get_blob_properties(timeout=_seconds(timeout))
            md5 = found.content_settings.content_md5
            content_type = inputs.get("contentType", OCTETS)
            blob.set_http_headers(ContentSettings(content_type=content_type, content_md5=md5))
            blob.set_blob_metadata(inputs.get("metadata", {}))
            if tier := inputs.get("accessTier"):
                blob.set_standard_blob_tier(tier)
        return self._written(resource, resource_id)

    def delete(self, resource: ResourceType, resource_id: str, timeout: float) -> None:
        try:
            with self._client(resource, resource_id) as blob, _worded(resource_id):
                blob.delete_blob(delete_snapshots="include", timeout=_seconds(timeout))
        except ArmError as error:
            if not error.not_found:
                raise

    def _upload(self, blob: BlobClient, resource_id: str, inputs: Mapping[str, Any], timeout: float) -> None:
        from azure.core.exceptions import ServiceRequestError, ServiceResponseError
        from azure.storage.blob import BlobType, ContentSettings

        md5 = inputs.get("contentMd5")
        settings = ContentSettings(
            content_type=inputs.get("contentType", OCTETS),
            content_md5=bytearray(base64.b64decode(md5)) if md5 else None,
        )
        append = str(inputs.get("type", "Block")).lower() == "append"
        if append and "source" in inputs:
            raise ProviderError("a source cannot be specified for an Append blob")
        try:
            if append:
                blob.create_append_blob(content_settings=settings, metadata=inputs.get("metadata"))
            else:
                with content(inputs.get("source")) as data:
                    blob.upload_blob(
                        data,
                        blob_type=BlobType.BLOCKBLOB,
                        overwrite=True,
                        content_settings=settings,
                        metadata=inputs.get("metadata"),
                        standard_blob_tier=inputs.get("accessTier"),
                        timeout=_seconds(timeout),
                    )
        except (ServiceRequestError, ServiceResponseError) as error:
            raise PartialFailureError(resource_id, {}, f"uploading '{resource_id}': {error}") from error

    def _written(self, resource: ResourceType, resource_id: str) -> Found:
        try:
            found = self.read(resource, resource_id)
        except ProviderError as error:
            raise PartialFailureError(resource_id, {}, str(error)) from error
        if found is None:
            raise PartialFailureError(resource_id, {}, f"'{resource_id}' was written, but isn't found")
        return found

    @contextmanager
    def _client(self, resource: ResourceType, resource_id: str) -> Iterator[BlobClient]:
        """A client with the account's first key, at the endpoint that ARM tells."""
        from azure.storage.blob import BlobClient, ExponentialRetry

        names = resource.parse_id(resource_id)
        if names is None:
            raise ProviderError(f"'{resource_id}' is not the id of a blob, which is {resource.path}")
        account = fill(ACCOUNT, {**names, "subscriptionId": self._subscription})
        query = Query(STORAGE_VERSION)
        endpoint = self._arm.get(account, query)["properties"]["primaryEndpoints"]["blob"]
        key = self._arm.post(f"{account}/listKeys", query)["keys"][0]["value"]
        with BlobClient(
            require_loopback(endpoint),
            names["containerName"],
            names["blobName"],
            credential={"account_name": names["accountName"], "account_key": key},
            retry_policy=ExponentialRetry(initial_backoff=0, increment_base=2, retry_total=3),
        ) as blob:
            yield blob


@contextmanager
def _worded(resource_id: str) -> Iterator[None]:
    """Storage's errors in the form of ARM's."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        raise ArmError(
            error.status_code or 0, getattr(error, "error_code", None), f"{resource_id}: {error.reason}"
        ) from error
    except AzureError as error:
        raise ProviderError(f"{resource_id}: {error.message}") from error


def _seconds(timeout: float) -> int | None:
    return int(timeout) or None
