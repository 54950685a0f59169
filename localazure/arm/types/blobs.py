"""The blob service of a storage account, and its containers, which are really made in the storage backend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply
from localazure.arm.errors import bad_request, not_found
from localazure.arm.events import now
from localazure.arm.ids import ResourceId
from localazure.arm.resource_type import ResourceType, TrackedType, merged
from localazure.arm.tree import Json, Resource
from localazure.arm.types.accounts import TYPE as ACCOUNT
from localazure.arm.types.accounts import keys, provisioned

_DEFAULTS: Final[Json] = {
    "cors": {"corsRules": []},
    "deleteRetentionPolicy": {"allowPermanentDelete": False, "enabled": False},
}


class BlobServices(ResourceType):
    """An account's blob service: always there, named default."""

    type = f"{ACCOUNT}/blobServices"
    versions = api_versions.STORAGE

    def get(self, call: Call) -> Reply:
        return Reply(200, self._current(call))

    def put(self, call: Call) -> Reply:
        current = self._current(call)
        properties = merged(current["properties"], call.properties)
        call.tree.put(Resource(call.id, {"properties": properties}))
        return Reply(200, {**current, "properties": properties})

    def list(self, call: Call) -> Reply:
        account = provisioned(call, call.id)
        stored = call.tree.get(account.id.child("blobServices", "default"))
        return Reply(200, {"value": [_service(account, stored)]})

    def _current(self, call: Call) -> Json:
        account = provisioned(call, _account_of(call.id))
        if call.id.name.lower() != "default":
            raise bad_request("The only blob service of an account is named 'default'.", "InvalidResourceName")
        return _service(account, call.tree.get(call.id))


class BlobContainers(TrackedType):
    """Blob containers; those that were made or deleted through the blob service itself, too."""

    type = f"{ACCOUNT}/blobServices/containers"
    versions = api_versions.STORAGE
    needs_location = False
    name_rule = re.compile(r"\$web|\$root|\$logs|(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")

    def invalid_name(self, wrong: ResourceId) -> Exception:
        return bad_request(
            f"The container name '{wrong.name}' is invalid: 3 to 63 lower-case letters, digits and single hyphens.",
            "InvalidResourceName",
        )

    def get(self, call: Call) -> Reply:
        return Reply(200, self.view(call, self._existing(call)))

    def members(self, call: Call) -> Sequence[Resource]:
        service = _account_of(call.id).child("blobServices", "default")
        return [_container(call, service.child("containers", name)) for name in _names(call)]

    def patch(self, call: Call) -> Reply:
        call.tree.put(self._existing(call))
        return super().patch(call)

    def delete(self, call: Call) -> Reply:
        if call.id.name not in _names(call):
            call.tree.delete(call.id)
            return Reply(204)
        call.tree.put(_container(call, call.id))
        return super().delete(call)

    def _existing(self, call: Call) -> Resource:
        if call.id.name not in _names(call):
            raise not_found(f"The specified container '{call.id.name}' does not exist.", "ContainerNotFound")
        return _container(call, call.id)

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        given = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
        return _new_container(old.id if old else call.id, given)

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:
        account = provisioned(call, _account_of(made.id))
        call.services.storage.create_container(account.name, keys(account)[0], made.name)
        return super().stored(call, made, old)

    def removed(self, call: Call, old: Resource) -> None:
        account = provisioned(call, _account_of(old.id))
        call.services.storage.delete_container(account.name, keys(account)[0], old.name)


def _names(call: Call) -> list[str]:
    """The containers that the account has now, whoever made them."""
    account = provisioned(call, _account_of(call.id))
    return call.services.storage.list_containers(account.name, keys(account)[0])


def _container(call: Call, wanted: ResourceId) -> Resource:
    return call.tree.get(wanted) or _new_container(wanted, {})


def _new_container(where: ResourceId, given: Json) -> Resource:
    computed = {
        "publicAccess": "None",
        "leaseStatus": "Unlocked",
        "leaseState": "Available",
        "lastModifiedTime": now(),
        "hasImmutabilityPolicy": False,
        "hasLegalHold": False,
        "defaultEncryptionScope": "$account-encryption-key",
        "denyEncryptionScopeOverride": False,
    }
    return Resource(where, {"properties": {**computed, **given}})


def _account_of(nested: ResourceId) -> ResourceId:
    account = nested.parent
    while account is not None and not account.is_a(ACCOUNT):
        account = account.parent
    if account is None:
        raise LookupError(f"{nested.text} lies in no storage account")
    return account


def _service(account: Resource, stored: Resource | None) -> Json:
    where = account.id.child("blobServices", "default")
    properties = {**_DEFAULTS, **(stored.properties if stored else {})}
    return {
        "id": where.text,
        "name": "default",
        "type": where.type,
        "sku": account.body["sku"],
        "properties": properties,
    }
