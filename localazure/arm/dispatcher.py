"""From a request to the type module that answers it, through the checks that ARM itself makes for all types."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from localazure.arm import api_versions
from localazure.arm.calls import Call, Reply, Services, operation_headers
from localazure.arm.errors import (
    ArmError,
    authorization_failed,
    bad_request,
    conflict,
    group_not_found,
    invalid_api_version,
    method_not_allowed,
    missing_api_version,
    not_found,
    subscription_not_found,
    unknown_namespace,
    unknown_type,
    unregistered_version,
)
from localazure.arm.ids import GROUP, SUBSCRIPTION, Address, address
from localazure.arm.operations import Status
from localazure.arm.resource_type import Action, ResourceType
from localazure.identity import SUBSCRIPTION_ID

_LOG = logging.getLogger(__name__)
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-\w+)?")
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_OPERATION = re.compile(r"[\w.]+/locations/operation(Statuses|Results)", re.IGNORECASE)


class Dispatcher:
    """Answers ARM requests, each in one transaction."""

    def __init__(self, services: Services, types: Iterable[ResourceType]) -> None:
        self._services = services
        self._types = {kind.type.lower(): kind for kind in types}
        self._spelling = {kind.type.lower(): kind.type for kind in self._types.values()}

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        content: Any,
        *,
        principal: str,
        denials: int | None = None,
        before_commit: Callable[[], None] = lambda: None,
        after_commit: Callable[[], None] = lambda: None,
    ) -> Reply:
        """Answer a request of a principal; `content` is its JSON or None.

        `denials` and the two hooks are where a test's fault strikes.
        """
        try:
            version = _api_version(query)
            call = Call(
                self._services, method, self._spelled(address(path)), query, content, version, principal, denials
            )
            with self._services.database.transaction():
                reply = self._answer(call)
                before_commit()
            after_commit()
            for follow_up in call.after_commit:
                follow_up()
        except ArmError as error:
            return Reply(error.status, error.body)
        except Exception as error:
            _LOG.exception("%s %s failed", method, path)
            return Reply(500, ArmError(500, "InternalServerError", f"{type(error).__name__}: {error}").body)
        return reply

    def _answer(self, call: Call) -> Reply:
        where = call.address
        if where.resource is not None and _OPERATION.fullmatch(where.resource.type):
            return _operation(call)
        self._check_scope(call)
        kind = self._kind(call)
        self._authorize(call, kind)
        if where.tail is None and where.namespace is None:
            return self._on_resource(call, kind)
        if call.method == "GET":
            return kind.list(call)
        if call.method != "POST":
            raise method_not_allowed(call.method, f"'{where.tail}'")
        actions = kind.scope_actions if where.namespace is not None else kind.actions
        action = actions.get((where.tail or "").lower())
        if action is None:
            raise not_found(f"The action '{where.tail}' is not supported on '{kind.type}'.", "InvalidResourceAction")
        return _act(kind, action, call)

    def _on_resource(self, call: Call, kind: ResourceType) -> Reply:
        match call.method:
            case "GET":
                return kind.get(call)
            case "HEAD":
                kind.get(call)
                return Reply(204)
            case "PUT" | "PATCH" | "DELETE":
                kind.before_change(call)
                change = {"PUT": kind.put, "PATCH": kind.patch, "DELETE": kind.delete}[call.method]
                return change(call)
        raise method_not_allowed(call.method, kind.type)

    def _authorize(self, call: Call, kind: ResourceType) -> None:
        action, scope = _action(call, kind), call.address.resource
        if not self._services.roles.may_act(call.principal, action, scope):
            raise authorization_failed(call.principal, action, scope.text if scope else "/")

    def _check_scope(self, call: Call) -> None:
        """The subscription and the resource group that a request lies in must be there."""
        target = call.address.resource
        if target is None or target.subscription is None:
            return
        name = target.subscription.name
        if name.lower() != SUBSCRIPTION_ID:
            raise _wrong_subscription(name)
        group = target.group
        if group is None or (group is target and call.address == Address(target)):
            return
        found = call.tree.get(group)
        if found is None:
            raise group_not_found(group.name)
        if found.properties.get("provisioningState") == "Deleting" and call.method in {"PUT", "PATCH"}:
            message = f"The resource group '{group.name}' is in deprovisioning state and cannot perform this operation."
            raise conflict(message, "ResourceGroupBeingDeleted")

    def _kind(self, call: Call) -> ResourceType:
        where = call.address
        if where.tail is None and where.namespace is None:
            if where.resource is None:
                raise not_found("The path names no resource.", "InvalidResource")
            wanted = where.resource.type
        elif where.namespace is not None and where.tail is None:
            wanted = "Microsoft.Resources/providers"
        elif where.namespace is not None and call.method == "POST":
            return self._provider(where.namespace, (where.tail or "").lower(), call.api_version)
        elif call.method == "POST" and where.resource is not None:
            wanted = where.resource.type
        elif where.namespace is None and where.resource is not None and where.resource.type in {SUBSCRIPTION, GROUP}:
            wanted = f"Microsoft.Resources/{where.tail}"
        else:
            wanted = where.collection
        kind = self._types.get(wanted.lower())
        if kind is None:
            namespace = wanted.split("/", 1)[0]
            if not any(known.startswith(f"{namespace.lower()}/") for known in self._types):
                raise unknown_namespace(namespace)
            raise unknown_type(wanted, call.api_version)
        if call.api_version not in kind.versions:
            if kind.type.startswith("Microsoft.Resources/"):
                raise invalid_api_version(call.api_version, kind.versions)
            raise unregistered_version(kind.type.split("/", 1)[1], call.api_version, kind.versions)
        return kind

    def _provider(self, namespace: str, action: str, version: str) -> ResourceType:
        """The type whose provider has this action, such as checkNameAvailability or register."""
        providers = self._types["microsoft.resources/providers"]
        if action in providers.scope_actions:
            return providers
        for kind in self._types.values():
            if kind.type.lower().startswith(f"{namespace.lower()}/") and action in kind.scope_actions:
                if version not in kind.versions:
                    raise unregistered_version(kind.type.split("/", 1)[1], version, kind.versions)
                return kind
        raise unknown_type(f"{namespace}/{action}", version)

    def _spelled(self, where: Address) -> Address:
        """The address with its type's published spelling, whatever casing the client used."""
        if where.resource is None or where.resource.type.lower() not in self._spelling:
            return where
        spelled = replace(where.resource, type=self._spelling[where.resource.type.lower()])
        return replace(where, resource=spelled)


