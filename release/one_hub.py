"""A single task hub of a store that holds several."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from release.instances import Instance, Instances, Listing, StoreUnknownError


@dataclass(frozen=True)
class OneHub:
    """Implements Instances for one hub, by its name in any case.

    `shared` reads the same account as a tracking store, where a hub's rows are in a table of another name. A store
    without any hub has no instances in this one either. One that has others, and neither a table nor a row of this
    one, is unknown: it may be the wrong store, or the name may be misspelt.
    """

    store: Instances
    shared: Instances
    hub: str

    @property
    def account(self) -> str:
        return self.store.account

    def all(self) -> Listing:
        every = self.store.all()
        hubs = tuple(hub for hub in every.hubs if hub.casefold() == self.hub.casefold())
        if hubs or not every.hubs:
            return Listing(hubs, tuple(one for one in every.active if one.hub in hubs), every.rows)
        shared = self.shared.all()
        if not shared.named:
            raise StoreUnknownError(
                self.account, f"it has no task hub {self.hub}, but {', '.join(every.hubs)}; check the hub's name"
            )
        return replace(shared, tracking="")

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        own = [instance for instance in known if not instance.tracking]
        shared = [instance for instance in known if instance.tracking]
        return self.store.still_active(own) + self.shared.still_active(shared)
