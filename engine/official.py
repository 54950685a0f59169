"""The Pulumi that is installed on this machine, if there is one and it will do."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.assemble import is_assembled
from engine.versions import Version

_VERSION_SECONDS = 30


@dataclass(frozen=True)
class Installed:
    """The first `pulumi` on PATH that isn't ours."""

    pulumi: Path
    version: Version | None
    """None if it doesn't run or doesn't tell."""
    language_host: Path | None
    """Its `pulumi-language-python`: as the engine looks for it, beside the real file or on PATH."""

    def shortcoming(self, needed: Version) -> str | None:
        """Why it can't be used, as a sentence; None if it can."""
        if self.version is None:
            return f"{self.pulumi} doesn't answer `pulumi version`."
        if self.version < needed:
            return f"{self.pulumi} is version {self.version}, and {needed} or newer is needed."
        if self.language_host is None:
            return f"{self.pulumi} has no pulumi-language-python beside it."
        return None


def find(environ: Mapping[str, str]) -> Installed | None:
    """Look along PATH, past the folders that this project assembles."""
    folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if not is_assembled(Path(folder))]
    found = shutil.which("pulumi", path=os.pathsep.join(folders))
    if found is None:
        return None
    beside = Path(found).resolve().parent
    host = shutil.which("pulumi-language-python", path=os.pathsep.join([str(beside), *folders]))
    return Installed(Path(found), _version(found, environ), Path(host) if host else None)


def _version(pulumi: str, environ: Mapping[str, str]) -> Version | None:
    try:
        answer = subprocess.run(
            [pulumi, "version"],
            env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=True,
        )
        return Version.parse(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
