"""What happens to the app in a run: releases one after another, and all that can come between them."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import httpx

from durable.stores import Slot
from proof.azure import STACK, Azure, Program
from proof.kinds import Order
from proof.load import Load, Profile
from proof.releases import RELEASE, Command, UnexpectedError
from proof.versions import Versions, build
from release.endings import Ending
from release.planner import Drain

_PULUMI_UP: Final = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never")
_OPERATIONS: Final = "/operation(Statuses|Results)/"
_SECONDS_OF_NO_ANSWER: Final = 30
_SECONDS_OF_AN_IMPATIENT_GATE: Final = 20
_PAUSE: Final = 0.05
_PATIENCE: Final = 300.0
_BETWEEN: Final = (0.5, 2.5)
"""Seconds between one act and the next."""


class Act(StrEnum):
    """What can happen, in the words of the account."""

    FIRST = "first release"
    DEPLOY = "release, by `python -m release deploy`"
    UP = "release, by `pulumi up`"
    ROLLBACK = "roll back"
    OVERTAKEN = "release that comes while another one waits for orchestrations"
    CRASH_GATE = "release killed while it waits for staging's orchestrations, and run again"
    CRASH_STAGED = "release killed when its package is staged, and run again"
    CRASH_DRAIN = "release killed while it waits for production's orchestrations, and run again"
    CRASH_SWAP = "release killed in the middle of the swap, and run again"
    CRASH_SWAPPED = "release killed right after the swap, and run again"
    WORKER = "release with staging's worker killed in the middle of an activity"
    OUTSIDE = "swap by somebody else"
    OUTSIDE_IN_DRAIN = "swap by somebody else while a release waits, which is refused and run again"


_PLAIN: Final = (Act.DEPLOY, Act.UP)
"""With what each mode begins, so that both slots have a package."""

_SPECIAL: Final = tuple(act for act in Act if act not in {Act.FIRST, *_PLAIN})
_SHORT: Final = (Act.DEPLOY, Act.CRASH_GATE, Act.ROLLBACK)


@dataclass(frozen=True)
class Scene:
    """One act, in one of the modes of `drain`."""

    act: Act
    drain: Drain

    @property
    def releases(self) -> int:
        """How many releases come of it."""
        match self.act:
            case Act.OUTSIDE:
                return 0
            case Act.OVERTAKEN:
                return 2
            case _:
                return 1


@dataclass(frozen=True)
class Outcome:
    """How a scene went: from when to when, what production ran afterwards by its version, and how many runs were
    killed or refused on the way."""

    scene: Scene
    began: datetime
    ended: datetime
    version: int
    killed: int = 0
    refused: int = 0


def schedule(releases: int, drains: Sequence[Drain], seed: int) -> list[Scene]:
    """Scenes with so many releases in all, by a seed; in each mode all acts once, if there are enough releases.

    A mode begins with plain ones; where there are too few releases for all acts, some stand for them.
    """
    chosen = random.Random(f"{seed}/scenes")  # noqa: S311 - no secret is made with it
    scenes: list[Scene] = []
    for number, drain in enumerate(drains):
        wanted = releases * (number + 1) // len(drains)
        # Only before-swap waits for production's orchestrations.
        acts = [act for act in _SPECIAL if act is not Act.CRASH_DRAIN or drain is Drain.BEFORE_SWAP]
        chosen.shuffle(acts)
        mine = [Scene(act, drain) for act in (*_PLAIN, *acts)]
        left = wanted - _releases(scenes)
        if _releases(mine) > left:
            mine = [Scene(act, drain) for act in _SHORT[:left]]
        plain = Scene(Act.DEPLOY, drain)
        scenes += [*mine, *itertools.repeat(plain, left - _releases(mine))]
    return scenes


def _releases(scenes: Sequence[Scene]) -> int:
    return sum(scene.releases for scene in scenes)


class Stage:
    """Plays scenes on the app. `profiles` is how orchestrations come in each mode."""

    def __init__(
        self,
        program: Program,
        load: Load,
        versions: Versions,
        profiles: dict[Drain, Profile],
        seed: int,
        tell: Callable[[str], None],
        host_json: str | None = None,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.packages: dict[str, int] = {}
        """The versions by their packages."""
        self.printed: list[str] = []
        """What all commands printed."""
        self._program = program
        self._azure: Azure = program.azure
        self._load = load
        self._versions = versions
        self._profiles = profiles
        self._random = random.Random(f"{seed}/stage")  # noqa: S311 - no secret is made with it
        self._tell = tell
        self._host_json = host_json
        self._number = 0
        self._held = 0
        self._killed = 0
        self._refused = 0

    def first(self) -> None:
        """Create the app, with the first version in production; nobody uses it before."""
        self._record(
            Scene(Act.FIRST, Drain.BEFORE_SWAP), lambda: self._succeed(self._deploy(self._next(), Drain.BEFORE_SWAP))
        )

    def play(self, scene: Scene) -> None:
        """Play a scene. Raises UnexpectedError where something doesn't go as it should."""
        self._load.profile = self._profiles[scene.drain]
        time.sleep(self._random.uniform(*_BETWEEN))
        self._azure.await_settled()
        self._record(scene, lambda: self._act(scene))

    def _record(self, scene: Scene, act: Callable[[], int]) -> None:
        began = datetime.now(UTC)
        self._killed = self._refused = 0
        self._tell(f"{scene.act} ({scene.drain})")
        version = act()
        self._expect(version)
        self.outcomes.append(Outcome(scene, began, datetime.now(UTC), version, self._killed, self._refused))

    def _act(self, scene: Scene) -> int:
        drain = scene.drain
        match scene.act:
            case Act.DEPLOY | Act.FIRST:
                return self._succeed(self._deploy(self._next(), drain))
            case Act.UP:
                return self._succeed(self._up(self._next(), drain))
            case Act.ROLLBACK:
                return self._roll_back(drain)
            case Act.OVERTAKEN:
                return self._overtake(drain)
            case Act.CRASH_GATE:
                return self._crash_at_gate(Slot.STAGING, drain)
            case Act.CRASH_DRAIN:
                return self._crash_at_gate(Slot.PRODUCTION, drain)
            case Act.CRASH_STAGED:
                return self._crash_at(("settings-changed", "staging"), drain)
            case Act.CRASH_SWAP:
                phase = self._random.choice(("swap-started", "swap-source-restarted", "swap-warmed-up", "swap-routed"))
                return self._crash_at((phase, "staging"), drain)
            case Act.CRASH_SWAPPED:
                return self._crash_at(("swap-completed", "staging"), drain, slow=True)
            case Act.WORKER:
                return self._kill_worker(drain)
            case Act.OUTSIDE:
                return self._swap_outside(drain)
            case Act.OUTSIDE_IN_DRAIN:
                return self._swap_outside_in_drain(drain)

    # The acts.

    def _roll_back(self, drain: Drain) -> int:
        """To the earlier of the two packages; where a swap by somebody else has done that, forward first."""
        earlier, later = sorted(self._held_version(slot) for slot in Slot)
        if self._held_version(Slot.PRODUCTION) == earlier:
            self._bring("promote", drain)
            self._expect(later)
            self._azure.await_settled()
        self._bring("rollback", drain)
        return earlier

    def _bring(self, command: str, drain: Drain) -> None:
        with self._begin((*RELEASE, command, "--stack", STACK, "--drain", str(drain))) as under_way:
            self._end(under_way, {Ending.DONE})

    def _overtake(self, drain: Drain) -> int:
        first, second = self._next(), self._next()
        with self._waiting(first, drain, Slot.STAGING):
            with self._deploy(second, drain) as other:
                self._end(other, {Ending.ERROR}, "locked")
            self._refused += 1
        self._expect(first)
        self._azure.await_settled()
        return self._succeed(self._deploy(second, drain), second)

    def _crash_at_gate(self, slot: Slot, drain: Drain) -> int:
        version = self._next()
        order = self._hold(slot)
        with self._deploy(version, drain) as command:
            command.until(f" active in {self._account(slot)}", order.id)
            self._kill(command)
        self._load.let_go(order)
        return self._succeed(self._deploy(version, drain), version)

    def _crash_at(self, phase: tuple[str, str], drain: Drain, *, slow: bool = False) -> int:
        version = self._next()
        after = self._azure.last_event()
        if slow:
            self._be_slow()
        with self._deploy(version, drain) as command:
            self._await_event(phase, after, command)
            self._kill(command)
        return self._succeed(self._deploy(version, drain), version)

    def _kill_worker(self, drain: Drain) -> int:
        version = self._next()
        with self._waiting(version, drain, Slot.STAGING):
            busy = self._load.begin(Slot.STAGING, self._name("busy"))
            self._load.await_running(busy)
            (pid,) = (worker.pid for worker in self._azure.workers() if worker.slot == Slot.STAGING)
            if pid is None:
                raise UnexpectedError("the staging slot has no worker")
            os.kill(pid, signal.SIGKILL)
        return version

    def _swap_outside(self, drain: Drain) -> int:
        before = self._held_version(Slot.STAGING)
        self._program.live.app.swap()
        self._azure.await_settled()
        self._expect(before)
        (sha256,) = (package for package, version in self.packages.items() if version == before)
        # A run that asks for what production has by now leaves all as it is.
        after = self._azure.last_event()
        with self._begin(self._deploy_args(f"sha256:{sha256}", drain)) as command:
            self._end(command, {Ending.DONE}, "nothing to do")
        if changed := [event["phase"] for event in self._azure.events(after) if "host" not in event]:
            raise UnexpectedError(f"a run that had nothing to do changed the app: {changed}")
        return before

    def _swap_outside_in_drain(self, drain: Drain) -> int:
        version = self._next()
        order = self._hold(Slot.STAGING)
        # What it waits for is production's after the swap, and may never be idle.
        impatient = (*self._deploy_args(self._package(version), drain), "--timeout", str(_SECONDS_OF_AN_IMPATIENT_GATE))
        with self._begin(impatient) as command:
            command.until(f" active in {self._account(Slot.STAGING)}", order.id)
            self._program.live.app.swap()
            self._load.let_go(order)
            self._end(command, {Ending.REFUSED, Ending.BUSY}, "What to do: ")
            self._refused += 1
        self._azure.await_settled()
        return self._succeed(self._deploy(version, drain), version)

    # Their parts.

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _package(self, number: int) -> str:
        package = build(self._versions[number], self._program.packages, self._host_json)
        self.packages[package.sha256] = number
        return str(package.path)

    def _deploy(self, number: int, drain: Drain) -> Command:
        return self._begin(self._deploy_args(self._package(number), drain))

    def _deploy_args(self, package: str, drain: Drain) -> tuple[str, ...]:
        return (*RELEASE, "deploy", "--stack", STACK, "--drain", str(drain), "--package", package)

    def _up(self, number: int, drain: Drain) -> Command:
        self._program.configure(package=self._package(number), drain=str(drain))
        return self._begin((*_PULUMI_UP, "--stack", STACK))

    def _begin(self, args: Sequence[str]) -> Command:
        return Command(args, self._program.folder, self._azure.variables)

    def _succeed(self, command: Command, version: int | None = None) -> int:
        with command:
            self._end(command, {Ending.DONE})
        return self._number if version is None else version

    def _end(self, command: Command, endings: Collection[Ending], *texts: str) -> None:
        code = command.end()
        self.printed.append(command.output)
        codes = {ending.exit_code for ending in endings}
        if code not in codes or not all(text in command.output for text in texts):
            wanted = "".join(f", {text!r}" for text in texts)
            raise UnexpectedError(
                f"`{command.told}` should have ended with {codes}{wanted}, and ended with {code}:\n{command.output}"
            )

    def _kill(self, command: Command) -> None:
        """Kill a release as a crash would; it leaves its lock on the stack, which somebody has to take away."""
        command.kill()
        self.printed.append(command.output)
        self._killed += 1
        self._program.pulumi("cancel", "--yes")

    @contextmanager
    def _waiting(self, version: int, drain: Drain, slot: Slot) -> Iterator[None]:
        """A release that waits for an orchestration in a slot as long as the context lasts, and then succeeds."""
        order = self._hold(slot)
        with self._deploy(version, drain) as command:
            command.until(f" active in {self._account(slot)}", order.id)
            yield
            self._load.let_go(order)
            self._end(command, {Ending.DONE})

    def _hold(self, slot: Slot) -> Order:
        return self._load.hold(slot, self._name("hold"))

    def _name(self, what: str) -> str:
        self._held += 1
        return f"{what}-{self._held:03}"

    def _account(self, slot: Slot) -> str:
        return self._program.account(slot)

    def _be_slow(self) -> None:
        """Have the next look at a swap's operation be answered after a while only."""
        fault = {"path": _OPERATIONS, "times": 1, "fault": {"delay": _SECONDS_OF_NO_ANSWER}}
        httpx.post(f"{self._azure.endpoint}/localazure/faults", json=fault, trust_env=False).raise_for_status()

    def _await_event(self, wanted: tuple[str, str], after: int, command: Command) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not any((event["phase"], event["slot"]) == wanted for event in self._azure.events(after)):
            if command.over or time.monotonic() > deadline:
                raise UnexpectedError(f"no event {' of '.join(wanted)} came:\n{command.output}")
            time.sleep(_PAUSE)

    def _held_version(self, slot: Slot) -> int:
        held = self._program.held()[slot]
        if held not in self.packages:
            raise UnexpectedError(f"{slot} holds {held or 'no package'}, which is none of the run's")
        return self.packages[held]

    def _expect(self, version: int) -> None:
        if (found := self._held_version(Slot.PRODUCTION)) != version:
            raise UnexpectedError(f"production should run version {version} and runs {found}")
