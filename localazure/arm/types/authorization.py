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
from localazure.arm.roles import ASSIGNMENT, DENIALS, ROLES
from localazure.arm.tree import Json, Resource, Tree
from localazure.arm.types.accounts import publish
from localazure.arm.types.identities import principals
from localazure.identity import CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID

_PRINCIPAL_TYPES: Final = frozenset({"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"})


class RoleDefinitions(ResourceType):
    """The built-in roles; the same at every scope."""

    type = "Microsoft.Authorization/roleDefinitions"
    versions = api_versions.AUTHORIZATION

    def get(self, call: Call) -> Reply:
        name = call.id.name.lower()
        if name not in ROLES:
            message = f"The specified role definition with ID '{call.id.name}' does not exist."
            raise not_found(message, "RoleDefinitionDoesNotExist")
        return Reply(200, _definition(name))

    def list(self, call: Call) -> Reply:
        wanted = equalities(call.query.get("$filter"), {"rolename", "type", "atscopeandbelow", "atscope"})
        role, kind = wanted.get("rolename"), wanted.get("type", "BuiltInRole")
        names = [name for name, found in ROLES.items() if role in {None, found.title} and kind.lower() == "builtinrole"]
        return Reply(200, {"value": [_definition(name) for name in names]})


class RoleAssignments(TrackedType):
    """Role assignments, in force once they are made; an assignment goes with the scope that it was made at."""

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
        kind = _principal_type(call.tree, principal, given.get("principalType"))
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
            "principalType": kind,
            "scope": scope.text,
            "createdOn": old.properties["createdOn"] if old else moment,
            "updatedOn": moment,
            "createdBy": old.properties["createdBy"] if old else call.principal,
            "updatedBy": call.principal,
        }
        hidden = old.hidden if old else {}
        if call.denials is not None:
            hidden = {DENIALS: call.denials}
        return Resource(old.id if old else call.id, {"properties": properties}, hidden)

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:  # noqa: ARG002
        call.after_commit.append(lambda: publish(call.services))
        return Reply(201, shown(made))

    def delete(self, call: Call) -> Reply:
        old = call.tree.get(call.id)
        if old is None:
            return Reply(204)
        call.tree.delete(old.id)
        call.after_commit.append(lambda: publish(call.services))
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
    role = ROLES[name]
    return {
        "id": _definition_id(name),
        "name": name,
        "type": RoleDefinitions.type,
        "properties": {
            "roleName": role.title,
            "type": "BuiltInRole",
            "description": f"The built-in role {role.title}.",
            "assignableScopes": ["/"],
            "permissions": [
                {
                    "actions": list(role.actions),
                    "notActions": list(role.not_actions),
                    "dataActions": list(role.data_actions),
                    "notDataActions": [],
                }
            ],
        },
    }


def _definition_id(name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION_ID}/providers/{RoleDefinitions.type}/{name}"


def _principal_type(tree: Tree, principal: str, stated: object) -> str:
    """The type of a principal. One that is stated to be a service principal may be too new for the directory."""
    if stated not in {None, "", *_PRINCIPAL_TYPES}:
        raise bad_request(f"The principal type '{stated}' is not valid.", "InvalidPrincipalType")
    if principal == CLIENT_ID or principal in principals(tree):
        if stated not in {None, "", "ServicePrincipal"}:
            raise bad_request(
                f"The PrincipalId '{principal}' has type 'ServicePrincipal', which is different from specified "
                f"PrincipalType '{stated}'.",
                "UnmatchedPrincipalType",
            )
    elif stated != "ServicePrincipal":
        raise bad_request(
            f"Principal {principal} does not exist in the directory {TENANT_ID}. Check that you have the correct "
            "principal ID. If you are creating this principal and then immediately assigning a role, this error might "
            "be related to a replication delay. In this case, set the role assignment principalType property to a "
            "value, such as ServicePrincipal, User, or Group.",
            "PrincipalNotFound",
        )
    return "ServicePrincipal"


def _role(given: object) -> str:
    """The full id of the role that a body names by any of its ids."""
    if not isinstance(given, str) or not given:
        raise bad_request("The request to create a role assignment has no roleDefinitionId.", "InvalidRoleDefinitionId")
    name = given.rsplit("/", 1)[-1].lower()
    if name not in ROLES:
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
