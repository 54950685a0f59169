"""Where ARM is: asked from the metadata host as other clouds are found, and refused if it isn't on this machine."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

import httpx

from localazure.provider.errors import NoMetadataHostError, NotLoopbackError, ProviderError

METADATA_VERSION: Final = "2022-09-01"


def require_loopback(url: str) -> str:
    """The url, if its host is this machine.

    Raises:
        NotLoopbackError: its host is any other, or none.
    """
    host = urlsplit(url).hostname or ""
    if host != "localhost":
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise NotLoopbackError(url)
    return url


def metadata_url(host: str | None) -> str:
    """The metadata document's address; a host without a scheme is taken as https, as the real provider does."""
    if not host:
        raise NoMetadataHostError
    base = host if "://" in host else f"https://{host}"
    return require_loopback(f"{base.rstrip('/')}/metadata/endpoints?api-version={METADATA_VERSION}")


def resource_manager(document: httpx.Response) -> str:
    """ARM's base url without a slash at the end, from the metadata document."""
    body = document.json() if document.is_success else None
    endpoint = body.get("resourceManager") if isinstance(body, dict) else None
    if not isinstance(endpoint, str):
        raise ProviderError(
            f"{document.url} doesn't tell ARM's address (status {document.status_code}): "
            "is another program listening there? `python -m localazure status` tells local Azure's address."
        )
    return require_loopback(endpoint).rstrip("/")
