"""Azurite as local Azure runs it, asked by Microsoft's own client libraries."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from localazure.azurite.process import AzuriteProcess
from localazure.azurite.storage import AzuriteStorage
from localazure.environment import Endpoints
from localazure.errors import LocalAzureError, PortTakenError
from localazure.locks import is_held
from localazure.state import Ports, listen

WELL_KNOWN_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def a_name(prefix: str = "account") -> str:
    return prefix + secrets.token_hex(4)


class Azurite:
    """A process with its storage, and clients of it that don't try again."""

    def __init__(self, folder: Path, ports: Ports | None = None) -> None:
        self.folder = folder
        self.ports = ports or Ports.free()
        self.process = AzuriteProcess(folder / "data", folder / "lock", self.ports)
        self.storage = AzuriteStorage(self.process, Endpoints.of(self.ports))

    def blobs(self, account: str, key: str) -> BlobServiceClient:
        credential = {"account_name": account, "account_key": key}
        return BlobServiceClient(self.storage.endpoints(account)["blob"], credential, retry_total=0)

    def queues(self, account: str, key: str) -> QueueServiceClient:
        credential = {"account_name": account, "account_key": key}
        return QueueServiceClient(self.storage.endpoints(account)["queue"], credential, retry_total=0)

    def tables(self, account: str, key: str) -> TableServiceClient:
        credential = AzureNamedKeyCredential(account, key)
        return TableServiceClient(self.storage.endpoints(account)["table"], credential=credential, retry_total=0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One process for all tests that only differ in their accounts; each sets its own."""
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    yield azurite
    azurite.process.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Azurite]:
    azurite = Azurite(tmp_path)
    yield azurite
    azurite.process.stop()


def ask_each(azurite: Azurite, account: str, key: str) -> list[Callable[[], list[Any]]]:
    return [
        lambda: list(azurite.blobs(account, key).list_containers()),
        lambda: list(azurite.queues(account, key).list_queues()),
        lambda: list(azurite.tables(account, key).list_tables()),
    ]


def refuses(azurite: Azurite, account: str, key: str) -> bool:
    """Whether all three services refuse the key."""
    for ask in ask_each(azurite, account, key):
        with pytest.raises((ClientAuthenticationError, HttpResponseError)) as refused:
            ask()
        # The table service answers 403 to an account that it doesn't know, and so do the others for a wrong key.
        if refused.value.status_code not in (400, 403, 404):
            return False
    return True


def test_both_keys_of_an_account_open_its_blobs_queues_and_tables(shared: Azurite) -> None:
    account, keys = a_name(), (new_key(), new_key())
    shared.storage.set_accounts({account: keys})
    shared.blobs(account, keys[0]).create_container("box").upload_blob("b", b"content")
    shared.queues(account, keys[0]).create_queue("queue").send_message("message")
    shared.tables(account, keys[0]).create_table("table").create_entity({"PartitionKey": "p", "RowKey": "r", "n": 7})

    assert shared.blobs(account, keys[1]).get_blob_client("box", "b").download_blob().readall() == b"content"
    message = shared.queues(account, keys[1]).get_queue_client("queue").receive_message()
    assert message is not None
    assert message.content == "message"
    assert shared.tables(account, keys[1]).get_table_client("table").get_entity("p", "r")["n"] == 7


def test_a_rotated_key_works_at_once_and_the_old_one_is_refused(shared: Azurite) -> None:
    account, old, kept, new = a_name(), new_key(), new_key(), new_key()
    shared.storage.set_accounts({account: (old, kept)})
    shared.storage.set_accounts({account: (new, kept)})
    assert [ask() for key in (new, kept) for ask in ask_each(shared, account, key)] == [[]] * 6
    assert refuses(shared, account, old)


def test_an_account_that_was_removed_is_refused_and_the_others_stay(shared: Azurite) -> None:
    gone, stays = (a_name(), (new_key(), new_key())), (a_name(), (new_key(), new_key()))
    shared.storage.set_accounts(dict([gone, stays]))
    shared.storage.set_accounts(dict([stays]))
    assert refuses(shared, gone[0], gone[1][0])
    assert [ask() for ask in ask_each(shared, stays[0], stays[1][0])] == [[], [], []]


def test_azurites_well_known_account_is_refused_even_when_there_is_no_account(shared: Azurite) -> None:
    shared.storage.set_accounts({})
    assert refuses(shared, "devstoreaccount1", WELL_KNOWN_KEY)


def test_a_container_may_be_made_and_deleted_twice(shared: Azurite) -> None:
    account, key = a_name(), new_key()
    shared.storage.set_accounts({account: (key, new_key())})
    shared.storage.create_container(account, key, "one")
    shared.storage.create_container(account, key, "one")
    shared.storage.create_container(account, key, "two")
    assert shared.storage.list_containers(account, key) == ["one", "two"]
    shared.storage.delete_container(account, key, "one")
    shared.storage.delete_container(account, key, "one")
    assert shared.storage.list_containers(account, key) == ["two"]


def test_a_blob_is_read_only_where_it_is(shared: Azurite) -> None:
    account, key = a_name(), new_key()
    shared.storage.set_accounts({account: (key, new_key())})
    shared.storage.create_container(account, key, "packages")
    blob = shared.blobs(account, key).get_blob_client("packages", "a/b c.zip")
    blob.upload_blob(b"zip")
    assert shared.storage.read_blob(blob.url, key) == b"zip"
    assert shared.storage.read_blob(blob.url + "x", key) is None
    assert shared.storage.read_blob(blob.url.replace("packages", "nowhere"), key) is None
    assert shared.storage.read_blob("https://elsewhere.example/packages/a.zip", key) is None


def test_wiping_empties_one_account_and_no_other(shared: Azurite) -> None:
    wiped, other, key = a_name(), a_name(), new_key()
    shared.storage.set_accounts({wiped: (key, new_key()), other: (key, new_key())})
    for account in (wiped, other):
        shared.blobs(account, key).create_container("box").upload_blob("b", b"content")
        shared.queues(account, key).create_queue("queue")
        shared.tables(account, key).create_table("table")
    shared.storage.wipe(wiped, key)
    assert [len(ask()) for ask in ask_each(shared, wiped, key)] == [0, 0, 0]
    assert [len(ask()) for ask in ask_each(shared, other, key)] == [1, 1, 1]


def test_data_survives_a_stop_and_the_accounts_are_served_again(own: Azurite) -> None:
    account, key = a_name(), new_key()
    own.storage.set_accounts({account: (key, new_key())})
    own.blobs(account, key).create_container("box").upload_blob("b", b"content")
    own.queues(account, key).create_queue("queue")
    own.tables(account, key).create_table("table")
    own.process.stop()
    assert not is_held(own.folder / "lock")
    own.process.ensure()
    assert own.blobs(account, key).get_blob_client("box", "b").download_blob().readall() == b"content"
    assert [len(ask()) for ask in ask_each(own, account, key)] == [1, 1, 1]


def test_a_process_that_was_killed_is_started_again_by_the_next_call_with_its_accounts_and_containers(
    own: Azurite,
) -> None:
    account, key = a_name(), new_key()
    own.storage.set_accounts({account: (key, new_key())})
    own.storage.create_container(account, key, "made-just-before")
    first = own.process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert own.storage.list_containers(account, key) == ["made-just-before"]
    assert own.process.pid != first


def test_a_parent_that_is_killed_takes_azurite_with_it_and_its_data_is_on_disk(tmp_path: Path) -> None:
    ports, account, key = Ports.free(), a_name(), new_key()
    program = f"""
import sys
from pathlib import Path
from tests.localazure.host.test_azurite import Azurite, Ports
azurite = Azurite(Path({str(tmp_path)!r}), Ports({ports.arm}))
azurite.storage.set_accounts({{{account!r}: ({key!r}, {key!r})}})
azurite.tables({account!r}, {key!r}).create_table("table")
print("ready", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        assert is_held(tmp_path / "lock")
        parent.kill()
    # The new process waits for the old one to save its data and end.
    successor = Azurite(tmp_path, ports)
    successor.storage.set_accounts({account: (key, key)})
    assert [table.name for table in successor.tables(account, key).list_tables()] == ["table"]
    successor.process.stop()


@pytest.mark.parametrize("service", ["blob", "queue", "table"])
def test_a_port_that_is_taken_is_named(own: Azurite, service: str) -> None:
    port = own.ports.all[service]
    with closing(listen(port)), pytest.raises(PortTakenError, match=f"{port} is in use by another program"):
        own.process.ensure()
    assert own.process.pid is None
    assert not is_held(own.folder / "lock")


def test_without_node_the_message_says_what_to_install(own: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(own.folder))
    with pytest.raises(LocalAzureError, match=r"Node\.js isn't on PATH.*install Node\.js 18 or newer"):
        own.process.ensure()


def test_a_node_that_is_too_old_is_named_with_its_version(own: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    old = own.folder / "node"
    old.write_text(
        """#!/bin/sh\necho '{"error": {"code": "NODE_TOO_OLD", "message": "Node.js 16.1.0, 18 needed"}}'\n"""
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(own.folder))
    with pytest.raises(LocalAzureError, match=r"can't run on this Node\.js 16\.1\.0, 18 needed"):
        own.process.ensure()


def test_without_node_modules_the_message_says_to_run_setup(own: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localazure.azurite.process._PACKAGE", own.folder / "package.json")
    with pytest.raises(LocalAzureError, match="run `make setup`"):
        own.process.ensure()


def test_a_deleted_container_is_not_found(shared: Azurite) -> None:
    account, key = a_name(), new_key()
    shared.storage.set_accounts({account: (key, new_key())})
    shared.storage.create_container(account, key, "gone")
    shared.storage.delete_container(account, key, "gone")
    with pytest.raises(ResourceNotFoundError):
        shared.blobs(account, key).get_container_client("gone").get_container_properties()
