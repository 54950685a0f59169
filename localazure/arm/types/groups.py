"""Subscriptions, resource groups, resource providers, and the lists of all resources in a scope."""

from __future__ import annotations

import re
from typing import Any

from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply, Services, shown
from localazure.arm.errors import group_not_found, unknown_namespace
from localazure.arm.filters import equalities
from localazure.arm.ids import GROUP, SUBSCRIPTION, ResourceId, parse
from localazure.arm.operations import Handle
from localazure.arm.resource_type import Action, ResourceType, TrackedType, normal_location
from localazure.arm.tree import Json, Resource
from localazure.arm.types.accounts import publish, wipe
from localazure.identity import SUBSCRIPTION_ID, TENANT_ID

DELETE = "delete-resource-group"


class Subscriptions(ResourceType):
    """The one subscription."""

    type = SUBSCRIPTION
    versions = api_versions.RESOURCES

    def get(self, call: Call) -> Reply:  # noqa: ARG002
        return Reply(200, _subscription())

    def list(self, call: Call) -> Reply:  # noqa: ARG002
        return Reply(200, {"value": [_subscription()], "count": {"type": "Total", "value": 1}})


class Tenants(ResourceType):
    """The one tenant."""

    type = "Microsoft.Resources/tenants"
    versions = api_versions.RESOURCES

    def list(self, call: Call) -> Reply:  # noqa: ARG002
        tenant = {"id": f"/tenants/{TENANT_ID}", "tenantId": TENANT_ID, "displayName": "Local Azure"}
        return Reply(200, {"value": [{**tenant, "tenantCategory": "Home", "defaultDomain": "localazure.example"}]})


class ResourceGroups(TrackedType):
    """Resource groups: their deletion takes along all that they hold, as an operation."""

    type = GROUP
    versions = api_versions.RESOURCES
    name_rule = re.compile(r"[\w.()-]{0,89}[\w()-]")

    def get(self, call: Call) -> Reply:
        found = call.tree.get(call.id)
        if found is None:
            raise group_not_found(call.id.name)
        return Reply(200, self.view(call, found))

    def patch(self, call: Call) -> Reply:
        if call.tree.get(call.id) is None:
            raise group_not_found(call.id.name)
        return super().patch(call)

    def delete(self, call: Call) -> Reply:
        found = call.tree.get(call.id)
        if found is None:
            raise group_not_found(call.id.name)
        call.tree.put(found.with_properties(provisioningState="Deleting"))
        operations = call.services.operations
        return call.accepted(operations.running(DELETE, found.id.key) or operations.create(DELETE, found.id.text))

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        kept: Json = {name: body[name] for name in ("location", "tags", "managedBy") if name in body}
        return Resource(old.id if old else call.id, {**kept, "properties": {"provisioningState": "Succeeded"}})


def delete_group(services: Services, handle: Handle) -> None:
    """Carry out the deletion of a resource group; may be done again from the start at any time."""
    group = parse(handle.subject)
    for account in services.tree.below(group, "Microsoft.Storage/storageAccounts"):
        wipe(services, account)
    services.tree.delete(group)
    publish(services)
    services.hosts.follow_all()
    handle.succeed()


class Resources(ResourceType):
    """The list of resources of all types in a group or the subscription."""

    type = "Microsoft.Resources/resources"
    versions = api_versions.RESOURCES

    def list(self, call: Call) -> Reply:
        wanted = equalities(call.query.get("$filter"), {"resourcetype", "name", "location", "resourcegroup"})
        found = [each for each in call.tree.below(call.id) if _listed(each) and _matches(each, wanted)]
        return Reply(200, {"value": [_summary(each) for each in found]})


class Providers(ResourceType):
    """Resource providers: always registered."""

    type = "Microsoft.Resources/providers"
    versions = api_versions.RESOURCES

    def __init__(self, types: list[ResourceType]) -> None:
        self._namespaces: dict[str, list[ResourceType]] = {}
        for kind in types:
            self._namespaces.setdefault(kind.type.split("/", 1)[0], []).append(kind)

    def list(self, call: Call) -> Reply:
        if call.address.namespace is not None:
            return Reply(200, self._provider(call.address.namespace))
        return Reply(200, {"value": [self._provider(namespace) for namespace in sorted(self._namespaces)]})

    @property
    def scope_actions(self) -> dict[str, Action]:
        register = Action(lambda call: Reply(200, self._provider(call.address.namespace or "")))
        return {"register": register, "unregister": register}

    def _provider(self, namespace: str) -> Json:
        spelled = next((known for known in self._namespaces if known.lower() == namespace.lower()), None)
        if spelled is None:
            raise unknown_namespace(namespace)
        types = [
            {
                "resourceType": kind.type.split("/", 1)[1],
                "locations": [],
                "apiVersions": sorted(kind.versions, reverse=True),
                "capabilities": "None",
            }
            for kind in self._namespaces[spelled]
        ]
        return {
            "id": f"/subscriptions/{SUBSCRIPTION_ID}/providers/{spelled}",
            "namespace": spelled,
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered",
            "resourceTypes": types,
        }


def _subscription() -> Json:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION_ID}",
        "subscriptionId": SUBSCRIPTION_ID,
        "tenantId": TENANT_ID,
        "displayName": "Local Azure",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "Local",
            "spendingLimit": "Off",
        },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    }


def _listed(resource: Resource) -> bool:
    """Whether ARM tracks the resource: those with a location do, resource groups aside."""
    return "location" in resource.body and resource.id.type != GROUP


def _matches(resource: Resource, wanted: dict[str, str]) -> bool:
    group: ResourceId | None = resource.id.group
    actual: dict[str, Any] = {
        "resourcetype": resource.id.type,
        "name": resource.name,
        "location": resource.body.get("location"),
        "resourcegroup": group.name if group else None,
    }
    if "location" in wanted:
        wanted = {**wanted, "location": normal_location(wanted["location"])}
    return all(str(actual[name]).lower() == value.lower() for name, value in wanted.items())


def _summary(resource: Resource) -> Json:
    names = ("location", "tags", "kind", "sku", "identity", "managedBy")
    whole = shown(resource)
    return {name: whole[name] for name in ("id", "name", "type", *names) if name in whole}
