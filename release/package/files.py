"""Which files of an app's folder belong into its package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

IGNORE_FILE = ".funcignore"
_NEVER = ("__pycache__", "*.pyc", IGNORE_FILE)


def ignored_patterns(folder: Path) -> tuple[str, ...]:
    """The patterns of the folder's .funcignore: one a line, `#` for remarks."""
    try:
        lines = (folder / IGNORE_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    return (*_NEVER, *(line.strip().strip("/") for line in lines if line.strip() and not line.startswith("#")))


def package_files(folder: Path, ignored: Sequence[str] = ()) -> Iterator[tuple[str, Path]]:
    """Each file below a folder as (its name in the zip, where it is), in an order that depends on the names alone.

    A pattern leaves out what it matches by name or by path, and all below it.
    """
    paths = (path for path in folder.rglob("*") if path.is_file())
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in paths):
        if not _is_ignored(PurePosixPath(name), ignored):
            yield name, path


def _is_ignored(name: PurePosixPath, patterns: Sequence[str]) -> bool:
    upwards = (name, *name.parents[:-1])
    return any(fnmatchcase(part.name, p) or fnmatchcase(str(part), p) for part in upwards for p in patterns)
