"""What config and environment say about Azure: the keys and variables that the azure-native provider takes.

Source: provider/pkg/provider/auth_azidentity.go of pulumi-azure-native.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "metadataHost": ("ARM_METADATA_HOSTNAME",),
    "environment": ("ARM_ENVIRONMENT", "AZURE_ENVIRONMENT"),
    "subscriptionId": ("ARM_SUBSCRIPTION_ID",),
    "tenantId": ("ARM_TENANT_ID",),
    "clientId": ("ARM_CLIENT_ID",),
    "clientSecret": ("ARM_CLIENT_SECRET",),
    "clientCertificatePath": ("ARM_CLIENT_CERTIFICATE_PATH",),
    "clientCertificatePassword": ("ARM_CLIENT_CERTIFICATE_PASSWORD",),
    "useOidc": ("ARM_USE_OIDC",),
    "oidcAudience": ("ARM_OIDC_AUDIENCE",),
    "oidcToken": ("ARM_OIDC_TOKEN",),
    "oidcTokenFilePath": ("ARM_OIDC_TOKEN_FILE_PATH",),
    "oidcRequestUrl": ("ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL"),
    "oidcRequestToken": ("ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    "useMsi": ("ARM_USE_MSI",),
    "useDefaultAzureCredential": ("ARM_USE_DEFAULT_AZURE_CREDENTIAL",),
    "disableInstanceDiscovery": ("ARM_DISABLE_INSTANCE_DISCOVERY",),
}
"""The environment variables that stand in for the config keys `azure-native:…`, the first one first."""

PUBLIC: Final = frozenset({"", "public", "azurecloud"})
"""What names the public cloud, in lower case, or leaves it unnamed."""

CONFIG_KEYS: Final = tuple(f"azure-native:{key}" for key in _VARIABLES)
"""All keys of a stack's config that say something about Azure and the login."""


class CloudError(Exception):
    """Azure isn't found, or there is no way to log in. The text names the key or variable and the way out."""


class Login(StrEnum):
    """The ways to log in, in the provider's order: the first one that is asked for is taken."""

    DEFAULT = "the default Azure credential"
    CERTIFICATE = "a client certificate"
    SECRET = "a client secret"  # noqa: S105
    OIDC = "OIDC"
    MANAGED_IDENTITY = "a managed identity"
    COMMAND_LINE = "the Azure command line"


@dataclass(frozen=True)
class AzureConfig:
    """A stack's whole config, full keys to texts, and the environment. Config goes first."""

    config: Mapping[str, str]
    environ: Mapping[str, str]

    def get(self, key: str) -> str:
        """The value of a key without its namespace, or an empty text."""
        if found := self.config.get(f"azure-native:{key}"):
            return found
        return next((found for name in _VARIABLES[key] if (found := self.environ.get(name))), "")

    def flag(self, key: str) -> bool:
        return self.get(key).lower() in {"true", "1"}

    def require(self, *keys: str, for_: str) -> list[str]:
        """The values of all keys; raises CloudError for the first that has none, saying what it is for."""
        return [self.get(key) or self._raise_missing(key, for_) for key in keys]

    @property
    def is_public(self) -> bool:
        """Whether the cloud is the public one. Nothing is asked for that, so one that a metadata host names isn't."""
        return not self.get("metadataHost") and self.get("environment").lower() in PUBLIC

    @property
    def login(self) -> Login:
        """Which login is asked for; that of the Azure command line if none is."""
        asked = {
            Login.DEFAULT: self.flag("useDefaultAzureCredential"),
            Login.CERTIFICATE: bool(self.get("clientCertificatePath")),
            Login.SECRET: bool(self.get("clientSecret")),
            Login.OIDC: self.flag("useOidc"),
            Login.MANAGED_IDENTITY: self.flag("useMsi"),
            Login.COMMAND_LINE: True,
        }
        return next(login for login in Login if asked[login])

    def _raise_missing(self, key: str, for_: str) -> str:
        raise CloudError(
            f"{told(key)} is not set, and {for_} needs it. What to do: set it with "
            f"`pulumi config set azure-native:{key}`, or by the environment variable."
        )


def told(key: str) -> str:
    """A key with its variable, for a person."""
    return f"azure-native:{key} ({_VARIABLES[key][0]})"
