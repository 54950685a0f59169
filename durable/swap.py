"""Which app settings a slot swap moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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
