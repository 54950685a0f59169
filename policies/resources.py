"""Resources of the program under judgement: inputs, outputs, and what each property was made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.values import UNKNOWN

_TOKEN = re.compile(r"azure-native(?:_\w+)?:(?P<module>[a-z]\w*)(?:/v\w+)?:(?P<name>\w+)")

WEB_APP = "web:WebApp"
WEB_APP_SLOT = "web:WebAppSlot"
SETTINGS = "web:WebAppApplicationSettings"
SETTINGS_SLOT = "web:WebAppApplicationSettingsSlot"
CONNECTION_STRINGS = "web:WebAppConnectionStrings"
CONNECTION_STRINGS_SLOT = "web:WebAppConnectionStringsSlot"
SLOT_NAMES = "web:WebAppSlotConfigurationNames"
PLAN = "web:AppServicePlan"
ACCOUNT = "storage:StorageAccount"
BLOB = "storage:Blob"
ROLE_ASSIGNMENT = "authorization:RoleAssignment"
IDENTITY = "managedidentity:UserAssignedIdentity"
GROUP = "resources:ResourceGroup"

OF_SLOTS = frozenset({SETTINGS, SETTINGS_SLOT, SLOT_NAMES})
"""What makes a slot what it is at the moment it is written."""

JUDGED = frozenset(
    {
        *(WEB_APP, WEB_APP_SLOT, SETTINGS, SETTINGS_SLOT, CONNECTION_STRINGS, CONNECTION_STRINGS_SLOT, SLOT_NAMES),
        *(PLAN, ACCOUNT, BLOB, ROLE_ASSIGNMENT, IDENTITY, GROUP),
    }
)
"""The types that rules look at; all others are only known by their names, as what a value may come from."""


def kind_of(token: str) -> str:
    """A type token without package and api-version: `azure-native:web/v20231201:WebApp` is `web:WebApp`.

    A local SDK package of one api-version writes the version into its name instead, `azure-native_web_v20231201:…`.
    Tokens of other providers stay as they are.
    """
    match = _TOKEN.fullmatch(token)
    return f"{match['module']}:{match['name']}" if match else token


@dataclass(frozen=True)
class Resource:
    """`sources` are, for each property, the URNs of the resources whose outputs went into it.

    `inputs` is None for a resource that the engine didn't show to resource policies, as in an update with --target.
    """

    kind: str
    urn: str
    name: str
    inputs: Mapping[str, Any] | None = field(default_factory=dict, repr=False)
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    protect: bool = False

    def __hash__(self) -> int:
        return hash(self.urn)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and other.urn == self.urn

    def get(self, *path: str) -> Any:
        """An input at a path: None if it isn't set, UNKNOWN if it, or what holds it, isn't known yet."""
        node: Any = self.inputs or {}
        for name in path:
            if node is UNKNOWN:
                return UNKNOWN
            if not isinstance(node, Mapping):
                return None
            node = node.get(name)
        return node

    def text(self, *path: str) -> str | None:
        """An input at a path if it is a known text."""
        value = self.get(*path)
        return value if isinstance(value, str) else None

    def made_from(self, name: str) -> frozenset[str]:
        return self.sources.get(name, frozenset())


def texts(values: Any) -> Iterator[str]:
    """The known texts of a list."""
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, str))
