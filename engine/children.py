"""Processes that end with the call that started them."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import IO, Protocol

GRACE_SECONDS = 3.0
"""Between the asking and the killing; the engine itself kills the language host after five."""

_CHUNK_BYTES = 65536


class Call(Protocol):
    """What this needs of a gRPC call's context."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Arrange for a callback at the call's end; False if it has ended already."""


class Children:
    """The processes that a language host started and that still run, each in a process group of its own."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def start(
        self, call: Call, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], piped: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a process for a call; it is asked to end when the call does.

        Output goes where this process's goes, or into pipes. Raises OSError if it can't be started.
        """
        output = subprocess.PIPE if piped else None
        child = subprocess.Popen(
            command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
        )
        with self._lock:
            self._running = {one for one in self._running if one.poll() is None} | {child}
        if not call.add_callback(lambda: _end(child)):
            _end(child)
        return child

    def end(self) -> None:
        """Ask all to end, and kill those that don't in time. Returns at once."""
        with self._lock:
            running = list(self._running)
        for child in running:
            _end(child)

    def join(self) -> None:
        """Wait until all have ended; after `end` that is a matter of seconds."""
        with self._lock:
            running = list(self._running)
        for child in running:
            child.wait()


class Stream(Enum):
    """Where a process printed something."""

    OUT = "stdout"
    ERR = "stderr"


def output(child: subprocess.Popen[bytes]) -> Iterator[tuple[Stream, bytes]]:
    """What a piped child prints, as it comes, until it has closed both streams."""
    arrived: queue.SimpleQueue[tuple[Stream, bytes]] = queue.SimpleQueue()

    def pump(name: Stream, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
                arrived.put((name, chunk))
        arrived.put((name, b""))

    streams = [(name, stream) for name, stream in ((Stream.OUT, child.stdout), (Stream.ERR, child.stderr)) if stream]
    for name, stream in streams:
        threading.Thread(target=pump, args=(name, stream), daemon=True).start()
    still_open = len(streams)
    while still_open:
        name, chunk = arrived.get()
        if chunk:
            yield name, chunk
        else:
            still_open -= 1


def _end(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM rather than SIGINT: Python's answer to the latter is a traceback, which the user would see."""
    if _signal(child, signal.SIGTERM):
        killer = threading.Timer(GRACE_SECONDS, _signal, (child, signal.SIGKILL))
        killer.daemon = True
        killer.start()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    if child.poll() is not None:
        return False
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return False
    return True
