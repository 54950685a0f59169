"""The identities of sites: the endpoint at which a site's own code gets their tokens, and what they may do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from durable.connections import KeyAccess, family, table_access
from localazure.arm.calls import Reply, Services
from localazure.arm.ids import parse
from localazure.arm.roles import ACCOUNT, Service
from localazure.arm.tokens import LIFETIME, TokenError
from localazure.arm.tree import Json, Resource

PATH: Final = "/localazure/identity"
HEADER: Final = "X-IDENTITY-HEADER"
_ENDPOINT_AUDIENCE: Final = "local-azure:identity-endpoint"
_SERVICES: Final[tuple[Service, ...]] = ("blob", "queue", "table")
_ROLE: Final[Mapping[Service, str]] = {
    "blob": "Storage Blob Data Contributor",
    "queue": "Storage Queue Data Contributor",
    "table": "Storage Table Data Contributor",
}


def environment(services: Services, app: Resource) -> dict[str, str]:
    """The variables by which code in a site or slot finds the endpoint of its identities, as App Service sets them.

    The header is a token, too: it names the app, so that no other app gets its identities' tokens.
    """
    header = services.tokens.issue(app.id.text, app.id.text, _ENDPOINT_AUDIENCE, lifetime=365 * LIFETIME)
    return {"IDENTITY_ENDPOINT": f"{services.base_url}{PATH}", "IDENTITY_HEADER": header}


def answer(services: Services, header: str, query: Mapping[str, str]) -> Reply:
    """What App Service's token endpoint answers (api-version 2019-08-01) to an app, known by its header."""
    try:
        app = services.tree.get(parse(services.tokens.principal(header, [_ENDPOINT_AUDIENCE])))
    except (TokenError, ValueError):
        app = None
    if app is None:
        return _refused(401, f"{HEADER} is missing, or isn't the one of an app")
    resource, client = query.get("resource"), query.get("client_id")
    if not resource:
        return _refused(400, "the parameter 'resource' is missing")
    found = _identity(app, client)
    if found is None:
        which = f"identity with the client id {client}" if client else "system-assigned identity"
        return _refused(400, f"no {which} is assigned to this app")
    token = services.tokens.issue(found["principalId"], found["clientId"], resource)
    expires = {"expires_on": str(int(time.time()) + LIFETIME)}
    return Reply(
        200,
        {
            "access_token": token,
            **expires,
            "resource": resource,
            "token_type": "Bearer",
            "client_id": found["clientId"],
        },
    )


def connection_problem(services: Services, app: Resource, settings: Mapping[str, str], connection: str) -> str | None:
    """Why an app can't do Durable's work on the account of a connection by identity, in words; None if it can.

    None also for a connection string: there the account's keys decide.
    """
    try:
        access = table_access(settings, connection)
    except ValueError as error:
        return str(error)
    if isinstance(access, KeyAccess):
        return None
    if services.tree.named([ACCOUNT], access.account) is None:
        return f"the connection {connection} leads to the account {access.account}, which isn't there"
    given = {name.lower().rpartition("__")[2]: settings[name] for name in family(settings, connection)}
    credential = given.get("credential") or "none"
    if credential.lower() != "managedidentity":
        return f"{connection}__credential is {credential}; set it to managedidentity"
    client = given.get("clientid")
    found = _identity(app, client)
    if found is None:
        return (
            f"the identity with the client id {client}, which {connection}__clientId names, isn't assigned to the app"
            if client
            else f"{connection}__clientId isn't set and the app has no system-assigned identity"
        )
    principal = found["principalId"]
    lacking = [_ROLE[each] for each in _SERVICES if not services.roles.may(principal, access.account, each, "write")]
    if lacking:
        return f"the identity {principal} lacks on the account {access.account}: {', '.join(lacking)}"
    return None


def package_problem(services: Services, app: Resource, reader: str, url: str) -> str | None:
    """Why an app may not read the package at a URL without a SAS, in words; None if it may.

    `reader` is the identity that WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID names: a resource id or SystemAssigned.
    """
    held: Json = app.body.get("identity") or {}
    if not reader:
        return "the package's URL has no SAS, and no identity is named to read it with"
    if reader.lower() == "systemassigned":
        principal = held.get("principalId")
    else:
        assigned = held.get("userAssignedIdentities") or {}
        principal = next(
            (each["principalId"] for text, each in assigned.items() if text.lower() == reader.lower()), None
        )
    if principal is None:
        return f"the identity {reader}, which is to read the package, isn't assigned to the app"
    _, account, container, *_ = [*urlsplit(url).path.split("/"), "", ""]
    if not services.roles.may(principal, account, "blob", "read", container):
        return f"the identity {principal} lacks on the account {account}: Storage Blob Data Reader"
    return None


def _identity(app: Resource, client: str | None) -> Mapping[str, str] | None:
    """The principalId and clientId of the app's user-assigned identity, or without a client id its own."""
    held: Json = app.body.get("identity") or {}
    if client:
        assigned: Mapping[str, Mapping[str, str]] = held.get("userAssignedIdentities") or {}
        return next((each for each in assigned.values() if each["clientId"].lower() == client.lower()), None)
    principal = held.get("principalId")
    return {"principalId": principal, "clientId": principal} if principal else None


def _refused(status: int, message: str) -> Reply:
    return Reply(status, {"statusCode": status, "message": message})
