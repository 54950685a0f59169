"""The exchange of the two slots as a state to reach, whatever happens on the way.

It knows no Azure client: an `App` does what it needs, live or in a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from durable.stores import Release, Slot, package_text
from release.clock import Clock
from release.observed import Absent, Blank, Observed, Unclear, View

Look: TypeAlias = Callable[[], Observed]
Report: TypeAlias = Callable[[str], None]


class LiveError(Exception):
    """Azure gave no answer to go by. The text says what was asked, what was answered and what to do."""


class AccessError(LiveError):
    """A right is missing; the text names it, and a role that has it."""


class SwapBusyError(LiveError):
    """The site is taken by another operation, or Azure takes no more requests for now: no swap was begun."""


class SwapRefusedError(LiveError):
    """Azure refused the swap or gave it up, and said why."""


class SwapUncertainError(LiveError):
    """Nobody knows whether a swap has begun, or how one that has begun will end."""


class SwapError(Exception):
    """The slots are not exchanged, or not as they should be. The text says what was seen and what to do."""


class AfterSwapError(SwapError):
    """The slots are exchanged, and what came of it isn't as it should be."""


class App(Protocol):
    """A function app in Azure. Every method may raise LiveError."""

    def swapping(self) -> bool:
        """Whether an operation is pending on the site, such as a swap."""

    def ask(self, slot: Slot, path: str, timeout: float) -> int:
        """The status of a GET at the slot's own host name, without following redirects; `timeout` is in seconds."""

    def swap(self) -> None:
        """Ask once for the exchange of the slots and await its end.

        Raises SwapBusyError, SwapRefusedError or SwapUncertainError.
        """


@dataclass(frozen=True)
class SwapLimits:
    """How long the parts of a swap may take, in seconds.

    `timeout` is for the exchange as a whole, `warm_up` for a slot to answer well, `ask` for a single answer of it.
    `roles` is in place of `warm_up` for a slot that reaches storage as an identity: Azure has roles take effect in up
    to ten minutes, and without them no host starts.
    `settle` is how long nothing must move before a swap of unknown fate counts as never begun. Waiting begins with
    pauses of `poll`, which double up to `longest_poll`.
    """

    timeout: float = 1800
    settle: float = 120
    warm_up: float = 300
    roles: float = 900
    ask: float = 30
    poll: float = 1
    longest_poll: float = 15

    def pauses(self) -> Iterator[float]:
        pause = self.poll
        while True:
            yield pause
            pause = min(2 * pause, self.longest_poll)


def exchange(app: App, look: Look, package: str, limits: SwapLimits, clock: Clock, report: Report) -> None:
    """Have production run the package (a SHA-256) that staging holds, by a swap if it doesn't yet.

    May be called again at any time, after a crash as well: a swap under way is awaited, one that has happened is
    recognised, and none is asked for once production runs the package. Each sentence is reported once. Raises
    SwapError; what `app` and `look` raise comes through where no swap of ours may be under way.
    """
    _Exchange(app, look, package, limits, clock, report).run()


