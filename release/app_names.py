"""Which app a release is about, by the names in config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from durable.stores import Colour
from release.observed import Stores


@dataclass(frozen=True)
class AppNames:
    """The names of an app's resource group, site and staging slot, and its stores."""

    group: str
    site: str
    staging_slot: str
    stores: Stores

    def to_inputs(self) -> dict[str, Any]:
        """As inputs of a Pulumi resource."""
        return {
            "resourceGroup": self.group,
            "site": self.site,
            "stagingSlot": self.staging_slot,
            "stores": {str(colour): account for colour, account in self.stores.accounts.items()},
            "connectionName": self.stores.connection_name,
            "taskHub": self.stores.hub,
            "trackingAccount": self.stores.tracking,
        }

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> AppNames:
        """The reverse of `to_inputs`."""
        accounts = {Colour(colour): account for colour, account in inputs["stores"].items()}
        stores = Stores(accounts, inputs["connectionName"], inputs["taskHub"], inputs.get("trackingAccount"))
        return cls(inputs["resourceGroup"], inputs["site"], inputs["stagingSlot"], stores)
