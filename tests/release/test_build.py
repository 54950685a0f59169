from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from release.package import PackageError
from release.package import build as builder
from release.package.build import SITE_PACKAGES, build, installed

FILES = {
    "host.json": "{}",
    "function_app.py": "app = 1\n",
    "orders/prices.py": "PRICE = 2\n",
    "requirements.txt": "lamp==1.0 --hash=sha256:00\n",
    ".funcignore": "# remarks\nlocal.settings.json\nrequirements.txt\n/tests/\n*.log\n\n",
    "local.settings.json": "{}",
    "orders/today.log": "",
    "tests/test_prices.py": "",
    "__pycache__/function_app.pyc": "",
}
Pip = Callable[[Path, Path], None]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands for pip, which leaves behind what differs from machine to machine; gives the calls."""
    calls: list[Path] = []

    def pip(requirements: Path, target: Path) -> None:
        calls.append(requirements)
        info = "lamp-1.0.dist-info"
        varying = {f"{info}/{name}": str(target) for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")}
        write(target, {"lamp/__init__.py": "", f"{info}/METADATA": "", "bin/lamp": f"#!{target}", **varying})

    monkeypatch.setattr(builder, "_pip_install", pip)
    return calls


@pytest.mark.usefixtures("installs")
def test_a_package_holds_the_app_and_its_dependencies_where_the_worker_looks_for_them(tmp_path: Path) -> None:
    package = build(write(tmp_path / "app", FILES), tmp_path / "build" / "app.zip")
    with zipfile.ZipFile(package.path) as archive:
        assert archive.namelist() == [
            f"{SITE_PACKAGES}/lamp-1.0.dist-info/METADATA",
            f"{SITE_PACKAGES}/lamp/__init__.py",
            "function_app.py",
            "host.json",
            "orders/prices.py",
        ]
        assert archive.read("function_app.py") == b"app = 1\n"
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


@pytest.mark.usefixtures("installs")
def test_the_same_files_give_the_same_bytes_in_another_folder_at_another_time(tmp_path: Path) -> None:
    first = build(write(tmp_path / "a" / "app", FILES), tmp_path / "a" / "app.zip")
    other = write(tmp_path / "b" / "elsewhere", dict(reversed(FILES.items())))
    for path in other.rglob("*.py"):
        os.utime(path, (0, 0))
        path.chmod(0o600)
    second = build(other, tmp_path / "b" / "other.zip")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256
    again = build(other, tmp_path / "b" / "other.zip")
    assert again.sha256 == first.sha256


@pytest.mark.usefixtures("installs")
@pytest.mark.parametrize("name", ["function_app.py", "host.json", "orders/prices.py"])
def test_another_content_gives_another_package(tmp_path: Path, name: str) -> None:
    app = write(tmp_path / "app", FILES)
    first = build(app, tmp_path / "app.zip")
    (app / name).write_text(FILES[name] + " ")
    assert build(app, tmp_path / "app.zip").sha256 != first.sha256


def test_dependencies_are_installed_once_for_each_content_of_the_requirements(
    tmp_path: Path, installs: list[Path]
) -> None:
    requirements = write(tmp_path, FILES) / "requirements.txt"
    first = installed(requirements, tmp_path / "cache")
    assert installed(requirements, tmp_path / "cache") == first
    assert len(installs) == 1
    requirements.write_text("lamp==2.0 --hash=sha256:11\n")
    assert installed(requirements, tmp_path / "cache") != first
    assert len(installs) == 2


def test_a_failed_installation_leaves_nothing_that_a_later_run_would_take_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(requirements: Path, target: Path) -> None:
        write(target, {"half.py": ""})
        raise PackageError(f"{requirements}: no network")

    monkeypatch.setattr(builder, "_pip_install", fail)
    with pytest.raises(PackageError, match="no network"):
        build(write(tmp_path / "app", FILES), tmp_path / "build" / "app.zip")
    assert list((tmp_path / "build" / "dependencies").iterdir()) == []
    assert not (tmp_path / "build" / "app.zip").exists()


def test_requirements_that_pip_refuses_are_named_with_what_pip_said(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("./nowhere.whl\n")
    with pytest.raises(PackageError, match=r"requirements\.txt: pip couldn't install"):
        installed(requirements, tmp_path / "cache")


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no folder of a function app"):
        build(tmp_path, tmp_path / "build" / "app.zip")


def test_an_app_may_have_neither_requirements_nor_an_ignore_file(tmp_path: Path) -> None:
    package = build(write(tmp_path / "app", {"host.json": "{}"}), tmp_path / "app.zip")
    with zipfile.ZipFile(package.path) as archive:
        assert archive.namelist() == ["host.json"]
