"""Which Azure a run is about, found as the azure-native provider finds it; logging in to it is in release/login.py.

Source: provider/pkg/azure/cloud/cloud.go of pulumi-azure-native.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from release.azure_config import CONFIG_KEYS, PUBLIC, AzureConfig, CloudError, told
from release.endpoints import ask, is_plain, origin, refuse_open
from release.login import credential, subscription

if TYPE_CHECKING:
    import httpx

__all__ = ["CONFIG_KEYS", "Cloud", "CloudError", "credential", "find_cloud", "subscription"]

_METADATA: Final = "/metadata/endpoints?api-version=2022-09-01"

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "public": PUBLIC,
    "usgovernment": frozenset(
        {"usgovernment", "usgov", "usgovernmentl4", "azureusgovernment", "azureusgovernmentcloud"}
    ),
    "china": frozenset({"china", "azurechinacloud"}),
}
"""The names that the provider takes for each cloud, in lower case."""

_LOGINS: Final[Mapping[str, str]] = {
    "public": "https://login.microsoftonline.com",
    "usgovernment": "https://login.microsoftonline.us",
    "china": "https://login.chinacloudapi.cn",
}
"""As in azure.identity.AzureAuthorityHosts."""


@dataclass(frozen=True)
class Cloud:
    """One Azure: base addresses without a slash at the end, and the audience that tokens are for.

    `loopback` is local Azure: plain http on this machine, which no other cloud may have.
    """

    resource_manager: str
    login: str
    audience: str
    loopback: bool = False

    @property
    def scope(self) -> str:
        return f"{self.audience.rstrip('/')}/.default"


def find_cloud(
    config: Mapping[str, str], environ: Mapping[str, str], transport: httpx.BaseTransport | None = None
) -> Cloud:
    """The cloud that config or environment names; the public one if neither does. Raises CloudError.

    `config` is a stack's whole config, full keys to texts. `transport` is how a metadata host is reached.
    """
    given = AzureConfig(config, environ)
    if host := given.get("metadataHost"):
        return _described(host, transport)
    return _known(given.get("environment"))


def _known(environment: str) -> Cloud:
    """One of the clouds that azure-mgmt-core knows."""
    from azure.core import AzureClouds
    from azure.mgmt.core.tools import get_arm_endpoints

    name = next((name for name, spellings in _NAMES.items() if environment.lower() in spellings), None)
    if name is None:
        raise CloudError(
            f"{told('environment')} is {environment!r}, which is no cloud that is known here. What to do: write one "
            f"of {', '.join(_NAMES)}, or set {told('metadataHost')} to the resource manager of another."
        )
    settings = {
        "public": AzureClouds.AZURE_PUBLIC_CLOUD,
        "usgovernment": AzureClouds.AZURE_US_GOVERNMENT,
        "china": AzureClouds.AZURE_CHINA_CLOUD,
    }
    endpoints = get_arm_endpoints(settings[name])
    audience = str(endpoints["credential_scopes"][0]).removesuffix("/.default")
    return Cloud(str(endpoints["resource_manager"]).rstrip("/"), _LOGINS[name], audience)


def _described(host: str, transport: httpx.BaseTransport | None) -> Cloud:
    """The cloud that the metadata document at a host describes."""
    base = (host if "://" in host else f"https://{host}").rstrip("/")
    source = told("metadataHost")
    refuse_open(base, source)
    document = ask("GET", base + _METADATA, "the cloud", transport)
    try:
        manager = str(document["resourceManager"]).rstrip("/")
        login = str(document["authentication"]["loginEndpoint"]).rstrip("/")
        audience = str(document["authentication"]["audiences"][0])
    except (KeyError, IndexError, TypeError):
        raise CloudError(
            f"{origin(base)} doesn't say where its resource manager and its login are. "
            f"What to do: check that {source} leads to the resource manager of a cloud."
        ) from None
    for address in (manager, login):
        refuse_open(address, f"The cloud at {origin(base)}, which {source} names,")
    if is_plain(manager) != is_plain(login):
        raise CloudError(
            f"The cloud at {origin(base)} has its resource manager at {origin(manager)} and its login at "
            f"{origin(login)}: one is local Azure and the other isn't. What to do: correct {source}."
        )
    return Cloud(manager, login, audience, loopback=is_plain(manager))
