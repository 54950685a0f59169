"""Getting the Pulumi engine: the installed one, or one built from its Go modules with a stand-in language host."""

from __future__ import annotations

from engine.choose import Engine, ensure, locate
from engine.errors import EngineError

__all__ = ["Engine", "EngineError", "ensure", "locate"]
