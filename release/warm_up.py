"""Whether a slot answers: staging before a swap, production after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from durable.connections import HOST_STORAGE, access_of
from durable.stores import Access, Slot
from release.clock import Clock
from release.swap import AccessError, AfterSwapError, App, LiveError, Report, SwapError, SwapLimits

PING_PATH = "WEBSITE_SWAP_WARMUP_PING_PATH"
PING_STATUSES = "WEBSITE_SWAP_WARMUP_PING_STATUSES"
"""App Service's own settings for the warm-up request of a swap (azure_facts.md 4.3)."""


def warm_up(app: App, settings: Mapping[str, str], limits: SwapLimits, clock: Clock, report: Report) -> None:
    """Have staging, with these settings, answer as its warm-up settings ask. Raises SwapError if it doesn't in time."""
    _await_answer(
        app,
        Slot.STAGING,
        settings,
        limits,
        clock,
        report,
        "Production is untouched. What to do: look at the log of the staging slot for why the package doesn't start, "
        "or ship another one.",
    )


def check_production(app: App, settings: Mapping[str, str], limits: SwapLimits, clock: Clock, report: Report) -> None:
    """Have production, with these settings, answer after a swap as staging had to before it. Raises AfterSwapError."""
    try:
        _await_answer(
            app,
            Slot.PRODUCTION,
            settings,
            limits,
            clock,
            report,
            "The slots are swapped, and staging holds what production ran before. What to do: roll back, which is one "
            "swap, with `python -m release rollback`, or with `pulumi up` and the earlier package in the config.",
        )
    except SwapError as error:
        raise AfterSwapError(f"{error}") from error


@dataclass(frozen=True)
class _Ping:
    """A warm-up request; without statuses, anything that isn't a server's error will do."""

    path: str
    statuses: frozenset[int]

    @classmethod
    def of(cls, slot: Slot, settings: Mapping[str, str]) -> _Ping:
        named = settings.get(PING_STATUSES, "")
        try:
            statuses = frozenset(int(text) for text in named.split(",") if text.strip())
        except ValueError:
            raise SwapError(
                f"The app setting {PING_STATUSES} of the {slot} slot is {named!r}, and App Service takes a list of "
                "status codes. What to do: write it like 200,202."
            ) from None
        return cls("/" + settings.get(PING_PATH, "").lstrip("/"), statuses)

    def accepts(self, status: int) -> bool:
        return status in self.statuses if self.statuses else status < 500

    @property
    def wanted(self) -> str:
        return f"one of {', '.join(map(str, sorted(self.statuses)))}" if self.statuses else "anything below 500"


def _await_answer(
    app: App,
    slot: Slot,
    settings: Mapping[str, str],
    limits: SwapLimits,
    clock: Clock,
    report: Report,
    way_out: str,
) -> None:
    ping = _Ping.of(slot, settings)
    longest = limits.roles if access_of(settings, HOST_STORAGE) is Access.IDENTITY else limits.warm_up
    deadline = clock.now() + longest
    pauses = limits.pauses()
    last: str | None = None
    while True:
        answer = _answer(app, slot, ping, limits)
        if isinstance(answer, int) and ping.accepts(answer):
            report(f"{slot} answers {answer} at {ping.path}")
            return
        told = f"answers {answer} at {ping.path}" if isinstance(answer, int) else f"doesn't answer ({answer})"
        if told != last:
            report(f"{slot} {told}: waiting for {ping.wanted}")
        last = told
        left = deadline - clock.now()
        if left <= 0:
            raise SwapError(f"The {slot} slot {told} after {longest:g} seconds, and {ping.wanted} is wanted. {way_out}")
        clock.sleep(min(next(pauses), left))


def _answer(app: App, slot: Slot, ping: _Ping, limits: SwapLimits) -> int | LiveError:
    try:
        return app.ask(slot, ping.path, limits.ask)
    except AccessError:
        raise
    except LiveError as error:
        return error
