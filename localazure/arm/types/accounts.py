"""Storage accounts: their keys and endpoints are real, the storage backend serves them."""

from __future__ import annotations

import base64
import re
import secrets
from typing import Any, Final

from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply, Services, shown
from localazure.arm.errors import ArmError, bad_request, conflict, invalid_content
from localazure.arm.events import now
from localazure.arm.ids import ResourceId, parse
from localazure.arm.operations import Handle
from localazure.arm.resource_type import Action, TrackedType
from localazure.arm.roles import ACCOUNT
from localazure.arm.tree import Json, Resource
from localazure.arm.types.identities import filled_identity

TYPE: Final = ACCOUNT
CREATE: Final = "create-storage-account"
_KINDS: Final = ("StorageV2", "Storage", "BlobStorage", "BlockBlobStorage", "FileStorage")
_SKUS: Final = frozenset(
    f"{tier}_{redundancy}"
    for tier, redundancies in {
        "Standard": ("LRS", "GRS", "RAGRS", "ZRS", "GZRS", "RAGZRS"),
        "StandardV2": ("LRS", "GRS", "ZRS", "GZRS"),
        "Premium": ("LRS", "ZRS"),
        "PremiumV2": ("LRS", "ZRS"),
    }.items()
    for redundancy in redundancies
)
_RULE: Final = re.compile(r"[a-z0-9]{3,24}")
_READ_ONLY: Final = frozenset(
    {"primaryEndpoints", "provisioningState", "creationTime", "primaryLocation", "statusOfPrimary"}
)


def publish(services: Services) -> None:
    """Have the backend serve exactly the accounts that the tree has, to those who may use them by its assignments."""
    # In a transaction, so that what is served last is what was committed last.
    with services.database.transaction():
        found = services.tree.of_type(TYPE)
        accounts = {each.name: keys(each) for each in found}
        services.storage.set_accounts(accounts, {each.name: services.roles.access(each) for each in found})
        services.database.after_commit(lambda: services.hosts.follow_accounts(accounts))


def readdress(services: Services) -> None:
    """Have the accounts tell where they are served now: local Azure may have been started on other ports."""
    with services.database.transaction():
        for account in services.tree.of_type(TYPE):
            if "primaryEndpoints" in account.properties:
                endpoints = dict(services.storage.endpoints(account.name))
                services.tree.put(account.with_properties(primaryEndpoints=endpoints))


def wipe(services: Services, account: Resource) -> None:
    """Delete the data of an account. It must be served first: after a crash the backend may not know it yet."""
    publish(services)
    services.storage.wipe(account.name, keys(account)[0])


def keys(account: Resource) -> tuple[str, str]:
    """The account's two keys, in base64."""
    first, second = account.hidden["keys"]
    return first, second


def create_account(services: Services, handle: Handle) -> None:
    """Carry out the creation of an account: it is there for its users once the backend serves it."""
    publish(services)
    with services.database.transaction():
        account = services.tree.get(parse(handle.subject))
        if account is None:
            raise conflict("The storage account was deleted while it was being created.", "OperationPreempted")
        made = account.with_properties(
            provisioningState="Succeeded", primaryEndpoints=dict(services.storage.endpoints(account.name))
        )
        services.tree.put(made)
        handle.succeed(shown(made))


