"""What can go wrong on the way to an engine, each with a message for a person."""

from __future__ import annotations


class EngineError(Exception):
    """No engine can be had. The message says what was seen and what to do."""


class NoEnvironmentError(EngineError):
    """The project's virtual environment, which the language host runs in, isn't there."""


class NoGoError(EngineError):
    """Neither Pulumi nor a Go that could build it is on PATH."""


class BuildError(EngineError):
    """Go started and failed. The message ends with the last of what it said."""
