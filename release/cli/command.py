"""One command under way: what it works with, where it prints, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from release.azure_config import CloudError
from release.cli.engine import EngineError
from release.cli.project import Project
from release.cli.screen import Screen
from release.cli.tools import Site, Tools, real_tools
from release.config import SettingsError, load
from release.endings import Ending, ending_of
from release.guard import RefusedError
from release.instances import StoreUnknownError
from release.package import PackageError
from release.package_store import PackageStoreError
from release.settings import Settings
from release.swap import LiveError

_ERRORS = (
    CloudError,
    EngineError,
    LiveError,
    PackageError,
    PackageStoreError,
    RefusedError,
    SettingsError,
    StoreUnknownError,
)


class Command:
    """The tools are those that the context holds, or else the real ones."""

    def __init__(self, context: typer.Context, *, as_json: bool, lines: bool = False) -> None:
        self.tools: Tools = context.obj or real_tools()
        self.screen = Screen(as_json=as_json, lines=lines)

    def app(self, stack: str | None) -> tuple[Project, Settings, Site]:
        """The program's stack, its config, and the app in Azure that it is about."""
        project = self.tools.project(stack, self._interrupted)
        config = project.config()
        settings = load(config)
        return project, settings, self.tools.site(settings, config)

    @contextmanager
    def ends(self) -> Iterator[None]:
        """The one place that turns errors into words and exit codes."""
        try:
            yield
        except _ERRORS as error:
            ending = ending_of(error)
            self.screen.fail(ending, str(error))
            raise typer.Exit(ending.exit_code) from error
        except KeyboardInterrupt as error:
            self.screen.fail(Ending.INTERRUPTED, "Interrupted. Nothing was changed.")
            raise typer.Exit(Ending.INTERRUPTED.exit_code) from error

    def exit(self, ending: Ending) -> None:
        """End with a code of its own if there is anything but good news."""
        if ending is not Ending.DONE:
            raise typer.Exit(ending.exit_code)

    def _interrupted(self) -> None:
        self.screen.tell("Interrupted: waiting for the engine to come to a clean end. Once more ends it at once.")
