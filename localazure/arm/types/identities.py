"""User-assigned identities, and the `identity` block of the resources that use them."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from localazure.arm import api_versions
from localazure.arm.calls import Call
from localazure.arm.errors import bad_request, invalid_content, not_found
from localazure.arm.ids import parse
from localazure.arm.resource_type import TrackedType
from localazure.arm.tree import Json, Resource, Tree
from localazure.identity import TENANT_ID

TYPE: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
_WITH_IDENTITY: Final = ("Microsoft.Web/sites", "Microsoft.Web/sites/slots", "Microsoft.Storage/storageAccounts")
_KINDS: Final = ("None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned")


class UserAssignedIdentities(TrackedType):
    """User-assigned identities."""

    type = TYPE
    versions = api_versions.MANAGED_IDENTITY
    name_rule = re.compile(r"[A-Za-z0-9][\w-]{2,127}")

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        ids = old.properties if old else {"principalId": str(uuid.uuid4()), "clientId": str(uuid.uuid4())}
        given = {name: value for name, value in (body.get("properties") or {}).items() if name == "isolationScope"}
        made = {"location": body["location"], "tags": body.get("tags") or {}}
        return Resource(old.id if old else call.id, {**made, "properties": {"tenantId": TENANT_ID, **ids, **given}})


def principals(tree: Tree) -> frozenset[str]:
    """The object ids of all identities that there are, those of sites and accounts among them."""
    assigned = (tree.of_type(kind) for kind in _WITH_IDENTITY)
    owners = (each.body.get("identity") or {} for found in assigned for each in found)
    return frozenset(
        [
            *(each.properties["principalId"] for each in tree.of_type(TYPE)),
            *(owner["principalId"] for owner in owners if "principalId" in owner),
        ]
    )


def filled_identity(call: Call, given: Any, old: Resource | None) -> Json | None:
    """The `identity` of a resource with the ids that Azure fills in; None if it has none.

    A put without `identity` keeps the one that is there, as App Service and Storage do.
    """
    before: Json = (old.body.get("identity") if old else None) or {}
    if given is None:
        return before or None
    if not isinstance(given, dict):
        raise invalid_content("'identity' must be an object")
    # Clients write the double kind with and without a blank.
    kind = ", ".join(part.strip() for part in str(given.get("type", "")).split(","))
    if kind not in _KINDS:
        raise bad_request(f"The identity type '{kind}' is not one of: {'; '.join(_KINDS)}.", "InvalidIdentityType")
    if kind == "None":
        return {"type": "None"} if before else None
    made: Json = {"type": kind}
    if "SystemAssigned" in kind:
        made |= {"principalId": before.get("principalId") or str(uuid.uuid4()), "tenantId": TENANT_ID}
    if "UserAssigned" in kind.replace("SystemAssigned", ""):
        assigned = given.get("userAssignedIdentities")
        if not isinstance(assigned, dict) or not assigned:
            raise bad_request(
                "A user-assigned identity needs 'userAssignedIdentities', keyed by id.", "InvalidIdentityValues"
            )
        made["userAssignedIdentities"] = {
            text: _assigned(call, text) for text, kept in assigned.items() if kept is not None
        }
    return made


def _assigned(call: Call, text: str) -> Json:
    try:
        wanted = parse(text)
    except ValueError as error:
        raise bad_request(f"Invalid value '{text}' for the identity: {error}.", "LinkedInvalidPropertyId") from error
    found = call.tree.get(wanted)
    if found is None or not wanted.is_a(TYPE):
        message = f"The user-assigned identity '{text}' could not be found."
        raise not_found(message, "FailedIdentityOperation")
    return {name: found.properties[name] for name in ("principalId", "clientId")}
