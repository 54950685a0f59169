"""Access to storage by identity and by key: local Azure over a real Azurite, asked by Microsoft's own clients."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlencode

import httpx
import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableServiceClient, generate_table_sas
from azure.data.tables import generate_account_sas as generate_table_account_sas
from azure.storage.blob import (
    BlobServiceClient,
    UserDelegationKey,
    generate_account_sas,
    generate_container_sas,
)
from azure.storage.queue import QueueServiceClient, generate_queue_sas

from localazure.arm.roles import ROLES
from localazure.arm.tokens import Tokens
from localazure.azurite.process import AzuriteProcess
from localazure.azurite.storage import AzuriteStorage
from localazure.environment import Endpoints
from localazure.hubs.table import Place
from localazure.identity import CLIENT_ID
from localazure.state import Ports
from tests.localazure.conftest import GROUP, LOCATION, Arm, serving

AUDIENCE: Final = "https://storage.azure.com"
SERVICES: Final = ("blob", "queue", "table")
ALL: Final = {f"{service}/{use}" for service in SERVICES for use in ("read", "write")}
REFUSED: Final = (403, "AuthorizationPermissionMismatch")
KEYS_REFUSED: Final = (403, "KeyBasedAuthenticationNotPermitted")
NONE: Final = AzureSasCredential("no=signature")
"""The clients for queues and tables demand a credential, and take no token over http: the header has that."""
PERMITTED: Final = {
    "Owner": set(),
    "Contributor": set(),
    "Reader": set(),
    "Storage Account Contributor": set(),
    "Website Contributor": set(),
    "Storage Blob Data Owner": {"blob/read", "blob/write"},
    "Storage Blob Data Contributor": {"blob/read", "blob/write"},
    "Storage Blob Data Reader": {"blob/read"},
    "Storage Queue Data Contributor": {"queue/read", "queue/write"},
    "Storage Queue Data Reader": {"queue/read"},
    "Storage Table Data Contributor": {"table/read", "table/write"},
    "Storage Table Data Reader": {"table/read"},
}


class KnownKeyStorage(AzuriteStorage):
    """Remembers the key that it is to trust, so that a test can make tokens of its own."""

    token_key = ""

    def trust(self, token_key: str) -> None:
        self.token_key = token_key
        super().trust(token_key)


@dataclass(frozen=True)
class Account:
    """A storage account with a blob container, a queue and a table of the name `data`, each with something in it."""

    azure: Azure
    name: str
    key: str
    headers: dict[str, str] = field(default_factory=dict)
    """Of all requests of its clients."""

    @property
    def id(self) -> str:
        return f"{self.azure.arm.group}/providers/Microsoft.Storage/storageAccounts/{self.name}"

    def url(self, service: str) -> str:
        return self.azure.storage.endpoints(self.name)[service]

    def blobs(self, credential: Any = NONE) -> BlobServiceClient:
        return BlobServiceClient(self.url("blob"), credential, retry_total=0, headers=self.headers)

    def queues(self, credential: Any = NONE) -> QueueServiceClient:
        return QueueServiceClient(self.url("queue"), credential, retry_total=0, headers=self.headers)

    def tables(self, credential: Any = NONE) -> TableServiceClient:
        return TableServiceClient(self.url("table"), credential=credential, retry_total=0, headers=self.headers)

    def bearing(self, token: str) -> Account:
        return Account(self.azure, self.name, self.key, {"Authorization": f"Bearer {token}"})

    def of(self, principal: str) -> Account:
        """The account as a principal sees it."""
        return self.bearing(self.azure.tokens.issue(principal, principal, AUDIENCE))

    def lock(self, *, keys: bool = False) -> None:
        properties = {"allowSharedKeyAccess": keys}
        self.azure.arm.accounts.storage_accounts.update(GROUP, self.name, {"properties": properties})


@dataclass(frozen=True)
class Azure:
    arm: Arm
    storage: KnownKeyStorage

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.storage.token_key)

    def account(self) -> Account:
        name = f"account{secrets.token_hex(4)}"
        self.arm.make_account(name)
        made = Account(self, name, self.key(name))
        key = named_key(made)
        with made.blobs(key) as blobs, made.queues(key) as queues, made.tables(key) as tables:
            blobs.create_container("data").upload_blob("blob", b"content")
            queues.create_queue("data").send_message("message")
            tables.create_table("data").create_entity({"PartitionKey": "p", "RowKey": "r"})
        return made

    def key(self, account: str) -> str:
        """The first key that ARM lists."""
        listed = self.arm.accounts.storage_accounts.list_keys(GROUP, account)
        return str(listed["keys"][0]["value"])

    def principal(self) -> str:
        """The object id of a new user-assigned identity."""
        url = f"{self.arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{secrets.token_hex(4)}"
        made = self.arm.http.put(url, params={"api-version": "2023-01-31"}, json={"location": LOCATION})
        return str(made.json()["properties"]["principalId"])

    def assign(self, scope: str, role: str, principal: str) -> str:
        """The name of a new role assignment."""
        name = str(uuid.uuid4())
        definition = next(guid for guid, each in ROLES.items() if each.title == role)
        properties = {"roleDefinitionId": f"/providers/x/roleDefinitions/{definition}", "principalId": principal}
        self.arm.roles.role_assignments.create(scope, name, {"properties": properties})
        return name


def named_key(account: Account) -> AzureNamedKeyCredential:
    return AzureNamedKeyCredential(account.name, account.key)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    folder = tmp_path_factory.mktemp("azure")
    ports = Ports.free()
    process = AzuriteProcess(folder / "data", folder / "lock", ports)
    storage = KnownKeyStorage(process, Endpoints.of(ports))
    with serving(folder / "arm.sqlite", cast(Any, storage)) as arm:
        arm.make_group()
        yield Azure(arm, storage)
    process.stop()


@pytest.fixture(scope="module")
def shared(azure: Azure) -> Account:
    """An account for tests that only read it, or write what nobody reads."""
    return azure.account()


def requests(account: Account) -> dict[str, Callable[[], Any]]:
    """A request to each service that reads, and one that writes."""
    entity = {"PartitionKey": "p", "RowKey": secrets.token_hex(8)}
    return {
        "blob/read": lambda: account.blobs().get_blob_client("data", "blob").download_blob().readall(),
        "blob/write": lambda: account.blobs().get_blob_client("data", secrets.token_hex(8)).upload_blob(b"new"),
        "queue/read": lambda: account.queues().get_queue_client("data").peek_messages(),
        "queue/write": lambda: account.queues().get_queue_client("data").send_message("new"),
        "table/read": lambda: list(account.tables().get_table_client("data").list_entities()),
        "table/write": lambda: account.tables().get_table_client("data").create_entity(entity),
    }


def refusal(ask: Callable[[], Any]) -> tuple[int, str] | None:
    """Status and code of a refused request; None if it isn't refused."""
    try:
        ask()
    except HttpResponseError as error:
        answer: Any = error.response
        return answer.status_code, answer.headers["x-ms-error-code"]
    return None


