"""A run from its beginning to its account."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proof.account import Account, judge
from proof.azure import Azure, Event, Program, local_azure
from proof.ledger import Ledger
from proof.load import Load, Profile
from proof.observer import Observer
from proof.scenario import Act, Outcome, Scene, Stage, schedule
from proof.truth import State, read_hub
from proof.versions import Versions, tracked_host_json
from release.planner import Drain

_TRACKING_STORE: Final = "shopprooftracking"
_TRACKING_CONNECTION: Final = "DurableTrackingStorage"
_TRACKING_PREFIX: Final = "DurableTask"
_SECONDS_TO_END: Final = 120.0
"""How long the last orchestrations have for their end; one that is active after that is stuck."""

_PAUSE: Final = 0.5


@dataclass(frozen=True)
class Options:
    """How much is run. `rate` is how many orchestrations a second are started, `minute` how many seconds stand for a
    minute of waiting: orchestrations wait for up to twelve of them. `tracking` gives the app a tracking store."""

    seed: int
    releases: int
    orchestrations: int
    minutes: float
    drains: tuple[Drain, ...] = (Drain.BEFORE_SWAP, Drain.AFTER_SWAP)
    rate: float = 3.0
    minute: float = 1.0
    tracking: bool = False
    acts: tuple[Act, ...] = ()
    """What is played, in the first of the modes, in place of a schedule by the seed."""

    @property
    def scenes(self) -> list[Scene]:
        if self.acts:
            return [Scene(act, self.drains[0]) for act in self.acts]
        return schedule(self.releases, self.drains, self.seed)

    @property
    def profiles(self) -> dict[Drain, Profile]:
        """An app that is idle at times, for the mode that waits for that, and one that never is."""
        busy, quiet = 6.0, 6.0
        return {
            Drain.BEFORE_SWAP: Profile(self.rate * (busy + quiet) / busy, 1.5 * self.minute, busy, quiet),
            Drain.AFTER_SWAP: Profile(self.rate, 12 * self.minute),
        }


@dataclass(frozen=True)
class Run:
    """What a run has left: the account, and what it was made from."""

    account: Account
    states: Sequence[State]
    events: Sequence[Event]
    outcomes: Sequence[Outcome]
    packages: dict[str, int]
    """The versions by their packages."""
    printed: Sequence[str]


class OutOfTimeError(Exception):
    """A run that hasn't come to its end within the minutes that it was given."""


def run(options: Options, tell: Callable[[str], None], change: Callable[[Path], None] = lambda _: None) -> Run:
    """Play it on a local Azure of its own. Raises UnexpectedError or OutOfTimeError.

    `change` is given the folder with the program's copy before it is first used, to see what a change in it does.
    """
    with tempfile.TemporaryDirectory(prefix="proof-") as name, local_azure(Path(name)) as azure:
        program = Program(Path(name), azure, _TRACKING_STORE if options.tracking else None)
        try:
            change(program.folder)
            return _Run(options, azure, program, tell).play()
        finally:
            program.close()


class _Run:
    def __init__(self, options: Options, azure: Azure, program: Program, tell: Callable[[str], None]) -> None:
        self._options = options
        self._azure = azure
        self._tell = tell
        self._began = time.monotonic()
        self._ledger = Ledger()
        first = options.profiles[options.drains[0]]
        self._load = Load(azure.endpoint, self._ledger, first, options.seed)
        self._observer = Observer(azure.hubs, program.gate)
        host_json = tracked_host_json(_TRACKING_CONNECTION, _TRACKING_PREFIX) if options.tracking else None
        self._stage = Stage(
            program, self._load, Versions(options.seed), options.profiles, options.seed, tell, host_json
        )

    def play(self) -> Run:
        self._stage.first()
        self._azure.await_settled()
        with self._observer, self._load:
            for scene in self._options.scenes:
                self._in_time()
                self._stage.play(scene)
            self._await(lambda: self._load.count >= self._options.orchestrations)
            self._load.close()
            self._tell("no more orchestrations are started: the last ones end")
            states = self._last_states()
        events = self._azure.events()
        account = judge(
            self._options.seed,
            time.monotonic() - self._began,
            self._ledger,
            states,
            events,
            self._stage.outcomes,
            self._observer.findings.values(),
        )
        return Run(account, states, events, self._stage.outcomes, self._stage.packages, self._stage.printed)

    def _last_states(self) -> list[State]:
        """All orchestrations once none is active any more, or after the time that they have for that."""
        self._load.await_raised()
        deadline = time.monotonic() + _SECONDS_TO_END
        while True:
            states = [state for hub in self._azure.hubs() for state in read_hub(hub)]
            if all(state.ended for state in states) or time.monotonic() > deadline:
                return states
            time.sleep(_PAUSE)

    def _await(self, done: Callable[[], bool]) -> None:
        while not done():
            self._in_time()
            time.sleep(_PAUSE)

    def _in_time(self) -> None:
        if time.monotonic() - self._began > 60 * self._options.minutes:
            raise OutOfTimeError(
                f"The run isn't over after {self._options.minutes:g} minutes: {self._load.count} orchestrations and "
                f"{len(self._stage.outcomes)} scenes so far. Give it more time with --minutes."
            )
