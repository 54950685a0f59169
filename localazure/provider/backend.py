"""What the servicer asks of the outside: kept free of HTTP, so that the provider's process starts quickly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localazure.provider.catalogue import FunctionType, ResourceType


@dataclass(frozen=True)
class Found:
    """A resource as it is: its id as ARM writes it, and its outputs."""

    id: str
    outputs: Mapping[str, Any]


class Backend(Protocol):
    """Where resources of a kind live: ARM, or a storage account's blobs. `timeout` is in seconds, 0 for none."""

    def create(self, resource: ResourceType, inputs: Mapping[str, Any], timeout: float) -> Found: ...

    def read(self, resource: ResourceType, resource_id: str) -> Found | None:
        """None if there is no such resource."""
        ...

    def update(self, resource: ResourceType, resource_id: str, inputs: Mapping[str, Any], timeout: float) -> Found: ...

    def delete(self, resource: ResourceType, resource_id: str, timeout: float) -> None: ...


class Session(Protocol):
    """Local Azure, as one configured provider reaches it."""

    def backend(self, resource: ResourceType) -> Backend: ...

    def group_location(self, group: str) -> str | None:
        """A resource group's location; None if there is no such group."""
        ...

    def call(self, function: FunctionType, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs of an invoke."""
        ...
