"""The provider behind SlotSwap: Pulumi's verbs for "production runs this package"."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Mapping
from typing import Any

from pulumi import dynamic

from durable.stores import Release, Slot
from release.app_names import AppNames
from release.azure_config import CONFIG_KEYS
from release.clock import SYSTEM_CLOCK
from release.journal import stops_told
from release.live import Live
from release.swap import SwapLimits
from release.warm_up import check_production


class SwapProvider(dynamic.ResourceProvider):
    """Pulumi keeps a reference to this class in its state: it must stay importable under its name.

    What it prints, the engine shows. A property that is None reaches it as one that is missing.
    """

    _config: Mapping[str, str]

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        _end_with_the_engine()
        known = {key: req.config.get(key) for key in CONFIG_KEYS}
        self._config = {key: value for key, value in known.items() if value is not None}

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(f"{props['site']}/{Slot.PRODUCTION}", self._promoted(props))

    @stops_told()
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        found = self._live(props).look().production
        return dynamic.ReadResult(id_, {**props, "production": found.package if isinstance(found, Release) else None})

    def diff(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=news.get("package") != news.get("production"))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self._promoted(news))

    @stops_told()
    def _promoted(self, props: dict[str, Any]) -> dict[str, Any]:
        live, limits, clock = self._live(props), SwapLimits(), SYSTEM_CLOCK
        package = props.get("package")
        if package is not None:
            live.exchange(package, limits, print)
            if props["check"]:
                check_production(live.app, live.app.settings(Slot.PRODUCTION) or {}, limits, clock, print)
        return {**props, "production": package}

    def _live(self, props: Mapping[str, Any]) -> Live:
        return Live(AppNames.from_inputs(props), self._config, os.environ)


def _end_with_the_engine() -> None:
    """Have the process of dynamic providers end when its engine is gone, killed too: an orphan would swap on.

    The engine holds the other end of a plugin's stdin. Anything but such a pipe tells nothing about it.
    """
    plugin = getattr(sys.modules["__main__"], "__spec__", None)
    if plugin is None or plugin.name != "pulumi.dynamic.__main__" or not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="engine", daemon=True).start()
