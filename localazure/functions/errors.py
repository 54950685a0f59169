"""Why a Functions host doesn't start."""

from __future__ import annotations


class HostError(Exception):
    """Its text says what was seen and what to do, without a secret; the site answers 503 with it."""
