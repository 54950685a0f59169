"""What all resource types share: get, put, patch, delete and list by ARM's rules."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from localazure.arm.calls import Call, Reply, shown
from localazure.arm.errors import (
    bad_request,
    conflict,
    invalid_content,
    location_required,
    method_not_allowed,
    parent_not_found,
    resource_not_found,
)
from localazure.arm.ids import GROUP, SUBSCRIPTION, ResourceId
from localazure.arm.tree import Json, Resource


@dataclass(frozen=True)
class Action:
    """A POST on a resource; `changes` tells those that alter something from those that only read."""

    run: Callable[[Call], Reply]
    changes: bool = False


class ResourceType:
    """A type that only answers what its subclass gives it."""

    type: ClassVar[str]
    versions: ClassVar[frozenset[str]]

    def get(self, call: Call) -> Reply:
        return Reply(200, self.view(call, call.resource()))

    def list(self, call: Call) -> Reply:
        """The resources of this type below the scope that the call names."""
        return Reply(200, {"value": [self.view(call, each) for each in self.members(call)]})

    def put(self, call: Call) -> Reply:
        raise method_not_allowed(call.method, self.type)

    def patch(self, call: Call) -> Reply:
        raise method_not_allowed(call.method, self.type)

    def delete(self, call: Call) -> Reply:
        raise method_not_allowed(call.method, self.type)

    @property
    def actions(self) -> Mapping[str, Action]:
        """The POST actions on a resource of this type, by name in lower case."""
        return {}

    @property
    def scope_actions(self) -> Mapping[str, Action]:
        """The POST actions of this type's provider on a subscription, by name in lower case."""
        return {}

    def before_change(self, call: Call) -> None:
        """Called before anything that alters a resource of this type; raises an ArmError to refuse it."""

    def view(self, call: Call, resource: Resource) -> Json:  # noqa: ARG002
        return shown(resource)

    def members(self, call: Call) -> Sequence[Resource]:
        scope = call.id
        if scope.type not in {SUBSCRIPTION, GROUP}:
            require(call, scope)
        return call.tree.below(scope, self.type)


class TrackedType(ResourceType):
    """A type with a life of its own: it is put, patched and deleted."""

    name_rule: ClassVar[re.Pattern[str]] = re.compile(r"[\w.()-]{1,260}")
    needs_location: ClassVar[bool] = True
    created: ClassVar[int] = 201
    """The status of a put that made something: 201, or 200 with providers that don't tell the difference."""

    def put(self, call: Call) -> Reply:
        old = call.tree.get(call.id)
        if old is None:
            self.check_name(call)
            require_parent(call, call.id)
        made = self.build(call, self._checked(call, call.body, old), old)
        call.tree.put(made)
        return self.stored(call, made, old)

    def patch(self, call: Call) -> Reply:
        old = call.resource()
        made = self.build(call, self._checked(call, merged(old.body, call.body), old), old)
        call.tree.put(made)
        return self.stored(call, made, old)

    def delete(self, call: Call) -> Reply:
        old = call.tree.get(call.id)
        if old is None:
            return Reply(204)
        self.removed(call, old)
        call.tree.delete(old.id)
        return Reply(200)

    @abstractmethod
    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        """The resource to store for a body; `old` is what was there. Raises an ArmError for what Azure refuses."""

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:
        """Called once the resource is in the tree; gives the answer."""
        return Reply(self.created if old is None else 200, self.view(call, made))

    def removed(self, call: Call, old: Resource) -> None:
        """Called before the resource and all below it leave the tree; raises an ArmError to refuse."""

    def check_name(self, call: Call) -> None:
        if not self.name_rule.fullmatch(call.id.name):
            raise self.invalid_name(call.id)

    def invalid_name(self, wrong: ResourceId) -> Exception:
        return bad_request(
            f"The resource name '{wrong.name}' of type '{wrong.type}' is invalid.", "InvalidResourceName"
        )

    def _checked(self, call: Call, body: Json, old: Resource | None) -> Json:
        """The body without what the path says already, its tags and location found to be sound."""
        body = {name: value for name, value in body.items() if name not in {"id", "name", "type"}}
        tags = body.get("tags")
        if tags is not None and not (isinstance(tags, dict) and all(isinstance(each, str) for each in tags.values())):
            raise invalid_content("'tags' must be an object of strings")
        if not self.needs_location:
            return body
        location = body.get("location") or (old.body.get("location") if old else None)
        if not isinstance(location, str):
            raise location_required()
        body["location"] = normal_location(location)
        if old is not None and body["location"] != old.body["location"]:
            raise conflict(
                f"The resource '{call.id.name}' already exists in location '{old.body['location']}'. A resource with "
                f"the same name cannot be created in location '{location}'. Please select a new resource name.",
                "InvalidResourceLocation",
            )
        return body


def require_parent(call: Call, child: ResourceId) -> None:
    """404 ParentResourceNotFound if a nested resource's parent is missing."""
    parent = child.parent
    if parent is None or parent.namespace != child.namespace or parent.type in {SUBSCRIPTION, GROUP}:
        return
    if parent.is_a("Microsoft.Storage/storageAccounts/blobServices"):
        parent = parent.parent or parent
    if call.tree.get(parent) is None:
        raise parent_not_found(child, parent)


def require(call: Call, wanted: ResourceId) -> Resource:
    """The stored resource; 404 ResourceNotFound if there is none."""
    found = call.tree.get(wanted)
    if found is None:
        raise resource_not_found(wanted)
    return found


def normal_location(location: str) -> str:
    """A region's name: "West Europe" is westeurope."""
    return location.replace(" ", "").lower()


def merged(old: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396), which is what ARM's PATCH does; tags are replaced as a whole."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value if name == "tags" else merged(result.get(name), value)
    return result
