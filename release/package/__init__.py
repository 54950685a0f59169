"""The package: a zip of the app's code, known by the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

HOST_JSON = "host.json"
MAX_SIZE = 1024**3
"""Bytes; run-from-package takes at most 1 GB (functions-app-settings.md of the Azure documentation)."""


class PackageError(Exception):
    """A package that can't be built or used. Its text says what was seen and what to do."""


@dataclass(frozen=True)
class Package:
    """A package file: where it is, the SHA-256 of its bytes in hex, and the text of its host.json."""

    path: Path
    sha256: str
    host_json: str


def open_package(path: Path) -> Package:
    """Read a package that `make package` or the user's own build has made. Raises PackageError."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            host_json = _host_json(zipfile.ZipFile(file), path)
    except FileNotFoundError:
        raise PackageError(
            f"{path}: there is no such file; build the package first, the sample's with `make package`"
        ) from None
    except OSError as error:
        raise PackageError(f"{path}: can't be read: {error.strerror}") from error
    except zipfile.BadZipFile:
        raise PackageError(f"{path}: is no zip file; a package is a zip with host.json at its root") from None
    if size > MAX_SIZE:
        raise PackageError(f"{path}: has {size:,} bytes, and Azure Functions runs packages of up to {MAX_SIZE:,}")
    return Package(path, sha256, host_json)


def _host_json(archive: zipfile.ZipFile, path: Path) -> str:
    found = archive.namelist()
    if HOST_JSON not in found:
        deeper = next((name for name in found if name.endswith(f"/{HOST_JSON}")), None)
        hint = (
            f"it is at {deeper}: zip the content of that folder, not the folder" if deeper else "is it the right zip?"
        )
        raise PackageError(f"{path}: has no {HOST_JSON} at its root; {hint}")
    try:
        return archive.read(HOST_JSON).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PackageError(f"{path}: its {HOST_JSON} is not UTF-8") from None
