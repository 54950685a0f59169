"""A single task hub of a store that holds several."""

from __future__ import annotations

from collections.abc import Collection

from release.instances import Instance, Instances, Listing, StoreUnknownError


class OneHub:
    """Implements Instances for one hub, by its name in any case.

    A store without any hub has no instances in this one either. One that has others and not this one is unknown:
    it may be the wrong store, or the name may be misspelt.
    """

    def __init__(self, store: Instances, hub: str) -> None:
        self.account = store.account
        self._store = store
        self._hub = hub

    def all(self) -> Listing:
        every = self._store.all()
        hubs = tuple(hub for hub in every.hubs if hub.casefold() == self._hub.casefold())
        if every.hubs and not hubs:
            raise StoreUnknownError(
                self.account, f"it has no task hub {self._hub}, but {', '.join(every.hubs)}; check the hub's name"
            )
        return Listing(hubs, tuple(one for one in every.active if one.hub in hubs), every.rows)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        return self._store.still_active(known)
