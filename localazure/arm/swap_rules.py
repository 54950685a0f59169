"""What a slot swap moves and what stays: pure rules.

Source: the pages deploy-staging-slots, app-service-deployment-slots-settings and functions-app-settings of Azure's
documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_OVERRIDE_VERSIONS: Final = "WEBSITE_OVERRIDE_STICKY_EXTENSION_VERSIONS"
_OVERRIDE_DEFAULTS: Final = "WEBSITE_OVERRIDE_PRESERVE_DEFAULT_STICKY_SLOT_SETTINGS"
_STAYING_CONFIG: Final = frozenset(
    name.lower()
    for name in (
        "alwaysOn",
        "autoSwapSlotName",
        "cors",
        "detailedErrorLoggingEnabled",
        "ftpsState",
        "functionAppScaleLimit",
        "functionsRuntimeScaleMonitoringEnabled",
        "httpLoggingEnabled",
        "ipSecurityRestrictions",
        "ipSecurityRestrictionsDefaultAction",
        "logsDirectorySizeLimit",
        "minTlsVersion",
        "minimumElasticInstanceCount",
        "numberOfWorkers",
        "preWarmedInstanceCount",
        "publicNetworkAccess",
        "publishingUsername",
        "requestTracingEnabled",
        "requestTracingExpirationTime",
        "scmIpSecurityRestrictions",
        "scmIpSecurityRestrictionsDefaultAction",
        "scmIpSecurityRestrictionsUseMain",
        "scmMinTlsVersion",
        "scmType",
        "vnetName",
        "vnetPrivatePortsCount",
        "vnetRouteAllEnabled",
    )
)
"""General configuration that stays with its slot: scale, publishing, network, logs, Always On and CORS."""


@dataclass(frozen=True)
class Side:
    """All that a slot has and a swap may move: app settings, connection strings, config/web and metadata, by name."""

    settings: Mapping[str, str]
    connections: Mapping[str, Any] = field(default_factory=dict)
    web: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Sticky:
    """What stays with its slot; names are compared without regard to case, as App Service does."""

    settings: frozenset[str]
    connections: frozenset[str]
    extension_versions: bool
    web: bool

    @classmethod
    def of(cls, settings: Iterable[str], connections: Iterable[str], *sides: Side) -> Sticky:
        """The rules for a site with these slotConfigNames; an override counts if every side has it."""
        return cls(
            frozenset(name.lower() for name in settings),
            frozenset(name.lower() for name in connections),
            extension_versions=not all(_off(side, _OVERRIDE_VERSIONS) for side in sides),
            web=not all(_off(side, _OVERRIDE_DEFAULTS) for side in sides),
        )

    def setting(self, name: str) -> bool:
        """Whether an app setting stays."""
        lower = name.lower()
        return lower in self.settings or (self.extension_versions and lower.endswith("_extension_version"))

    def connection(self, name: str) -> bool:
        """Whether a connection string stays."""
        return name.lower() in self.connections

    def web_property(self, name: str) -> bool:
        """Whether a property of config/web stays."""
        return self.web and name.lower() in _STAYING_CONFIG


def laid(content: Side, slot: Side, sticky: Sticky) -> Side:
    """What travels with `content` and what stays with `slot`: the one as it runs in the place of the other."""
    return Side(
        settings={
            **{name: value for name, value in content.settings.items() if not sticky.setting(name)},
            **{name: value for name, value in slot.settings.items() if sticky.setting(name)},
        },
        connections={
            **{name: value for name, value in content.connections.items() if not sticky.connection(name)},
            **{name: value for name, value in slot.connections.items() if sticky.connection(name)},
        },
        web={
            **{name: value for name, value in content.web.items() if not sticky.web_property(name)},
            **{name: value for name, value in slot.web.items() if sticky.web_property(name)},
        },
        metadata=dict(content.metadata),
    )


@dataclass(frozen=True)
class Difference:
    """One line of `slotsdiffs`: values are None where a side lacks the setting."""

    kind: str
    name: str
    moves: bool
    current: str | None
    target: str | None


def differences(current: Side, target: Side, sticky: Sticky) -> list[Difference]:
    """In what two slots differ, and whether a swap would move it."""
    found: list[Difference] = []
    for kind, ours, theirs, stays in (
        ("AppSetting", current.settings, target.settings, sticky.setting),
        ("ConnectionString", _values(current.connections), _values(target.connections), sticky.connection),
        ("General", current.web, target.web, sticky.web_property),
    ):
        for name in sorted({*ours, *theirs}):
            one, other = ours.get(name), theirs.get(name)
            if one != other:
                found.append(Difference(kind, name, not stays(name), _text(one), _text(other)))
    return found


def _values(connections: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get("value") for name, entry in connections.items()}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _off(side: Side, name: str) -> bool:
    values = {key.lower(): value for key, value in side.settings.items()}
    return values.get(name.lower(), "").lower() in {"0", "false"}
