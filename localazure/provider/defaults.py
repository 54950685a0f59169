"""The inputs that Check adds to a program's: name, location, api-version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localazure.provider.catalogue import ResourceType
from localazure.provider.check import API_VERSION
from localazure.provider.naming import Proposal, autonamed
from localazure.provider.wire import UNKNOWN


def with_defaults(
    resource: ResourceType,
    logical_name: str,
    seed: bytes,
    news: Mapping[str, Any],
    olds: Mapping[str, Any],
    *,
    proposal: Proposal | None,
    location: str | None,
    group_location: Callable[[str], str | None],
) -> dict[str, Any]:
    """The new inputs, completed. `location` is the stack's default; without one the resource group's is taken."""
    inputs = {**news, **autonamed(resource, logical_name, seed, news, olds, proposal)}
    if "location" in resource.inputs and "location" not in inputs:
        found = olds.get("location") or location or _of_group(inputs.get("resourceGroupName"), resource, group_location)
        if found is not None:
            inputs["location"] = found
    if resource.api_version:
        inputs.setdefault(API_VERSION, resource.api_version)
    return inputs


def _of_group(group: Any, resource: ResourceType, group_location: Callable[[str], str | None]) -> Any:
    if group is UNKNOWN:
        return UNKNOWN
    if not isinstance(group, str) or resource.own_name == "resourceGroupName":
        return None
    return group_location(group)
