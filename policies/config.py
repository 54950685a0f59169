"""What a user tells the pack, by Pulumi's policy config; it works without any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durable.connections import DEFAULT_CONNECTION

ANY_SITE = "*"

CONNECTIONS_RULE = "durable-storage-setting-present"
HUBS_RULE = "task-hub-name-explicit"
STARTERS_RULE = "staging-starters-disabled"
EVENT_SOURCES_RULE = "event-source-setting-sticky"
PACKAGES_RULE = "host-json-agrees"

_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}

SCHEMAS: Mapping[str, Mapping[str, dict[str, Any]]] = {
    CONNECTIONS_RULE: {
        "connections": {
            **_TEXTS,
            "default": [DEFAULT_CONNECTION],
            "minItems": 1,
            "description": "Names of the app settings that host.json names as Durable's storage connection",
        }
    },
    HUBS_RULE: {
        "hubNames": {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "description": "hubName of host.json by site, `*` for all others: a name, or %Setting% as host.json has it",
        }
    },
    STARTERS_RULE: {
        "starters": {
            "type": ["array", "object"],
            "items": _TEXTS["items"],
            "additionalProperties": _TEXTS,
            "description": "Functions that start orchestrations by themselves: of every site, or by site",
        }
    },
    EVENT_SOURCES_RULE: {
        "settings": {**_TEXTS, "description": "App settings that name a queue, topic, hub or other source of events"}
    },
    PACKAGES_RULE: {
        "root": {"type": "string", "description": "Folder that relative paths of package archives start from"}
    },
}
"""The config of the rules that have any, as JSON schemas, which the engine checks. Said once, all rules use it."""


@dataclass(frozen=True)
class Config:
    """`hub_names` and `starters` are by site, in lower case, or by `*`.

    `hub_names` are values of host.json's hubName, for sites whose host.json isn't in the program.
    """

    connections: tuple[str, ...] = (DEFAULT_CONNECTION,)
    hub_names: Mapping[str, str] = field(default_factory=dict)
    starters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    event_sources: tuple[str, ...] = ()
    package_root: str | None = None

    @classmethod
    def of(cls, values: Callable[[str], Mapping[str, Any] | None]) -> Config:
        """The config that the engine gave, by rule; it has been checked against the schemas."""

        def value(rule: str, name: str) -> Any:
            return (values(rule) or {}).get(name)

        listed = value(STARTERS_RULE, "starters") or ()
        starters = listed if isinstance(listed, Mapping) else {ANY_SITE: listed}
        return cls(
            connections=tuple(value(CONNECTIONS_RULE, "connections") or (DEFAULT_CONNECTION,)),
            hub_names={site.lower(): hub for site, hub in (value(HUBS_RULE, "hubNames") or {}).items()},
            starters={site.lower(): functions for site, functions in starters.items()},
            event_sources=tuple(value(EVENT_SOURCES_RULE, "settings") or ()),
            package_root=value(PACKAGES_RULE, "root"),
        )

    def hub_name(self, site: str) -> str | None:
        return self.hub_names.get(site.lower(), self.hub_names.get(ANY_SITE))

    def starters_of(self, site: str) -> Sequence[str]:
        return self.starters.get(site.lower(), self.starters.get(ANY_SITE, ()))
