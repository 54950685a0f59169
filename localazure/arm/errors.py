"""The errors that ARM answers with: status, code and message as its clients know them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localazure.arm.ids import ResourceId


class ArmError(Exception):
    """An answer of ARM that isn't a success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


def unauthenticated(detail: str, code: str) -> ArmError:
    return ArmError(401, code, f"Authentication failed. {detail}")


def authorization_failed(principal: str, action: str, scope: str) -> ArmError:
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh "
        "your credentials.",
    )


def bad_request(message: str, code: str = "BadRequest") -> ArmError:
    return ArmError(400, code, message)


def conflict(message: str, code: str = "Conflict") -> ArmError:
    return ArmError(409, code, message)


def not_found(message: str, code: str = "NotFound") -> ArmError:
    return ArmError(404, code, message)


def invalid_content(detail: str) -> ArmError:
    return bad_request(
        f"The request content was invalid and could not be deserialized: {detail}", "InvalidRequestContent"
    )


def subscription_not_found(name: str) -> ArmError:
    return not_found(f"The subscription '{name}' could not be found.", "SubscriptionNotFound")


def group_not_found(name: str) -> ArmError:
    return not_found(f"Resource group '{name}' could not be found.", "ResourceGroupNotFound")


def resource_not_found(missing: ResourceId) -> ArmError:
    names = [missing.name]
    part = missing.parent
    while part is not None and part.namespace == missing.namespace:
        names.insert(0, part.name)
        part = part.parent
    types = missing.type.split("/")[1:]
    nested = "/".join(f"{segment}/{name}" for segment, name in zip(types, names[-len(types) :], strict=False))
    under = f" under resource group '{missing.group.name}'" if missing.group else ""
    return not_found(f"The Resource '{missing.namespace}/{nested}'{under} was not found.", "ResourceNotFound")


def parent_not_found(child: ResourceId, parent: ResourceId) -> ArmError:
    return not_found(
        f"Can not perform requested operation on nested resource '{child.name}'. "
        f"Parent resource '{parent.name}' not found.",
        "ParentResourceNotFound",
    )


def missing_api_version() -> ArmError:
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return bad_request(message, "MissingApiVersionParameter")


def invalid_api_version(version: str, supported: Iterable[str]) -> ArmError:
    known = ",".join(sorted(supported, reverse=True))
    message = f"The api-version '{version}' is invalid. The supported versions are '{known}'."
    return bad_request(message, "InvalidApiVersionParameter")


def unregistered_version(type_name: str, version: str, supported: Iterable[str]) -> ArmError:
    known = ", ".join(sorted(supported, reverse=True))
    return bad_request(
        f"No registered resource provider found for API version '{version}' for type '{type_name}'. "
        f"The supported api-versions are '{known}'.",
        "NoRegisteredProviderFound",
    )


def unknown_namespace(namespace: str) -> ArmError:
    message = f"The resource namespace '{namespace}' is invalid: local Azure doesn't have it."
    return not_found(message, "InvalidResourceNamespace")


def unknown_type(type_name: str, version: str) -> ArmError:
    namespace, _, rest = type_name.partition("/")
    return not_found(
        f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api version '{version}': "
        "local Azure doesn't have it.",
        "InvalidResourceType",
    )


def method_not_allowed(method: str, what: str) -> ArmError:
    return ArmError(405, "MethodNotAllowed", f"The HTTP method '{method}' is not supported on {what}.")


def location_required() -> ArmError:
    return bad_request("The location property is required for this definition.", "LocationRequired")
