"""Local Azure over HTTP, for one configured provider."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event
from typing import Any, Final
from urllib.parse import quote

import httpx

from localazure import identity
from localazure.provider.arm_client import ArmClient, Query
from localazure.provider.backend import Backend
from localazure.provider.blobs import BlobResources
from localazure.provider.catalogue import CLIENT_CONFIG, CLIENT_TOKEN, Catalogue, FunctionType, ResourceType, fill
from localazure.provider.check import API_VERSION
from localazure.provider.convert import to_outputs
from localazure.provider.crud import ArmResources
from localazure.provider.errors import ArmError, ProviderError, UnreachableError
from localazure.provider.settings import Settings

GROUPS_VERSION: Final = "2024-03-01"


class AzureSession:
    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        cancelled: Event,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._arm = ArmClient(settings.metadata_host, cancelled, transport)
        self._resources = ArmResources(self._arm, catalogue, settings.subscription_id)
        self._blobs = BlobResources(self._arm, settings.subscription_id)
        self._locations: dict[str, str] = {}

    def backend(self, resource: ResourceType) -> Backend:
        return self._resources if resource.api_version else self._blobs

    def group_location(self, group: str) -> str | None:
        if group not in self._locations:
            path = f"/subscriptions/{self._settings.subscription_id}/resourceGroups/{quote(group)}"
            try:
                found = self._arm.get(path, Query(GROUPS_VERSION)).get("location")
            except ArmError as error:
                if error.not_found:
                    return None
                raise
            if not isinstance(found, str):
                return None
            self._locations[group] = found
        return self._locations[group]

    def call(self, function: FunctionType, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._refuse_bad(function, arguments)
        if function.token == CLIENT_TOKEN:
            return {"token": identity.ACCESS_TOKEN}
        if function.token == CLIENT_CONFIG:
            return {
                "clientId": self._settings.client_id,
                "objectId": self._settings.client_id,
                "subscriptionId": self._settings.subscription_id,
                "tenantId": self._settings.tenant_id,
            }
        path = fill(function.path, {**arguments, "subscriptionId": self._settings.subscription_id})
        queries = {query: str(arguments[name]) for name, query in function.queries.items() if name in arguments}
        query = Query(function.api_version, queries)
        try:
            body = self._arm.get(path, query) if function.method == "GET" else self._arm.post(path, query)
        except (ArmError, UnreachableError) as error:
            raise ProviderError(f"request failed {path}: {error}") from error
        outputs = to_outputs(self._catalogue, function.outputs, body)
        return {**outputs, API_VERSION: function.api_version} if function.getter else outputs

    def _refuse_bad(self, function: FunctionType, arguments: Mapping[str, Any]) -> None:
        missing = [name for name, required in function.arguments.items() if required and not arguments.get(name)]
        unknown = [name for name in arguments if name not in function.arguments]
        if missing or unknown:
            wrong = [f"missing required argument '{name}'" for name in missing]
            wrong += [f"unknown argument '{name}'" for name in unknown]
            raise ProviderError(f"{function.token}: {'; '.join(wrong)}")
