"""One worker process (`python -m localazure.worker`), and what is said over its pipes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from localazure.functions.errors import HostError
from localazure.state import REPOSITORY

COMMAND: Final = (sys.executable, "-m", "localazure.worker")
SECONDS_TO_START: Final = 60.0
SECONDS_TO_JOIN: Final = 30.0
SECONDS_TO_END: Final = 7.0
"""The worker itself gives what it answers 5 seconds."""


@dataclass(frozen=True)
class Ready:
    """Where a worker answers HTTP on loopback, and its functions: each with at least a `name` and a `kind`."""

    port: int
    functions: list[dict[str, Any]]


class WorkerProcess:
    """A worker from its launch to its end; it ends with this process, whose end closes its standard input."""

    def __init__(self, start: dict[str, Any], log: Path, command: Sequence[str] = COMMAND) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self._said = threading.Condition()
        self._lines: list[dict[str, Any]] = []
        self._ended = False
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=REPOSITORY,
            )
        self._reader = threading.Thread(target=self._read, name=f"worker-{self.pid}", daemon=True)
        self._reader.start()
        self._say(json.dumps(start))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None as long as it runs."""
        return self._process.returncode if self._ended else None

    def ready(self) -> Ready:
        """Wait until it has loaded the app. Raises HostError if it can't, or has ended."""
        said = self._await("ready", "load the app", SECONDS_TO_START)
        return Ready(int(said["port"]), said["functions"])

    def join(self) -> None:
        """Have it take work from its hub. Raises HostError if it can't, or has ended."""
        self._say("join")
        self._await("joined", "join its task hub", SECONDS_TO_JOIN)

    def wait(self) -> int:
        """Wait until it has ended; gives the exit code."""
        with self._said:
            self._said.wait_for(lambda: self._ended)
        return int(self._process.returncode)

    def end(self) -> None:
        """Have it finish the requests that it answers, a few seconds long; what it does for a hub is ended with it."""
        self._process.terminate()
        with self._said:
            self._said.wait_for(lambda: self._ended, SECONDS_TO_END)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        if not self._ended:
            self._process.kill()
        self._reader.join()

    def leave(self) -> None:
        """Close its standard input, on which it ends by itself."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError, ValueError):
                self._process.stdin.close()

    def _say(self, line: str) -> None:
        # One that has ended says so itself, to who waits for its answer.
        if self._process.stdin is not None:
            with suppress(BrokenPipeError, ValueError):
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()

    def _await(self, word: str, doing: str, seconds: float) -> Any:
        deadline = time.monotonic() + seconds

        def found() -> dict[str, Any] | None:
            return next((line for line in self._lines if word in line or "failed" in line), None)

        with self._said:
            self._said.wait_for(lambda: self._ended or found() is not None, deadline - time.monotonic())
            said = found()
        if said is not None and "failed" in said:
            raise HostError(str(said["failed"]))
        if said is not None:
            return said[word]
        if self._ended:
            raise HostError(
                f"The worker ended with code {self.exit_code} instead of going on to {doing}: see {self._log}."
            )
        raise HostError(f"The worker didn't {doing} within {seconds:.0f} seconds: see {self._log}.")

    def _read(self) -> None:
        output = self._process.stdout
        if output is None:
            raise RuntimeError("the worker was launched without a pipe")
        for line in output:
            with suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    with self._said:
                        self._lines.append(said)
                        self._said.notify_all()
        self._process.wait()
        output.close()
        self.leave()
        with self._said:
            self._ended = True
            self._said.notify_all()
