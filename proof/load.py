"""The load: orchestrations that are started all the while, and whoever else uses production meanwhile."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from durable.stores import Slot
from proof.azure import host_name
from proof.kinds import EVENT, Kind, Order, Orders
from proof.ledger import Ledger

_SECONDS_BETWEEN_VISITS: Final = 0.25
_SECONDS_BETWEEN_TRIES: Final = 0.5
_SECONDS_BETWEEN_LOOKS: Final = 0.05
_SECONDS_TO_RAISE: Final = 120.0
_SECONDS_TO_ANSWER: Final = 90.0
_KEPT_OPEN: Final = 2.0
"""Shorter than the server keeps a connection that isn't used, which would break a request that is just on its way."""

_SECONDS_OF_A_LONG_ACTIVITY: Final = 1.0
_ASKED_AFTER: Final = 0.2
"""The part of the orchestrations whose status URL is asked, too."""


@dataclass(frozen=True)
class Profile:
    """How orchestrations come: so many a second, none of which waits for more than `longest` seconds.

    For an app that is idle at times: they come for `busy` seconds, and then for `quiet` seconds none does.
    """

    rate: float
    longest: float
    busy: float = 1.0
    quiet: float = 0.0

    def open_at(self, seconds: float) -> bool:
        return seconds % (self.busy + self.quiet) < self.busy


