"""The identities of sites: tokens for their code, and what they lack for a connection or a package."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from localazure.arm.calls import Services
from localazure.arm.database import Database
from localazure.arm.events import EventLog
from localazure.arm.ids import parse
from localazure.arm.managed_identity import connection_problem, environment, package_problem
from localazure.arm.operations import Operations
from localazure.arm.roles import ROLES, Roles
from localazure.arm.tokens import Tokens
from localazure.arm.tree import Resource, Tree
from tests.localazure.conftest import GROUP, LOCATION, Arm

AUDIENCE = "https://storage.azure.com"
NEEDED = tuple(f"Storage {service} Data Contributor" for service in ("Blob", "Queue", "Table"))


@dataclass(frozen=True)
class Shop:
    """A site with a user-assigned identity, and an account."""

    arm: Arm
    services: Services
    identity: str
    """Its resource id."""
    principal: str
    client: str

    @property
    def app(self) -> Resource:
        found = self.services.tree.get(parse(f"{self.arm.group}/providers/Microsoft.Web/sites/shop"))
        assert found is not None
        return found

    @property
    def account(self) -> str:
        return f"{self.arm.group}/providers/Microsoft.Storage/storageAccounts/account1"

    def assign(self, role: str, scope: str | None = None) -> str:
        name = str(uuid.uuid4())
        guid = next(guid for guid, each in ROLES.items() if each.title == role)
        definition = f"{self.arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
        properties = {"roleDefinitionId": definition, "principalId": self.principal}
        self.arm.roles.role_assignments.create(scope or self.account, name, {"properties": properties})
        return name

    def settings(self, **changed: str | None) -> dict[str, str]:
        """A connection by identity, as the program writes it."""
        given: dict[str, str | None] = {
            "Store__blobServiceUri": self.arm.storage.endpoints("account1")["blob"],
            "Store__queueServiceUri": self.arm.storage.endpoints("account1")["queue"],
            "Store__tableServiceUri": self.arm.storage.endpoints("account1")["table"],
            "Store__credential": "managedidentity",
            "Store__clientId": self.client,
            **changed,
        }
        return {name: value for name, value in given.items() if value is not None}

    def problem(self, **changed: str | None) -> str | None:
        return connection_problem(self.services, self.app, self.settings(**changed), "Store")


@pytest.fixture
def shop(arm: Arm) -> Iterator[Shop]:
    arm.make_account()
    arm.make_site()
    url = f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
    made = arm.http.put(url, params={"api-version": "2023-01-31"}, json={"location": LOCATION}).json()
    identity = {"type": "UserAssigned", "userAssignedIdentities": {url: {}}}
    arm.web.web_apps.update(GROUP, "shop", {"identity": identity})
    database = Database(arm.database)
    tree, operations = Tree(database), Operations(database)
    services = Services(
        database=database,
        tree=tree,
        events=EventLog(database),
        operations=operations,
        storage=arm.storage,
        base_url=arm.url,
        pace=0,
        roles=Roles(tree),
        tokens=Tokens(str(arm.storage.token_key)),
    )
    yield Shop(arm, services, url, made["properties"]["principalId"], made["properties"]["clientId"])
    operations.close()
    database.close()


def test_azure_identity_gets_a_token_of_an_identity_that_the_site_has(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(shop.services, shop.app).items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential(client_id=shop.client) as credential:
        token = credential.get_token(f"{AUDIENCE}/.default").token
    assert shop.services.tokens.principal(token, [AUDIENCE]) == shop.principal
    with ManagedIdentityCredential(client_id=str(uuid.uuid4())) as other, pytest.raises(ClientAuthenticationError):
        other.get_token(f"{AUDIENCE}/.default")
    with ManagedIdentityCredential() as own, pytest.raises(ClientAuthenticationError):
        own.get_token(f"{AUDIENCE}/.default")


def test_a_site_gets_a_token_of_its_own_identity(shop: Shop) -> None:
    made = shop.arm.web.web_apps.update(GROUP, "shop", {"identity": {"type": "SystemAssigned"}})
    token = ask(shop, {"resource": AUDIENCE}).json()["access_token"]
    assert shop.services.tokens.principal(token, [AUDIENCE]) == made.identity.principal_id


def ask(shop: Shop, query: dict[str, str], header: str | None = None) -> httpx.Response:
    variables = environment(shop.services, shop.app)
    headers = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"] if header is None else header}
    return shop.arm.http.get(variables["IDENTITY_ENDPOINT"], params=query, headers=headers)


def test_the_identity_endpoint_serves_apps_alone(shop: Shop) -> None:
    query = {"resource": AUDIENCE, "client_id": shop.client}
    assert ask(shop, query).status_code == 200
    assert ask(shop, {"client_id": shop.client}).status_code == 400
    arm_token = shop.services.tokens.issue(shop.app.id.text, "x", shop.arm.url)
    for header in ("", "guessed", "local-azure", arm_token):
        assert ask(shop, query, header).status_code == 401


def test_a_connection_by_identity_needs_the_roles_that_durable_needs(shop: Shop) -> None:
    lacking = list(NEEDED)
    while lacking:
        assert shop.problem() == f"the identity {shop.principal} lacks on the account account1: {', '.join(lacking)}"
        shop.assign(lacking.pop(0))
    assert shop.problem() is None


def test_a_reader_of_tables_is_no_contributor(shop: Shop) -> None:
    for role in (*NEEDED[:2], "Storage Table Data Reader"):
        shop.assign(role, shop.arm.group)
    assert shop.problem() == f"the identity {shop.principal} lacks on the account account1: {NEEDED[2]}"


def test_an_assignment_with_denials_is_late_for_a_connection_too(shop: Shop) -> None:
    for role in NEEDED[:2]:
        shop.assign(role)
    shop.arm.fault(method="PUT", path="/roleAssignments/", fault={"denials": 1})
    shop.assign(NEEDED[2])
    problem = shop.problem()
    assert problem is not None
    assert NEEDED[2] in problem
    assert shop.problem() is None


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"Store__clientId": "11111111-1111-4111-8111-111111111111"}, "isn't assigned to the app"),
        ({"Store__clientId": None}, "has no system-assigned identity"),
        ({"Store__credential": None}, "Store__credential is none; set it to managedidentity"),
        ({"Store__tableServiceUri": None}, "has no address of a table service"),
        ({"Store__queueServiceUri": "http://127.0.0.1:1/other"}, "lead to different accounts, account1, other"),
    ],
)
def test_a_connection_that_names_no_identity_or_account_is_told(
    shop: Shop, changed: dict[str, str | None], problem: str
) -> None:
    for role in NEEDED:
        shop.assign(role)
    told = shop.problem(**changed)
    assert told is not None
    assert problem in told


def test_an_account_that_there_is_not_is_told(shop: Shop) -> None:
    settings = {"Store__accountName": "nowhere", "Store__credential": "managedidentity", "Store__clientId": shop.client}
    problem = connection_problem(shop.services, shop.app, settings, "Store")
    assert problem == "the connection Store leads to the account nowhere, which isn't there"


def test_a_connection_string_is_a_matter_of_keys(shop: Shop) -> None:
    settings = {"Store": "AccountName=account1;AccountKey=eA==;TableEndpoint=http://127.0.0.1:1/account1"}
    assert connection_problem(shop.services, shop.app, settings, "Store") is None


def test_a_package_is_read_by_an_identity_that_the_site_has_and_that_may(shop: Shop) -> None:
    url = shop.arm.storage.put_blob("account1", "packages", "a.zip")

    def problem(reader: str) -> str | None:
        return package_problem(shop.services, shop.app, reader, url)

    reader = shop.identity.replace("resourceGroups", "resourcegroups")
    assert problem(reader) == f"the identity {shop.principal} lacks on the account account1: Storage Blob Data Reader"
    shop.assign("Storage Blob Data Reader")
    assert problem(reader) is None
    assert problem("") == "the package's URL has no SAS, and no identity is named to read it with"
    for other in (f"{shop.identity}x", "SystemAssigned"):
        assert problem(other) == f"the identity {other}, which is to read the package, isn't assigned to the app"


def test_a_role_on_the_packages_container_will_do(shop: Shop) -> None:
    shop.arm.accounts.blob_containers.create(GROUP, "account1", "packages", {})
    shop.assign("Storage Blob Data Reader", f"{shop.account}/blobServices/default/containers/packages")
    for container, permitted in (("packages", True), ("others", False)):
        url = shop.arm.storage.put_blob("account1", container, "a.zip")
        assert (package_problem(shop.services, shop.app, shop.identity, url) is None) == permitted
