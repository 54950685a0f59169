"""The packages that slots run, as far as the program shows them: zips on this machine, uploaded as blobs."""

from __future__ import annotations

import functools
import hashlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from durable import app_settings
from durable.host_json import DurableSettings, HostJsonError, read_host_json
from policies.model import Program, Slot
from policies.resources import Resource
from policies.values import UNKNOWN, Asset

HOST_JSON = "host.json"
_LARGEST = 1024 * 1024
"""Bytes of a host.json; a larger one isn't read."""


def packages_of(program: Program, slot: Slot) -> tuple[Resource, ...]:
    """The blobs that a slot may run from: one if its settings tell, several or none if a preview doesn't know yet."""
    value = slot.setting(app_settings.PACKAGE)
    if isinstance(value, str):
        path = value.partition("?")[0].rstrip("/")
        return tuple(blob for blob in program.blobs if _ends_with(path, blob))
    if value is not UNKNOWN:
        return ()
    origin = next(o for name, o in slot.origins.items() if name.lower() == app_settings.PACKAGE.lower())
    named = tuple(blob for blob in program.blobs if blob.urn in origin.sources)
    if named:
        return named
    accounts = {key for key, account in program.accounts.items() if account.urn in origin.sources}
    return tuple(blob for blob in program.blobs if (blob.text("accountName") or "").lower() in accounts)


def host_json_of(blob: Resource, root: str | None) -> DurableSettings | None:
    """What the package's host.json tells Durable; None if it can't be read here. Raises HostJsonError if it is bad."""
    text = _host_json_text(blob, root)
    return None if text is None else read_host_json(text)


def host_jsons(program: Program, slot: Slot, root: str | None) -> list[tuple[Resource, DurableSettings]]:
    """The readable host.json of each package that a slot may run."""
    found = []
    for blob in packages_of(program, slot):
        try:
            durable = host_json_of(blob, root)
        except HostJsonError:
            continue  # host-json-agrees says so
        if durable is not None:
            found.append((blob, durable))
    return found


def _ends_with(path: str, blob: Resource) -> bool:
    name = blob.text("blobName")
    container = blob.text("containerName")
    if not name or not path.endswith(f"/{name}"):
        return False
    return container is None or path.endswith(f"/{container}/{name}")


def _host_json_text(blob: Resource, root: str | None) -> str | None:
    source = blob.get("source")
    if not isinstance(source, Asset):
        return None
    if source.members:
        member = source.members.get(HOST_JSON)
        if member is None:
            return None
        return member.text or _text_of(member.path, root)
    for path in _candidates(source.path, root):
        if path.is_file():
            if source.hash and not _has_hash(path, source.hash):
                continue
            return _read(path, path.stat().st_mtime_ns)
        if (path / HOST_JSON).is_file():
            return (path / HOST_JSON).read_text(encoding="utf-8-sig")
    return None


def _text_of(path: str, root: str | None) -> str | None:
    found = next((candidate for candidate in _candidates(path, root) if candidate.is_file()), None)
    return found.read_text(encoding="utf-8-sig") if found else None


def _candidates(path: str, root: str | None) -> Iterator[Path]:
    """Where a path may lead: the engine takes it from the program's folder, which a policy pack isn't told.

    The shell mostly is in that folder, and the language host, which started this process, always is where there is a
    /proc to ask. A guess does no harm: the hash of the content settles it.
    """
    if not path:
        return
    guesses = (f"/proc/{os.getppid()}/cwd", os.environ.get("PWD", ""), str(Path(__file__).resolve().parents[1]))
    for folder in (root,) if root else guesses:
        if folder:
            yield Path(folder, path)


def _has_hash(path: Path, expected: str) -> bool:
    return _sha256(path, path.stat().st_mtime_ns) == expected


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(HOST_JSON).file_size > _LARGEST:
                return None
            return archive.read(HOST_JSON).decode("utf-8-sig")
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError):
        return None
