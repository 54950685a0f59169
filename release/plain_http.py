"""Local Azure's storage as an identity: it speaks plain http, and Azure's storage clients give a token to https only.

Within one machine nobody can read along, which is why RFC 8252, section 7.3, lets http be used there as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from azure.core.pipeline.transport import RequestsTransport

from release.endpoints import is_loopback, is_plain
from release.login import LoopbackCredential

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_SECURE: Final = "https:"


def is_for_loopback(credential: TokenCredential, endpoint: str) -> bool:
    """Whether a token for an endpoint may go over plain http: it is local Azure's own, and stays on this machine."""
    return isinstance(credential, LoopbackCredential) and is_plain(endpoint) and is_loopback(endpoint)


def secured(endpoint: str) -> str:
    """An endpoint as a client must be told it whose transport is a LoopbackTransport."""
    return _SECURE + endpoint.partition(":")[2]


class LoopbackTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads the class late, without its type
    """Sends by http what a client sends to this machine by https; what goes anywhere else stays as it is."""

    def send(self, request: Any, **options: Any) -> Any:
        asked = request.url
        if asked.startswith(_SECURE) and is_loopback(asked):
            request.url = "http:" + asked.removeprefix(_SECURE)
        try:
            return super().send(request, **options)
        finally:
            # A client that sends it again looks for https again.
            request.url = asked
