"""Puts the stand-in where the engine looks for azure-native: the plugin folder of a Pulumi home."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
EXECUTABLE: Final = "pulumi-resource-azure-native"
CATALOGUE: Final = "catalogue.json"
KEY: Final = "key"
SOURCES: Final = ("catalogue.py", "install.py", "introspect.py", "table.py")
"""What the installed files are made from, besides the SDK."""


def install(pulumi_home: Path) -> Path:
    """The plugin's folder, made or brought up to date; quick if nothing changed.

    Each file is replaced in one step and the key comes last, so an interrupted installation is done again, and two at
    once do no harm. Name of the folder: sdk/go/common/workspace/plugins.go in pulumi/pulumi.
    """
    sdk = version("pulumi-azure-native")
    folder = pulumi_home / "plugins" / f"resource-azure-native-v{sdk}"
    python = Path(sys.prefix) / "bin" / "python"
    key = _key(sdk, str(folder), str(python))
    marker = folder / KEY
    if marker.is_file() and marker.read_text() == key and (folder / EXECUTABLE).is_file():
        return folder

    from localazure.provider.introspect import document

    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / CATALOGUE, json.dumps(document(sdk), separators=(",", ":")))
    _replace(folder / EXECUTABLE, _script(python, folder / CATALOGUE), executable=True)
    _replace(marker, key)
    return folder


def _script(python: Path, catalogue: Path) -> str:
    """A shell script: a kernel reads no interpreter path with a blank in it from a first line.

    `-P` keeps the user's project, the working directory, out of the module search path.
    """
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from localazure.provider.main import main; main()"
    command = shlex.join([str(python), "-P", "-c", start, str(ROOT), str(catalogue)])
    return f'#!/bin/sh\n# The azure-native stand-in of local Azure.\nexec {command} "$@"\n'


def _key(*parts: str) -> str:
    digest = hashlib.sha256("\0".join((*parts, str(ROOT))).encode())
    for name in SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def _replace(path: Path, text: str, *, executable: bool = False) -> None:
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(text)
    made = Path(file.name)
    made.chmod(0o755 if executable else 0o644)
    made.replace(path)
