"""One local Azure and one copy of the program for each test that drives the real engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import engine

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", "components", "durable", "release", "functions")
TIMEOUT = 180
"""Seconds after which a command counts as hung; the slowest one takes about 20."""


@dataclass(frozen=True)
class LocalAzure:
    """A local Azure with a state folder of its own, on ports that were free when it first started."""

    state: Path

    def command(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m localazure`; `check` is left to the caller."""
        command = [sys.executable, "-m", "localazure", *args, "--state", str(self.state)]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def start(self, *options: str) -> None:
        started = self.command("start", *options)
        assert started.returncode == 0, started.stdout + started.stderr

    def stop(self) -> None:
        self.command("stop")

    @property
    def env(self) -> dict[str, Any]:
        """What `localazure env --json` prints."""
        answer: dict[str, Any] = json.loads(self.command("env", "--json").stdout)
        return answer

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a shell after `eval "$(python -m localazure env)"`."""
        env = self.env
        path = os.pathsep.join([*env["path"], os.environ["PATH"]])
        return {**os.environ, **env["environment"], "PATH": path, "PULUMI_SKIP_CONFIRMATIONS": "true"}

    def kill(self) -> None:
        """End the server as a power cut would."""
        server = json.loads((self.state / "server.json").read_text())
        os.kill(int(server["pid"]), signal.SIGKILL)


@dataclass(frozen=True)
class Stack:
    """A copy of the program in a folder of its own, with a stack named dev on a local Azure."""

    folder: Path
    variables: Mapping[str, str]

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", *args, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *args: str) -> tuple[int, str]:
        """A pulumi command's exit code and all that it printed."""
        process = self.start(*args)
        output, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, output

    def succeed(self, *args: str) -> str:
        code, output = self.run(*args)
        assert code == 0, output
        return output

    def outputs(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.succeed("stack", "output", "--json"))
        return answer


@pytest.fixture(scope="session")
def engine_in_use() -> engine.Engine:
    return engine.ensure(print)


@pytest.fixture
def azure(tmp_path: Path, engine_in_use: engine.Engine) -> Iterator[LocalAzure]:
    assert engine_in_use.pulumi.exists()
    local = LocalAzure(tmp_path / "azure")
    local.start("--port", "0")
    yield local
    local.stop()


@pytest.fixture
def stack(tmp_path: Path, azure: LocalAzure) -> Stack:
    folder = tmp_path / "program"
    folder.mkdir()
    for name in PROGRAM:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    (folder / "build").mkdir()
    (folder / "build" / "functions.zip").symlink_to(REPOSITORY / "build" / "functions.zip")
    made = Stack(folder, azure.variables)
    made.succeed("stack", "select", "--create", "dev")
    return made
