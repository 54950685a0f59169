"""One Functions host: the worker that a slot's settings ask for, from its package to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from localazure.arm.events import Phase
from localazure.arm.ids import ResourceId
from localazure.functions.errors import HostError
from localazure.functions.process import Ready, WorkerProcess

if TYPE_CHECKING:
    from localazure.hubs.hub import Hub

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 20.0
_SECONDS_FOR_REQUESTS: Final = 5.0
"""How long a host that is replaced goes on with the requests that it answers."""


class Standing(StrEnum):
    """How far a host has come. One without functions needs no worker, and is `idle`."""

    STARTING = "starting"
    READY = "ready"
    SERVING = "serving"
    IDLE = "idle"
    FAILED = "failed"
    ENDED = "ended"


ANSWERS: Final = frozenset({Standing.READY, Standing.SERVING})
SETTLED: Final = frozenset({Standing.SERVING, Standing.IDLE, Standing.FAILED, Standing.ENDED})


@dataclass(frozen=True)
class Plan:
    """What a host is to run: the start document of its worker, and the hub that it joins by this connection."""

    package: str
    start: Mapping[str, Any]
    log: Path
    hub: Hub | None
    connection: str | None


class Surroundings(Protocol):
    """What a host needs of local Azure."""

    def plan(self, host: Host) -> Plan | None:
        """What to run; None for an app without functions. Raises HostError for one that can't start."""

    def launch(self, plan: Plan) -> WorkerProcess:
        """Start the worker."""

    def record(self, host: Host, phase: Phase, **details: Any) -> None:
        """Note what has become of the host in the event log."""

    def gone(self, host: Host) -> None:
        """Hear that the host has ended."""


class Host:
    """Runs in a thread of its own until it has nothing to run, or is told to end.

    Its worker loads the app; then those that it replaces are ended; then it joins the hub. So there is always one that
    answers, and never two at work on a hub. A worker that dies is started again, one that can't start is tried again,
    after pauses that grow. `changed` guards all that can change, and is told of it; several hosts share it.
    """

    def __init__(
        self,
        worker_id: str,
        app: ResourceId,
        settings: Mapping[str, str],
        surroundings: Surroundings,
        changed: threading.Condition,
        replaces: tuple[Host, ...] = (),
    ) -> None:
        self.id = worker_id
        self.app = app
        """The slot that it runs in; a swap takes it to another."""
        self.settings = settings
        self.standing = Standing.STARTING
        self.problem = ""
        self.ready: Ready | None = None
        self.plan: Plan | None = None
        self.process: WorkerProcess | None = None
        self._surroundings = surroundings
        self._changed = changed
        self._replaces = replaces
        self._ending = False
        self._again = False
        self._answering = 0
        self._thread = threading.Thread(target=self._run, name=f"host-{app.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def try_again(self) -> None:
        """Have one that failed not wait any longer before it is tried again."""
        with self._changed:
            if self.standing is Standing.FAILED and not self._ending:
                self.standing = Standing.STARTING
                self._again = True
                self._changed.notify_all()

    @contextmanager
    def answering(self) -> Iterator[Ready | None]:
        """Where to pass a request on to, for as long as that takes; None if it doesn't answer (any more)."""
        with self._changed:
            ready = self.ready if self.standing in ANSWERS and not self._ending else None
            self._answering += ready is not None
        try:
            yield ready
        finally:
            if ready is not None:
                with self._changed:
                    self._answering -= 1
                    self._changed.notify_all()

    def end(self, *, at_once: bool = False) -> None:
        """End it, at once or when what it answers is done, and return then; it has some seconds for that."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            if not at_once and self.standing in ANSWERS:
                self._changed.wait_for(lambda: not self._answering, _SECONDS_FOR_REQUESTS)
            process = self.process
        if process is not None:
            process.kill() if at_once or self.standing is Standing.STARTING else process.end()
        if self._thread.is_alive():
            self._thread.join()
        self._become(Standing.ENDED)

    def leave(self) -> None:
        """Have it end by itself, soon: local Azure ends."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            process = self.process
        if process is not None:
            process.leave()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ending:
            problem = ""
            try:
                if not self._serve():
                    self._become(Standing.IDLE)
                    return
            except HostError as error:
                problem = str(error)
            except Exception as error:
                _LOG.exception("the host of %s failed", self.app.text)
                problem = f"{type(error).__name__} in local Azure itself; see the server's log."
            if problem and not self._ending:
                self._fail(problem)
            else:
                self._become(Standing.STARTING)
                pause = _FIRST_PAUSE if self.ready else pause
            with self._changed:
                self._changed.wait_for(lambda: self._ending or self._again, pause)
                self._again = False
                self.standing = Standing.STARTING
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._become(Standing.ENDED)
        self._surroundings.gone(self)

    def _serve(self) -> bool:
        """Run a worker until it ends; False if there is nothing to run."""
        plan = self._surroundings.plan(self)
        if plan is None:
            self._end_replaced()
            return False
        with self._changed:
            if self._ending:
                return True
            self.plan = plan
            self.process = process = self._surroundings.launch(plan)
        joined = False
        try:
            self.ready = process.ready()
            self.problem = ""
            self._surroundings.record(self, Phase.HOST_STARTED)
            self._become(Standing.READY)
            self._end_replaced()
            if plan.hub is not None and not self._ending:
                # Before it is so, so that whoever reads the log never misses that two were on one hub.
                self._surroundings.record(self, Phase.HUB_JOINED)
                joined = True
                process.join()
            self._become(Standing.SERVING)
            code = process.wait()
            if not self._ending:
                self._surroundings.record(self, Phase.HOST_ENDED, exitCode=code)
        finally:
            process.kill()
            with self._changed:
                self.process = None
            if joined:
                self._surroundings.record(self, Phase.HUB_LEFT)
        return True

    def _end_replaced(self) -> None:
        for host in self._replaces:
            host.end()
            self._surroundings.gone(host)
        self._replaces = ()

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self._surroundings.record(self, Phase.HOST_FAILED, problem=problem)
        # A site whose settings are wrong doesn't go on with the ones from before.
        self._end_replaced()
        self._become(Standing.FAILED)

    def _become(self, standing: Standing) -> None:
        with self._changed:
            self.standing = standing
            self._changed.notify_all()
