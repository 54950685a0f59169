"""host.json in the package against the settings of the slots that run it."""

from __future__ import annotations

from collections.abc import Iterator

from durable.host_json import AZURE_STORAGE, DurableSettings, HostJsonError
from policies.config import Config
from policies.finding import Finding
from policies.hubs import HUB_OVERRIDE, override
from policies.model import Program, Site, Slot
from policies.packages import host_json_of, packages_of
from policies.resources import Resource
from policies.scope import connections_of, durable_sites


def agrees(program: Program, config: Config) -> Iterator[Finding]:
    for site in durable_sites(program, config):
        for slot in site.slots:
            found = [list(_problems(program, site, slot, blob, config)) for blob in packages_of(program, slot)]
            # Where a preview doesn't know yet which package a slot runs, one that is right is enough to wait.
            if found and all(found):
                yield from found[0]


def _problems(program: Program, site: Site, slot: Slot, blob: Resource, config: Config) -> Iterator[Finding]:
    try:
        durable = host_json_of(blob, config.package_root)
    except HostJsonError as error:
        yield Finding(blob, f"package {blob.name!r}, which {slot.label} runs: {error}. Its host doesn't start")
        return
    if durable is None or durable.provider.lower() != AZURE_STORAGE.lower():
        return
    of_package = f"host.json of package {blob.name!r}"
    for key in durable.ignored:
        yield Finding(
            blob,
            f"{of_package} has {key.path}, which its Durable generation ignores in silence, so the hub goes elsewhere. "
            f"Write {key.instead or 'nothing'} instead",
        )
    for old, new in durable.ambiguous:
        yield Finding(blob, f"{of_package} has {old} and {new}, which are one setting: either may win. Leave {new}")
    if durable.ignored or durable.ambiguous:
        return
    yield from _connection(program, site, slot, of_package, durable, config)
    yield from _hub(site, slot, of_package, durable, config)


def _connection(
    program: Program, site: Site, slot: Slot, of_package: str, durable: DurableSettings, config: Config
) -> Iterator[Finding]:
    if override(slot, "storageProvider__connectionName") is not None:
        return
    named = durable.connection_name
    used = connections_of(program, site, config)
    if named.lower() in {name.lower() for name in used} or not used:
        return
    listed = ", ".join(map(repr, used))
    yield Finding(
        slot.where,
        f"{of_package}, which {slot.label} runs, names connection {named!r} at {durable.connection_key}, and the app "
        f"settings have {listed}. The hub goes to an account that doesn't travel, or the host doesn't start. Name the "
        "same one in both",
    )


def _hub(site: Site, slot: Slot, of_package: str, durable: DurableSettings, config: Config) -> Iterator[Finding]:
    if durable.hub_setting is not None:
        if slot.setting(durable.hub_setting) is None and slot.complete and override(slot, "hubName") is None:
            yield Finding(
                slot.where,
                f"{of_package} takes its hub name from app setting {durable.hub_setting!r}, which {slot.label} lacks. "
                "The host doesn't start. Set it in every slot",
            )
        return
    if durable.hub_name is None:
        return
    by_config = config.hub_names.get((site.name or "").lower())
    overridden = override(slot, "hubName")
    for other, where in ((overridden, f"app setting {HUB_OVERRIDE!r} of {slot.label}"), (by_config, "policy config")):
        if isinstance(other, str) and not other.startswith("%") and other.lower() != durable.hub_name.lower():
            yield Finding(
                slot.where,
                f"{of_package} names hub {durable.hub_name!r}, and {where} names {other!r}. The scale controller reads "
                "host.json only, so it watches the wrong queues. Name the same one in both",
            )
            return
