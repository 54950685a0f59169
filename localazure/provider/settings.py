"""The provider's configuration, from `azure-native:*` and the environment, as the real one reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localazure import identity


@dataclass(frozen=True)
class Settings:
    metadata_host: str | None
    subscription_id: str
    tenant_id: str
    client_id: str
    location: str | None

    @classmethod
    def of(cls, config: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
        """`config` has keys without the `azure-native:` before them, such as `metadataHost`; it wins."""

        def value(key: str, variable: str) -> str | None:
            return config.get(key) or environment.get(variable) or None

        return cls(
            metadata_host=value("metadataHost", "ARM_METADATA_HOSTNAME"),
            subscription_id=value("subscriptionId", "ARM_SUBSCRIPTION_ID") or identity.SUBSCRIPTION_ID,
            tenant_id=value("tenantId", "ARM_TENANT_ID") or identity.TENANT_ID,
            client_id=value("clientId", "ARM_CLIENT_ID") or identity.CLIENT_ID,
            location=config.get("location") or None,
        )