def answers(account: Account) -> dict[str, tuple[int, str] | None]:
    return {name: refusal(ask) for name, ask in requests(account).items()}


def expected(permitted: set[str]) -> dict[str, tuple[int, str] | None]:
    return {name: None if name in permitted else REFUSED for name in ALL}


def test_all_roles_are_tried() -> None:
    assert set(PERMITTED) == {role.title for role in ROLES.values()}


@pytest.mark.parametrize("role", PERMITTED)
def test_a_role_permits_what_azure_says_and_nothing_else(azure: Azure, shared: Account, role: str) -> None:
    principal = azure.principal()
    azure.assign(shared.id, role, principal)
    assert answers(shared.of(principal)) == expected(PERMITTED[role])


def test_deletion_needs_a_contributor(azure: Azure) -> None:
    account, reader, contributor = azure.account(), azure.principal(), azure.principal()
    for service in ("Blob", "Queue", "Table"):
        azure.assign(account.id, f"Storage {service} Data Reader", reader)
        azure.assign(account.id, f"Storage {service} Data Contributor", contributor)

    def deletions(who: Account) -> list[Callable[[], Any]]:
        return [
            lambda: who.blobs().delete_container("data"),
            lambda: who.queues().delete_queue("data"),
            lambda: who.tables().delete_table("data"),
        ]

    assert [refusal(delete) for delete in deletions(account.of(reader))] == [REFUSED] * 3
    assert [refusal(delete) for delete in deletions(account.of(contributor))] == [None] * 3