class _Exchange:
    def __init__(self, app: App, look: Look, package: str, limits: SwapLimits, clock: Clock, report: Report) -> None:
        self._app = app
        self._look = look
        self._package = package
        self._limits = limits
        self._clock = clock
        self._report = report
        self._deadline = _Deadline(limits, clock)
        self._turns = limits.pauses()
        self._told: set[str] = set()

    def run(self) -> None:
        while True:
            self._await_idle()
            before = self._steady_look()
            if self._done(before):
                self._tell(f"production runs {before.production}")
                return
            promoted, retired = self._ready(before)
            self._tell(f"swap: production gets {promoted}, staging gets {retired}")
            try:
                self._app.swap()
            except SwapBusyError as error:
                self._await_turn(error)
                continue
            except SwapRefusedError as error:
                self._accept_refusal(error, retired)
            except SwapUncertainError as error:
                self._tell(f"{error} Looking at the slots until it is known.")
            self._settle(promoted, retired)

    def _done(self, seen: Observed) -> bool:
        return isinstance(seen.production, Release) and seen.production.package == self._package

    def _ready(self, seen: Observed) -> tuple[Release, Release]:
        """What staging and production hold, if a swap of them does what is wanted."""
        for slot in Slot:
            if (problem := _no_release(slot, seen.of(slot))) is not None:
                raise SwapError(problem)
        if (shared := seen.shared_store) is not None:
            raise SwapError(
                f"Both slots have their task hub in {shared.account} ({shared.colour}): two packages can meet in it. "
                "Nothing was swapped. What to do: find out which slot's orchestrations are in it, and set the durable "
                "connection of the other slot to the other store."
            )
        match seen:
            case Observed(Release() as retired, Release(package=self._package) as promoted):
                return promoted, retired
        raise SwapError(
            f"Staging holds {seen.staging}, and production was to get {package_text(self._package)}: somebody has "
            "changed staging since this run was planned. Nothing was swapped. What to do: run again, which plans anew."
        )

    def _await_idle(self) -> None:
        _await_idle(self._app.swapping, self._deadline, self._tell)

    def _await_turn(self, busy: SwapBusyError) -> None:
        self._tell(f"{busy} Trying again.")
        self._pause(self._turns, f"the swap could not begin. The last answer: {busy}")

    def _steady_look(self) -> Observed:
        """What is in the slots; a dubious look is repeated, because a swap may have come in between its two halves."""
        seen = self._look()
        if not seen.dubious:
            return seen
        self._pause(self._limits.pauses(), "it is not clear what is in the slots")
        self._await_idle()
        return self._look()

    def _accept_refusal(self, refused: SwapRefusedError, retired: Release) -> None:
        """A swap that failed late may have exchanged the slots all the same; any other is at an end."""
        seen, _ = self._glance()
        if seen is not None and self._done(seen):
            self._tell(f"{refused} The slots are exchanged nevertheless.")
            return
        same = seen is not None and seen.production == retired
        now = f"Production still runs {retired}." if same else "Run again to see what is in the slots now."
        raise SwapError(f"Azure did not swap the slots: {refused} {now}") from refused

    def _settle(self, promoted: Release, retired: Release) -> None:
        """Return as soon as the slots show what has come of a swap.

        A swap of unknown fate may begin late, and a list of settings may lag behind: that nothing has happened is
        believed after `settle` seconds without a pending operation and without a change, not before.
        """
        belongs = {promoted.store: promoted.package, retired.store: retired.package}
        pauses = self._limits.pauses()
        quiet: float | None = None
        waiting = "it is not known what has become of the swap"
        while True:
            seen, problem = self._glance()
            waiting = problem or waiting
            if seen is None or seen.dubious:
                quiet = None
            elif not isinstance(seen.production, Release):
                return
            elif belongs.get(seen.production.store) != seen.production.package:
                raise AfterSwapError(_parted(promoted, retired, seen.production))
            elif self._done(seen):
                if isinstance(seen.staging, Release) and seen.staging.store == retired.store:
                    return
                quiet = None
                waiting = f"production runs {promoted}, but staging, which should have {retired}, {_told(seen.staging)}"
            else:
                quiet = self._clock.now() if quiet is None else quiet
                if self._clock.now() - quiet >= self._limits.settle:
                    self._tell("no swap has happened and none is under way")
                    return
            self._pause(pauses, waiting)

    def _glance(self) -> tuple[Observed | None, str | None]:
        """What is in the slots; nothing while an operation is pending or Azure doesn't answer, and then why."""
        try:
            if self._app.swapping():
                return None, "the swap is still under way"
            return self._look(), None
        except AccessError:
            raise
        except LiveError as error:
            return None, f"it is not known what has become of the swap. The last answer: {error}"

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._report(sentence)

    def _pause(self, pauses: Iterator[float], waiting: str) -> None:
        self._deadline.pause(pauses, waiting)


def await_idle(swapping: Callable[[], bool], limits: SwapLimits, clock: Clock, report: Report) -> None:
    """Let an operation on the site, such as a swap that a killed run has begun, come to its end. Raises SwapError.

    What is seen of the slots before that is half of this and half of that: staging has production's sticky settings.
    """
    told: set[str] = set()

    def tell(sentence: str) -> None:
        if sentence not in told:
            told.add(sentence)
            report(sentence)

    _await_idle(swapping, _Deadline(limits, clock), tell)


def _await_idle(swapping: Callable[[], bool], deadline: _Deadline, tell: Report) -> None:
    pauses = deadline.limits.pauses()
    while swapping():
        tell("another operation is in progress on the site, such as a swap: waiting for its end")
        deadline.pause(pauses, "another operation is still in progress on the site")


class _Deadline:
    """When to give up, counted from now on."""

    def __init__(self, limits: SwapLimits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._end = clock.now() + limits.timeout

    def pause(self, pauses: Iterator[float], waiting: str) -> None:
        """Let time pass; at the limit, give up on what is awaited."""
        left = self._end - self._clock.now()
        if left <= 0:
            raise SwapError(
                f"After {self.limits.timeout:g} seconds {waiting}. What to do: see in the portal, in the site's "
                "activity log, what goes on; then run again, which goes on from what is in the slots by then."
            )
        self._clock.sleep(min(next(pauses), left))


def _no_release(slot: Slot, view: View) -> str | None:
    """Why a slot can't take part in a swap, or None."""
    match view:
        case Release():
            return None
        case Unclear(seen, repair):
            return f"The {slot} slot {seen}. Nothing was swapped. What to do: {repair}."
    return (
        f"The {slot} slot {_told(view)}, so there is nothing to exchange. Nothing was swapped. "
        "What to do: run `pulumi up`, which brings it into being."
    )


def _told(view: View) -> str:
    """What a slot shows, as the rest of a sentence about it."""
    match view:
        case Absent():
            return "is not deployed"
        case Blank():
            return "has no settings"
        case Unclear(seen):
            return seen
    return f"has {view}"


def _parted(promoted: Release, retired: Release, found: Release) -> str:
    return (
        f"Production now has {found}, and before the swap there were {promoted} and {retired}: a store has not moved "
        "with its package, so orchestrations may run on a package that isn't theirs. What to do: stop the app, take "
        "the settings of the package and of the durable connection out of the site's slot settings "
        "(slotConfigNames), and put each package back on its own store."
    )
