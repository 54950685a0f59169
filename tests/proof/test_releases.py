"""A command that is followed while it runs, and killed with all that it has started."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from proof.releases import Command, UnexpectedError

PARENT = """
import subprocess, sys
code = "import time; print('child', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], process_group=0)
print("parent", child.pid, flush=True)
child.wait()
"""


def command(folder: Path, code: str) -> Command:
    return Command((sys.executable, "-c", code), folder, os.environ)


def test_it_is_followed_line_by_line_to_its_end(tmp_path: Path) -> None:
    with command(tmp_path, "import sys; print('one two'); print('three', file=sys.stderr); sys.exit(3)") as run:
        run.until("one", "two")
        run.until("three")
        assert run.end() == 3
    assert run.over
    assert sorted(run.output.splitlines()) == ["one two", "three"]
    assert run.told.startswith("python3 -c")


def test_one_that_ends_without_the_line_is_told_with_what_it_printed(tmp_path: Path) -> None:
    with command(tmp_path, "print('one')") as run, pytest.raises(UnexpectedError, match=r"ended without 'two' .*\none"):
        run.until("two")


def test_a_kill_takes_along_what_it_has_started_in_another_group_as_well(tmp_path: Path) -> None:
    with command(tmp_path, PARENT) as run:
        run.until("child")
        run.until("parent")
        (child,) = (int(line.split()[1]) for line in run.lines if line.startswith("parent"))
        descriptor = os.pidfd_open(child)
        run.kill()
    try:
        assert select.select([descriptor], [], [], 30)[0]
    finally:
        os.close(descriptor)


def test_one_that_has_ended_can_not_be_killed(tmp_path: Path) -> None:
    with command(tmp_path, "print('one')") as run:
        run.end()
        with pytest.raises(UnexpectedError, match="was to be killed, and ended by itself with 0"):
            run.kill()


def test_one_that_is_left_behind_by_an_error_is_killed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), command(tmp_path, "import time; time.sleep(600)") as run:
        raise ZeroDivisionError
    assert run.over
