"""The sample app as the Functions host finds it: its folder on the path, its functions by name."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


def module(name: str) -> ModuleType:
    """A new copy of one of the app's modules, which lets itself be asked for its functions once only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FUNCTIONS))
        for own in ("function_app", "status_check"):
            patch.delitem(sys.modules, own, raising=False)
        try:
            return importlib.import_module(name)
        finally:
            for own in ("function_app", "status_check"):
                sys.modules.pop(own, None)


def functions(app: ModuleType) -> dict[str, Any]:
    return {function.get_function_name(): function for function in app.app.get_functions()}
