"""The folder that goes first on PATH with a built engine: Pulumi and all that it looks for beside itself.

The engine finds its language host next to its own file, and the host finds the project's Python: so each checkout has
a folder of its own, with the cached binary linked into it.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.errors import NoEnvironmentError

PROJECT = Path(__file__).resolve().parents[1]
EXECUTOR = "pulumi-language-python-exec"
DYNAMIC_PROVIDER = "pulumi-resource-pulumi-python"
LANGUAGE_HOST = "pulumi-language-python"
BUILT = ("pulumi", EXECUTOR, DYNAMIC_PROVIDER)
"""What a build leaves in the cache."""

_FOLDER = Path(".venv", "engine", "bin")


def folder_of(project: Path) -> Path:
    return project / _FOLDER


def is_assembled(folder: Path) -> bool:
    """Whether a folder on PATH is one of these, of this checkout or another."""
    return folder.parts[-len(_FOLDER.parts) :] == _FOLDER.parts


def assemble(built: Path, project: Path) -> Path:
    """Make or mend the project's folder from a build in the cache, and return it. What is right stays as it is.

    Raises NoEnvironmentError if the project has no virtual environment.
    """
    python = project / ".venv" / "bin" / "python"
    if not python.exists():
        raise NoEnvironmentError(f"{python} isn't there, and Pulumi's language host runs in it: run `make setup`.")
    folder = folder_of(project)
    folder.mkdir(parents=True, exist_ok=True)
    for name in BUILT:
        if not _same(built / name, folder / name):
            _replace(folder / name, partial(_link, built / name))
    script = _language_host(python, project)
    host = folder / LANGUAGE_HOST
    if not (host.exists() and host.read_text(encoding="utf-8") == script and os.access(host, os.X_OK)):
        _replace(host, partial(_write_executable, script))
    return folder


def _language_host(python: Path, project: Path) -> str:
    """A launcher in sh, since a path in a `#!` line can hold neither blanks nor more than 127 characters.

    -P keeps the folder it is started in out of the import path.
    """
    return f"""#!/bin/sh
exec {shlex.quote(str(python))} -P -c '
import sys
sys.path.insert(0, sys.argv.pop(1))
from engine import protos
protos.load()
from engine.langhost import main
main()' {shlex.quote(str(project))} "$@"
"""


def _same(source: Path, target: Path) -> bool:
    """Hard links are one file; a copy on another file system keeps size and time."""
    if not target.exists():
        return False
    ours, theirs = target.stat(), source.stat()
    if os.path.samestat(ours, theirs):
        return True
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _write_executable(text: str, target: Path) -> None:
    target.write_text(text, encoding="utf-8")
    target.chmod(0o755)


def _replace(target: Path, make: Callable[[Path], None]) -> None:
    """Put a new file in place at once, so that whoever runs the old one, or does the same now, is not disturbed."""
    new = target.with_name(f".{target.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    make(new)
    new.replace(target)
