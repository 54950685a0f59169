"""How local Azure is found and signed in to: the cloud's metadata document, and the login of its one client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from localazure.arm.calls import Reply
from localazure.arm.tokens import LIFETIME, Tokens
from localazure.arm.tree import Json
from localazure.identity import CLIENT_ID, CLIENT_SECRET

OLDEST_METADATA: Final = "2019-05-01"


def metadata(base_url: str) -> Json:
    """The document at /metadata/endpoints in the shape of api-version 2022-09-01.

    Everything that isn't local names nothing outside: the suffixes belong to no real cloud.
    """
    return {
        "name": "LocalAzure",
        "portal": base_url,
        "authentication": {
            "loginEndpoint": base_url,
            "audiences": [f"{base_url}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": base_url,
        "graph": base_url,
        "graphAudience": base_url,
        "microsoftGraphResourceId": base_url,
        "appInsightsResourceId": base_url,
        "logAnalyticsResourceId": base_url,
        "media": base_url,
        "batch": base_url,
        "sqlManagement": base_url,
        "gallery": base_url,
        "vmImageAliasDoc": base_url,
        "suffixes": {
            "storage": "storage.localhost",
            "keyVaultDns": "vault.localhost",
            "sqlServerHostname": "database.localhost",
            "acrLoginServer": "azurecr.localhost",
        },
    }


def token(tokens: Tokens, form: Mapping[str, str]) -> Reply:
    """An answer of the token endpoint, v1 or v2, to a login by client credentials."""
    if form.get("grant_type") != "client_credentials":
        return _refused(400, "unsupported_grant_type", "AADSTS70003: use the grant type client_credentials.")
    if form.get("client_id") != CLIENT_ID:
        given = form.get("client_id", "")
        message = f"AADSTS700016: Application with identifier '{given}' was not found: the one client is {CLIENT_ID}."
        return _refused(400, "unauthorized_client", message)
    if form.get("client_secret") != CLIENT_SECRET:
        return _refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
    audience = form.get("resource") or form.get("scope", "").removesuffix("/.default")
    if not audience:
        return _refused(400, "invalid_request", "AADSTS900144: The request body must contain 'scope' or 'resource'.")
    issued = tokens.issue(CLIENT_ID, CLIENT_ID, audience)
    lifetime = {"expires_in": LIFETIME, "ext_expires_in": LIFETIME}
    return Reply(200, {"token_type": "Bearer", **lifetime, "access_token": issued})


def _refused(status: int, error: str, description: str) -> Reply:
    return Reply(status, {"error": error, "error_description": description})
