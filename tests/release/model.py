"""An app in Azure as far as a release can tell, in memory: slots, sticky settings, swaps in phases, orchestrations.

Everything that a run does to it is one call. A script says what happens at each call besides: the run is killed, the
call fails, its answer is lost, an orchestration starts or ends, somebody else begins a swap. After each change the
model checks what must always hold, and raises BrokenError where it doesn't.

A slot reaches storage in the form of its settings: by key for as long as its store takes keys, and as an identity for
as long as the app's identity has its roles.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple, TypeVar

from components.app_settings import AppSettings, Extras, Host, PackageReference, Travelling, app_settings
from durable import connections, statuses
from durable.app_settings import package_file, package_of
from durable.stores import Access, Colour, Release, Slot, own_hub
from localazure.arm.swap_rules import Side, Sticky, laid
from release import tracked
from release.access import needs
from release.guard import Guard, RefusedError
from release.instances import Instance, Instances, Listing, StoreUnknownError
from release.observed import Observed, Stores, observe
from release.patience import Patience
from release.planner import Desired, Drain, Plan, Promote, Refusal, plan
from release.swap import (
    LiveError,
    SwapBusyError,
    SwapError,
    SwapLimits,
    SwapRefusedError,
    SwapUncertainError,
    exchange,
)

T = TypeVar("T")

CONNECTION: Final = connections.DEFAULT_CONNECTION
ACCOUNTS: Final = {Colour.BLUE: "ordersblue", Colour.GREEN: "ordersgreen"}
HOST: Final = "ordershost"
STRANGER: Final = "strangers"
TRACKING: Final = connections.DEFAULT_TRACKING_CONNECTION
TRACKED: Final = "ordersview"
HUB_SETTING: Final = "TaskHub"
PATIENCE: Final = Patience(timeout=4, steady=1, poll=1)
LIMITS: Final = SwapLimits(timeout=60, settle=5, warm_up=4, ask=1, poll=1, longest_poll=2)


class BrokenError(AssertionError):
    """One of the invariants of the design does not hold."""


class KilledError(BaseException):
    """The run was killed: no code of it runs on."""


class Event(Enum):
    """What happens at a call."""

    NOTHING = auto()
    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()
    FAILS = auto()
    ANSWER_LOST = auto()
    ORCHESTRATION_STARTS = auto()
    ORCHESTRATION_ENDS = auto()
    OUTSIDE_SWAP = auto()
    SWAP_FAILS = auto()


class Phase(Enum):
    """How far a swap has come (azure_facts.md 4.3)."""

    ACCEPTED = auto()
    APPLIED = auto()
    EXCHANGED = auto()


@dataclass
class Swap:
    """A swap under way; `kept` is what staging had before it."""

    kept: dict[str, str]
    fails: bool = False
    phase: Phase = Phase.ACCEPTED


@dataclass
class Orchestration:
    """What a package has started and what only this package can replay.

    `hub` is "" in a hub that host.json names itself. `tracked` are those whose rows are in the tracking store.
    """

    package: str
    status: str
    hub: str = ""
    tracked: bool = False


class Runs(NamedTuple):
    """What a slot runs: a package on a hub, with its queues in an account."""

    package: str
    account: str
    hub: str
    tracked: bool


class Outcome(Enum):
    """How a run ended."""

    DONE = auto()
    REFUSED = auto()
    FAILED = auto()
    KILLED = auto()


@dataclass
class World:
    """The app. `now` is in seconds, and passes only while somebody sleeps."""

    settings_of: dict[Slot, dict[str, str] | None] = field(default_factory=lambda: dict.fromkeys(Slot))
    sticky: tuple[str, ...] = ()
    orchestrations: dict[str, dict[str, Orchestration]] = field(
        default_factory=lambda: {account: {} for account in ACCOUNTS.values()}
    )
    unreachable: set[str] = field(default_factory=set)
    takes_keys: dict[str, bool] = field(default_factory=dict)
    """Whether the keys of an account open it, by account; none is there before the first run."""
    roles: bool = False
    """Whether the app's identity, and who runs the gates, have their roles on all accounts."""
    under_way: Swap | None = None
    script: deque[Event] = field(default_factory=deque)
    writes: int = 0
    grants: int = 0
    """Changes of accounts and roles."""
    swaps: int = 0
    seconds: float = 0
    ids: itertools.count[int] = field(default_factory=itertools.count)

    # What a run calls: the clock, the app, the stores.

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self._call(lambda: None, StoreUnknownError("", "no answer"), quiet=True)

    def settings(self, slot: Slot) -> dict[str, str] | None:
        found = self._call(lambda: self.settings_of[slot], LiveError("503 at settings"))
        return None if found is None else dict(found)

    def swapping(self) -> bool:
        return self._call(lambda: self.under_way is not None, LiveError("503 at site"))

    def ask(self, slot: Slot, path: str, timeout: float) -> int:  # noqa: ARG002
        return self._call(lambda: 200 if self._runs(slot) else 503, LiveError("no answer"))

    def swap(self) -> None:
        fails = bool(self.script) and self.script[0] is Event.SWAP_FAILS

        def begin() -> None:
            if self.under_way is not None:
                raise SwapBusyError("409")
            self.begin_swap(fails=fails)

        self.swaps += 1
        self._call(begin, SwapUncertainError("no answer to the swap"))
        while self.under_way is not None:
            self._call(lambda: None, SwapUncertainError("no answer while the swap is awaited"))
        if fails:
            raise SwapRefusedError("the warm-up failed")

    def write(self, slot: Slot, values: Mapping[str, str]) -> None:
        """PUT of a slot's app settings, by the engine."""

        def effect() -> None:
            if self.under_way is not None:
                raise LiveError("409: a swap is in progress")
            self.writes += 1
            self._refuse_another_form(slot, values)
            runs = self._runs(slot)
            left = self._active(runs) if runs is not None else []
            self._set(slot, dict(values))
            if left and self._runs(slot) != runs:
                raise BrokenError(f"{slot} was written, and {left} of {runs} had not ended")

        self._call(effect, LiveError("503 at a write"))

    def write_account(self, account: str, *, takes_keys: bool) -> None:
        """PUT of a store's account, by the engine."""

        def effect() -> None:
            self.grants += self.takes_keys.get(account) is not takes_keys
            self.takes_keys[account] = takes_keys
            self.check()

        self._call(effect, LiveError("503 at an account"))

    def write_roles(self, *, there: bool) -> None:
        """PUT or DELETE of all role assignments, by the engine."""

        def effect() -> None:
            self.grants += self.roles is not there
            self.roles = there
            self.check()

        self._call(effect, LiveError("503 at the roles"))

    def write_sticky(self, names: tuple[str, ...]) -> None:
        """PUT of the list of sticky settings, by the engine."""

        def effect() -> None:
            self.writes += names != self.sticky
            self.sticky = names

        self._call(effect, LiveError("503 at slotConfigNames"))

    def open_store(self, settings: Mapping[str, str], before: Mapping[str, str]) -> Instances:
        own = self._store(settings, CONNECTION)
        found = tracked.tracked_hubs(settings, before)
        if found is None:
            return own
        return tracked.Tracked(own, self._store(found.settings, found.connection, found.hubs))

    def _store(self, settings: Mapping[str, str], connection: str, hubs: tuple[str, ...] | None = None) -> _Store:
        account = _only(connections.accounts_of(settings, connection))
        return _Store(self, account, connections.access_of(settings, connection) or Access.KEYS, hubs)

    # What happens by itself, or is done by others.

    def begin_swap(self, *, fails: bool = False) -> None:
        staging = self.settings_of[Slot.STAGING]
        if self.under_way is None and staging is not None and self.settings_of[Slot.PRODUCTION] is not None:
            self.under_way = Swap(dict(staging), fails)

    def go_on(self) -> None:
        """A swap under way comes to its next phase."""
        swap, production, staging = self.under_way, *(self.settings_of[slot] for slot in Slot)
        if swap is None or production is None or staging is None:
            return
        rules = Sticky.of(self.sticky, (), Side(production), Side(staging))
        match swap.phase:
            case Phase.ACCEPTED:
                swap.phase = Phase.APPLIED
                self._set(Slot.STAGING, dict(laid(Side(staging), Side(production), rules).settings))
            case Phase.APPLIED if swap.fails:
                self.under_way = None
                self._set(Slot.STAGING, swap.kept)
            case Phase.APPLIED:
                swap.phase = Phase.EXCHANGED
                self.settings_of[Slot.PRODUCTION] = staging
                self._set(Slot.STAGING, dict(laid(Side(production), Side(swap.kept), rules).settings))
            case Phase.EXCHANGED:
                self.under_way = None

    def start_orchestration(self, slot: Slot, status: str) -> None:
        """A client calls the slot's starter; without a package nothing answers."""
        if (runs := self._runs(slot)) is not None:
            made = Orchestration(runs.package, status, runs.hub, runs.tracked)
            self.orchestrations[runs.account][f"i{next(self.ids)}"] = made
            self.check()

    def end_orchestration(self) -> None:
        """The oldest active orchestration whose package runs on its hub comes to its end."""
        for runs in filter(None, map(self._runs, Slot)):
            for id_ in self._active(runs):
                self.orchestrations[runs.account][id_].status = "Completed"
                return

    def delete_staging(self) -> None:
        if self.under_way is None:
            self.settings_of[Slot.STAGING] = None

    def check(self) -> None:
        """The invariants 1 to 3 of the design."""
        running = {slot: runs for slot in Slot if (runs := self._runs(slot)) is not None}
        if len(running) == 2 and len({runs.account for runs in running.values()}) == 1:
            packages = {runs.package for runs in running.values()}
            if len(packages) > 1:
                raise BrokenError(f"one task hub is served by two packages: {running}")
        in_tracking_store = [runs.hub for runs in running.values() if runs.tracked]
        if len(in_tracking_store) != len(set(in_tracking_store)):
            raise BrokenError(f"two stores have one hub name in the tracking store: {running}")
        for slot, (package, account, hub, _) in running.items():
            for name in (CONNECTION, TRACKING):
                settings = self.settings_of[slot] or {}
                for reached in connections.accounts_of(settings, name):
                    form = connections.access_of(settings, name)
                    if not self.opens(reached, form):
                        raise BrokenError(f"{slot} is cut off from {reached}, which it reaches by {form}")
            for id_, one in self.orchestrations[account].items():
                if one.status not in _OVER and one.hub == hub and one.package != package:
                    raise BrokenError(f"{id_} ({one.status}) of {one.package[:2]} is served by {package[:2]} in {slot}")

    def tracks(self, slot: Slot) -> bool:
        """Whether a slot's package has a tracking store."""
        return bool(connections.accounts_of(self.settings_of[slot] or {}, TRACKING))

    def _active(self, runs: Runs) -> list[str]:
        """The orchestrations that only what a slot runs can go on with."""
        return [
            id_
            for id_, one in self.orchestrations[runs.account].items()
            if one.status not in _OVER and Runs(one.package, runs.account, one.hub, one.tracked) == runs
        ]

    def opens(self, account: str, form: Access | None) -> bool:
        """Whether an account lets those in who come in this form."""
        if form is Access.IDENTITY:
            return self.roles
        return account == TRACKED or self.takes_keys.get(account, False)

    def _refuse_another_form(self, slot: Slot, values: Mapping[str, str]) -> None:
        """A package that stays in its slot keeps the form in which it was proven to start."""
        before = self.settings_of[slot] or {}
        forms = {
            connections.access_of(settings, name)
            for settings in (before, values)
            for name in (CONNECTION, connections.HOST_STORAGE)
        }
        if package_of(before) is not None and package_of(before) == package_of(values) and len(forms) > 1:
            raise BrokenError(f"{slot} was given another form of its connections under its package: {forms}")

    def _set(self, slot: Slot, values: dict[str, str]) -> None:
        had_code = slot is Slot.PRODUCTION and self._runs(slot) is not None
        self.settings_of[slot] = values
        if had_code and self._runs(slot) is None:
            raise BrokenError("production lost its package")
        self.check()

    def _runs(self, slot: Slot) -> Runs | None:
        """What a slot runs, if that is a package on a store of this app. host.json names the settings, not RELEASE_…"""
        settings = self.settings_of[slot] or {}
        package, accounts = package_of(settings), connections.accounts_of(settings, CONNECTION)
        known = [account for account in accounts if account in self.orchestrations]
        if not package or len(known) != 1:
            return None
        return Runs(package, known[0], settings.get(HUB_SETTING, ""), bool(connections.accounts_of(settings, TRACKING)))

    def _call(self, effect: Callable[[], T], failure: Exception, *, quiet: bool = False) -> T:
        event = self.script.popleft() if self.script else Event.NOTHING
        match event:
            case Event.KILLED_BEFORE:
                raise KilledError
            case Event.KILLED_AFTER:
                effect()
                raise KilledError
            case Event.FAILS if not quiet:
                raise failure
            case Event.ANSWER_LOST if not quiet:
                effect()
                raise failure
            case Event.ORCHESTRATION_STARTS:
                self.start_orchestration(Slot.PRODUCTION, "Running")
            case Event.ORCHESTRATION_ENDS:
                self.end_orchestration()
            case Event.OUTSIDE_SWAP:
                self.begin_swap()
        self.go_on()
        return effect()


