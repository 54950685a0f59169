"""Pulumi's command as the Automation API runs it, but so that an interrupt lets it come to a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi.automation import CommandResult, OnOutput, PulumiCommand


class EngineError(Exception):
    """Pulumi isn't there or ended with an error. The text is its own."""


class Engine(PulumiCommand):
    """Runs pulumi in a process group of its own, and hands it each interrupt that this process gets, once.

    A terminal would send Ctrl-C to both at a time, and pulumi takes a second one as an order to drop everything.
    `notify` is called at each interrupt.
    """

    def __init__(self, notify: Callable[[], None] = lambda: None) -> None:
        try:
            super().__init__()
        except (OSError, subprocess.CalledProcessError) as error:
            raise EngineError(
                "pulumi doesn't run here. What to do: install Pulumi and put it on PATH; on local Azure "
                '`eval "$(python3 -m localazure env)"` does that for the shell.'
            ) from error
        self._notify = notify
        self._interrupted = False

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run a command to its end.

        Raises EngineError with what it wrote to stderr, and KeyboardInterrupt if it was interrupted. Its stdout is told
        nowhere: some commands answer with secrets.
        """
        with (
            subprocess.Popen(
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                process_group=0,
            ) as process,
            self._interrupts_handed_to(process),
        ):
            out, err = process.communicate()
        for text, listen in ((out, on_output), (err, on_error)):
            if listen is not None:
                for line in text.splitlines():
                    listen(line)
        if process.returncode != 0:
            if self._interrupted:
                raise KeyboardInterrupt
            told = err.strip().removeprefix("error: ")
            raise EngineError(told or f"pulumi {args[0]} ended with exit code {process.returncode}")
        return CommandResult(out.rstrip("\n"), err.rstrip("\n"), process.returncode)

    @contextmanager
    def _interrupts_handed_to(self, process: subprocess.Popen[str]) -> Iterator[None]:
        def hand_on(*_: Any) -> None:
            self._interrupted = True
            self._notify()
            process.send_signal(signal.SIGINT)

        before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
