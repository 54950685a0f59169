"""A pulumi command under way: its output line by line, and what it is told meanwhile."""

from __future__ import annotations

import signal
import subprocess
import threading
from types import TracebackType

TIMEOUT = 180
"""Seconds after which a command counts as hung and is killed; the slowest one takes about 20."""


class Command:
    """Reads a process's output as it comes. `printed` is given all of it at the end, once.

    In a `with`, a command that a failing test leaves behind is killed.
    """

    def __init__(self, process: subprocess.Popen[str], printed: list[str]) -> None:
        self._process = process
        self._printed = printed
        self._lines: list[str] = []
        self._watchdog = threading.Timer(TIMEOUT, process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> Command:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self.end()

    def until(self, *texts: str) -> str:
        """Read on to the first line that holds all the texts, and give it; fails if the command ends before."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if all(text in line for text in texts):
                return line
        _, output = self.end()
        raise AssertionError(f"ended without {' … '.join(texts)} in a line:\n{output}")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the engine as a crash would, and await the end of all that it had started."""
        self.send(signal.SIGKILL)
        code, output = self.end()
        assert code == -signal.SIGKILL, output

    def end(self) -> tuple[int, str]:
        """Await the end: the exit code and the whole output."""
        rest, _ = self._process.communicate()
        self._watchdog.cancel()
        output = "".join([*self._lines, rest])
        self._printed.append(output)
        return self._process.returncode, output
