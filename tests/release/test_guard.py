from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from durable.stores import Colour, Release, Slot, Store
from release.drain import State
from release.guard import Guard, RefusedError
from release.instances import Instance, Instances, Listing, StoreUnknownError
from release.observed import Absent, Blank, Observed, Unclear, View
from release.patience import Patience
from release.planner import CheckDrained, Pair, Plan, Step, Swap, WarmUp
from release.swap import SwapError, SwapLimits
from tests.release.clock import FakeClock

P, Q = "1" * 64, "2" * 64
BLUE = Store(Colour.BLUE, "ordersblue", "OrdersHub")
GREEN = Store(Colour.GREEN, "ordersgreen", "OrdersHub")
PRODUCTION, STAGING, NEW = Release(BLUE, Q), Release(GREEN, Q), Release(GREEN, P, "2.0")
BUSY = Instance("OrdersHub", "order-7", "process_order", "Running", None)
SETTINGS = {"DurableManagementStorage": "AccountName=ordersgreen;AccountKey=hush"}


@dataclass
class FakeStore:
    """Orchestrations that end, or begin to fail, as readings go on."""

    readings: list[tuple[Instance, ...] | StoreUnknownError]
    account: str = "ordersgreen"

    def all(self) -> Listing:
        now = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        if isinstance(now, StoreUnknownError):
            raise now
        return Listing(("OrdersHub",), now, 9)

    def still_active(self, known: Collection[Instance]) -> tuple[Instance, ...]:
        return tuple(one for one in self.all().active if one in known)


@dataclass
class Scene:
    """A guard with all that it asks of the world, and what it reported."""

    views: list[Observed] = field(default_factory=lambda: [Observed(PRODUCTION, STAGING)])
    store: FakeStore = field(default_factory=lambda: FakeStore([()]))
    patience: Patience = field(default_factory=lambda: Patience(timeout=10, steady=2, poll=1))
    opened: list[Mapping[str, str]] = field(default_factory=list)
    over: list[Mapping[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    asked: list[Slot] = field(default_factory=list)
    status: int = 200

    @property
    def guard(self) -> Guard:
        return Guard(self.look, self.settings, self.open_store, self.patience, FakeClock(), self.said.append)

    def look(self) -> Observed:
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]

    def open_store(self, settings: Mapping[str, str], before: Mapping[str, str]) -> Instances:
        self.opened.append(settings)
        self.over.append(before)
        return self.store

    def write(self, planned: Release = NEW, seen: View = STAGING, slot: Slot = Slot.STAGING) -> None:
        self.guard.before_write(slot, planned, seen, SETTINGS)

    # The app, for before_swap.
    def settings(self, slot: Slot) -> Mapping[str, str] | None:
        return {"DurableManagementStorage": f"AccountName={slot}"}

    def swapping(self) -> bool:
        return False

    def ask(self, slot: Slot, path: str, timeout: float) -> int:  # noqa: ARG002
        self.asked.append(slot)
        return self.status

    def swap(self) -> None:
        raise AssertionError("a guard never swaps")


def test_a_drained_store_may_get_another_package() -> None:
    scene = Scene()
    scene.write()
    assert scene.opened == [SETTINGS]
    assert scene.said[-1] == "ordersgreen is drained: no active instance in OrdersHub"


def test_a_busy_store_is_waited_for_and_then_refused_with_the_instance_and_the_ways_out() -> None:
    scene = Scene(store=FakeStore([(BUSY,)]))
    with pytest.raises(RefusedError) as refused:
        scene.write()
    assert refused.value.verdict is not None
    assert refused.value.verdict.active == (BUSY,)
    text = str(refused.value)
    for part in ("order-7", "process_order", "1 Running", "After 10 s", "package 111111111111 (2.0) was not written"):
        assert part in text
    assert "gate.timeout" in text
    assert "gate.except" in text
    assert len(scene.said) == 1


def test_a_store_that_gets_drained_in_time_opens_the_gate() -> None:
    scene = Scene(store=FakeStore([(BUSY,), (BUSY,), ()]))
    scene.write()
    assert "order-7" in scene.said[0]
    assert "is drained" in scene.said[-1]


def test_excepted_instances_are_not_waited_for_and_reported() -> None:
    scene = Scene(store=FakeStore([(BUSY,)]), patience=Patience(10, 2, 1, frozenset({"order-7"})))
    scene.write()
    assert "not waited for: order-7" in scene.said[-1]


def test_an_unknown_store_is_refused() -> None:
    scene = Scene(store=FakeStore([StoreUnknownError("ordersgreen", "the table service answered 503")]))
    with pytest.raises(RefusedError, match=r"503.*was not written into staging"):
        scene.write()


def test_a_store_that_cannot_be_opened_is_refused() -> None:
    def fail(_: Mapping[str, str], __: Mapping[str, str]) -> Instances:
        raise StoreUnknownError("", "no connection is set")

    scene = Scene()
    guard = replace(scene.guard, open_store=fail)
    with pytest.raises(RefusedError, match=r"no connection is set.*was not written") as refused:
        guard.before_write(Slot.STAGING, NEW, STAGING, {})
    assert refused.value.verdict is not None
    assert refused.value.verdict.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("planned", "seen"),
    [
        (STAGING, STAGING),
        (replace(STAGING, version="other label"), STAGING),
        (Release(GREEN), Blank()),
        (Release(GREEN), Absent()),
    ],
)
def test_a_write_that_brings_no_other_package_waits_for_nothing(planned: Release, seen: View) -> None:
    scene = Scene(views=[Observed(PRODUCTION, seen)], store=FakeStore([(BUSY,)]))
    scene.write(planned, seen)
    assert scene.opened == []


