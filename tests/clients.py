"""Microsoft's own clients, pointed at local Azure: unchanged but for base URL and a credential that works over http."""

from __future__ import annotations

from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import HeadersPolicy
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.mgmt.web import WebSiteManagementClient

from localazure.identity import ACCESS_TOKEN, HEADERS, SUBSCRIPTION_ID


class FixedCredential:
    """The fixed token that local Azure takes."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:  # noqa: ARG002
        return AccessToken(ACCESS_TOKEN, 2**31)


def _over_http(endpoint: str) -> dict[str, Any]:
    # The clients' own policy for tokens refuses http; a header set by hand doesn't care.
    return {
        "credential": FixedCredential(),
        "subscription_id": SUBSCRIPTION_ID,
        "base_url": endpoint,
        "authentication_policy": HeadersPolicy(HEADERS),
    }


def web_client(endpoint: str, **options: Any) -> WebSiteManagementClient:
    return WebSiteManagementClient(**_over_http(endpoint), **options)


def storage_client(endpoint: str, **options: Any) -> StorageManagementClient:
    return StorageManagementClient(**_over_http(endpoint), **options)


def resource_client(endpoint: str, **options: Any) -> ResourceManagementClient:
    return ResourceManagementClient(**_over_http(endpoint), **options)


def authorization_client(endpoint: str, **options: Any) -> AuthorizationManagementClient:
    return AuthorizationManagementClient(**_over_http(endpoint), **options)
