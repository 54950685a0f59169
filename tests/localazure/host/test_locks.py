from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from localazure.locks import FileLock, is_held


def test_a_lock_is_held_by_one_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    assert not is_held(path)
    lock = FileLock.take(path)
    assert lock is not None
    assert is_held(path)
    assert FileLock.take(path) is None
    lock.release()
    assert not is_held(path)


def test_asking_whether_a_lock_is_held_makes_no_file(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []


def test_waiting_ends_as_soon_as_the_lock_is_free(tmp_path: Path) -> None:
    first = FileLock.take(tmp_path / "lock")
    assert first is not None
    threading.Timer(0.05, first.release).start()
    second = FileLock.wait(tmp_path / "lock", 10)
    assert second is not None
    second.release()


def test_waiting_in_vain_gives_up_and_never_takes_the_lock_later(tmp_path: Path) -> None:
    first = FileLock.take(tmp_path / "lock")
    assert first is not None
    assert FileLock.wait(tmp_path / "lock", 0.05) is None
    first.release()
    third = FileLock.wait(tmp_path / "lock", 10)
    assert third is not None
    third.release()
    assert not is_held(tmp_path / "lock")


def test_a_child_that_inherits_the_lock_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    lock = FileLock.take(tmp_path / "lock")
    assert lock is not None
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock.descriptor]) as child:
        lock.release()
        assert is_held(tmp_path / "lock")
        child.kill()
        child.wait()
        assert not is_held(tmp_path / "lock")