@pytest.mark.parametrize("slot", Slot)
@pytest.mark.parametrize(("seen", "now"), [(Absent(), Absent()), (Absent(), Blank()), (Blank(), Blank())])
def test_a_slot_that_gets_its_first_package_meets_no_orchestration_that_was_left_in_the_store(
    slot: Slot, seen: View, now: View
) -> None:
    scene = Scene(views=[Observed(now, now)], store=FakeStore([(BUSY,)]))
    with pytest.raises(RefusedError, match="order-7"):
        scene.write(NEW, seen, slot)


@pytest.mark.parametrize("now", [PRODUCTION, Blank(), Unclear("has a cat in it", "take it out"), NEW])
def test_a_slot_that_was_changed_since_the_plan_is_left_alone(now: View) -> None:
    for views in ([Observed(PRODUCTION, now)], [Observed(PRODUCTION, STAGING), Observed(PRODUCTION, now)]):
        with pytest.raises(RefusedError, match=r"was changed while this run was under way.*run again"):
            Scene(views=views).write()


def plan(*before: Step) -> Plan:
    written = Pair(PRODUCTION, NEW)
    return Plan((*before, Swap(NEW, PRODUCTION)), written, written.swapped)


CHECK = CheckDrained(Slot.PRODUCTION, BLUE)


def before_swap(scene: Scene, made: Plan, *, warm: bool = True) -> None:
    scene.guard.before_swap(scene, made, SwapLimits(warm_up=5), warm=warm)


def test_before_a_swap_staging_answers_and_production_is_drained_where_planned() -> None:
    scene = Scene(views=[Observed(PRODUCTION, NEW)])
    before_swap(scene, plan(WarmUp(NEW), CHECK))
    assert scene.asked == [Slot.STAGING]
    assert scene.opened == [scene.settings(Slot.PRODUCTION)]

    scene = Scene(views=[Observed(PRODUCTION, NEW)], store=FakeStore([(BUSY,)]))
    before_swap(scene, plan(WarmUp(NEW)))
    assert scene.opened == []


def test_a_swap_waits_for_production_and_is_refused_where_it_stays_busy() -> None:
    scene = Scene(views=[Observed(PRODUCTION, NEW)], store=FakeStore([(BUSY,)]))
    with pytest.raises(RefusedError, match=r"order-7.*the slots were not swapped"):
        before_swap(scene, plan(CHECK))


def test_a_package_that_does_not_start_is_known_before_anything_is_waited_for() -> None:
    scene = Scene(views=[Observed(PRODUCTION, NEW)], status=503)
    with pytest.raises(SwapError, match="503"):
        before_swap(scene, plan(CHECK))
    assert scene.opened == []

    scene = Scene(views=[Observed(PRODUCTION, NEW)], status=503)
    before_swap(scene, plan(CHECK), warm=False)
    assert scene.asked == []
    assert len(scene.opened) == 1


@pytest.mark.parametrize(
    ("made", "now"),
    [
        (plan(CHECK), Observed(NEW, PRODUCTION)),
        (Plan((), Pair(PRODUCTION, NEW), Pair(PRODUCTION, NEW)), Observed(PRODUCTION, NEW)),
    ],
)
def test_nothing_is_checked_where_there_is_nothing_to_swap(made: Plan, now: Observed) -> None:
    scene = Scene(views=[now], store=FakeStore([(BUSY,)]), status=503)
    before_swap(scene, made)
    assert scene.asked == []
    assert scene.opened == []


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        ([()], "staging: ordersgreen is drained: no active instance in OrdersHub"),
        ([(BUSY,)], "staging: 1 active in ordersgreen"),
        ([StoreUnknownError("ordersgreen", "503")], "503"),
    ],
)
def test_a_preview_tells_from_one_reading_and_refuses_nothing(
    readings: list[tuple[Instance, ...] | StoreUnknownError], says: str
) -> None:
    scene = Scene(store=FakeStore(readings))
    scene.guard.tell(Slot.STAGING, SETTINGS)
    assert len(scene.said) == 1
    assert says in scene.said[0]


TRACKED = replace(STAGING, tracking="View")


def test_the_tracking_store_of_the_package_that_goes_is_looked_at_too() -> None:
    scene = Scene(views=[Observed(PRODUCTION, TRACKED)])
    scene.write(seen=TRACKED)
    assert scene.opened == [SETTINGS]
    assert scene.over == [scene.settings(Slot.STAGING)]


def test_without_one_nothing_but_the_store_is_looked_at() -> None:
    scene = Scene()
    scene.write()
    assert scene.over == [{}]


def test_who_waits_for_a_role_is_told_so_once() -> None:
    denied = StoreUnknownError("ordersgreen", "the table service answered 403", denied=True)
    scene = Scene(store=FakeStore([denied, denied, denied, ()]), patience=Patience(10, 0, 1, for_roles=True))
    scene.write()
    assert scene.said[0].endswith("answered 403. Waiting for the role to take effect")
    assert len(scene.said) == 2

    scene = Scene(store=FakeStore([denied]))
    with pytest.raises(RefusedError, match=r"answered 403\. Therefore"):
        scene.write()
    assert "Waiting" not in scene.said[0]
    assert len(scene.said) == 1
