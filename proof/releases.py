"""Releases as somebody does them from a shell: commands in a session of their own, followed, and killed with all
that they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

TIMEOUT: Final = 600.0
"""Seconds after which a command counts as hung, and is killed."""

RELEASE: Final = (sys.executable, "-m", "release")


class UnexpectedError(Exception):
    """A command that did something else than it should have. The text has what it printed."""


class Command:
    """A command under way: what it prints, line by line, on both of its outputs."""

    def __init__(self, args: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.args = tuple(args)
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._over = False
        self._process = subprocess.Popen(
            self.args,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="command", daemon=True)
        self._reader.start()
        self._watchdog = threading.Timer(TIMEOUT, self._kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> Command:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._over:
            self._kill()
        self.end()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def until(self, *texts: str) -> None:
        """Wait for a line that has all these texts. Raises UnexpectedError if it ends without one."""

        def said() -> bool:
            return any(all(text in line for text in texts) for line in self.lines)

        with self._said:
            self._said.wait_for(lambda: said() or self._over)
        if not said():
            raise UnexpectedError(f"`{self.told}` ended without {' … '.join(texts)!r} in a line:\n{self.output}")

    def kill(self) -> None:
        """End it as a crash would, with all that it has started, and await the end of all that had its output."""
        self._kill()
        if (code := self.end()) != -signal.SIGKILL:
            raise UnexpectedError(f"`{self.told}` was to be killed, and ended by itself with {code}:\n{self.output}")

    def end(self) -> int:
        """Wait until it has ended; gives its exit code."""
        self._reader.join()
        code = self._process.wait()
        self._watchdog.cancel()
        return code

    @property
    def told(self) -> str:
        """The command as somebody would type it."""
        words = ("python3", *self.args[1:]) if self.args[0] == sys.executable else self.args
        return " ".join(words)

    def _kill(self) -> None:
        # The leader isn't waited for before its output has ended, so its number belongs to nobody else.
        if self._process.returncode is not None:
            return
        killed: set[int] = set()
        # The engine is in a process group of its own, and so are its plugins; the session is the same.
        while living := set(_session(self._process.pid)) - killed:
            for pid in living:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed |= living

    def _read(self) -> None:
        output = self._process.stdout
        if output is None:
            raise RuntimeError("the command was started without a pipe")
        for line in output:
            with self._said:
                self.lines.append(line)
                self._said.notify_all()
        output.close()
        with self._said:
            self._over = True
            self._said.notify_all()


def _session(leader: int) -> Iterator[int]:
    """The processes of a session, by their numbers."""
    every = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True).stdout
    for pid in map(int, every.split()):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                yield pid
