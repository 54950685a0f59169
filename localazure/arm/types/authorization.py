"""Role definitions, the built-in ones that storage and web apps are used with, and role assignments at any scope."""

from __future__ import annotations

import re
import uuid
from typing import Final

from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply, shown
from localazure.arm.errors import ArmError, bad_request, conflict, not_found
from localazure.arm.events import now
from localazure.arm.filters import equalities
from localazure.arm.ids import ResourceId
from localazure.arm.resource_type import ResourceType, TrackedType
from localazure.arm.tree import Json, Resource
from localazure.identity import CLIENT_ID, SUBSCRIPTION_ID

_ROLES: Final = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "76199698-9eea-4c19-bc75-cec21354c6b6": "Storage Table Data Reader",
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": "Storage Account Contributor",
    "de139f84-1756-47ae-9be6-808fbbe84772": "Website Contributor",
}
"""Role definition ids as Azure publishes them (page built-in-roles)."""

ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"


class RoleDefinitions(ResourceType):
    """The built-in roles; the same at every scope."""

    type = "Microsoft.Authorization/roleDefinitions"
    versions = api_versions.AUTHORIZATION

    def get(self, call: Call) -> Reply:
        name = call.id.name.lower()
        if name not in _ROLES:
            message = f"The specified role definition with ID '{call.id.name}' does not exist."
            raise not_found(message, "RoleDefinitionDoesNotExist")
        return Reply(200, _definition(name))

    def list(self, call: Call) -> Reply:
        wanted = equalities(call.query.get("$filter"), {"rolename", "type", "atscopeandbelow", "atscope"})
        role, kind = wanted.get("rolename"), wanted.get("type", "BuiltInRole")
        names = [name for name, title in _ROLES.items() if role in {None, title} and kind.lower() == "builtinrole"]
        return Reply(200, {"value": [_definition(name) for name in names]})


class RoleAssignments(TrackedType):
    """Role assignments: an assignment goes with the scope that it was made at."""

    type = ASSIGNMENT
    versions = api_versions.AUTHORIZATION
    needs_location = False
    name_rule = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

    def invalid_name(self, wrong: ResourceId) -> Exception:
        return bad_request(
            f"The role assignment ID '{wrong.name}' is not valid: it must be a GUID.", "InvalidRoleAssignmentId"
        )

    def get(self, call: Call) -> Reply:
        found = call.tree.get(call.id)
        if found is None:
            raise not_found(f"The role assignment '{call.id.name}' is not found.", "RoleAssignmentNotFound")
        return Reply(200, shown(found))

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        given = body.get("properties") or body
        scope = call.id.parent
        if scope is None:
            raise bad_request("A role assignment needs a scope of the subscription.", "InvalidScope")
        if scope.namespace != "Microsoft.Resources" and call.tree.get(scope) is None:
            raise not_found(f"The scope '{scope.text}' does not exist.", "ResourceNotFound")
        principal = given.get("principalId")
        if not isinstance(principal, str) or not _is_guid(principal):
            raise bad_request(
                f"The principal ID '{principal}' is not valid. Principal ID must be a GUID.", "InvalidPrincipalId"
            )
        role = _role(given.get("roleDefinitionId"))
        if old is not None and (principal, role) != (old.properties["principalId"], old.properties["roleDefinitionId"]):
            message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
            raise conflict(message, "RoleAssignmentUpdateNotPermitted")
        for other in call.tree.below(scope, self.type):
            same = (other.properties["principalId"], other.properties["roleDefinitionId"]) == (principal, role)
            if same and other.id.key != call.id.key and _at(other, scope):
                raise conflict("The role assignment already exists.", "RoleAssignmentExists")
        moment = now()
        optional = ("condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId")
        properties = {
            **{name: given.get(name) for name in optional},
            "roleDefinitionId": role,
            "principalId": principal,
            "principalType": given.get("principalType") or "ServicePrincipal",
            "scope": scope.text,
            "createdOn": old.properties["createdOn"] if old else moment,
            "updatedOn": moment,
            "createdBy": CLIENT_ID,
            "updatedBy": CLIENT_ID,
        }
        return Resource(old.id if old else call.id, {"properties": properties})

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:  # noqa: ARG002
        return Reply(201, shown(made))

    def delete(self, call: Call) -> Reply:
        old = call.tree.get(call.id)
        if old is None:
            return Reply(204)
        call.tree.delete(old.id)
        return Reply(200, shown(old))

    def list(self, call: Call) -> Reply:
        """Those at the scope and above it, and without atScope() those below."""
        wanted = equalities(call.query.get("$filter"), {"atscope", "principalid", "assignedto"})
        principal = wanted.get("principalid", wanted.get("assignedto"))
        scope = call.id
        found = [
            each
            for each in call.tree.of_type(self.type)
            if each.id.parent is not None
            and (scope.within(each.id.parent) or ("atscope" not in wanted and each.id.parent.within(scope)))
            and principal in {None, each.properties["principalId"]}
        ]
        return Reply(200, {"value": [shown(each) for each in found]})


def _definition(name: str) -> Json:
    return {
        "id": _definition_id(name),
        "name": name,
        "type": RoleDefinitions.type,
        "properties": {
            "roleName": _ROLES[name],
            "type": "BuiltInRole",
            "description": f"The built-in role {_ROLES[name]}.",
            "assignableScopes": ["/"],
            "permissions": [],
        },
    }


def _definition_id(name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION_ID}/providers/{RoleDefinitions.type}/{name}"


def _role(given: object) -> str:
    """The full id of the role that a body names by any of its ids."""
    if not isinstance(given, str) or not given:
        raise bad_request("The request to create a role assignment has no roleDefinitionId.", "InvalidRoleDefinitionId")
    name = given.rsplit("/", 1)[-1].lower()
    if name not in _ROLES:
        raise _no_role(given)
    return _definition_id(name)


def _no_role(given: str) -> ArmError:
    return bad_request(f"The specified role definition with ID '{given}' does not exist.", "RoleDefinitionDoesNotExist")


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _at(assignment: Resource, scope: ResourceId) -> bool:
    return assignment.id.parent is not None and assignment.id.parent.key == scope.key
