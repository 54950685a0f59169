"""Locks that the system itself takes back when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path


class FileLock:
    """An exclusive flock on a file.

    It belongs to the open file: a child process that inherits the descriptor holds the lock, too, until it ends.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """The lock, or None if somebody holds it."""
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    @classmethod
    def wait(cls, path: Path, seconds: float) -> FileLock | None:
        """The lock as soon as it's free, or None if somebody still holds it after that time."""
        descriptor = _open(path)
        guard = threading.Lock()
        locked = threading.Event()
        given_up = threading.Event()

        def block() -> None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with guard:
                if given_up.is_set():
                    os.close(descriptor)
                else:
                    locked.set()

        # flock itself knows no time limit.
        threading.Thread(target=block, daemon=True).start()
        locked.wait(seconds)
        with guard:
            if not locked.is_set():
                given_up.set()
                return None
        return cls(descriptor)

    def release(self) -> None:
        os.close(self.descriptor)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    if not path.exists():
        return False
    descriptor = _open(path)
    try:
        # Shared, so that two who ask at once don't take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
