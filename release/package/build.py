"""Builds the sample app's package: the same bytes on each machine for the same files."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from release.package import HOST_JSON, Package, PackageError, open_package
from release.package.files import ignored_patterns, package_files

REQUIREMENTS = "requirements.txt"
SITE_PACKAGES = ".python_packages/lib/site-packages"
"""Where the Python worker looks for an app's dependencies when it runs from a package."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can hold."""

_TARGET = (
    *("--implementation", "cp", "--python-version", "3.11"),
    *("--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"),
)
_VARYING = ("bin", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""What pip writes anew on each machine, and scripts, which begin with the path of its interpreter."""


def build(source: Path, output: Path) -> Package:
    """Zip an app's folder with the dependencies that its requirements.txt locks; give back the package.

    Dependencies are installed once for each content of requirements.txt, beside the output. Raises PackageError.
    """
    if not (source / HOST_JSON).is_file():
        raise PackageError(f"{source}: has no {HOST_JSON}, so it is no folder of a function app")
    output.parent.mkdir(parents=True, exist_ok=True)
    files = dict(package_files(source, ignored_patterns(source)))
    requirements = source / REQUIREMENTS
    if requirements.is_file():
        dependencies = installed(requirements, output.parent / "dependencies")
        files |= {f"{SITE_PACKAGES}/{name}": path for name, path in package_files(dependencies, ("__pycache__",))}
    write_zip(sorted(files.items()), output)
    return open_package(output)


def installed(requirements: Path, cache: Path) -> Path:
    """The folder in the cache that holds the locked dependencies, for Linux x86-64 and CPython 3.11."""
    key = hashlib.sha256(requirements.read_bytes() + repr((_TARGET, _VARYING)).encode()).hexdigest()[:16]
    folder = cache / key
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            target = Path(made) / "packages"
            _pip_install(requirements, target)
            _remove_varying(target)
            _move(target, folder)
    return folder


def write_zip(files: Iterable[tuple[str, Path]], output: Path) -> None:
    """Write files, given as (name in the zip, path), into a zip that depends on nothing but names and contents.

    They are stored and not compressed, since zlib's output differs between its versions, and another hash would mean
    another release.
    """
    with tempfile.NamedTemporaryFile(dir=output.parent, suffix=".zip", delete=False) as file:
        made = Path(file.name)
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, path in files:
                    entry = zipfile.ZipInfo(name, _EARLIEST)
                    entry.create_system = 3  # Unix, on every machine; the host reads the mode below only then
                    entry.external_attr = 0o100644 << 16
                    archive.writestr(entry, path.read_bytes())
            made.chmod(0o644)
            made.replace(output)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def _pip_install(requirements: Path, target: Path) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary=:all:", "--no-deps")
    command = [sys.executable, "-m", "pip", "install", *options, "--require-hashes", *_TARGET]
    done = subprocess.run(
        [*command, "--target", str(target), "-r", str(requirements)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PackageError(
            f"{requirements}: pip couldn't install the app's dependencies for Linux and Python 3.11:\n"
            f"{(done.stderr or done.stdout).strip()}"
        )


def _remove_varying(folder: Path) -> None:
    for path in [folder / "bin", *(p for d in folder.glob("*.dist-info") for p in d.iterdir())]:
        if path.name in _VARYING:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _move(made: Path, folder: Path) -> None:
    """Put a finished folder into its place; another run may have been quicker."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
