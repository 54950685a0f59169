"""Resources in ARM: create, read, update, delete, on plain inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localazure.provider import convert
from localazure.provider.arm_client import ArmClient, Query
from localazure.provider.backend import Found
from localazure.provider.catalogue import Catalogue, ResourceType
from localazure.provider.check import API_VERSION
from localazure.provider.errors import ArmError, PartialFailureError, ProviderError, UnreachableError


class ArmResources:
    def __init__(self, arm: ArmClient, catalogue: Catalogue, subscription: str) -> None:
        self._arm = arm
        self._catalogue = catalogue
        self._subscription = subscription

    def create(self, resource: ResourceType, inputs: Mapping[str, Any], timeout: float) -> Found:
        resource_id = resource.id_of(inputs, self._subscription)
        if not resource.singleton:
            self._refuse_existing(resource, resource_id)
        return self.update(resource, resource_id, inputs, timeout)

    def _refuse_existing(self, resource: ResourceType, resource_id: str) -> None:
        try:
            exists = bool(self._get(resource, resource_id))
        except ArmError as error:
            if not error.not_found:
                raise ProviderError(f"cannot check existence of resource '{resource_id}': {error}") from error
            return
        if exists:
            raise ProviderError(
                f"cannot create already existing resource '{resource_id}'. "
                "Another program or an earlier, interrupted run made it: delete it, or take it into the stack "
                "with the resource option import."
            )

    def read(self, resource: ResourceType, resource_id: str) -> Found | None:
        try:
            body = self._get(resource, resource_id)
        except ArmError as error:
            if error.not_found:
                return None
            raise
        outputs = convert.to_outputs(self._catalogue, resource.outputs, body)
        # Settings answer the id of their site's config; the one they were made with is the one to keep.
        found_id = resource_id if resource.singleton else str(body.get("id") or resource_id)
        return Found(found_id, {**outputs, API_VERSION: resource.api_version})

    def _get(self, resource: ResourceType, resource_id: str) -> dict[str, Any]:
        query = Query(resource.api_version)
        if resource.read_suffix:
            return self._arm.post(resource_id + resource.read_suffix, query)
        body = self._arm.get(resource_id, query)
        if resource.merges_site_config:
            # A site's own answer has no siteConfig worth reading (pulumi_engine.md 4.4).
            config = self._arm.get(f"{resource_id}/config/web", query)
            body = {**body, "properties": {**body.get("properties", {}), "siteConfig": config.get("properties")}}
        return body

    def update(self, resource: ResourceType, resource_id: str, inputs: Mapping[str, Any], timeout: float) -> Found:
        """Puts the whole resource.

        Raises:
            PartialFailureError: ARM has, or may have, taken the write, and what came of it couldn't be learned.
        """
        body = convert.to_body(self._catalogue, resource.inputs, inputs)
        try:
            answer = self._arm.put(resource_id, Query(resource.api_version), body)
        except UnreachableError as error:
            if error.maybe_sent:
                raise PartialFailureError(resource_id, {}, str(error)) from error
            raise
        try:
            self._arm.finish(answer, timeout)
            found = self.read(resource, resource_id)
        except ProviderError as error:
            raise PartialFailureError(resource_id, {}, str(error)) from error
        if found is None:
            raise PartialFailureError(resource_id, {}, f"'{resource_id}' was written, but ARM doesn't find it")
        return found

    def delete(self, resource: ResourceType, resource_id: str, timeout: float) -> None:
        if resource.default_body is not None:
            self._reset(resource, resource_id, resource.default_body, timeout)
            return
        # A plan without sites stays: it is a resource of its own (pulumi_engine.md 4.4).
        more = {"deleteEmptyServerFarm": "false"} if resource.merges_site_config else None
        self._arm.delete(resource_id, Query(resource.api_version, more), timeout)

    def _reset(self, resource: ResourceType, resource_id: str, body: Mapping[str, Any], timeout: float) -> None:
        """ARM has no delete for settings: they are emptied, if their site is still there."""
        try:
            answer = self._arm.put(resource_id, Query(resource.api_version), body)
            self._arm.finish(answer, timeout)
        except ArmError as error:
            if not error.not_found:
                raise
