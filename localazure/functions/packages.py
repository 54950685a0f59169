"""Packages: read from their blob, and unpacked once for each content."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localazure.functions.errors import HostError

ENTRY: Final = "function_app.py"
"""Where the Python v2 programming model has its functions; a package without it has none."""

_LIBRARIES: Final = ".python_packages/"


@dataclass(frozen=True)
class Package:
    """An unpacked package: `folder` is None for one without functions, `durable` tells if its code names Durable."""

    sha256: str
    folder: Path | None
    host_json: str = "{}"
    durable: bool = False


class Packages:
    """Unpacks into a folder; safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def open(self, content: bytes) -> Package:
        """The package with this content. Raises HostError if it is no zip."""
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if ENTRY not in archive.namelist():
                    return Package(sha256, None)
                host_json = archive.read("host.json").decode() if "host.json" in archive.namelist() else "{}"
                folder = self._unpacked(sha256, archive)
                return Package(sha256, folder, host_json, _names_durable(archive))
        except (zipfile.BadZipFile, UnicodeDecodeError) as error:
            raise HostError(
                f"The package {sha256[:12]} is no zip that can be read ({error}). Upload it anew."
            ) from error

    def _unpacked(self, sha256: str, archive: zipfile.ZipFile) -> Path:
        folder = self._folder / sha256
        with self._lock:
            if not folder.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                # A folder with the final name is whole, whenever the process dies.
                begun = Path(tempfile.mkdtemp(prefix="unpacking-", dir=self._folder))
                try:
                    archive.extractall(begun)
                    begun.rename(folder)
                except BaseException:
                    shutil.rmtree(begun, ignore_errors=True)
                    raise
        return folder


def _names_durable(archive: zipfile.ZipFile) -> bool:
    """Whether the app's own code has to do with Durable Functions; only then the Durable extension starts."""
    return any(
        b"durable" in archive.read(name)
        for name in archive.namelist()
        if name.endswith(".py") and not name.startswith(_LIBRARIES)
    )