def _act(kind: ResourceType, action: Action, call: Call) -> Reply:
    if action.changes:
        kind.before_change(call)
    return action.run(call)


def _action(call: Call, kind: ResourceType) -> str:
    """The action of a request as role definitions name it, such as Microsoft.Web/sites/slots/slotsswap/action."""
    what = kind.type.replace(GROUP, "Microsoft.Resources/subscriptions/resourceGroups")
    if call.method == "POST":
        if call.address.namespace is not None:
            what = call.address.namespace
        return f"{what}/{call.address.tail}/action"
    return f"{what}/{_VERBS[call.method]}" if call.method in _VERBS else what


def _api_version(query: Mapping[str, str]) -> str:
    version = next((value for name, value in query.items() if name.lower() == "api-version"), "")
    if not version:
        raise missing_api_version()
    if not _VERSION.fullmatch(version):
        raise invalid_api_version(version, api_versions.RESOURCES)
    return version


def _wrong_subscription(name: str) -> ArmError:
    try:
        uuid.UUID(name)
    except ValueError:
        message = f"The provided subscription identifier '{name}' is malformed or invalid."
        return bad_request(message, "InvalidSubscriptionId")
    return subscription_not_found(name)


def _operation(call: Call) -> Reply:
    """What the two polling addresses of an operation answer."""
    found = call.services.operations.get(call.id.name)
    if found is None:
        raise not_found(f"The operation '{call.id.name}' was not found.", "OperationNotFound")
    headers = operation_headers(call.services, call.id.namespace, found.id, call.api_version)
    waiting = headers if found.status is Status.IN_PROGRESS else {}
    if call.id.type.lower().endswith("operationstatuses"):
        body = {"id": call.id.text, "name": found.id, "status": found.status.value, "startTime": found.started}
        if found.ended:
            body["endTime"] = found.ended
        error = {"error": {"code": found.error["code"], "message": found.error["message"]}} if found.error else {}
        return Reply(200, {**body, **error}, {key: waiting[key] for key in ("retry-after-ms",) if key in waiting})
    if found.status is Status.IN_PROGRESS:
        return Reply(202, None, waiting)
    if found.error:
        raise ArmError(found.error["status"], found.error["code"], found.error["message"])
    return Reply(200, found.result) if found.result is not None else Reply(204)
