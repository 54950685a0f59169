"""`make demo` without the pauses that are there for whoever watches."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT = 300
"""Seconds after which it counts as hung; it takes about 35."""


@pytest.mark.e2e
def test_the_demo_goes_as_it_is_told_and_leaves_the_repository_alone() -> None:
    engine.ensure(print)
    before = {path: path.read_text() for path in REPOSITORY.glob("Pulumi*")}
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--pause", "0"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: path.read_text() for path in REPOSITORY.glob("Pulumi*")} == before
    scenes = re.split(r"^\d\. .*$", done.stdout, flags=re.MULTILINE)[1:]
    assert len(scenes) == 6
    assert "deploy: done" in scenes[0]
    assert len(re.findall(r"fulfil_order.* (?:Pending|Running) ", scenes[1])) == 3
    assert "3 active in" in scenes[1]
    assert "(exit code 3)" in scenes[1]
    assert re.findall(r"^  (\d) active in", scenes[2], re.MULTILINE) == ["3", "2", "1"]
    assert "swap: production gets package" in scenes[2]
    assert len(re.findall(r"fulfil_order.* Completed ", scenes[2])) == 3
    assert "rollback: done" in scenes[3]
    assert "connectionName must name the app setting 'DurableManagementStorage'" in scenes[4]
    assert re.search(r"\[mandatory\].* durable-storage-setting-not-sticky", scenes[5])
    assert "Traceback" not in done.stdout
    assert "AccountKey" not in done.stdout
