"""How local Azure is found and signed in to: the cloud's metadata document, and a token that nobody checks."""

from __future__ import annotations

import base64
import json
from typing import Final

from localazure.arm.tree import Json
from localazure.identity import CLIENT_ID, TENANT_ID

OLDEST_METADATA: Final = "2019-05-01"
_LIFETIME: Final = 86_400


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


def token(audience: str, now: int) -> Json:
    """An answer of the token endpoint; `now` is in seconds since 1970. The token is an unsigned JWT."""
    claims = {
        "aud": audience,
        "iss": f"https://sts.localhost/{TENANT_ID}/",
        "iat": now,
        "nbf": now,
        "exp": now + _LIFETIME,
        "appid": CLIENT_ID,
        "oid": CLIENT_ID,
        "sub": CLIENT_ID,
        "tid": TENANT_ID,
        "ver": "1.0",
    }
    encoded = ".".join(_base64(json.dumps(part)) for part in ({"alg": "none", "typ": "JWT"}, claims))
    return {"token_type": "Bearer", "expires_in": _LIFETIME, "ext_expires_in": _LIFETIME, "access_token": f"{encoded}."}


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
