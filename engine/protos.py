"""Pulumi's gRPC stubs without the Pulumi SDK, for processes that the engine starts again and again.

Importing `pulumi` runs the whole SDK, about 0.6 s; the stubs inside it need none of that and take 0.15 s.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load() -> None:
    """Make `pulumi.runtime.proto` importable without running the SDK's own modules.

    Call it before the first import of the stubs, in a process that serves Pulumi's protocol and never uses the SDK:
    from then on `pulumi` and `pulumi.runtime` are empty packages there. Where the SDK is loaded already, nothing
    changes. Raises ModuleNotFoundError if the SDK isn't installed.
    """
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The Python package `pulumi` isn't installed: run `make setup`.", name="pulumi")
    folder = Path(spec.submodule_search_locations[0])
    runtime = _empty_package("pulumi.runtime", folder / "runtime")
    _empty_package("pulumi", folder).__dict__["runtime"] = runtime


def _empty_package(name: str, folder: Path) -> ModuleType:
    """A package whose submodules are found in `folder` and whose own `__init__` doesn't run."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return package
