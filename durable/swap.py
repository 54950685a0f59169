"""Which app settings a slot swap moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from durable.app_settings import CONTENT_SHARE, HUB_SETTING, PACKAGE, PACKAGE_IDENTITY, TRACKING, VERSION_LABEL
from durable.connections import belongs_to

_EXTENSION_VERSION = "_EXTENSION_VERSION"
_OVERRIDE = "WEBSITE_OVERRIDE_STICKY_EXTENSION_VERSIONS"


def stays(setting: str, slot_settings: Collection[str], *, extension_versions_move: bool = False) -> bool:
    """Whether a setting stays with its slot at a swap (azure_facts.md 4.2).

    `slot_settings` are the sticky names of the site, one list for all its slots. Names are compared without case, as
    App Service does.
    """
    if setting.upper().endswith(_EXTENSION_VERSION) and not extension_versions_move:
        return True
    return setting.upper() in {name.upper() for name in slot_settings}


def stuck(settings: Mapping[str, str], connection: str, slot_settings: Collection[str]) -> frozenset[str]:
    """Those settings of a slot that belong to its package or its store, and would stay behind at a swap.

    With one of them the package coming in meets the other's task hub, at the latest when it is warmed up, or runs on
    without its own (azure_facts.md 4.3). `connection` names the store.
    """
    own = {PACKAGE, PACKAGE_IDENTITY, CONTENT_SHARE, VERSION_LABEL, HUB_SETTING, settings.get(HUB_SETTING), TRACKING}
    stores = [connection, *filter(None, [settings.get(TRACKING)])]
    travelling = (name for name in settings if name in own or any(belongs_to(name, store) for store in stores))
    return frozenset(name for name in travelling if stays(name, slot_settings))


def swapped(
    source: Mapping[str, str], target: Mapping[str, str], slot_settings: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The app settings of source and target after a swap: each keeps its own sticky ones and gets the other's rest."""
    move = _extension_versions_move(source) and _extension_versions_move(target)

    def kept(settings: Mapping[str, str]) -> dict[str, str]:
        return {k: v for k, v in settings.items() if stays(k, slot_settings, extension_versions_move=move)}

    def moved(settings: Mapping[str, str]) -> dict[str, str]:
        return {k: v for k, v in settings.items() if not stays(k, slot_settings, extension_versions_move=move)}

    return kept(source) | moved(target), kept(target) | moved(source)


def _extension_versions_move(settings: Mapping[str, str]) -> bool:
    return settings.get(_OVERRIDE, "").lower() in ("0", "false")
