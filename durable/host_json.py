"""host.json as the Durable extension reads it: which keys count, and which it ignores without a word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from durable.connections import HOST_STORAGE

AZURE_STORAGE = "AzureStorage"


class FunctionsGeneration(Enum):
    """Where host.json has its Durable section (azure_facts.md 1.1)."""

    V1 = ("durableTask",)
    V2_OR_LATER = ("extensions", "durableTask")


class DurableGeneration(Enum):
    """Generations of the Durable extension that differ in their keys (azure_facts.md 1.2)."""

    V1 = "1.x"
    V2_0 = "2.0 to 2.6"
    V2_7_OR_LATER = "2.7 and later"


class HostJsonError(ValueError):
    """host.json can't be read."""


@dataclass(frozen=True)
class IgnoredKey:
    """A key that has no effect, and the one that would: `extensions.durableTask.…`, empty if there is none."""

    path: str
    instead: str


@dataclass(frozen=True)
class DurableSettings:
    """What the Durable extension takes from a host.json.

    `hub_name` is None if the file names none. `connection_key` is the path of the key that names the connection, as the
    file spells it or else as it should; `connection_name` falls back to AzureWebJobsStorage (azure_facts.md 1.2). So
    with `tracking_connection_key` and `tracking_prefix_key`, whose values are None if the file doesn't have them.
    `ambiguous` has pairs of keys, the old and the new spelling of one setting, that are both there, and none
    of which is sure to win.
    """

    hub_name: str | None
    connection_name: str
    connection_key: str
    tracking_connection_key: str
    tracking_prefix_key: str
    tracking_connection_name: str | None = None
    tracking_prefix: str | None = None
    provider: str = AZURE_STORAGE
    ignored: tuple[IgnoredKey, ...] = ()
    ambiguous: tuple[tuple[str, str], ...] = ()

    @property
    def hub_setting(self) -> str | None:
        """The app setting that gives the hub's name, where it is written as `%Setting%` (azure_facts.md 1.6)."""
        match = re.fullmatch(r"%([^%]+)%", self.hub_name or "")
        return match[1] if match else None


_Spellings = Mapping[DurableGeneration, tuple[str, ...]]
"""The keys for one purpose below the Durable section, by generation; the first is today's, others still work."""

_CONNECTION: _Spellings = {
    DurableGeneration.V1: ("azureStorageConnectionStringName",),
    DurableGeneration.V2_0: ("storageProvider.connectionStringName",),
    DurableGeneration.V2_7_OR_LATER: ("storageProvider.connectionName", "storageProvider.connectionStringName"),
}
_TRACKING_CONNECTION: _Spellings = {
    DurableGeneration.V1: ("trackingStoreConnectionStringName",),
    DurableGeneration.V2_0: ("storageProvider.trackingStoreConnectionStringName",),
    DurableGeneration.V2_7_OR_LATER: (
        "storageProvider.trackingStoreConnectionName",
        "storageProvider.trackingStoreConnectionStringName",
    ),
}


def _moved_in_2_0(key: str) -> _Spellings:
    nested = (f"storageProvider.{key}",)
    return {generation: (key,) if generation is DurableGeneration.V1 else nested for generation in DurableGeneration}


_TRACKING_PREFIX = _moved_in_2_0("trackingStoreNamePrefix")
_PURPOSES = (_CONNECTION, _TRACKING_CONNECTION, _TRACKING_PREFIX, _moved_in_2_0("partitionCount"))