def test_taking_a_message_from_a_queue_is_more_than_reading(azure: Azure, shared: Account) -> None:
    principal = azure.principal()
    azure.assign(shared.id, "Storage Queue Data Reader", principal)
    assert refusal(lambda: shared.of(principal).queues().get_queue_client("data").receive_message()) == REFUSED


def test_tags_of_blobs_are_their_owners(azure: Azure, shared: Account) -> None:
    contributor, owner = azure.principal(), azure.principal()
    azure.assign(shared.id, "Storage Blob Data Contributor", contributor)
    azure.assign(shared.id, "Storage Blob Data Owner", owner)
    tag = [
        lambda who=who: shared.of(who).blobs().get_blob_client("data", "blob").set_blob_tags({"a": "b"})
        for who in (contributor, owner)
    ]
    assert [refusal(each) for each in tag] == [REFUSED, None]


def test_a_services_properties_need_more_than_a_data_role(azure: Azure, shared: Account) -> None:
    principal = azure.principal()
    azure.assign(shared.id, "Storage Blob Data Owner", principal)
    assert refusal(lambda: shared.of(principal).blobs().get_service_properties()) == REFUSED


def test_the_deployer_owns_the_subscription_and_may_not_read_data_without_a_data_role(azure: Azure) -> None:
    account = azure.account()
    assert answers(account.of(CLIENT_ID)) == expected(set())
    azure.assign(account.id, "Storage Table Data Reader", CLIENT_ID)
    assert answers(account.of(CLIENT_ID)) == expected({"table/read"})


@pytest.mark.parametrize("scope", ["group", "subscription"])
def test_a_role_above_an_account_holds_for_it(azure: Azure, shared: Account, scope: str) -> None:
    principal = azure.principal()
    azure.assign(getattr(azure.arm, scope), "Storage Blob Data Reader", principal)
    assert answers(shared.of(principal)) == expected({"blob/read"})
    assert answers(azure.account().of(principal)) == expected({"blob/read"})


def test_a_role_on_one_account_is_none_on_another(azure: Azure, shared: Account) -> None:
    principal = azure.principal()
    azure.assign(azure.account().id, "Storage Blob Data Owner", principal)
    assert answers(shared.of(principal)) == expected(set())


def test_a_role_on_a_container_holds_for_its_blobs_alone(azure: Azure) -> None:
    account, principal = azure.account(), azure.principal()
    azure.arm.accounts.blob_containers.create(GROUP, account.name, "other", {})
    container = f"{account.id}/blobServices/default/containers/other"
    azure.assign(container, "Storage Blob Data Contributor", principal)
    mine = account.of(principal).blobs()
    assert refusal(lambda: mine.get_blob_client("other", "blob").upload_blob(b"x")) is None
    assert refusal(lambda: mine.get_blob_client("data", "blob").download_blob()) == REFUSED


def test_access_goes_with_the_assignment(azure: Azure, shared: Account) -> None:
    principal = azure.principal()
    name = azure.assign(shared.id, "Storage Table Data Contributor", principal)
    assert answers(shared.of(principal)) == expected({"table/read", "table/write"})
    azure.arm.roles.role_assignments.delete(shared.id, name)
    assert answers(shared.of(principal)) == expected(set())


