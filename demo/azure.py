"""What the demo plays on: a local Azure, and a copy of the program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
STACK = "demo"
SITE = "orders-demo"
HUB = "OrdersHub"
CONFIG = f"""config:
  azure-native:location: westeurope
  durable-zero-downtime:site: {SITE}
  durable-zero-downtime:taskHub: {HUB}
  durable-zero-downtime:gate: {{timeout: 120, steady: 0.5, poll: 0.25}}
  durable-zero-downtime:starters: [start_stocktaking]
  durable-zero-downtime:protectStores: "false"
"""
_PROGRAM = ("Pulumi.yaml", "__main__.py", "components", "durable", "release")


@contextmanager
def local_azure(place: Path) -> Iterator[None]:
    """Start one on free ports with its state below a folder, and let this process and those it starts use it."""
    state = ("--state", str(place / "azure"))
    _localazure("start", "--port", "0", *state)
    before = dict(os.environ)
    try:
        found = json.loads(_localazure("env", "--json", *state))
        os.environ.update(found["environment"])
        os.environ["PATH"] = os.pathsep.join([*found["path"], os.environ["PATH"]])
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _localazure("stop", *state)


def program(place: Path) -> Path:
    """A copy of the program with a stack of its own, so that no file of the repository is changed."""
    folder = place / "program"
    folder.mkdir()
    for name in _PROGRAM:
        source = REPOSITORY / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    _make_stack(folder)
    with (folder / f"Pulumi.{STACK}.yaml").open("a") as file:
        file.write(CONFIG)
    return folder


def careless_program(place: Path) -> Path:
    """A copy of the program that the policy pack refuses, with a stack of its own."""
    folder = Path(shutil.copytree(REPOSITORY / "demo" / "careless", place / "careless"))
    _make_stack(folder)
    return folder


def _make_stack(folder: Path) -> None:
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    init = ["pulumi", "stack", "init", STACK, "--non-interactive", "--no-select"]
    subprocess.run(init, cwd=folder, check=True, capture_output=True)


def _localazure(*args: str) -> str:
    command = [sys.executable, "-m", "localazure", *args]
    return subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
