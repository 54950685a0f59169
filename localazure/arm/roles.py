"""Azure's roles, and who holds them: what a principal may do on ARM, and with the data of storage accounts."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final, Literal

from localazure.arm.ids import ResourceId
from localazure.arm.storage_backend import Access, Grant
from localazure.arm.tree import Resource, Tree
from localazure.identity import CLIENT_ID

ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"
ACCOUNT: Final = "Microsoft.Storage/storageAccounts"
DENIALS: Final = "denials"
"""Under this name an assignment keeps, hidden, how often it is denied before it takes effect."""

Service = Literal["blob", "queue", "table"]
Use = Literal["read", "write"]

_CONTAINER: Final = f"{ACCOUNT}/blobServices/containers"
_BLOBS: Final = f"{_CONTAINER}/blobs"
_DELEGATION: Final = f"{ACCOUNT}/blobServices/generateUserDelegationKey/action"
_QUEUES: Final = f"{ACCOUNT}/queueServices/queues"
_TABLES: Final = f"{ACCOUNT}/tableServices/tables"
_PERMITS: Final = {
    "blob/read": f"{_BLOBS}/read",
    "blob/write": f"{_BLOBS}/write",
    "blob/tags": f"{_BLOBS}/tags/write",
    "queue/read": f"{_QUEUES}/messages/read",
    "queue/write": f"{_QUEUES}/messages/write",
    "table/read": f"{_TABLES}/entities/read",
    "table/write": f"{_TABLES}/entities/write",
}
"""What storage is told of a role, and the data action that stands for it: who may write may also delete."""


@dataclass(frozen=True)
class Role:
    """A built-in role; actions may have wildcards."""

    title: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    def may_act(self, action: str) -> bool:
        """Whether it permits an action of ARM."""
        return _any(self.actions, action) and not _any(self.not_actions, action)

    @cached_property
    def permits(self) -> frozenset[str]:
        """What it permits with data. The management roles, Owner among them, permit nothing."""
        return frozenset(permit for permit, action in _PERMITS.items() if _any(self.data_actions, action))


# Ids, titles and actions as Azure publishes them (page built-in-roles), as far as local Azure has their types.
ROLES: Final[Mapping[str, Role]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": Role("Owner", ("*",)),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": Role(
        "Contributor", ("*",), ("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write")
    ),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Role("Reader", ("*/read",)),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": Role(
        "Storage Blob Data Owner", (f"{_CONTAINER}/*", _DELEGATION), data_actions=(f"{_BLOBS}/*",)
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role(
        "Storage Blob Data Contributor",
        (f"{_CONTAINER}/delete", f"{_CONTAINER}/read", f"{_CONTAINER}/write", _DELEGATION),
        data_actions=tuple(f"{_BLOBS}/{each}" for each in ("delete", "read", "write", "move/action", "add/action")),
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": Role(
        "Storage Blob Data Reader", (f"{_CONTAINER}/read", _DELEGATION), data_actions=(f"{_BLOBS}/read",)
    ),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": Role(
        "Storage Queue Data Contributor",
        tuple(f"{_QUEUES}/{each}" for each in ("delete", "read", "write")),
        data_actions=tuple(f"{_QUEUES}/messages/{each}" for each in ("delete", "read", "write", "process/action")),
    ),
    "19e7f393-937e-4f77-808e-94535e297925": Role(
        "Storage Queue Data Reader", (f"{_QUEUES}/read",), data_actions=(f"{_QUEUES}/messages/read",)
    ),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": Role(
        "Storage Table Data Contributor",
        tuple(f"{_TABLES}/{each}" for each in ("delete", "read", "write")),
        data_actions=tuple(
            f"{_TABLES}/entities/{each}" for each in ("read", "write", "delete", "add/action", "update/action")
        ),
    ),
    "76199698-9eea-4c19-bc75-cec21354c6b6": Role(
        "Storage Table Data Reader", (f"{_TABLES}/read",), data_actions=(f"{_TABLES}/entities/read",)
    ),
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": Role(
        "Storage Account Contributor",
        (
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Storage/storageAccounts/*",
        ),
    ),
    "de139f84-1756-47ae-9be6-808fbbe84772": Role(
        "Website Contributor",
        (
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/components/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Web/serverFarms/join/action",
            "Microsoft.Web/serverFarms/read",
            "Microsoft.Web/sites/*",
        ),
    ),
}


class Roles:
    """Who may do what, by the role assignments that there are now. The deployer owns the subscription.

    An assignment with a number of denials takes effect at each place (ARM, or a service of an account) once it was
    denied there so often: roles take minutes to reach all of Azure, and a test can't wait for minutes.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._denied: dict[tuple[str, str], int] = {}

    def may(self, principal: str, account: str, service: Service, use: Use, container: str | None = None) -> bool:
        """Whether a principal, by its object id, may read or write the data of an account, by its name.

        Roles on a single blob container count only if the container is named.
        """
        found = self._tree.named([ACCOUNT], account)
        if found is None:
            return False
        grants = [
            grant
            for grant in self.access(found).grants
            if grant.principal == principal
            and f"{service}/{use}" in grant.permits
            and grant.container in {None, container}
        ]
        return self._in_force(((grant.assignment, grant.denials) for grant in grants), f"{account}/{service}")

    def may_act(self, principal: str, action: str, scope: ResourceId | None) -> bool:
        """Whether a principal may do an action of ARM at a scope; None is the tenant, which everybody may read."""
        if principal == CLIENT_ID or scope is None:
            return True
        found = [
            each
            for each in self._tree.of_type(ASSIGNMENT)
            if each.properties["principalId"] == principal
            and each.id.parent is not None
            and scope.within(each.id.parent)
            and role_of(each).may_act(action)
        ]
        return self._in_force(((_version(each), denials_of(each)) for each in found), "arm")

    def access(self, account: Resource) -> Access:
        """Who may do what with an account's data, as storage is told."""
        found = (_grant(account, each) for each in self._tree.of_type(ASSIGNMENT))
        return Access(keys=keys_allowed(account), grants=tuple(grant for grant in found if grant is not None))

    def _in_force(self, assignments: Iterable[tuple[str, int]], place: str) -> bool:
        """Whether one of these assignments, each with its denials, is in force; if not, each has been denied once."""
        with self._lock:
            waiting = [((assignment, place), denials) for assignment, denials in assignments]
            if any(self._denied.get(key, 0) >= denials for key, denials in waiting):
                return True
            for key, _ in waiting:
                self._denied[key] = self._denied.get(key, 0) + 1
            return False


def keys_allowed(account: Resource) -> bool:
    """Whether an account's keys open it, and so a connection string with one; ARM still lists them if not."""
    return account.properties.get("allowSharedKeyAccess") is not False


def role_of(assignment: Resource) -> Role:
    return ROLES[assignment.properties["roleDefinitionId"].rsplit("/", 1)[-1].lower()]


def denials_of(assignment: Resource) -> int:
    """How often it is to be denied before it takes effect."""
    return int(assignment.hidden.get(DENIALS, 0))


def _grant(account: Resource, assignment: Resource) -> Grant | None:
    """What a role assignment gives on the data of an account, if anything."""
    scope, permits = assignment.id.parent, role_of(assignment).permits
    container = scope.name if scope is not None and scope.is_a(_CONTAINER) else None
    if scope is None or not permits:
        return None
    if not account.id.within(scope) and not (container is not None and scope.within(account.id)):
        return None
    return Grant(_version(assignment), assignment.properties["principalId"], permits, container, denials_of(assignment))


def _version(assignment: Resource) -> str:
    """Tells an assignment from an earlier one that had its id: denials are counted anew."""
    return f"{assignment.id.key}@{assignment.properties['createdOn']}"


def _any(patterns: Sequence[str], action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