def test_an_assignment_with_denials_takes_effect_after_them_at_each_service(azure: Azure, shared: Account) -> None:
    principal = azure.principal()
    azure.arm.fault(method="PUT", path="/roleAssignments/", fault={"denials": 2})
    name = azure.assign(azure.arm.group, "Storage Blob Data Reader", principal)
    read = requests(shared.of(principal))["blob/read"]
    write = requests(shared.of(principal))["blob/write"]
    # What the role doesn't permit at all brings it no nearer.
    assert [refusal(ask) for ask in (write, read, write, read)] == [REFUSED] * 4
    assert [refusal(ask) for ask in (read, write, read)] == [None, REFUSED, None]
    # Another account has to learn of it for itself, and a later assignment isn't late.
    other = requests(azure.account().of(principal))["blob/read"]
    assert [refusal(other) for _ in range(3)] == [REFUSED, REFUSED, None]
    azure.arm.roles.role_assignments.delete(azure.arm.group, name)
    azure.assign(azure.arm.group, "Storage Blob Data Reader", principal)
    assert refusal(requests(azure.account().of(principal))["blob/read"]) is None


HEADERS_OF: Final = {
    "blob": {"x-ms-version": "2021-12-02"},
    "queue": {"x-ms-version": "2021-12-02"},
    "table": {"x-ms-version": "2019-02-02", "Accept": "application/json;odata=nometadata"},
}


