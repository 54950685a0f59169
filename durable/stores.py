"""The words for where code runs and where its orchestrations live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Slot(StrEnum):
    """The two slots of a function app. The staging slot's name in Azure is the user's choice."""

    PRODUCTION = "production"
    STAGING = "staging"


class Colour(StrEnum):
    """What tells the two stores of an app apart. A store keeps its colour; it changes slots at each swap."""

    BLUE = "blue"
    GREEN = "green"


DISPOSABLE_TAG = "durable-store"
DISPOSABLE = "disposable"
"""The tag of a store's account that may go with its stack: said in code, and seen in Azure by who looks there."""


@dataclass(frozen=True)
class Store:
    """Where one task hub lives."""

    colour: Colour
    account: str
    hub: str
