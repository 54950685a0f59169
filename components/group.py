"""Where the resources of one app go, and how they are marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Group:
    """A resource group, by the name that preview knows; what goes into it waits for `resource`."""

    name: str
    location: str
    resource: pulumi.Resource
    tags: Mapping[str, str] | None = None
