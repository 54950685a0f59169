"""What a worker is told to run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from localazure.state import REPOSITORY

_OF_THE_MACHINE: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
_SITE_PACKAGES: Final = Path(".python_packages", "lib", "site-packages")


@dataclass(frozen=True)
class Start:
    """The first line of a worker's standard input.

    `hub` and `address` are the task hub's name and where its backend listens, None for an app without Durable
    Functions. `rpc` is where the Durable client asks for its hub, `management` where clients outside do, with the key
    `management_key` and the connection's name. `keys` are the app's host keys by name. `environment` is what App
    Service adds to the settings, such as where the app's identity gets its tokens; it may be left out.
    """

    folder: Path
    settings: Mapping[str, str]
    site: str
    slot: str
    hub: str | None
    address: str | None
    rpc: str
    management: str
    connection: str | None
    management_key: str
    keys: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, line: str) -> Start:
        told = json.loads(line)
        hub = told["hub"] or {}
        return cls(
            Path(told["folder"]),
            told["settings"],
            told["site"],
            told["slot"],
            hub.get("name"),
            hub.get("address"),
            told["rpc"],
            told["managementBase"],
            told["connectionName"],
            told["managementKey"],
            told["keys"],
            told.get("environment", {}),
        )

    def seen_by(self, told: str | None) -> Start:
        """The same under the name that a request came to, which local Azure tells in a header: a swap changes it."""
        if told is None:
            return self
        site = json.loads(told)
        return replace(
            self,
            slot=site["slot"],
            management=site["managementBase"],
            management_key=site["managementKey"],
            keys=site["keys"],
        )

    def take_over_environment(self) -> None:
        """Leave the app what App Service gives one: its settings, and nothing of local Azure's own environment."""
        kept = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
        os.environ.clear()
        os.environ.update(kept)
        os.environ.update(self.settings)
        os.environ.update(self.environment)
        os.environ.update(
            WEBSITE_SITE_NAME=self.site,
            WEBSITE_SLOT_NAME=self.slot,
            WEBSITE_HOSTNAME=urlsplit(self.management).netloc,
        )
        os.chdir(self.folder)

    def extend_path(self) -> None:
        """Let the app find its modules: its package's own, and local Azure's for libraries that it doesn't bring.

        This repository's rooms aren't among them: what the app lacks in Azure, it must lack here.
        """
        others = [path for path in sys.path if Path(path) != REPOSITORY]
        sys.path[:] = [str(self.folder / _SITE_PACKAGES), str(self.folder), *others]
