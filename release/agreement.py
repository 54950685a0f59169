"""Whether a package's host.json says the same as the settings: where it doesn't, the task hubs go astray in silence."""

from __future__ import annotations

from durable.host_json import AZURE_STORAGE, DurableSettings, HostJsonError, read_host_json
from release.config import NAMESPACE
from release.package import HOST_JSON, Package, PackageError
from release.settings import Settings


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
        found.append(
            "extensions.durableTask.hubName is missing, and a staging slot doesn't start without it: "
            f'write "hubName": "{settings.task_hub}"'
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
    if durable.tracking_connection_name is not None:
        found.append(
            f"a tracking store is set ({durable.tracking_connection_name!r}): the hubs of both slots have one name, "
            "so there they would share their tables; take the tracking store out"
        )
    if durable.hub_setting in _own_settings(settings):
        found.append(
            f"extensions.durableTask.hubName comes from the app setting {durable.hub_setting!r}, "
            f"which the program writes: take it out of {NAMESPACE}:settings"
        )
    return found


def _own_settings(settings: Settings) -> frozenset[str]:
    """The names of the user's own app settings, in any slot."""
    own = settings.settings
    return frozenset({*own.common, *own.sticky.production, *own.sticky.staging})
