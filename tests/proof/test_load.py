"""The load, on an app of two slots that a test plays: what it starts, what it is answered, where it raises events."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from durable.stores import Slot
from proof.azure import host_name
from proof.kinds import Order
from proof.ledger import Ledger
from proof.load import Load, Profile

NEVER = Profile(rate=50, longest=0.1, busy=0, quiet=1)
"""Nothing is started but what a test starts."""


@dataclass
class TwoSlots:
    """Plays production and staging: `home` tells in which slot an orchestration is by now."""

    home: Slot = Slot.PRODUCTION
    status: int = 200
    started: list[dict[str, Any]] = field(default_factory=list)
    raised: list[tuple[Slot, str]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/start/{kind}", self._start, methods=["POST"]),
                Route("/api/version", self._version),
                Route("/api/manage/{id}", self._manage),
                Route("/status/{id}", self._status),
                Route("/event/{id}/{name}", self._event, methods=["POST"]),
            ]
        )

    async def _start(self, request: Request) -> Response:
        given = await request.json()
        self.started.append({**given, "kind": request.path_params["kind"], "slot": _slot(request)})
        return JSONResponse(_urls(request, given["id"]), 202)

    async def _version(self, request: Request) -> Response:
        self.asked[_slot(request)] += 1
        return JSONResponse({}, self.status)

    async def _manage(self, request: Request) -> Response:
        return JSONResponse(_urls(request, request.path_params["id"]))

    async def _status(self, request: Request) -> Response:
        known = _slot(request) is self.home
        return JSONResponse({"runtimeStatus": "Running"}, 202 if known else 404)

    async def _event(self, request: Request) -> Response:
        if _slot(request) is not self.home:
            return Response(status_code=404)
        self.raised.append((_slot(request), await request.json()))
        return Response(status_code=202)


def _slot(request: Request) -> Slot:
    host = request.headers["host"].partition(":")[0]
    return next(slot for slot in Slot if host_name(slot) == host)


def _urls(request: Request, instance_id: str) -> dict[str, str]:
    base = f"http://{request.headers['host']}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{base}/status/{instance_id}?code=c",
        "sendEventPostUri": f"{base}/event/{instance_id}/{{eventName}}?code=c",
    }


@contextmanager
def served(slots: TwoSlots) -> Iterator[str]:
    config = uvicorn.Config(slots.app(), port=0, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with config.bind_socket() as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@contextmanager
def loaded(slots: TwoSlots, profile: Profile = NEVER) -> Iterator[Load]:
    with served(slots) as endpoint, Load(endpoint, Ledger(), profile, seed=1) as load:
        yield load


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_starts_orchestrations_in_production_and_visits_it_and_all_is_noted() -> None:
    slots = TwoSlots()
    with loaded(slots, Profile(rate=200, longest=0.1)) as load:
        until(lambda: load.count >= 40)
        load.close()
        load.await_raised()
    ledger = load.ledger
    assert {each["slot"] for each in slots.started} == {Slot.PRODUCTION}
    assert sorted(each["id"] for each in slots.started) == sorted(ledger.started)
    assert all(each.urls is not None for each in ledger.started.values())
    assert ledger.requests["start"] == len(slots.started)
    assert ledger.requests["visit"] == slots.asked[Slot.PRODUCTION] > 0
    assert ledger.requests["status"] > 0
    wanted = {each.order.id for each in ledger.started.values() if each.order.event_after is not None}
    assert {told for _, told in slots.raised} == wanted == {i for i, each in ledger.started.items() if each.raised}
    assert ledger.problems == []


def test_a_profile_with_quiet_times_is_open_at_the_others() -> None:
    profile = Profile(rate=1, longest=1, busy=4, quiet=2)
    assert [profile.open_at(second) for second in (0, 3.9, 4, 5.9, 6, 9.9, 10)] == [
        *(True, True, False, False),
        *(True, True, False),
    ]


def test_an_event_is_raised_at_the_other_slot_once_a_swap_has_taken_the_orchestration_there() -> None:
    slots = TwoSlots()
    with loaded(slots) as load:
        order = load.hold(Slot.PRODUCTION, "hold-1")
        slots.home = Slot.STAGING
        load.let_go(order)
    assert slots.raised == [(Slot.STAGING, order.id)]
    assert load.ledger.started[order.id].moved
    assert load.ledger.problems == []


def test_one_that_was_started_in_staging_is_let_go_in_production_after_a_swap() -> None:
    slots = TwoSlots(home=Slot.STAGING)
    with loaded(slots) as load:
        order = load.hold(Slot.STAGING, "hold-1")
        load.await_running(order)
        slots.home = Slot.PRODUCTION
        load.let_go(order)
    assert slots.started[0]["slot"] is Slot.STAGING
    assert slots.raised == [(Slot.PRODUCTION, order.id)]


def test_an_answer_that_is_not_as_it_must_be_is_a_problem() -> None:
    slots = TwoSlots(status=503)
    with loaded(slots) as load:
        until(lambda: bool(load.ledger.problems))
    assert load.ledger.problems[0].what == "visit GET /api/version"
    assert load.ledger.problems[0].seen.startswith("503")


def test_so_is_none_and_what_was_not_taken_has_no_urls() -> None:
    with served(TwoSlots()) as endpoint:
        pass
    ledger = Ledger()
    with Load(endpoint, ledger, NEVER, seed=1) as load, pytest.raises(RuntimeError, match="production didn't start"):
        load.hold(Slot.PRODUCTION, "hold-1")
    assert ledger.started["hold-1"].urls is None
    assert any("ConnectError" in problem.seen for problem in ledger.problems)


def test_what_goes_wrong_within_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Load, order: Order) -> None:  # noqa: ARG001
        raise ZeroDivisionError

    monkeypatch.setattr(Load, "_follow", broken)
    load = Load("http://127.0.0.1:9", Ledger(), Profile(rate=50, longest=1), seed=1)
    load.__enter__()
    until(lambda: not any(thread.name == "load" for thread in threading.enumerate()))
    with pytest.raises(ZeroDivisionError):
        load.__exit__(None, None, None)
