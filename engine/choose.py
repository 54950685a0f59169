"""Which engine is used: the installed one if it will do, else the one built here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine import official
from engine.assemble import PROJECT, assemble
from engine.build import Build, Report


@dataclass(frozen=True)
class Engine:
    """A Pulumi that runs this project."""

    bin: Path
    """The folder to put first on PATH."""
    pulumi: Path
    version: str
    official: bool
    """False for the one built here, with the stand-in for the Python language host."""


def locate(*, environ: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Engine | None:
    """The engine to use, if it is there. Builds nothing. Raises NoEnvironmentError."""
    build = Build(project / "engine", environ)
    installed = official.find(environ)
    if installed and installed.version and installed.shortcoming(build.pin.pulumi) is None:
        return Engine(installed.pulumi.parent, installed.pulumi, str(installed.version), official=True)
    return _built(build, project) if build.done else None


def ensure(
    report: Report, redraw: Report | None = None, *, environ: Mapping[str, str] = os.environ, project: Path = PROJECT
) -> Engine:
    """The engine to use, built first if need be (minutes). Progress goes to `report`, or see Build.run.

    Raises EngineError: NoGoError, BuildError or NoEnvironmentError.
    """
    engine = locate(environ=environ, project=project)
    if engine:
        return engine
    build = Build(project / "engine", environ)
    installed = official.find(environ)
    shortcoming = installed.shortcoming(build.pin.pulumi) if installed else None
    if shortcoming:
        report(shortcoming)
    build.run(report, redraw)
    return _built(build, project)


def _built(build: Build, project: Path) -> Engine:
    folder = assemble(build.folder, project)
    return Engine(folder, folder / "pulumi", str(build.pin.pulumi), official=False)
