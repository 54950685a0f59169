"""Role definitions and assignments, through azure-mgmt-authorization."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from localazure.arm.tokens import Tokens
from localazure.identity import CLIENT_ID, HEADERS
from tests.localazure.conftest import GROUP, LOCATION, Arm, code_of

Body = dict[str, Any]

OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
QUEUES = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
PRINCIPAL = str(uuid.UUID(int=1))
MANAGEMENT = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    "Website Contributor": "de139f84-1756-47ae-9be6-808fbbe84772",
    "Storage Blob Data Owner": OWNER,
}


def body(arm: Arm, role: str = OWNER, principal: str = PRINCIPAL, kind: str | None = "ServicePrincipal") -> Body:
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": kind}}


def account(arm: Arm) -> str:
    return f"{arm.group}/providers/Microsoft.Storage/storageAccounts/account1"


def identity(arm: Arm, name: str = "app") -> str:
    """The object id of a user-assigned identity."""
    url = f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    made = arm.http.put(url, params={"api-version": "2023-01-31"}, json={"location": LOCATION})
    return str(made.json()["properties"]["principalId"])


def bearer(arm: Arm, principal: str, *, audience: str | None = None, lifetime: int = 60) -> dict[str, str]:
    assert arm.storage.token_key is not None
    tokens = Tokens(arm.storage.token_key)
    return {"Authorization": f"Bearer {tokens.issue(principal, principal, audience or arm.url, lifetime=lifetime)}"}


def ask(
    arm: Arm, method: str, path: str, version: str, who: dict[str, str], body: Body | None = None
) -> tuple[int, str]:
    """Status and error code of a request under a token."""
    answer = arm.http.request(method, path, params={"api-version": version}, headers=who, json=body)
    return answer.status_code, answer.json()["error"]["code"] if answer.status_code >= 400 else ""


def test_a_role_is_found_by_its_name_and_by_its_id(arm: Arm) -> None:
    definitions = arm.roles.role_definitions
    found = list(definitions.list(arm.subscription, filter="roleName eq 'Storage Blob Data Owner'"))
    assert [each.name for each in found] == [OWNER]
    assert definitions.get(arm.group, QUEUES).role_name == "Storage Queue Data Contributor"
    assert definitions.get_by_id(found[0].id).role_type == "BuiltInRole"
    (permission,) = found[0].permissions
    assert permission.data_actions == ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"]
    with pytest.raises(ResourceNotFoundError):
        definitions.get(arm.group, str(uuid.UUID(int=9)))


def test_an_assignment_is_made_read_listed_and_deleted_at_a_resources_scope(arm: Arm) -> None:
    arm.make_account()
    assignments, name = arm.roles.role_assignments, str(uuid.uuid4())
    made = assignments.create(account(arm), name, body(arm))
    assert made.id == f"{account(arm)}/providers/Microsoft.Authorization/roleAssignments/{name}"
    assert (made.scope, made.principal_id, made.principal_type) == (account(arm), PRINCIPAL, "ServicePrincipal")
    assert assignments.get_by_id(made.id).name == name
    assert [each.name for each in assignments.list_for_scope(arm.group)] == [name]
    assert list(assignments.list_for_scope(arm.group, filter="atScope()")) == []
    assert [each.name for each in assignments.list_for_subscription(filter=f"principalId eq '{PRINCIPAL}'")] == [name]
    assignments.delete(account(arm), name)
    with pytest.raises(ResourceNotFoundError) as refused:
        assignments.get(account(arm), name)
    assert code_of(refused.value) == "RoleAssignmentNotFound"


def test_the_same_assignment_under_another_name_is_refused_and_under_its_own_is_not(arm: Arm) -> None:
    assignments, name = arm.roles.role_assignments, str(uuid.uuid4())
    assignments.create(arm.group, name, body(arm))
    assignments.create(arm.group, name, body(arm))
    with pytest.raises(ResourceExistsError) as refused:
        assignments.create(arm.group, str(uuid.uuid4()), body(arm))
    assert code_of(refused.value) == "RoleAssignmentExists"
    # Another scope, or another role, is another assignment.
    assignments.create(arm.subscription, str(uuid.uuid4()), body(arm))
    assignments.create(arm.group, str(uuid.uuid4()), body(arm, QUEUES))


def test_an_assignment_is_not_given_to_somebody_else(arm: Arm) -> None:
    assignments, name = arm.roles.role_assignments, str(uuid.uuid4())
    assignments.create(arm.group, name, body(arm))
    with pytest.raises(HttpResponseError) as refused:
        assignments.create(arm.group, name, body(arm, principal=str(uuid.UUID(int=2))))
    assert code_of(refused.value) == "RoleAssignmentUpdateNotPermitted"


@pytest.mark.parametrize(
    ("role", "principal", "code"),
    [(OWNER, "me", "InvalidPrincipalId"), (str(uuid.UUID(int=3)), PRINCIPAL, "RoleDefinitionDoesNotExist")],
)
def test_an_assignment_needs_a_principal_and_a_role_that_is_there(
    arm: Arm, role: str, principal: str, code: str
) -> None:
    with pytest.raises(HttpResponseError) as refused:
        arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), body(arm, role, principal))
    assert code_of(refused.value) == code


def test_an_assignment_goes_with_its_scope(arm: Arm) -> None:
    arm.make_account()
    arm.roles.role_assignments.create(account(arm), str(uuid.uuid4()), body(arm))
    arm.accounts.storage_accounts.delete(GROUP, "account1")
    assert list(arm.roles.role_assignments.list_for_subscription()) == []


def test_a_principal_that_there_is_not_is_refused_unless_it_is_stated_to_be_a_service_principal(arm: Arm) -> None:
    for kind in (None, "User"):
        with pytest.raises(HttpResponseError) as refused:
            arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), body(arm, kind=kind))
        assert code_of(refused.value) == "PrincipalNotFound"
    # A new principal takes time to reach all of the directory: Azure doesn't look for one that is stated to be new.
    arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), body(arm))


def test_a_principal_that_there_is_has_one_type(arm: Arm) -> None:
    principal = identity(arm)
    for kind, code in (("User", "UnmatchedPrincipalType"), ("Robot", "InvalidPrincipalType")):
        with pytest.raises(HttpResponseError) as refused:
            arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), body(arm, principal=principal, kind=kind))
        assert code_of(refused.value) == code
    unstated = body(arm, principal=principal, kind=None)
    made = arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), unstated)
    assert made.principal_type == "ServicePrincipal"


def test_a_sites_own_identity_is_a_principal(arm: Arm) -> None:
    arm.make_site()
    own = arm.web.web_apps.update(GROUP, "shop", {"identity": {"type": "SystemAssigned"}}).identity.principal_id
    made = arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), body(arm, principal=own, kind=None))
    assert made.principal_id == own


def test_a_request_needs_a_token(arm: Arm) -> None:
    arm.http.headers.pop("Authorization")
    answer = arm.http.get(arm.group, params={"api-version": "2024-03-01"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationFailed")
    assert answer.headers["www-authenticate"].startswith("Bearer authorization_uri=")
    basic = {"Authorization": "Basic bG9jYWw6YXp1cmU="}
    assert ask(arm, "GET", arm.group, "2024-03-01", basic) == (401, "AuthenticationFailedInvalidHeader")


@pytest.mark.parametrize("case", ["expired", "for storage", "of another local Azure", "guessed"])
def test_a_token_must_be_sound_and_for_arm(arm: Arm, case: str) -> None:
    foreign = Tokens("0" * 64).issue(CLIENT_ID, CLIENT_ID, arm.url)
    token = {
        "expired": bearer(arm, CLIENT_ID, lifetime=-1),
        "for storage": bearer(arm, CLIENT_ID, audience="https://storage.azure.com"),
        "of another local Azure": {"Authorization": f"Bearer {foreign}"},
        "guessed": {"Authorization": "Bearer local-azure-2"},
    }[case]
    assert ask(arm, "GET", arm.group, "2024-03-01", token) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("end", ["", "/"])
def test_the_deployer_may_do_everything(arm: Arm, end: str) -> None:
    for who in (HEADERS, bearer(arm, CLIENT_ID, audience=f"{arm.url}{end}")):
        assert ask(arm, "GET", arm.group, "2024-03-01", who) == (200, "")
        name = f"{arm.group}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        principal = str(uuid.uuid4())
        assert ask(arm, "PUT", name, "2022-04-01", who, body(arm, principal=principal)) == (201, "")


FORBIDDEN = (403, "AuthorizationFailed")


@pytest.mark.parametrize(
    ("role", "permitted"),
    [
        (None, set()),
        ("Owner", {"read", "keys", "tag", "assign", "site", "swap"}),
        ("Contributor", {"read", "keys", "tag", "site", "swap"}),
        ("Reader", {"read", "site"}),
        ("Storage Account Contributor", {"read", "keys", "tag"}),
        ("Website Contributor", {"site", "swap"}),
        ("Storage Blob Data Owner", set()),
    ],
)
def test_an_identity_may_do_on_arm_what_its_role_permits(arm: Arm, role: str | None, permitted: set[str]) -> None:
    arm.make_account()
    arm.make_site()
    arm.make_slot()
    principal = identity(arm)
    if role is not None:
        made = body(arm, MANAGEMENT[role], principal)
        arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), made)
    who, site = bearer(arm, principal), f"{arm.group}/providers/Microsoft.Web/sites/shop"
    assignment = f"{arm.group}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    answers = {
        "read": ask(arm, "GET", account(arm), "2024-01-01", who),
        "keys": ask(arm, "POST", f"{account(arm)}/listKeys", "2024-01-01", who),
        "tag": ask(arm, "PATCH", account(arm), "2024-01-01", who, {"tags": {"a": "b"}}),
        "assign": ask(arm, "PUT", assignment, "2022-04-01", who, body(arm)),
        "site": ask(arm, "GET", site, "2025-05-01", who),
        "swap": ask(arm, "POST", f"{site}/slotsswap", "2025-05-01", who, {"targetSlot": "staging"}),
    }
    assert {name for name, (status, _) in answers.items() if status < 400} == permitted
    assert {answer for name, answer in answers.items() if name not in permitted} <= {FORBIDDEN}


def test_a_refused_identity_is_told_what_it_lacks_and_where(arm: Arm) -> None:
    arm.make_account()
    principal = identity(arm)
    answer = arm.http.get(account(arm), params={"api-version": "2024-01-01"}, headers=bearer(arm, principal))
    code, message = answer.json()["error"]["code"], answer.json()["error"]["message"]
    assert (answer.status_code, code) == (403, "AuthorizationFailed")
    assert f"'{principal}' does not have authorization to perform action" in message
    assert f"'Microsoft.Storage/storageAccounts/read' over scope '{account(arm)}'" in message


def test_a_role_holds_below_its_scope_and_nowhere_else(arm: Arm) -> None:
    arm.make_account()
    principal = identity(arm)
    arm.roles.role_assignments.create(account(arm), str(uuid.uuid4()), body(arm, MANAGEMENT["Reader"], principal))
    who = bearer(arm, principal)
    assert ask(arm, "GET", f"{account(arm)}/blobServices/default", "2024-01-01", who) == (200, "")
    assert ask(arm, "GET", arm.group, "2024-03-01", who) == FORBIDDEN


def test_an_assignment_with_denials_takes_effect_on_arm_after_them(arm: Arm) -> None:
    principal = identity(arm)
    arm.fault(method="PUT", path="/roleAssignments/", fault={"denials": 2})
    arm.roles.role_assignments.create(arm.group, str(uuid.uuid4()), body(arm, MANAGEMENT["Reader"], principal))
    answers = [ask(arm, "GET", arm.group, "2024-03-01", bearer(arm, principal)) for _ in range(4)]
    assert answers == [FORBIDDEN, FORBIDDEN, (200, ""), (200, "")]
