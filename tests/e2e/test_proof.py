"""`make proof`, in short: three releases, one of them killed in the middle of its swap, while orchestrations run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import engine

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT = 900
"""Seconds after which it counts as hung; it takes about 80."""

pytestmark = pytest.mark.e2e


def test_no_orchestration_and_no_request_comes_to_harm_through_releases_one_of_which_is_killed(tmp_path: Path) -> None:
    engine.ensure(print)
    told = tmp_path / "account.json"
    options = ["--releases", "3", "--orchestrations", "60", "--drain", "after-swap", "--json", str(told)]
    done = subprocess.run(
        [sys.executable, "-m", "proof", *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    account = json.loads(told.read_text())
    assert account["good"]
    assert account["orchestrations"]["started"] == account["orchestrations"]["completed"] >= 60
    assert account["orchestrations"]["through"] > 0
    assert len(account["kinds"]) == 10
    assert account["requests"]["unanswered"] == 0
    assert account["releases"]["swaps"] == account["releases"]["done"] - 1 == 3
    assert account["releases"]["killed"] == 1
    assert account["hubs"]["met"] == 0
    assert account["gate"]["comparisons"] > 10
    assert account["gate"]["disagreements"] == 0
    assert "AccountKey" not in done.stdout + done.stderr
