"""Names for resources that the program doesn't name, as the real provider makes them (pulumi_engine.md 4.1)."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from localazure.provider.catalogue import Autoname, ResourceType

CREATE_BEFORE_DELETE: Final = "__createBeforeDelete"
"""Marks inputs whose name is random, so that a replacement can stand beside the old resource."""

_SUFFIX: Final = 8


class Mode(Enum):
    """Pulumi's autonaming options, numbered as in CheckRequest.AutonamingOptions.Mode."""

    PROPOSE = 0
    ENFORCE = 1
    DISABLE = 2


@dataclass(frozen=True)
class Proposal:
    """What the stack's `pulumi:autonaming` configuration asks."""

    mode: Mode
    name: str


def autonamed(
    resource: ResourceType,
    logical_name: str,
    seed: bytes,
    news: Mapping[str, Any],
    olds: Mapping[str, Any],
    proposal: Proposal | None = None,
) -> dict[str, Any]:
    """The inputs to add for a name: none if the program names the resource, or nothing may name it.

    A name once given is kept for the resource's life.
    """
    key = resource.own_name
    if key is None or resource.autoname is None or key in news:
        return {}
    if key in olds:
        kept = {key: olds[key]}
        return {**kept, CREATE_BEFORE_DELETE: True} if olds.get(CREATE_BEFORE_DELETE) is True else kept
    proposed = proposal is not None and (proposal.mode is Mode.ENFORCE or resource.autoname is not Autoname.UUID)
    if proposal is not None and proposal.mode is Mode.DISABLE:
        return {}
    if proposal is not None and proposed:
        return {key: proposal.name, CREATE_BEFORE_DELETE: True}
    match resource.autoname:
        case Autoname.COPY:
            return {key: logical_name}
        case Autoname.RANDOM:
            return {key: f"{logical_name}{_random_hex(seed)[:_SUFFIX]}", CREATE_BEFORE_DELETE: True}
        case Autoname.UUID:
            return {key: str(uuid.UUID(_random_hex(seed)[:32])), CREATE_BEFORE_DELETE: True}


def _random_hex(seed: bytes) -> str:
    """64 digits; the engine's seed makes preview and update agree on them."""
    return hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(32)
