"""Whether a package's host.json says the same as the settings: where it doesn't, the task hubs go astray in silence."""

from __future__ import annotations

from durable.host_json import AZURE_STORAGE, DurableSettings, HostJsonError, read_host_json
from durable.hub_names import DEFAULT_TRACKING_PREFIX
from release.config import NAMESPACE
from release.package import HOST_JSON, Package, PackageError
from release.settings import Settings, TrackingSettings

_FROM_SETTING = "%TaskHub%"
"""How host.json takes the hub's name from an app setting; any setting will do."""


def agreed_host_json(settings: Settings, package: Package) -> DurableSettings:
    """What the package's host.json tells Durable, once it agrees with the settings.

    Raises PackageError with one line per disagreement: the file, the key, and the way out.
    """
    where = f"{package.path}, {HOST_JSON}"
    try:
        durable = read_host_json(package.host_json)
    except HostJsonError as error:
        raise PackageError(f"{package.path}: {error}") from error
    problems = [f"{where}: {problem}" for problem in _problems(durable, settings)]
    if problems:
        raise PackageError("\n".join(problems))
    return durable


def _problems(durable: DurableSettings, settings: Settings) -> list[str]:
    found = [
        f"{key.path} is ignored by the Durable extension of this app; write {key.instead} instead"
        for key in durable.ignored
    ]
    found += [f"{old} and {new} are the same setting: leave {new} only" for old, new in durable.ambiguous]
    if durable.provider.lower() != AZURE_STORAGE.lower():
        found.append(
            f"extensions.durableTask.storageProvider.type is {durable.provider!r}; two stores that travel with their "
            f"packages need {AZURE_STORAGE!r}"
        )
    if durable.hub_name is None:
        name = settings.task_hub if settings.tracking_in_use is None else _FROM_SETTING
        found.append(
            "extensions.durableTask.hubName is missing, and a staging slot doesn't start without it: "
            f'write "hubName": "{name}"'
        )
    elif durable.hub_setting is None and settings.tracking_in_use is not None:
        found.append(
            f"extensions.durableTask.hubName is {durable.hub_name!r}, and in a tracking store the hub of each slot has "
            f'a name of its own: write "hubName": "{_FROM_SETTING}", and the program sets that app setting'
        )
    elif durable.hub_setting is None and durable.hub_name != settings.task_hub:
        found.append(
            f"extensions.durableTask.hubName is {durable.hub_name!r} and {NAMESPACE}:taskHub is {settings.task_hub!r}: "
            "give both the same name"
        )
    if durable.connection_name != settings.connection_name:
        found.append(
            f"{durable.connection_key} must name the app setting {settings.connection_name!r} "
            f"({NAMESPACE}:connectionName); with {durable.connection_name!r} the task hubs are in another account"
        )
    if settings.tracking_in_use is None:
        found += _untracked_problems(durable, settings)
    else:
        found += _tracking_problems(durable, settings.tracking_in_use)
    if durable.hub_setting in _own_settings(settings):
        found.append(
            f"extensions.durableTask.hubName comes from the app setting {durable.hub_setting!r}, "
            f"which the program writes: take it out of {NAMESPACE}:settings"
        )
    return found


def _untracked_problems(durable: DurableSettings, settings: Settings) -> list[str]:
    named = durable.tracking_connection_name
    if named is None:
        return []
    seen = "config has none" if settings.tracking_store is None else f"{NAMESPACE}:trackingStore.retire is true"
    return [
        f"{durable.tracking_connection_key} names a tracking store by the app setting {named!r}, and {seen}: set "
        f"{NAMESPACE}:trackingStore for new packages, or take the key out of host.json"
    ]


def _tracking_problems(durable: DurableSettings, tracking: TrackingSettings) -> list[str]:
    """Where host.json and config disagree on the tracking store: the gate looks where config says."""
    key, named = durable.tracking_connection_key, durable.tracking_connection_name
    if named is None:
        return [
            f"{key} is missing, and config has {NAMESPACE}:trackingStore: name the app setting "
            f"{tracking.connection_name!r} there, or set trackingStore.retire"
        ]
    found = []
    if named != tracking.connection_name:
        found.append(
            f"{key} is {named!r} and {NAMESPACE}:trackingStore.connectionName is {tracking.connection_name!r}: give "
            "both the same name"
        )
    prefix = durable.tracking_prefix or DEFAULT_TRACKING_PREFIX
    if prefix.lower() != tracking.prefix.lower():
        found.append(
            f"{durable.tracking_prefix_key} is {prefix!r} and {NAMESPACE}:trackingStore.prefix is {tracking.prefix!r}: "
            "give both the same prefix, that of the other apps on the store"
        )
    return found


def _own_settings(settings: Settings) -> frozenset[str]:
    """The names of the user's own app settings, in any slot."""
    own = settings.settings
    return frozenset({*own.common, *own.sticky.production, *own.sticky.staging})