def _only(accounts: Collection[str]) -> str:
    if len(accounts) != 1:
        raise StoreUnknownError("", "no connection")
    return next(iter(accounts))


_OVER: Final = frozenset({"Completed", "Failed", "Canceled", "Terminated"})
"""Stated here anew, so that a mistake in `durable/` is a mistake that the model finds."""


@dataclass
class _Store:
    """The orchestrations of one account, as release.instances would read them; of a tracking store some hubs' only."""

    world: World
    account: str
    form: Access
    hubs: tuple[str, ...] | None = None

    def all(self) -> Listing:
        return self.world._call(self._listing, self._unknown())

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        ids = {instance.id for instance in known}
        return tuple(one for one in self.world._call(self._listing, self._unknown()).active if one.id in ids)

    def _listing(self) -> Listing:
        if self.account in self.world.unreachable:
            raise self._unknown()
        if not self.world.opens(self.account, self.form):
            raise StoreUnknownError(self.account, "403", denied=self.form is Access.IDENTITY)
        rows = self._rows()
        active = [
            Instance(row.hub, id_, "process_order", row.status, None, "" if self.hubs is None else "DurableTask")
            for id_, row in rows.items()
            if statuses.is_active(row.status)
        ]
        return Listing(("OrdersHub",) if rows else (), tuple(active), len(rows))

    def _rows(self) -> dict[str, Orchestration]:
        every = self.world.orchestrations
        if self.hubs is None:
            return {id_: row for id_, row in every[self.account].items() if not row.tracked}
        rows = (each for account in every.values() for each in account.items())
        return {id_: row for id_, row in rows if row.tracked and row.hub in self.hubs}

    def _unknown(self) -> StoreUnknownError:
        return StoreUnknownError(self.account, "503")


