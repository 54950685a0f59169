"""ARM ids: told apart from collections and actions, and compared as ARM compares them, without regard to case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

SUBSCRIPTION = "Microsoft.Resources/subscriptions"
GROUP = "Microsoft.Resources/resourceGroups"


@dataclass(frozen=True)
class ResourceId:
    """A resource's id.

    `parent` is what the id hangs on: the resource group of a site, the site of a slot, the scope of a role assignment;
    None at the top. The casing is the caller's; compare `key`.
    """

    text: str
    type: str
    name: str
    parent: ResourceId | None = None

    @cached_property
    def key(self) -> str:
        return self.text.lower()

    @property
    def namespace(self) -> str:
        return self.type.split("/", 1)[0]

    @property
    def subscription(self) -> ResourceId | None:
        return self._ancestor(SUBSCRIPTION)

    @property
    def group(self) -> ResourceId | None:
        return self._ancestor(GROUP)

    def is_a(self, type_name: str) -> bool:
        return self.type.lower() == type_name.lower()

    def child(self, segment: str, name: str) -> ResourceId:
        """A nested resource, such as a site's slot."""
        return ResourceId(f"{self.text}/{segment}/{name}", f"{self.type}/{segment}", name, self)

    def extension(self, namespace: str, segment: str, name: str) -> ResourceId:
        """A provider's resource that hangs on this one: in a resource group, or at any scope."""
        return ResourceId(f"{self.text}/providers/{namespace}/{segment}/{name}", f"{namespace}/{segment}", name, self)

    def within(self, scope: ResourceId) -> bool:
        """Whether this is `scope` or lies below it."""
        return f"{self.key}/".startswith(f"{scope.key}/")

    def _ancestor(self, type_name: str) -> ResourceId | None:
        found: ResourceId | None = self
        while found is not None and found.type != type_name:
            found = found.parent
        return found


@dataclass(frozen=True)
class Address:
    """What a request's path names.

    A resource alone; or with a tail, which is a collection (GET …/slots) or an action (POST …/slotsswap) of it; with a
    namespace, the tail is that provider's (GET …/providers/Microsoft.Web/sites). No resource: the tenant.
    """

    resource: ResourceId | None
    tail: str | None = None
    namespace: str | None = None

    @property
    def collection(self) -> str:
        """The type of the resources that the tail lists, if it is a collection."""
        if self.namespace is not None:
            return f"{self.namespace}/{self.tail}"
        return f"{self.resource.type}/{self.tail}" if self.resource else f"Microsoft.Resources/{self.tail}"


def address(path: str) -> Address:
    """Read the path of a request, with or without doubled slashes."""
    parts = [part for part in path.split("/") if part]
    found: ResourceId | None = None
    if len(parts) >= 2 and parts[0].lower() == "subscriptions":
        found = ResourceId(f"/subscriptions/{parts[1]}", SUBSCRIPTION, parts[1])
        parts = parts[2:]
        if len(parts) >= 2 and parts[0].lower() == "resourcegroups":
            found = ResourceId(f"{found.text}/resourceGroups/{parts[1]}", GROUP, parts[1], found)
            parts = parts[2:]
    while len(parts) >= 2 and parts[0].lower() == "providers":
        namespace, *parts = parts[1:]
        if len(parts) < 2:
            return Address(found, parts[0] if parts else None, namespace)
        text = f"{found.text if found else ''}/providers/{namespace}/{parts[0]}/{parts[1]}"
        found = ResourceId(text, f"{namespace}/{parts[0]}", parts[1], found)
        parts = parts[2:]
        while len(parts) >= 2 and parts[0].lower() != "providers":
            found = found.child(parts[0], parts[1])
            parts = parts[2:]
    return Address(found, "/".join(parts) or None)


def parse(text: str) -> ResourceId:
    """The id that a text states.

    Raises ValueError if it is none.
    """
    found = address(text)
    if found.resource is None or found.tail is not None or found.namespace is not None or not text.startswith("/"):
        raise ValueError(f"{text!r} is not the id of a resource")
    return found.resource
