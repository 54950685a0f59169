"""Blobs, in a real Azurite."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from threading import Event
from typing import Any

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from localazure.azurite.process import AzuriteProcess
from localazure.azurite.storage import AzuriteStorage
from localazure.environment import Endpoints
from localazure.identity import SUBSCRIPTION_ID
from localazure.provider import arm_client
from localazure.provider.arm_client import ArmClient
from localazure.provider.blobs import BlobResources
from localazure.provider.catalogue import Catalogue, ResourceType
from localazure.provider.errors import ArmError, NotLoopbackError, ProviderError
from localazure.provider.wire import Asset
from localazure.state import Ports
from tests.localazure.provider.fake_arm import GROUP, HOST, FakeArm

KEY = base64.b64encode(secrets.token_bytes(64)).decode()
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/blobtests"
NAMES = {"resourceGroupName": "rg", "accountName": "blobtests", "containerName": "packages"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The blob endpoint of an account with one container."""
    folder = tmp_path_factory.mktemp("azurite")
    ports = Ports.free()
    process = AzuriteProcess(folder / "data", folder / "lock", ports)
    storage = AzuriteStorage(process, Endpoints.of(ports))
    storage.set_accounts({"blobtests": (KEY, KEY)})
    url = storage.endpoints("blobtests")["blob"]
    with BlobServiceClient(url, {"account_name": "blobtests", "account_key": KEY}) as client:
        client.create_container("packages")
    yield url
    process.stop()


@pytest.fixture
def blobs(arm: FakeArm, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> BlobResources:
    monkeypatch.setattr(arm_client, "FIRST_DELAY", 0)
    arm.resources[ACCOUNT.lower()] = {"properties": {"primaryEndpoints": {"blob": endpoint}}}
    arm.keys = [{"keyName": "key1", "value": KEY}]
    return BlobResources(ArmClient(HOST, Event(), httpx.MockTransport(arm)), SUBSCRIPTION_ID)


@pytest.fixture
def blob_type(catalogue: Catalogue) -> ResourceType:
    return catalogue.resource("azure-native:storage:Blob")


def blob(name: str, **more: Any) -> dict[str, Any]:
    return {**NAMES, "blobName": name, "source": Asset(archive=False, text="hello"), **more}


def test_a_blob_is_uploaded_read_changed_and_deleted(blobs: BlobResources, blob_type: ResourceType) -> None:
    inputs = blob("dir/a.txt", contentType="text/plain", metadata={"by": "test"})
    made = blobs.create(blob_type, inputs, 0)
    assert made.id == f"{ACCOUNT}/blobServices/default/containers/packages/blobs/dir/a.txt"
    assert made.outputs["name"] == "dir/a.txt"
    assert made.outputs["url"].endswith("/blobtests/packages/dir/a.txt")
    assert made.outputs["type"] == "Block"
    assert made.outputs["contentType"] == "text/plain"
    assert made.outputs["contentMd5"] == "XUFAKrxLKna5cZ2REBfFkg=="
    assert made.outputs["metadata"] == {"by": "test"}
    assert blobs.read(blob_type, made.id) == made

    changed = blobs.update(blob_type, made.id, {**inputs, "contentType": "text/html", "metadata": {}}, 0)
    assert changed.outputs["contentType"] == "text/html"
    assert changed.outputs["metadata"] == {}
    assert changed.outputs["contentMd5"] == made.outputs["contentMd5"]

    blobs.delete(blob_type, made.id, 0)
    assert blobs.read(blob_type, made.id) is None
    blobs.delete(blob_type, made.id, 0)


def test_a_blob_that_exists_is_not_overwritten(blobs: BlobResources, blob_type: ResourceType) -> None:
    blobs.create(blob_type, blob("once"), 0)
    with pytest.raises(ProviderError, match="cannot create already existing resource"):
        blobs.create(blob_type, blob("once"), 0)


def test_an_append_blob_has_no_source(blobs: BlobResources, blob_type: ResourceType) -> None:
    with pytest.raises(ProviderError, match="a source cannot be specified for an Append blob"):
        blobs.create(blob_type, blob("log", type="Append"), 0)
    made = blobs.create(blob_type, {**NAMES, "blobName": "log", "type": "Append"}, 0)
    assert made.outputs["type"] == "Append"


def test_a_missing_container_is_told_in_storages_words(blobs: BlobResources, blob_type: ResourceType) -> None:
    with pytest.raises(ArmError, match='Status=404 Code="ContainerNotFound"'):
        blobs.create(blob_type, {**blob("a"), "containerName": "nowhere"}, 0)


def test_the_blobs_of_a_missing_account_are_gone(blobs: BlobResources, blob_type: ResourceType, arm: FakeArm) -> None:
    made = blobs.create(blob_type, blob("orphan"), 0)
    del arm.resources[ACCOUNT.lower()]
    assert blobs.read(blob_type, made.id) is None
    blobs.delete(blob_type, made.id, 0)


def test_an_account_outside_this_machine_is_never_asked(
    blobs: BlobResources, blob_type: ResourceType, arm: FakeArm
) -> None:
    endpoints = {"blob": "https://blobtests.blob.core.windows.net/"}
    arm.resources[ACCOUNT.lower()] = {"properties": {"primaryEndpoints": endpoints}}
    with pytest.raises(NotLoopbackError):
        blobs.create(blob_type, blob("a"), 0)
