"""The stored packages, in Azurite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import HttpResponseError

from durable.connections import Endpoints, connection_string
from release.cloud import Cloud
from release.login import LoopbackCredential
from release.package_store import PackageStore, PackageStoreError, open_package_store
from tests.localazure.host.test_azurite import Azurite, a_name, new_key
from tests.loopback import Answer, Request, answering

OLD, NEW = "a" * 64, "b" * 64


def no_identity() -> TokenCredential:
    raise AssertionError("a key needs no identity")


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    process = Azurite(tmp_path_factory.mktemp("azurite"))
    yield process
    process.process.stop()


class Account:
    def __init__(self, azurite: Azurite) -> None:
        self.name, self.key = a_name(), new_key()
        azurite.storage.set_accounts({self.name: (self.key, new_key())})
        self._endpoints = Endpoints(**azurite.storage.endpoints(self.name))
        self.container = azurite.blobs(self.name, self.key).get_container_client("packages")

    def open(self, key: str | None = None) -> PackageStore:
        return open_package_store(
            {"AzureWebJobsStorage": connection_string(self.name, key or self.key, self._endpoints)}, no_identity
        )


@pytest.fixture
def account(azurite: Azurite) -> Account:
    return Account(azurite)


def test_packages_are_listed_with_size_and_time_and_other_blobs_are_left_out(account: Account) -> None:
    account.container.create_container()
    for name in (f"{NEW}.zip", "readme.txt", f"{OLD}.zip"):
        account.container.upload_blob(name, name.encode())
    found = account.open().all()
    assert {one.sha256 for one in found} == {OLD, NEW}
    assert {one.size for one in found} == {68}
    assert [one.uploaded for one in found] == sorted(
        account.container.get_blob_client(f"{sha}.zip").get_blob_properties().last_modified for sha in (OLD, NEW)
    )


def test_an_account_without_the_container_has_no_packages(account: Account) -> None:
    assert account.open().all() == ()


def test_a_package_is_deleted_and_one_that_is_gone_is_no_error(account: Account) -> None:
    account.container.create_container()
    account.container.upload_blob(f"{OLD}.zip", b"old")
    (stored,) = account.open().all()
    account.open().delete(stored)
    assert account.open().all() == ()
    account.open().delete(stored)


def test_a_package_that_was_uploaded_anew_is_not_deleted(account: Account) -> None:
    account.container.create_container()
    account.container.upload_blob(f"{OLD}.zip", b"old")
    (stored,) = account.open().all()
    with pytest.raises(PackageStoreError, match="412"):
        account.open().delete(replace(stored, uploaded=stored.uploaded - timedelta(days=1)))
    assert len(account.open().all()) == 1


def test_a_key_that_does_not_fit_is_told_without_it(account: Account) -> None:
    wrong = new_key()
    with pytest.raises(PackageStoreError, match=rf"{account.name}.*403.*What to do") as raised:
        account.open(wrong).all()
    assert isinstance(raised.value.__cause__, HttpResponseError)
    assert wrong not in str(raised.value)


@pytest.mark.parametrize("connection", ["", "AccountName=shop", "nonsense"])
def test_a_connection_that_is_none_is_refused_with_the_way_out(connection: str) -> None:
    with pytest.raises(PackageStoreError, match="pulumi up"):
        open_package_store({"AzureWebJobsStorage": connection}, no_identity)


class Recorder:
    """Gives a token, and lists the packages to whoever shows it, unless it is told to deny them."""

    def __init__(self) -> None:
        self.denies = False
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request.target.partition("?")[0])
        if request.target == "/t/oauth2/v2.0/token":
            return Answer(body=json.dumps({"access_token": "local-token", "expires_in": 3600}).encode())
        assert request.headers["authorization"] == "Bearer local-token"
        if self.denies:
            return Answer(403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})
        blob = (
            f"<Blob><Name>{OLD}.zip</Name><Properties><Last-Modified>Wed, 01 Jul 2026 08:00:00 GMT</Last-Modified>"
            "<Content-Length>3</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
        )
        listed = f"<EnumerationResults><Blobs>{blob}</Blobs><NextMarker /></EnumerationResults>"
        return Answer(body=listed.encode(), headers={"Content-Type": "application/xml"})


def test_packages_are_listed_as_an_identity_and_a_missing_role_is_named() -> None:
    recorder = Recorder()
    with answering(recorder) as address:
        credential = LoopbackCredential(Cloud(address, address, address, loopback=True), "t", "c", "s")
        settings = {"AzureWebJobsStorage__blobServiceUri": f"{address}/shophost/"}
        store = open_package_store(settings, lambda: credential)
        assert [one.sha256 for one in store.all()] == [OLD]
        assert recorder.asked == ["/t/oauth2/v2.0/token", "/shophost/packages"]
        recorder.denies = True
        with pytest.raises(PackageStoreError, match=r"shophost.*403.*Storage Blob Data Reader.*readers"):
            store.all()


def test_a_token_for_packages_goes_over_https_only() -> None:
    class Identity:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            raise AssertionError("nothing may be sent")

    settings = {"AzureWebJobsStorage__blobServiceUri": "http://127.0.0.1:1/shophost"}
    with pytest.raises(PackageStoreError, match="pulumi up"):
        open_package_store(settings, Identity)