def raw(account: Account, service: str, headers: dict[str, str], query: str = "comp=list") -> httpx.Response:
    path = "Tables" if service == "table" else f"?{query}"
    return httpx.get(f"{account.url(service)}{path}", headers={**HEADERS_OF[service], **headers}, trust_env=False)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("case", "detail"),
    [
        ("expired", "Lifetime validation failed. The token is expired."),
        ("of another local Azure", "Signature validation failed. Signature key not found."),
        ("unsigned", "Signature validation failed. Signature key not found."),
        ("not a token", "Signature validation failed. Signature key not found."),
        ("for ARM", "Audience validation failed. Audience did not match."),
        ("for another account", "Audience validation failed. Audience did not match."),
    ],
)
def test_a_token_that_is_not_sound_is_refused(
    azure: Azure, shared: Account, service: str, case: str, detail: str
) -> None:
    principal = azure.principal()
    azure.assign(shared.id, f"Storage {service.title()} Data Reader", principal)

    def issue(audience: str = AUDIENCE, tokens: Tokens = azure.tokens, lifetime: int = 60) -> str:
        return tokens.issue(principal, principal, audience, lifetime=lifetime)

    claims = issue().split(".")[1]
    token = {
        "expired": issue(lifetime=-1),
        "of another local Azure": issue(tokens=Tokens("0" * 64)),
        "unsigned": f"eyJhbGciOiJub25lIn0.{claims}.",
        "not a token": "local-azure",
        "for ARM": issue(azure.arm.url),
        "for another account": issue(f"https://other.{service}.core.windows.net"),
    }[case]
    answer = raw(shared, service, {"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")
    assert answer.headers["www-authenticate"] == "Bearer resource_id=https://storage.azure.com"
    assert re.search(f'AuthenticationErrorDetail("?[>:]"?){re.escape(detail)}["<]', answer.text)
    assert raw(shared, service, {"Authorization": f"Bearer {issue()}"}).status_code == 200


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("end", ["", "/"])
def test_a_token_may_be_for_the_one_account(azure: Azure, shared: Account, service: str, end: str) -> None:
    principal = azure.principal()
    azure.assign(shared.id, f"Storage {service.title()} Data Reader", principal)
    audience = f"https://{shared.name}.{service}.core.windows.net{end}"
    token = azure.tokens.issue(principal, principal, audience)
    assert raw(shared, service, {"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_refusal_has_the_body_of_its_service(azure: Azure, shared: Account) -> None:
    mine = shared.of(azure.principal())
    for service in ("blob", "queue"):
        assert "<Error><Code>AuthorizationPermissionMismatch</Code><Message>" in re.sub(
            r">\s+<", "><", raw(mine, service, mine.headers).text
        )
    error = raw(mine, "table", mine.headers).json()["odata.error"]
    assert error["code"] == "AuthorizationPermissionMismatch"


def test_a_token_of_an_account_that_there_is_not_opens_nothing(azure: Azure, shared: Account) -> None:
    nowhere = Account(azure, "nowhere", shared.key).of(CLIENT_ID)
    assert [raw(nowhere, service, nowhere.headers).status_code for service in SERVICES] == [404, 404, 404]


def by_key(account: Account) -> dict[str, Callable[[], Any]]:
    return {
        "blob": lambda: account.blobs(named_key(account)).get_blob_client("data", "blob").download_blob().readall(),
        "queue": lambda: account.queues(named_key(account)).get_queue_client("data").peek_messages(),
        "table": lambda: list(account.tables(named_key(account)).get_table_client("data").list_entities()),
    }


def test_a_wrong_key_is_forbidden(azure: Azure, shared: Account) -> None:
    wrong = Account(azure, shared.name, base64.b64encode(secrets.token_bytes(64)).decode())
    refused = {name: refusal(ask) for name, ask in by_key(wrong).items()}
    assert {name: told and told[0] for name, told in refused.items()} == dict.fromkeys(SERVICES, 403)


def by_signature(account: Account) -> dict[str, Callable[[], Any]]:
    """With signatures by the account's key, for the account and for one container, queue or table."""
    name, key, soon = account.name, account.key, datetime.now(UTC) + timedelta(hours=1)
    whole: dict[str, Any] = {"resource_types": "sco", "permission": "rlpa", "expiry": soon}

    def blob(signature: str) -> Callable[[], Any]:
        client = account.blobs(AzureSasCredential(signature)).get_blob_client("data", "blob")
        return lambda: client.download_blob().readall()

    def queue(signature: str) -> Callable[[], Any]:
        return account.queues(AzureSasCredential(signature)).get_queue_client("data").peek_messages

    def table(signature: str) -> Callable[[], Any]:
        client = account.tables(AzureSasCredential(signature)).get_table_client("data")
        return lambda: list(client.list_entities())

    return {
        "blob account": blob(generate_account_sas(name, key, **whole)),
        "blob": blob(generate_container_sas(name, "data", key, permission="r", expiry=soon)),
        "queue account": queue(generate_account_sas(name, key, services="q", **whole)),
        "queue": queue(generate_queue_sas(name, "data", key, permission="rp", expiry=soon)),
        "table account": table(generate_table_account_sas(named_key(account), **whole)),
        "table": table(generate_table_sas(named_key(account), "data", permission="r", expiry=soon)),
    }


def test_a_locked_account_refuses_keys_and_their_signatures_at_once_until_it_is_unlocked(azure: Azure) -> None:
    account, principal = azure.account(), azure.principal()
    azure.assign(account.id, "Storage Blob Data Reader", principal)
    by_either = {**{f"{name} key": ask for name, ask in by_key(account).items()}, **by_signature(account)}

    def told() -> dict[str, tuple[int, str] | None]:
        return {name: refusal(ask) for name, ask in by_either.items()}

    assert told() == dict.fromkeys(by_either)
    account.lock()
    assert told() == dict.fromkeys(by_either, KEYS_REFUSED)
    assert answers(account.of(principal)) == expected({"blob/read"})
    account.lock(keys=True)
    assert told() == dict.fromkeys(by_either)


def test_a_key_is_refused_on_an_account_that_was_made_locked(azure: Azure) -> None:
    name = f"account{secrets.token_hex(4)}"
    body = {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    locked = {**body, "properties": {"allowSharedKeyAccess": False}}
    azure.arm.accounts.storage_accounts.begin_create(GROUP, name, locked).result()
    account = Account(azure, name, azure.key(name))
    assert {refusal(ask) for ask in by_key(account).values()} == {KEYS_REFUSED}


def test_a_locked_account_still_lists_its_keys_and_arm_still_works_on_its_data(azure: Azure) -> None:
    account = azure.account()
    account.lock()
    assert azure.key(account.name) == account.key
    azure.arm.accounts.blob_containers.create(GROUP, account.name, "made-by-arm", {})
    containers = azure.arm.accounts.blob_containers.list(GROUP, account.name)
    assert [each.name for each in containers] == ["data", "made-by-arm"]
    assert azure.storage.read_blob(f"{account.url('blob')}data/blob", account.key) == b"content"
    azure.arm.accounts.storage_accounts.delete(GROUP, account.name)
    assert [raw(account, service, {}).status_code for service in SERVICES] == [404, 404, 404]


def test_task_hubs_are_kept_in_a_locked_account(azure: Azure) -> None:
    account = azure.account()
    account.lock()
    hubs, place = azure.storage.hubs, Place(account.name, "ShopInstances")
    hubs.make(account.name, queues=["shop-workitems"], tables=[place.table], containers=["shop-leases"])
    hubs.put_row(place, {"PartitionKey": "order", "RowKey": "", "Name": "process_order"})
    assert [row["Name"] for row in hubs.rows(place)] == ["process_order"]


def test_a_guessed_pass_opens_nothing(azure: Azure) -> None:
    account = azure.account()
    account.lock()
    guess = Account(azure, account.name, account.key, {"x-localazure-pass": "0" * 64})
    assert {refusal(ask) for ask in by_key(guess).values()} == {KEYS_REFUSED}


def delegated(account: Account, key: UserDelegationKey, permission: str) -> str:
    """A signature for the blob. Azurite can't read one by the newest client, which signs more fields."""
    signed: dict[str, Any] = {
        "sp": permission,
        "se": key.signed_expiry,
        "skoid": key.signed_oid,
        "sktid": key.signed_tid,
        "skt": key.signed_start,
        "ske": key.signed_expiry,
        "sks": key.signed_service,
        "skv": key.signed_version,
        "sv": "2022-11-02",
        "sr": "b",
    }
    by_key = [signed[name] for name in ("skoid", "sktid", "skt", "ske", "sks", "skv")]
    name = f"/blob/{account.name}/data/blob"
    text = "\n".join([permission, "", signed["se"], name, *by_key, *[""] * 5, signed["sv"], "b", *[""] * 7])
    signature = hmac.digest(base64.b64decode(str(key.value)), text.encode(), "sha256")
    return urlencode({**signed, "sig": base64.b64encode(signature).decode()})


def test_a_signature_by_a_user_delegation_key_works_on_a_locked_account_as_far_as_its_principal_may(
    azure: Azure,
) -> None:
    account, principal = azure.account(), azure.principal()
    name = azure.assign(account.id, "Storage Blob Data Reader", principal)
    account.lock()
    start, end = datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(hours=1)
    delegation: UserDelegationKey = account.of(principal).blobs().get_user_delegation_key(start, end)
    sas = delegated(account, delegation, "rw")

    def read() -> bytes:
        return account.blobs(AzureSasCredential(sas)).get_blob_client("data", "blob").download_blob().readall()

    assert read() == b"content"
    assert (
        refusal(
            lambda: (
                account.blobs(AzureSasCredential(sas)).get_blob_client("data", "blob").upload_blob(b"", overwrite=True)
            )
        )
        == REFUSED
    )
    azure.arm.roles.role_assignments.delete(account.id, name)
    assert refusal(read) == REFUSED


def test_roles_and_locks_hold_after_azurite_was_killed(tmp_path: Path) -> None:
    ports = Ports.free()
    process = AzuriteProcess(tmp_path / "data", tmp_path / "lock", ports)
    storage = KnownKeyStorage(process, Endpoints.of(ports))
    with serving(tmp_path / "arm.sqlite", cast(Any, storage)) as arm:
        arm.make_group()
        azure = Azure(arm, storage)
        account, principal = azure.account(), azure.principal()
        azure.assign(account.id, "Storage Table Data Reader", principal)
        account.lock()
        killed = process._process
        assert killed is not None
        killed.kill()
        killed.wait()
        storage.list_containers(account.name, account.key)
        assert {refusal(ask) for ask in by_key(account).values()} == {KEYS_REFUSED}
        # Azurite saves what it has every five seconds, so the table may be gone.
        assert raw(account, "table", account.of(principal).headers).status_code == 200
    process.stop()
