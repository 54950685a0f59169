"""Why an app can't be run."""

from __future__ import annotations


class AppError(Exception):
    """An app that doesn't load, or asks for what local Azure doesn't run. Its text says which function, and why."""