class Tracking(Enum):
    """What config says about a tracking store."""

    NONE = auto()
    USED = auto()
    RETIRED = auto()


@dataclass(frozen=True)
class Wish:
    """What config says."""

    package: str
    promote: Promote = Promote.AUTO
    drain: Drain = Drain.BEFORE_SWAP
    extra: str = ""
    """The value of a common app setting."""
    tracking: Tracking = Tracking.NONE
    hub: str = "OrdersHub"
    access: Access = Access.KEYS

    @property
    def stores(self) -> Stores:
        return Stores(ACCOUNTS, CONNECTION, self.hub, None if self.tracking is Tracking.NONE else TRACKED)

    @property
    def desired(self) -> Desired:
        used = self.tracking is Tracking.USED
        stores = {colour: self.stores.store(colour, own_hub(self.hub, colour) if used else None) for colour in Colour}
        return Desired(
            self.package,
            stores,
            hub_setting=HUB_SETTING if used else None,
            promote=self.promote,
            drain=self.drain,
            tracking=TRACKING if used else None,
            access=self.access,
        )


def pulumi_up(world: World, wish: Wish) -> tuple[Outcome, str]:
    """A run as program and engine make it, with the same planner, settings, guard and exchange, and its last words."""
    try:
        return _up(world, wish)
    except KilledError:
        return Outcome.KILLED, "killed"
    except (RefusedError, SwapError) as error:
        return Outcome.REFUSED, str(error)
    except (LiveError, StoreUnknownError) as error:
        return Outcome.FAILED, str(error)