class StorageAccounts(TrackedType):
    """Storage accounts."""

    type = TYPE
    versions = api_versions.STORAGE

    @property
    def actions(self) -> dict[str, Action]:
        return {
            "listkeys": Action(_list_keys),
            "regeneratekey": Action(_regenerate_key, changes=True),
        }

    @property
    def scope_actions(self) -> dict[str, Action]:
        return {"checknameavailability": Action(_check_name_availability)}

    def check_name(self, call: Call) -> None:
        if (problem := _name_problem(call.id.name)) is not None:
            raise problem
        if call.tree.named([TYPE], call.id.name) is not None:
            raise _taken(call.id.name)

    def put(self, call: Call) -> Reply:
        # Before the checks of a new account: an account elsewhere has this name, but this id has none.
        if call.tree.get(call.id) is None and not isinstance(call.body.get("sku"), dict):
            raise bad_request("Values for request parameters are invalid: sku.", "InvalidRequestPropertyValue")
        return super().put(call)

    def build(self, call: Call, body: Json, old: Resource | None) -> Resource:
        kind = body.get("kind") or (old.body["kind"] if old else "StorageV2")
        if kind not in _KINDS:
            raise bad_request(f"The account kind '{kind}' is not one of {', '.join(_KINDS)}.", "InvalidAccountKind")
        sku = body.get("sku") or (old.body["sku"] if old else {})
        properties = body.get("properties") or {}
        if not isinstance(properties, dict) or not isinstance(sku, dict) or not isinstance(sku.get("name"), str):
            raise invalid_content("'properties' must be an object and 'sku' an object with a name")
        if sku["name"] not in _SKUS:
            known = ", ".join(sorted(_SKUS))
            message = f"Values for request parameters are invalid: the SKU '{sku['name']}' is none of {known}."
            raise bad_request(message, "InvalidRequestPropertyValue")
        if not isinstance(properties.get("allowSharedKeyAccess"), bool | None):
            raise invalid_content("'allowSharedKeyAccess' must be true or false")
        computed = dict(old.properties) if old else _first_properties(body["location"])
        given = {name: value for name, value in properties.items() if name not in _READ_ONLY}
        made: Json = {
            "location": body["location"],
            "tags": body.get("tags") or {},
            "sku": {"name": sku["name"], "tier": sku["name"].split("_", 1)[0].removesuffix("V2")},
            "kind": kind,
            "properties": {**computed, **given},
        }
        if (identity := filled_identity(call, body.get("identity"), old)) is not None:
            made["identity"] = identity
        hidden = old.hidden if old else {"keys": [_new_key(), _new_key()], "created": now()}
        return Resource(old.id if old else call.id, made, hidden)

    def stored(self, call: Call, made: Resource, old: Resource | None) -> Reply:
        if old is not None:
            call.after_commit.append(lambda: publish(call.services))
            return Reply(200, shown(made))
        return call.accepted(call.services.operations.create(CREATE, made.id.text))

    def removed(self, call: Call, old: Resource) -> None:
        wipe(call.services, old)
        call.after_commit.append(lambda: publish(call.services))


def provisioned(call: Call, account: ResourceId) -> Resource:
    """The account; 409 as long as its creation goes on."""
    found = call.tree.get(account)
    if found is None:
        raise ArmError(404, "ResourceNotFound", f"The storage account '{account.name}' was not found.")
    if found.properties["provisioningState"] != "Succeeded":
        message = (
            f"The storage account provisioning state of '{account.name}' must be 'Succeeded' before this operation."
        )
        raise conflict(message, "StorageAccountIsNotProvisioned")
    return found


def _first_properties(location: str) -> Json:
    return {
        "provisioningState": "Creating",
        "creationTime": now(),
        "primaryLocation": location,
        "statusOfPrimary": "available",
        "accessTier": "Hot",
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": True,
        "minimumTlsVersion": "TLS1_0",
        "supportsHttpsTrafficOnly": True,
        "networkAcls": {"bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"},
        "privateEndpointConnections": [],
        "encryption": {
            "keySource": "Microsoft.Storage",
            "services": {
                "blob": {"enabled": True, "keyType": "Account"},
                "file": {"enabled": True, "keyType": "Account"},
            },
        },
    }


def _list_keys(call: Call) -> Reply:
    call.resource()
    return Reply(200, {"keys": _shown_keys(provisioned(call, call.id))})


def _regenerate_key(call: Call) -> Reply:
    call.resource()
    account = provisioned(call, call.id)
    name = call.body.get("keyName")
    if name not in {"key1", "key2"}:
        raise bad_request("The key name must be key1 or key2.", "InvalidRequestPropertyValue")
    first, second = keys(account)
    renewed = account.with_hidden(keys=[_new_key(), second] if name == "key1" else [first, _new_key()])
    call.tree.put(renewed)
    call.after_commit.append(lambda: publish(call.services))
    return Reply(200, {"keys": _shown_keys(renewed)})


def _shown_keys(account: Resource) -> list[Json]:
    created = account.hidden["created"]
    values = enumerate(keys(account), 1)
    return [{"keyName": f"key{n}", "value": key, "permissions": "FULL", "creationTime": created} for n, key in values]


def _check_name_availability(call: Call) -> Reply:
    name = call.body.get("name")
    if not isinstance(name, str):
        raise invalid_content("'name' must be a string")
    answer: dict[str, Any] = {"nameAvailable": True}
    if (problem := _name_problem(name)) is not None:
        answer = {"nameAvailable": False, "reason": "AccountNameInvalid", "message": problem.message}
    elif call.tree.named([TYPE], name) is not None:
        answer = {"nameAvailable": False, "reason": "AlreadyExists", "message": _taken(name).message}
    return Reply(200, answer)


def _name_problem(name: str) -> ArmError | None:
    if _RULE.fullmatch(name):
        return None
    return bad_request(
        f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
        "length and use numbers and lower-case letters only.",
        "AccountNameInvalid",
    )


def _taken(name: str) -> ArmError:
    return conflict(f"The storage account named {name} is already taken.", "StorageAccountAlreadyTaken")


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()
