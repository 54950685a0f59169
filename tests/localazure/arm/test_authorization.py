"""Role definitions and assignments, through azure-mgmt-authorization."""

from __future__ import annotations

import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tests.localazure.conftest import GROUP, Arm, code_of

OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
QUEUES = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
PRINCIPAL = str(uuid.UUID(int=1))


def body(arm: Arm, role: str = OWNER, principal: str = PRINCIPAL) -> dict[str, object]:
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {
        "properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
    }


def account(arm: Arm) -> str:
    return f"{arm.group}/providers/Microsoft.Storage/storageAccounts/account1"


def test_a_role_is_found_by_its_name_and_by_its_id(arm: Arm) -> None:
    definitions = arm.roles.role_definitions
    found = list(definitions.list(arm.subscription, filter="roleName eq 'Storage Blob Data Owner'"))
    assert [each.name for each in found] == [OWNER]
    assert definitions.get(arm.group, QUEUES).role_name == "Storage Queue Data Contributor"
    assert definitions.get_by_id(found[0].id).role_type == "BuiltInRole"
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