class Load:
    """Works in a thread of its own between `with` and its end, or until `finish`."""

    def __init__(self, endpoint: str, ledger: Ledger, profile: Profile, seed: int) -> None:
        self.profile = profile
        """May be set to another one at any time."""
        self.ledger = ledger
        self._endpoint = endpoint
        self._orders = Orders(seed)
        self._random = random.Random(f"{seed}/asked")  # noqa: S311 - no secret is made with it
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._open = True
        self._visiting = True
        self._abandoned = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = time.monotonic()
        self._failure: BaseException | None = None

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandoned = error is not None
        self._open = self._visiting = False
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    @property
    def count(self) -> int:
        return len(self.ledger.started)

    def close(self) -> None:
        """Start no more orchestrations; production is visited on."""
        self._open = False

    def await_raised(self) -> None:
        """Once it is closed: wait until all that was begun is done, every event raised."""
        self._await(self._followed())

    def hold(self, slot: Slot, name: str) -> Order:
        """Start an orchestration at a slot that waits until it is let go. Raises RuntimeError if it isn't taken."""
        order = Order(name, Kind.EVENT)
        self._await(self._start(order, slot))
        if self.ledger.started[order.id].urls is None:
            raise RuntimeError(f"{slot} didn't start {name}, which was to hold up a release")
        return order

    def begin(self, slot: Slot, name: str) -> Order:
        """Start an orchestration at a slot whose activities take a second each."""
        order = Order(name, Kind.CHAIN, takes=_SECONDS_OF_A_LONG_ACTIVITY)
        self._await(self._start(order, slot))
        return order

    def await_running(self, order: Order) -> None:
        """Wait until an orchestration that was started at staging has begun with its first activity."""
        self._await(self._running(order))

    def let_go(self, order: Order) -> None:
        self._await(self._raise(order))

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS_TO_RAISE + _SECONDS_TO_ANSWER)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        except BaseException as error:  # told to whoever ends the load
            self._failure = error
        finally:
            self._loop.close()

    async def _work(self) -> None:
        limits = httpx.Limits(keepalive_expiry=_KEPT_OPEN)
        async with httpx.AsyncClient(
            base_url=self._endpoint, trust_env=False, timeout=_SECONDS_TO_ANSWER, limits=limits
        ) as client:
            self._client = client
            visits = asyncio.create_task(self._visit())
            while self._visiting:
                await asyncio.sleep(self._pause())
                if self._open and self.profile.open_at(time.monotonic() - self._begun):
                    self._begin(self._follow(self._orders.next(self.profile.longest)))
            await visits
            for task in self._tasks if self._abandoned else ():
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=self._abandoned)

    def _pause(self) -> float:
        return self._random.uniform(0.5, 1.5) / self.profile.rate

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _followed(self) -> None:
        await asyncio.gather(*self._tasks)

    async def _visit(self) -> None:
        while self._visiting:
            await self._ask("visit", "GET", "/api/version", Slot.PRODUCTION, (200,))
            await asyncio.sleep(_SECONDS_BETWEEN_VISITS)

    async def _follow(self, order: Order) -> None:
        await self._start(order, Slot.PRODUCTION)
        if self.ledger.started[order.id].urls is None:
            return
        if self._random.random() < _ASKED_AFTER:
            await asyncio.sleep(order.seconds / 2)
            await self._look(order)
        if order.event_after is not None:
            await asyncio.sleep(order.event_after)
            await self._raise(order)

    async def _start(self, order: Order, slot: Slot) -> None:
        self.ledger.begin(order, slot)
        path = f"/api/start/{order.kind}"
        if (answer := await self._ask("start", "POST", path, slot, (202,), order.body)) is not None:
            self.ledger.accepted(order, answer.json())

    async def _running(self, order: Order) -> None:
        url = self._urls(order)["statusQueryGetUri"]
        while True:
            answer = await self._ask("status", "GET", url, Slot.STAGING, (200, 202))
            if answer is not None and answer.json()["runtimeStatus"] == "Running":
                return
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def _look(self, order: Order) -> None:
        urls = self._urls(order)
        answer = await self._ask("status", "GET", urls["statusQueryGetUri"], Slot.PRODUCTION, (200, 202, 404))
        if answer is not None and answer.status_code == 404:
            self.ledger.led_elsewhere()

    async def _raise(self, order: Order) -> None:
        """Raise an orchestration's event where it was started, or where a swap has taken it by now."""
        deadline = time.monotonic() + _SECONDS_TO_RAISE
        home = self.ledger.started[order.id].slot
        url = self._urls(order)["sendEventPostUri"]
        while True:
            if await self._raised(url, home, order):
                self.ledger.raised(order, moved=False)
                return
            other = Slot.STAGING if home is Slot.PRODUCTION else Slot.PRODUCTION
            answer = await self._ask("urls", "GET", f"/api/manage/{order.id}", other, (200, 404))
            found = answer.json()["sendEventPostUri"] if answer is not None and answer.status_code == 200 else None
            if found is not None and await self._raised(found, other, order):
                self.ledger.raised(order, moved=True)
                return
            if time.monotonic() > deadline:
                self.ledger.problem("event", f"neither slot takes the event of {order.id}")
                return
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)

    async def _raised(self, url: str, slot: Slot, order: Order) -> bool:
        """Whether an event was taken, or comes too late; not if the slot doesn't know the orchestration."""
        target = url.replace("{eventName}", EVENT)
        answer = await self._ask("event", "POST", target, slot, (202, 404, 410), order.id)
        return answer is not None and answer.status_code != 404

    async def _ask(
        self, what: str, method: str, url: str, slot: Slot, wanted: tuple[int, ...], body: Any = None
    ) -> httpx.Response | None:
        """The answer, if it is one of those wanted; else production's fault is noted, and staging's isn't."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {"Host": parts.netloc or host_name(slot)}
        if slot is Slot.PRODUCTION:
            self.ledger.asked(what)
        try:
            answer = await self._client.request(method, target, headers=headers, json=body)
        except httpx.HTTPError as error:
            seen = repr(error)
        else:
            if answer.status_code in wanted:
                return answer
            seen = f"{answer.status_code}: {answer.text[:200]}"
        if slot is Slot.PRODUCTION:
            self.ledger.problem(f"{what} {method} {parts.path}", seen)
        return None

    def _urls(self, order: Order) -> Mapping[str, str]:
        urls = self.ledger.started[order.id].urls
        if urls is None:
            raise RuntimeError(f"{order.id} has not been started")
        return urls
