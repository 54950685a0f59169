"""A local Azure and a copy of the program, for a test to drive the real engine with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.command import TIMEOUT, Command

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", "components", "durable", "release", "functions")


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
    """A copy of the program in a folder of its own, with a stack on a local Azure."""

    folder: Path
    variables: Mapping[str, str]
    name: str = "dev"
    printed: list[str] = field(default_factory=list)
    """The output of each command that `run` and `begin` have started, once it has ended."""

    @classmethod
    def make(cls, folder: Path, azure: LocalAzure, name: str = "dev") -> Stack:
        """A stack of this name, not yet deployed, with the config of dev."""
        folder.mkdir()
        for part in PROGRAM:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        (folder / ".venv").symlink_to(REPOSITORY / ".venv")
        (folder / "build").mkdir()
        (folder / "build" / "functions.zip").symlink_to(REPOSITORY / "build" / "functions.zip")
        made = cls(folder, azure.variables, name)
        (folder / "Pulumi.dev.yaml").rename(made.config)
        made.succeed("stack", "select", "--create", name)
        return made

    @property
    def config(self) -> Path:
        """The file with the stack's config."""
        return self.folder / f"Pulumi.{self.name}.yaml"

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
        return self.begin(*args).end()

    def begin(self, *args: str) -> Command:
        """A pulumi command to follow while it runs."""
        return Command(self.start(*args), self.printed)

    def succeed(self, *args: str) -> str:
        code, output = self.run(*args)
        assert code == 0, output
        return output

    def quietly(self, *args: str) -> str:
        """What a command prints that may show secrets, which is therefore not kept in `printed`."""
        code, output = Command(self.start(*args), []).end()
        assert code == 0, args
        return output

    def outputs(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.succeed("stack", "output", "--json"))
        return answer
