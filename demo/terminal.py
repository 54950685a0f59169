"""What the demo shows: words, commands, and what the commands say."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text


class FailedError(Exception):
    """A command of the demo that didn't end as it should."""


class Terminal:
    """Runs commands in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._console = Console(highlight=False, soft_wrap=True)

    def scene(self, title: str, *sentences: str) -> None:
        self._console.print(Text(f"\n{title}", style="bold"))
        for sentence in sentences:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        self._console.print(Text(sentence))

    def release(self, *args: str, code: int = 0, heard: Callable[[str], None] = lambda _: None) -> None:
        """Run a command of `python -m release`, as `run` does."""
        self.run([sys.executable, "-m", "release", *args], f"python3 -m release {shlex.join(args)}", code, heard)

    def run(self, command: list[str], shown: str, code: int = 0, heard: Callable[[str], None] = lambda _: None) -> None:
        """Run a command, show it and what it says; `heard` is given each line as it comes.

        Raises FailedError if it ends with another exit code.
        """
        self._console.print(Text(f"$ {shown}", style="cyan"))
        with subprocess.Popen(
            command,
            cwd=self._folder,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                self._console.print(Text(f"  {line.rstrip()}", style="dim"))
                heard(line)
        if process.returncode != code:
            raise FailedError(f"The demo expected exit code {code} of this command, and it was {process.returncode}.")
        if code:
            self._console.print(Text(f"  (exit code {code})", style="dim"))
