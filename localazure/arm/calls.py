"""A request to ARM as the type modules see it, and what they answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localazure.arm.database import Database
from localazure.arm.errors import invalid_content, resource_not_found
from localazure.arm.events import EventLog
from localazure.arm.ids import Address, ResourceId
from localazure.arm.operations import RETRY_AFTER_MS, Operation, Operations
from localazure.arm.roles import Roles
from localazure.arm.storage_backend import StorageBackend
from localazure.arm.tokens import Tokens
from localazure.arm.tree import Json, Resource, Tree
from localazure.identity import CLIENT_ID, SUBSCRIPTION_ID

if TYPE_CHECKING:
    from localazure.functions.hosts import Hosts


@dataclass
class Services:
    """What local Azure is made of; `pace` is the time in seconds that a worker's restart takes."""

    database: Database
    tree: Tree
    events: EventLog
    operations: Operations
    storage: StorageBackend
    base_url: str
    pace: float
    roles: Roles
    tokens: Tokens
    hosts: Hosts = field(init=False)
    """Needs all the others, and is put in once they are there."""


@dataclass(frozen=True)
class Reply:
    """An answer; no body when it is None."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request, in one transaction.

    `principal` is who makes it, by its object id. `denials` is a test's wish for the role assignment that it makes.
    `after_commit` collects what is to be done between the commit and the answer.
    """

    services: Services
    method: str
    address: Address
    query: Mapping[str, str]
    content: Any
    api_version: str
    principal: str = CLIENT_ID
    denials: int | None = None
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    @property
    def id(self) -> ResourceId:
        """The resource that the request is about: of a collection or an action, the one that has it."""
        if self.address.resource is None:
            raise LookupError("the tenant itself has no id")
        return self.address.resource

    @property
    def tree(self) -> Tree:
        return self.services.tree

    @property
    def body(self) -> Json:
        """The request's JSON object; an empty one if there is no content."""
        if self.content is None:
            return {}
        if not isinstance(self.content, dict):
            raise invalid_content("the body must be a JSON object")
        return self.content

    @property
    def properties(self) -> Json:
        """The body's properties, an object."""
        found = self.body.get("properties")
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise invalid_content("'properties' must be an object")
        return found

    def resource(self) -> Resource:
        """The stored resource; 404 if there is none."""
        found = self.tree.get(self.id)
        if found is None:
            raise resource_not_found(self.id)
        return found

    def accepted(self, operation: Operation, body: Json | None = None) -> Reply:
        """202 with the two headers that clients poll; the operation starts once this request is committed."""
        self.after_commit.append(lambda: self.services.operations.launch(operation))
        return Reply(202, body, operation_headers(self.services, self.id.namespace, operation.id, self.api_version))


def operation_headers(services: Services, namespace: str, operation_id: str, api_version: str) -> dict[str, str]:
    """The headers by which clients follow an operation."""
    base = f"{services.base_url}/subscriptions/{SUBSCRIPTION_ID}/providers/{namespace}/locations/local"
    return {
        "Location": f"{base}/operationResults/{operation_id}?api-version={api_version}",
        "Azure-AsyncOperation": f"{base}/operationStatuses/{operation_id}?api-version={api_version}",
        "retry-after-ms": str(RETRY_AFTER_MS),
        "x-ms-long-running-operation": "true",
    }


def shown(resource: Resource) -> Json:
    """A resource as ARM shows it."""
    return {"id": resource.id.text, "name": resource.name, "type": resource.id.type, **resource.body}