def read_host_json(
    text: str,
    durable: DurableGeneration | None = None,
    functions: FunctionsGeneration = FunctionsGeneration.V2_OR_LATER,
) -> DurableSettings:
    """What Durable takes from a host.json; without `durable` its generation is told by the extension bundle.

    Keys are compared without case, as .NET's configuration does. Raises HostJsonError if the text is no JSON object.
    """
    root = _parse(text)
    generation = durable or generation_of(root)
    section_path = ".".join(functions.value)
    section = dict(_flatten(_at(root, functions.value)))

    def first(spellings: _Spellings) -> str | None:
        return next((value for key in spellings[generation] if (value := _text(section, key)) is not None), None)

    def key(spellings: _Spellings) -> str:
        known = spellings[generation]
        return f"{section_path}.{next((each for each in known if each.lower() in section), known[0])}"

    return DurableSettings(
        hub_name=_text(section, "hubName"),
        connection_name=first(_CONNECTION) or HOST_STORAGE,
        connection_key=key(_CONNECTION),
        tracking_connection_key=key(_TRACKING_CONNECTION),
        tracking_prefix_key=key(_TRACKING_PREFIX),
        tracking_connection_name=first(_TRACKING_CONNECTION),
        tracking_prefix=first(_TRACKING_PREFIX),
        provider=_text(section, "storageProvider.type") or AZURE_STORAGE,
        ignored=(*_wrong_spelling(section, section_path, generation), *_wrong_place(root, section_path)),
        ambiguous=tuple(_both_spellings(section, section_path, generation)),
    )


def generation_of(root: Mapping[str, Any]) -> DurableGeneration:
    """The Durable generation of an app, by the major version of its extension bundle.

    Bundles of major version 1 bring Durable 1.x, later ones 2.7 or newer. An app without a bundle brings its own
    extension, which host.json doesn't tell; 2.7 has been out since 2022, so a newer one is assumed.
    """
    version = str(_at(root, ("extensionBundle",)).get("version", ""))
    match = re.match(r"\s*[\[(]?\s*(\d+)", version)
    return DurableGeneration.V1 if match and match[1] == "1" else DurableGeneration.V2_7_OR_LATER


def _parse(text: str) -> dict[str, Any]:
    try:
        root = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise HostJsonError(f"host.json is no valid JSON: {error.msg} in line {error.lineno}") from error
    if not isinstance(root, dict):
        raise HostJsonError("host.json must hold a JSON object")
    return root


def _at(root: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """The object at a path; an empty one if there is none."""
    node: Any = root
    for name in path:
        node = next((v for k, v in node.items() if k.lower() == name.lower()), None) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _flatten(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[str, Any]]]:
    """Each value of a section as (path in lower case, (path as written, value))."""
    for key, value in section.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flatten(value, path + ".")
        else:
            yield path.lower(), (path, value)


def _text(section: Mapping[str, tuple[str, Any]], path: str) -> str | None:
    _, value = section.get(path.lower(), ("", None))
    return value if isinstance(value, str) and value else None


def _wrong_spelling(
    section: Mapping[str, tuple[str, Any]], section_path: str, generation: DurableGeneration
) -> Iterator[IgnoredKey]:
    """Keys of another generation (azure_facts.md 1.3)."""
    for spellings in _PURPOSES:
        right = spellings[generation]
        others = dict.fromkeys(key for keys in spellings.values() for key in keys if key not in right)
        for key in others:
            if key.lower() in section:
                yield IgnoredKey(f"{section_path}.{section[key.lower()][0]}", f"{section_path}.{right[0]}")


def _both_spellings(
    section: Mapping[str, tuple[str, Any]], section_path: str, generation: DurableGeneration
) -> Iterator[tuple[str, str]]:
    for spellings in _PURPOSES:
        today, *older = spellings[generation]
        for key in older:
            if today.lower() in section and key.lower() in section:
                yield f"{section_path}.{key}", f"{section_path}.{today}"


def _wrong_place(root: Mapping[str, Any], section_path: str) -> Iterator[IgnoredKey]:
    """Durable sections where the host doesn't look, such as below `logging` (azure_facts.md 1.3)."""

    def sections(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
        for key, value in node.items():
            if isinstance(value, dict):
                if key.lower() == "durabletask":
                    yield prefix + key
                yield from sections(value, f"{prefix}{key}.")

    for path in sections(root, ""):
        if path.lower() != section_path.lower():
            yield IgnoredKey(path, section_path)