def _up(world: World, wish: Wish) -> tuple[Outcome, str]:
    refreshed = {slot: world.settings(slot) for slot in Slot}
    stores = wish.stores
    observed = observe(world.settings, stores)
    decided = plan(observed, wish.desired)
    if isinstance(decided, Refusal):
        return Outcome.REFUSED, str(decided)
    guard = Guard(
        lambda: observe(world.settings, stores), world.settings, world.open_store, PATIENCE, world, lambda _: None
    )
    wanted = _wanted(decided, wish)
    needed = needs(observed, decided.written, wish.access)
    for colour, account in ACCOUNTS.items():
        if world.takes_keys.get(account) is not (colour in needed.keys):
            world.write_account(account, takes_keys=colour in needed.keys)
    if needed.roles and not world.roles:
        world.write_roles(there=True)
    world.write_sticky(wanted.sticky)
    for slot, values in wanted.by_slot.items():
        plain = {name: str(value) for name, value in values.items()}
        if world.settings_of[slot] is None:
            world.write(slot, {})
        if plain != refreshed[slot]:
            guard.before_write(slot, decided.written.of(slot), observed.of(slot), plain)
            world.write(slot, plain)
    target = decided.after.production.package
    if target is not None and target != _production(observed):
        guard.before_swap(world, decided, LIMITS, warm=True)
        exchange(world, guard.look, target, LIMITS, world, lambda _: None)
    if world.roles and not needed.roles:
        # What is no longer declared goes last.
        world.write_roles(there=False)
    return Outcome.DONE, ""


def _connection(account: str, form: Access) -> dict[str, str]:
    if form is Access.KEYS:
        return {"": f"AccountName={account};AccountKey=k"}
    return {"__accountName": account, "__credential": "managedidentity", "__clientId": "client"}


def _wanted(decided: Plan, wish: Wish) -> AppSettings:
    def travelling(slot: Slot) -> Travelling:
        held = decided.written.of(slot)
        package = (
            PackageReference(f"https://host/packages/{package_file(held.package)}", "id") if held.package else None
        )
        tracking = None if wish.tracking is Tracking.NONE else _connection(TRACKED, held.access)
        store, host = _connection(held.store.account, held.access), _connection(HOST, held.access)
        return Travelling(held, store, host, package, tracking)

    host = Host("orders", "staging", CONNECTION, "python")
    extras = Extras(["nightly"], {"EXTRA": wish.extra})
    return app_settings(host, {slot: travelling(slot) for slot in Slot}, extras)


def _production(observed: Observed) -> str | None:
    return observed.production.package if isinstance(observed.production, Release) else None
